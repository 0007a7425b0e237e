# type: ignore
"""JAX: convolutions with everything stated, and sums into slices."""

import jax.numpy as jnp
from jax import lax


def jax_general(dout, x, w, stride, pad):
    kh, kw = w.shape[2:]
    h, wd = x.shape[2:]
    oh, ow = dout.shape[2:]
    lo = (kh - 1 - pad, kw - 1 - pad)
    hi = (h + pad - 1 - (oh - 1) * stride, wd + pad - 1 - (ow - 1) * stride)
    gx = lax.conv_general_dilated(
        dout,
        jnp.flip(jnp.transpose(w, (1, 0, 2, 3)), (2, 3)),
        window_strides=(1, 1),
        padding=((lo[0], hi[0]), (lo[1], hi[1])),
        lhs_dilation=(stride, stride),
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
    )
    gw = lax.conv_general_dilated(
        x,
        dout,
        (1, 1),
        [(pad, (oh - 1) * stride + kh - h - pad), (pad, (ow - 1) * stride + kw - wd - pad)],
        rhs_dilation=(stride, stride),
        dimension_numbers=("CNHW", "IOHW", "CNHW"),
    )
    return gx, gw


def jax_general_not_flipped(dout, x, w, stride, pad):
    kh, kw = w.shape[2:]
    h, wd = x.shape[2:]
    oh, ow = dout.shape[2:]
    hi = (h + pad - 1 - (oh - 1) * stride, wd + pad - 1 - (ow - 1) * stride)
    return lax.conv_general_dilated(
        dout,
        w,
        (1, 1),
        ((kh - 1 - pad, hi[0]), (kw - 1 - pad, hi[1])),
        lhs_dilation=(stride, stride),
        dimension_numbers=("NCHW", "IOHW", "NCHW"),
    )


def jax_conv_valid(dout, x, w, stride, pad):
    xt, gt = x.transpose(1, 0, 2, 3), dout.transpose(1, 0, 2, 3)
    gw = lax.conv(xt, gt, (1, 1), "VALID")
    return gw.transpose(1, 0, 2, 3)


def jax_scatter(dout, x, w, stride, pad):
    kh, kw = w.shape[2:]
    oh, ow = dout.shape[2:]
    gxp = jnp.zeros((x.shape[0], x.shape[1], x.shape[2] + 2 * pad, x.shape[3] + 2 * pad))
    for p in range(kh):
        for q in range(kw):
            part = jnp.einsum("nfij,fc->ncij", dout, w[:, :, p, q])
            gxp = gxp.at[:, :, p : p + stride * oh : stride, q : q + stride * ow : stride].add(part)
    return gxp[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]
