"""Claims in TensorFlow's and JAX's words, about an operator's own intermediates, and about what a relu lets through."""

from __future__ import annotations

from functools import cache

import pytest

import symconv as sc

OPERATORS = {
    "nhwc": lambda: sc.conv2d(layout="NHWC"),
    "nhwc 2": lambda: sc.conv2d(layout="NHWC", stride=2),
    "nhwc same": lambda: sc.conv2d(layout="NHWC", stride=2, padding="same"),
    "nhwc pad": lambda: sc.conv2d(layout="NHWC", padding=((0, 1), (2, 0))),
    "nwc same": lambda: sc.conv1d(layout="NHWC", stride=2, padding="same"),
    "nwc": lambda: sc.conv1d(layout="NHWC"),
    "nchw": sc.conv2d,
    "nchw 2": lambda: sc.conv2d(stride=2),
    "groups": lambda: sc.conv2d(groups=2),
    "nhwc groups": lambda: sc.conv2d(groups=2, layout="NHWC"),
    "nhwc groups same": lambda: sc.conv2d(groups=3, stride=2, padding="same", layout="NHWC"),
    "nwc groups": lambda: sc.conv1d(groups=2, layout="NHWC"),
    "ndhwc groups": lambda: sc.conv3d(groups=2, layout="NHWC"),
    "linear": lambda: sc.operator("y[n,f] = sum[c](x[n,c]*w[f,c]) + b[f]"),
    "relu": lambda: sc.operator("y[n,i] = relu(x[n,i])"),
    "dense": lambda: sc.operator("y[n,f] = relu(sum[c](x[n,c]*w[f,c]))"),
    "squared": lambda: sc.operator("z[n,f] = relu(sum[c](x[n,c]*w[f,c])); y[n,f] = z[n,f]**2"),
    "gated": lambda: sc.operator(
        "u[n,f,i] = sum[c,p](x[n,c,i+p]*v[f,c,p]); z[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p]); "
        "y[n,f,i] = tanh(u[n,f,i])*sigmoid(z[n,f,i])"
    ),
}
CLAIMS = [
    ("nhwc", "y = tf.nn.conv2d(x, w, 1, 'VALID')", True),
    ("nhwc", "y = tf.nn.conv2d(x, w, 1, 'SAME')", False),
    ("nhwc same", "y = tf.nn.conv2d(x, w, [1, 2, 2, 1], 'SAME')", True),
    ("nhwc pad", "y = tf.nn.conv2d(x, w, 1, [[0, 0], [0, 1], [2, 0], [0, 0]])", True),
    ("nhwc 2", "y = tf.nn.conv2d(x, w, strides=[1, 2, 2, 1], padding='VALID')", True),
    ("nhwc 2", "gx = tf.nn.conv2d_transpose(gy, w, x.shape, [1, 2, 2, 1], 'VALID')", True),
    ("nhwc 2", "gx = tf.nn.conv2d_transpose(gy, w, (N, H, W, C), 1, 'VALID')", False),
    ("nhwc 2", "gw = tf.compat.v1.nn.conv2d_backprop_filter(x, w.shape, gy, [1, 2, 2, 1], 'VALID')", True),
    ("nwc", "y = tf.nn.conv1d(x, w, 1, 'VALID')", True),
    ("nchw", "y = tf.nn.conv2d(x, w.permute(2, 3, 1, 0), 1, 'VALID', data_format='NCHW')", True),
    ("nchw", "y = lax.conv(x, w, (1, 1), 'VALID')", True),
    ("nchw", "y = jax.lax.conv_general_dilated(x, w, (1, 1), [(0, 0), (0, 0)])", True),
    ("nhwc", "y = lax.conv_general_dilated(x, w, (1,1), 'VALID', dimension_numbers=('NHWC','HWIO','NHWC'))", True),
    ("groups", "y = lax.conv_general_dilated(x, w, (1, 1), 'VALID', feature_group_count=2)", True),
    ("groups", "y = lax.conv_general_dilated(x, w, (1, 1), 'VALID')", False),
    ("groups", "y = lax.conv(x, w, (1, 1), 'VALID')", False),
    ("groups", "y = tf.nn.conv2d(x, w.permute(2, 3, 1, 0), 1, 'VALID', data_format='NCHW')", True),
    ("nhwc groups", "y = tf.nn.conv2d(x, w, 1, 'VALID')", True),
    ("nhwc groups", "gx = tf.nn.conv2d_transpose(gy, w, x.shape, 1, 'VALID')", True),
    ("nhwc groups", "gx = tf.nn.conv2d_transpose(gy, w, (N, H, W, C//2), 1, 'VALID')", False),
    ("nhwc groups", "gw = tf.compat.v1.nn.conv2d_backprop_filter(x, w.shape, gy, [1, 1, 1, 1], 'VALID')", True),
    ("nhwc groups", "gw = tf.compat.v1.nn.conv2d_backprop_filter(x, (KH, KW, C, F), gy, [1, 1, 1, 1], 'VALID')", False),
    ("nhwc groups same", "y = tf.nn.conv2d(x, w, 2, 'SAME')", True),
    ("nhwc groups same", "gx = tf.raw_ops.Conv2DBackpropInput(input_sizes=x.shape, filter=w, out_backprop=gy, "
                         "strides=[1, 2, 2, 1], padding='SAME')", True),
    ("nhwc groups same", "gx = tf.nn.conv2d_transpose(gy, w, x.shape, 1, 'SAME')", False),
    ("nwc groups", "y = tf.nn.conv1d(x, w, 1, 'VALID')", True),
    ("nhwc", "gx = tf.nn.conv2d(gy, w, 1, 'SAME')", False),
    ("ndhwc groups", "y = tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], 'VALID')", False),
    ("nchw 2", "gx = lax.conv_general_dilated(gy, w.flip(2,3).swapaxes(0,1), (1,1), "
               "[(KH-1,KH-1),(KW-1,KW-1)], lhs_dilation=(2,2))", False),
    ("nchw 2", "gx = lax.conv_general_dilated(gy, w.flip(2,3).swapaxes(0,1), (1,1), "
               "[(KH-1,KH-1+(H-KH)%2),(KW-1,KW-1+(W-KW)%2)], lhs_dilation=(2,2))", True),
    ("nwc same", "y = conv1d(pad(x, ((0, 0), (max((OL-1)*s + K - L, 0)//2, max((OL-1)*s + K - L, 0) - "
                 "max((OL-1)*s + K - L, 0)//2), (0, 0))), w, stride=2)", True),
    ("nwc same", "y = conv1d(pad(x, ((0, 0), (max((OL-1)*s + K - L, 0)//2, (OL-1)*s + K - L - "
                 "min((OL-1)*s + K - L, 1)//2), (0, 0))), w, stride=2)", False),
    ("nwc same", "gx = tf.nn.conv1d_transpose(gy, w, x.shape, 2)", True),
    ("nhwc 2", "gx = lax.conv_general_dilated(gy, w.flip(0, 1), (1,1), [(KH-1, KH-1+(H-KH)%2), (KW-1, KW-1+(W-KW)%2)], "
               "lhs_dilation=(2,2), dimension_numbers=('NHWC','HWOI','NHWC'))", True),
    ("linear", "gx = F.linear(gy, w.t())", True),
    ("linear", "y = torch.addmm(b, x, w.t())", True),
    ("relu", "gx = gy*(y > 0)", True),
    ("relu", "gx = gy*(y >= 0)", False),
    ("relu", "gx = np.where(y != 0, gy, 0)", True),
    ("dense", "gw = (gy*(y > 0)).T @ x", True),
    ("squared", "gw = (2*gy*z).T @ x", True),
    ("squared", "gw = (gy*z).T @ x", False),
    ("gated", "gw[f,c,p] = sum[n,i](gy[n,f,i]*tanh(u[n,f,i])*sigmoid(z[n,f,i])*(1-sigmoid(z[n,f,i]))*x[n,c,i+p])", True),
    ("gated", "u[n,f,i] = gy[n,f,i]*tanh(u[n,f,i]); gw[f,c,p] = sum[n,i](u[n,f,i]*x[n,c,i+p])", None),
]  # fmt: skip


