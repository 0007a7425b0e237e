"""Claims people make, right and wrong; whether one holds for all sizes is what this file's author believes."""

from __future__ import annotations

from collections.abc import Callable

import symconv as sc
from symconv.notation.operator import Operator

Make = Callable[[], Operator]

REMAINDER = "output_padding=(H+2*p-d*(K-1)-1)%s"
WEIGHT = "swap(conv(swap(x,0,1), swap(gy,0,1), stride=d, dilation=s, padding=p), 0, 1)"


def plain() -> Operator:
    return sc.conv2d()


def padded() -> Operator:
    return sc.conv2d(padding=1, bias=True)


def strided() -> Operator:
    return sc.conv2d(stride=(2, 3), padding=(1, 0), dilation=(1, 2))


def uneven() -> Operator:
    return sc.conv2d(stride=(3, 1), padding=((1, 0), (0, 2)), dilation=(2, 1))


def grouped() -> Operator:
    return sc.conv2d(stride=2, padding=1, groups=2)


def line() -> Operator:
    return sc.conv1d(stride=2, padding=1, dilation=3)


def true_convolution() -> Operator:
    return sc.operator("y[i,j] = sum[p,q](x[i+size(p)-1-p,j+size(q)-1-q]*w[p,q])")


def plane() -> Operator:
    return sc.operator("y[i,j] = sum[p,q](x[i+p,j+q]*w[p,q])")


def channels_last() -> Operator:
    return sc.conv2d(padding=1, layout="NHWC")


def transposed() -> Operator:
    return sc.conv_transpose2d(stride=(2, 1), padding=(1, 0))


def square() -> Operator:
    return sc.operator("y[n,f,i] = sum[c,p]((x[n,c,2*i+p] - w[f,c,p])**2)")


def neighbours() -> Operator:
    return sc.operator("y[n,i] = x[n,i]*x[n,i+1]", extents={"i": "L-1"})