@cache
def operator(name: str) -> sc.Operator:
    return OPERATORS[name]()


@pytest.mark.parametrize(("name", "claim", "holds"), CLAIMS)
def test_claims_are_decided(name: str, claim: str, holds: bool | None) -> None:
    if holds is None:
        with pytest.raises(sc.SpecError):
            sc.prove(operator(name), claim, explain=False)
        return
    proof = sc.prove(operator(name), claim, explain=False)
    assert proof.holds is holds, str(proof)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("y = tf.nn.conv2d(x, w, 1, 'FOO')", "padding is"),
        ("y = tf.nn.conv2d(x)", "filters is wanted"),
        ("y = tf.nn.conv2d(x, w, 1, 'VALID', 'QQ')", "data_format is one of"),
        ("gx = tf.nn.conv2d_transpose(gy, w, x.shape, 2, 'FOO')", 'padding is "same", "valid" or numbers'),
        ("gx = torch.nn.grad.conv2d_input(x.shape, w, gy, 1, 'same')", "one per axis, in PyTorch"),
        ("gx = lax.conv_transpose(gy, w, (1, 1), 'same')", "padding is 'SAME', 'VALID' or a pair"),
        ("gx = lax.conv_transpose(gy, w, (1, 1), 'SAME', transpose_kernel=2)", "transpose_kernel is True or False"),
        ("y = lax.conv_general_dilated(x, w, (1,1), 'SAME', lhs_dilation=(2,2))", "pads as numbers"),
        ("y = lax.conv_general_dilated(x, w, (1,1), 'VALID', dimension_numbers=('A','B','C'))", "dimension_numbers is"),
        ("y = lax.conv(x, w, (1, 1), 'VALID', 3, 4, 5)", "takes at most 6 arguments"),
    ],
)
def test_what_is_not_read_is_said(claim: str, said: str) -> None:
    with pytest.raises(sc.SpecError) as caught:
        sc.prove(operator("nhwc"), claim, explain=False)
    assert said in str(caught.value)


def test_a_stride_in_pads_of_every_axis_is_the_same_on_all() -> None:
    claim = "gx = conv2d(pad(gy, ((0, 0), (s, 0), (s, 0), (0, 0))), w)"
    with pytest.raises(sc.SpecError, match="s has a value per axis"):
        sc.prove(sc.conv2d(layout="NHWC", stride=(2, 3)), claim, explain=False)