CLAIMS: tuple[tuple[Make, str, bool], ...] = (
    (plain, "gx = conv_transpose2d(gy, w)", True),
    (plain, "gx = conv2d(gy, flip(w))", False),
    (plain, "gx = conv2d(gy, swap(rot180(w), 0, 1), padding='full')", True),
    (plain, "gx = conv2d(gy, rot180(w), padding='full')", False),
    (plain, "gx = conv2d(gy, w, padding=K-1)", False),
    (plain, "gw = conv2d(x, gy)", False),
    (plain, "gw = conv2d(x.transpose(0,1), gy.transpose(0,1)).transpose(0,1)", True),
    (plain, "gw = conv2d(x.transpose(0,1), gy.transpose(0,1))", False),
    (plain, "gw = einsum('nfij,ncij->fc', gy, x)[:, :, None, None]", False),
    (plain, "gw = reshape(sum(reshape(gy,(N,F,-1)) @ transpose(unfold(x,(KH,KW)),1,2), 0), (F,C,KH,KW))", True),
    (plain, "gx = fold(reshape(w,(F,-1)).T @ reshape(gy,(N,F,-1)), (H,W), (KH,KW))", True),
    (plain, "gx = conv_transpose2d(gy, w) + conv_transpose2d(gy, w)", False),
    (plain, "gx = (conv_transpose2d(gy, w) + conv_transpose2d(gy, w))/2", True),
    (padded, "gx = conv2d(gy, flip(w), padding=1)", False),
    (padded, "gx = conv2d(gy, flip(swap(w,0,1)), padding=K-1-p)", True),
    (padded, "gx = conv_transpose2d(gy, w)[:, :, 1:-1, 1:-1]", True),
    (padded, "gx = crop(conv_transpose2d(gy, w), 1)", True),
    (padded, "gw = conv2d(x, gy, stride=1, padding=1)", False),
    (padded, "gb = sum(gy, (0,2,3))", True),
    (padded, "gb = mean(gy, (0,2,3))", False),
    (padded, "gb = sum(gy, (0,2,3))*N/N", True),
    (padded, "y = conv2d(x, w, padding=1)", False),
    (padded, "y = conv2d(x, w, padding=1) + reshape(b, (1, F, 1, 1))", True),
    (strided, "gx = conv_transpose(gy, w, stride=s, padding=p, dilation=d)", False),
    (strided, f"gx = conv_transpose(gy, w, stride=s, padding=p, dilation=d, {REMAINDER})", True),
    (strided, f"gx = conv_transpose(gy, w, stride=s, padding=p, {REMAINDER})", False),
    (strided, f"gx = conv_transpose(gy, w, stride=(3,2), padding=p, dilation=d, {REMAINDER})", False),
    (strided, "gx = pad(conv(dilate(gy, (2,3)), swap(flip(w),0,1), dilation=d, padding=d*(K-1)-p),"
              " 0, ((H+2-(KH-1)-1)%2, (W-2*(KW-1)-1)%3))", False),
    (strided, "gx = conv(pad(dilate(gy, s), 0, ((H+2-(KH-1)-1)%2, (W-2*(KW-1)-1)%3)), swap(flip(w),0,1), dilation=d,"
              " padding=d*(K-1)-p)", True),
    (strided, "gx = conv(dilate(gy, s), swap(flip(w),0,1), dilation=d, padding=d*(K-1)-p)", False),
    (strided, f"gw = {WEIGHT}[:, :, :KH, :KW]", True),
    (strided, f"gw = {WEIGHT}", False),
    (strided, "gw = swap(conv(swap(x,0,1), swap(gy,0,1), stride=s, dilation=d, padding=p), 0, 1)", False),
    (uneven, "gw = swap(conv(pad(swap(x,0,1), ((1,0),(0,2))), swap(gy,0,1), stride=d, dilation=s), 0, 1)", False),
    (uneven, "gw = swap(conv(pad(swap(x,0,1), ((1,0),(0,2))), swap(gy,0,1), stride=d, dilation=s), 0, 1)"
             "[:,:,:KH,:KW]", True),
    (grouped, f"gx = conv_transpose(gy, w, stride=2, padding=1, groups=g, {REMAINDER})", True),
    (grouped, f"gx = conv_transpose(gy, w, stride=2, padding=1, {REMAINDER})", False),
    (grouped, "y = conv(x, w, stride=s, padding=p, groups=2)", True),
    (line, "gx = conv_transpose(gy, w, stride=2, padding=1, dilation=3, output_padding=(L+2-3*(K-1)-1)%2)", True),
    (line, "gx = conv_transpose(gy, w, stride=3, padding=1, dilation=2)", False),
    (true_convolution, "gx = convolve2d(gy, flip(w), mode='full')", True),
    (true_convolution, "gw = convolve2d(flip(x), gy, mode='valid')", True),
    (plane, "gx = convolve2d(gy, flip(w), mode='full')", False),
    (plane, "gw = convolve2d(flip(x), gy, mode='valid')", False),
    (plane, "gx = convolve2d(gy, w, mode='full')", True),
    (plane, "gw = correlate2d(x, gy, mode='valid')", True),
    (channels_last, "gx = conv_transpose(gy, w, padding=1)", True),
    (channels_last, "gw = permute(conv(permute(x,(3,1,2,0)), permute(gy,(1,2,0,3)), padding=1), (1,2,0,3))", True),
    (channels_last, "gw = conv(x, permute(gy,(1,2,0,3)), padding=1)", False),
    (transposed, "gx = conv(gy, w, stride=(2,1), padding=(1,0))", True),
    (transposed, "gx = conv(gy, w, stride=(1,2), padding=(1,0))", False),
    (transposed, "gw = swap(conv(swap(gy,0,1), swap(x,0,1), dilation=(2,1), padding=(1,0)), 0, 1)", True),
    (square, "gw = 2*(w*sum(gy,(0,2))[:, None, None])"
             " - 2*swap(conv(swap(x,0,1), swap(gy,0,1), dilation=2), 0, 1)[:,:,:K]", True),
    (square, "gw = 2*swap(conv(swap(x,0,1), swap(gy,0,1), dilation=2), 0, 1)[:,:,:K]", False),
    (neighbours, "gx = pad(gy*x[:, 1:], 0, ((0,0),(0,1)))", False),
)  # fmt: skip
