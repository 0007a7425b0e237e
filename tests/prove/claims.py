"""More claims, by operator: from notebooks, textbooks and forums. Beside each stands whether its writer believes it.

``True``: for all sizes. ``False``: not for all; the comment says for which it holds.
"""

from __future__ import annotations

from collections.abc import Callable

import symconv as sc
from symconv.notation.operator import Operator

Make = Callable[[], Operator]

REST = "output_padding=(H+2*p-d*(K-1)-1)%s"
SWAPPED = "swap(conv(swap(x,0,1), swap(gy,0,1), stride=d, dilation=s, padding=p),0,1)"


def plain() -> Operator:
    return sc.conv2d()


def padded() -> Operator:
    return sc.conv2d(padding=(1, 2))


def strided() -> Operator:
    return sc.conv2d(stride=2, padding=1)


def apart() -> Operator:
    return sc.conv2d(dilation=(2, 3))


def mixed() -> Operator:
    return sc.conv2d(stride=(3, 2), padding=(2, 1), dilation=(2, 1))


def lopsided() -> Operator:
    return sc.conv2d(stride=2, padding=((0, 1), (2, 0)))


def same() -> Operator:
    return sc.conv2d(padding="same")


def line() -> Operator:
    return sc.conv1d(stride=3, padding=2, dilation=2)


def space() -> Operator:
    return sc.conv3d(stride=(1, 2, 1), padding=(0, 1, 0))


def grouped() -> Operator:
    return sc.conv2d(stride=2, padding=1, dilation=2, groups=2)


def biased() -> Operator:
    return sc.conv2d(stride=2, bias=True)


def turned() -> Operator:
    return sc.conv2d(padding=1, flip=True)


def channels_last() -> Operator:
    return sc.conv2d(stride=2, layout="NHWC")


def correlation() -> Operator:
    return sc.operator("y[i,j] = sum[p,q](x[i+p,j+q]*w[p,q])")


def convolution() -> Operator:
    return sc.operator("y[i,j] = sum[p,q](x[i+size(p)-1-p,j+size(q)-1-q]*w[p,q])")


def spread() -> Operator:
    return sc.conv_transpose2d(stride=2, padding=1)


def spread_groups() -> Operator:
    return sc.conv_transpose1d(stride=2, padding=1, output_padding=1, groups=2)


def pooled() -> Operator:
    return sc.operator("y[n,c,i] = sum[p](x[n,c,2*i+p])/3", extents={"p": 3})


def blocks() -> Operator:
    return sc.avg_pool2d((2, 3))


def pairs() -> Operator:
    return sc.operator("y[n,i] = x[n,i]*x[n,i+1]")


def distance() -> Operator:
    return sc.operator("y[n,f,i] = sum[c,p](x[n,c,i+p]*x[n,c,i+p] - 2*x[n,c,i+p]*w[f,c,p] + w[f,c,p]*w[f,c,p])")


def depthwise() -> Operator:
    return sc.operator("y[n,c,i] = sum[p](x[n,c,i+p-1]*w[c,p])")


def channelwise() -> Operator:
    return sc.operator("y[n,c,i,j] = sum[p,q](x[n,c,2*i+p-1,3*j+q]*w[c,p,q])")


def multiplied() -> Operator:
    return sc.operator("y[n,(c,m),i] = sum[p](x[n,c,i+p]*w[(c,m),p])")


CLAIMS: tuple[tuple[Make, str, bool], ...] = (
    # The input's gradient without stride.
    (plain, "gx = conv2d(gy, w.flip([2, 3]), padding=0)", False),  # KH = KW = 1, C = F = 1
    (plain, "gx = conv2d(pad(gy, K-1), rot180(w).transpose(0, 1))", True),
    (plain, "gx = conv2d(gy, flip(swap(w,0,1)), padding=(KW-1, KH-1))", False),  # KH = KW
    (plain, "gx = conv2d(gy, swap(flip(w, 3), 0, 1), padding='full')", False),  # KH = 1
    (plain, "gx = conv2d(gy, permute(w, (1,0,3,2)), padding='full')", False),  # KH = KW = 1
    (plain, "gx = conv_transpose2d(gy, swap(w, 2, 3))", False),  # KH = KW = 1
    (plain, "gx = conv_transpose2d(gy, w) - conv_transpose2d(gy, w)", False),  # never
    (plain, "gx = 2*conv_transpose2d(gy, w) - conv2d(gy, swap(flip(w), 0, 1), padding='full')", True),
    (plain, "gx = einsum('nfij,fc->ncij', gy, sum(w, (2,3)))", False),  # KH = KW = 1
    (plain, "gx = conv_transpose2d(gy, w) * F / F", True),
    (plain, "gx = conv_transpose2d(gy, w) * C", False),  # C = 1
    (plain, "gx = conv2d(pad(gy, K-1), swap(flip(w),0,1))[:, :, :H, :W]", True),
    (plain, "gx = reshape(reshape(conv_transpose2d(gy, w), (N, C, H*W)), (N, C, H, W))", True),
    (padded, "gx = conv_transpose2d(gy, w)[:, :, 1:H+1, 2:W+2]", True),
    (padded, "gx = conv_transpose2d(gy, w, padding=(1, 2))", True),
    (padded, "gx = conv_transpose2d(gy, w, padding=(2, 1))", False),  # shapes never fit
    (padded, "gx = conv_transpose2d(gy, w)[:, :, 1:-1, 2:-2]", True),
    (padded, "gx = conv_transpose2d(gy, w)[:, :, 2:, 4:]", False),  # shapes fit, cells are shifted
    (padded, "gx = conv2d(gy, flip(swap(w,0,1)), padding=K-1-p)", True),
    (padded, "gx = conv2d(gy, flip(swap(w,0,1)), padding=K-2)", False),  # the second axis never fits
    (padded, "gx = crop(conv2d(gy, flip(swap(w,0,1)), padding='full'), (1, 2))", True),
    (same, "gx = conv_transpose2d(gy, w, padding=p)", True),
    (same, "gx = conv2d(gy, flip(swap(w, 0, 1)), padding='same')", False),  # KH and KW odd
    # Stride and dilation.
    (strided, f"gx = conv_transpose(gy, w, stride=s, padding=p, {REST})", True),
    (strided, "gx = conv_transpose(gy, w, stride=2, padding=1, output_padding=1)", False),  # both rests are 1
    (strided, "gx = conv(dilate(gy, 2), flip(swap(w,0,1)), padding=K-1-p)", False),  # both rests are 0
    (strided, "gx = conv(dilate(gy, s), flip(swap(w,0,1)), padding=((K-2, K-2+(H-K)%2), (K-2, K-2+(W-K)%2)))", True),
    (strided, "gx = conv(pad(dilate(gy, s), 0, (H+2-K)%2), flip(swap(w,0,1)), padding=K-1-p)", True),
    (strided, "gx = pad(conv_transpose(gy, w, stride=s), 0, 1)[:, :, 1:, 1:]", False),
    (apart, "gx = conv_transpose(gy, w, dilation=d)", True),
    (apart, "gx = conv_transpose(gy, w)", False),  # KH = KW = 1
    (apart, "gx = conv(gy, flip(swap(w,0,1)), padding='full', dilation=(2, 3))", True),
    (apart, "gx = conv(gy, dilate(flip(swap(w,0,1)), d), padding=d*(K-1))", True),
    (mixed, f"gx = conv_transpose(gy, w, stride=s, padding=p, dilation=d, {REST})", True),
    (mixed, f"gx = conv_transpose(gy, w, stride=(2,3), padding=p, dilation=d, {REST})", False),
    (mixed, "gx = fold(reshape(w,(F,-1)).T @ reshape(gy,(N,F,-1)), H, K, stride=s, padding=p, dilation=d)", True),
    (mixed, "gx = fold(reshape(w,(F,-1)).T @ reshape(gy,(N,F,-1)), H, K, stride=s, padding=p)", False),
    (lopsided, "gx = conv_transpose(gy, w, stride=s, padding=((0, 1-(H+1-K)%2), (2, 0-(W+2-K)%2)))", True),
    (lopsided, "gx = conv_transpose(gy, w, stride=s, padding=((1, 0), (0, 2)))", False),
    (line, "gx = conv_transpose1d(gy, w, stride=s, padding=p, dilation=d, output_padding=(L+2*p-d*(K-1)-1)%s)", True),
    (line, "gx = conv(pad(dilate(gy, 3), 0, (L+4-2*(K-1)-1)%3), swap(flip(w),0,1), dilation=2, padding=2*(K-1)-2)", True),
    (line, "gx = conv(pad(dilate(gy, 3), 0, (L+4-2*(K-1)-1)%3), swap(w,0,1), dilation=2, padding=2*(K-1)-2)", False),
    (space, f"gx = conv_transpose3d(gy, w, stride=s, padding=p, {REST})", True),
    (space, "gx = conv_transpose3d(gy, w, stride=s, padding=p)", False),  # (H - KH) even
    # The filters' gradient.
    (plain, "gw = conv2d(x, gy)", False),  # N = C = F = 1
    (plain, "gw = conv2d(swap(x, 0, 1), gy)", False),  # N = F and F = C = 1 ...
    (plain, "gw = permute(conv2d(permute(x,(1,0,2,3)), permute(gy,(1,0,2,3))), (1,0,2,3))", True),
    (plain, "gw = swap(conv2d(swap(x,0,1), swap(gy,0,1)), 0, 1) / N", False),  # N = 1
    (plain, "gw = conv2d(swap(gy,0,1), swap(x,0,1), padding='full')", False),
    (plain, "gw = flip(conv2d(swap(gy,0,1), flip(swap(x,0,1)), padding='full'))", False),
    (plain, "gw = einsum('nfl,nkl->fk', reshape(gy,(N,F,-1)), unfold(x, K)).reshape(F, C, KH, KW)", True),
    (plain, "gw = einsum('nfij,ncij->fc', gy, x[:, :, :OH, :OW])[:, :, None, None]", False),  # KH = KW = 1
    (plain, "gw = reshape(sum(reshape(gy,(N,F,-1)) @ swap(unfold(x,K),1,2), 0), (F,C,KH,KW))", True),
    (plain, "gw = reshape(mean(reshape(gy,(N,F,-1)) @ swap(unfold(x,K),1,2), 0), (F,C,KH,KW))", False),  # N = 1
    (strided, "gw = swap(conv(swap(x,0,1), swap(gy,0,1), dilation=2, padding=1),0,1)[:, :, :KH, :KW]", True),
    (strided, "gw = swap(conv(swap(x,0,1), dilate(swap(gy,0,1), 2), padding=1),0,1)[:, :, :KH, :KW]", True),
    (strided, "gw = swap(conv(swap(x,0,1), swap(gy,0,1), dilation=2, padding=1),0,1)", False),  # both rests are 0
    (strided, "gw = swap(conv(swap(x,0,1), swap(gy,0,1), dilation=2, padding=1),0,1)[:, :, -KH:, -KW:]", False),
    (mixed, f"gw = {SWAPPED}[:, :, :KH, :KW]", True),
    (mixed, f"gw = {SWAPPED}[:, :, :KW, :KH]", False),
    (mixed, "gw = swap(conv(swap(x,0,1), swap(gy,0,1), stride=s, dilation=d, padding=p),0,1)[:, :, :KH, :KW]", False),
    (mixed, "gw = einsum('nfl,nkl->fk', reshape(gy,(N,F,-1)), unfold(x,K,stride=s,padding=p,dilation=d)).reshape(F,C,KH,KW)", True),
    # Groups, bias, forward.
    (grouped, f"gx = conv_transpose(gy, w, stride=s, padding=p, dilation=d, groups=g, {REST})", True),
    (grouped, f"gx = conv_transpose(gy, w, stride=s, padding=p, dilation=d, {REST})", False),  # shapes never fit
    (grouped, "y = conv(x, w, stride=s, padding=p, dilation=d, groups=g)", True),
    (grouped, "y = conv(x, w, stride=s, padding=p, dilation=d)", False),  # shapes never fit
    (grouped, "gx = gy", False),  # shapes that fit by chance never have its values
    (grouped, "gw = swap(w, 0, 1)", False),
    (biased, "gb = sum(gy, axis=(0, 2, 3))", True),
    (biased, "gb = einsum('nfij->f', gy)", True),
    (biased, "gb = gy.sum(0).sum(-1).sum(-1)", True),
    (biased, "gb = sum(mean(gy, 0), (1, 2))", False),  # N = 1
    (biased, "gb = gy[0, :, 0, 0]", False),  # N = OH = OW = 1
    (biased, "y = conv(x, w, stride=2) + b[:, None, None]", True),
    (biased, "y = conv(x, w, stride=2)", False),  # never
    (turned, "gx = conv2d(gy, swap(w, 0, 1), padding=K-1-p)", True),
    (turned, "gx = conv_transpose2d(gy, w, padding=1)", False),  # KH = KW = 1 never fits the pads' crop
    (turned, "gw = flip(swap(conv2d(swap(x,0,1), swap(gy,0,1), padding=1),0,1))", True),
    (turned, "y = conv2d(x, rot180(w), padding=1)", True),
    (grouped, "gw = einsum('ngfl,ngkl->gfk', reshape(gy,(N,g,F//g,-1)), reshape(unfold(x,K,stride=s,padding=p,dilation=d),"
              "(N,g,C//g*KH*KW,-1))).reshape(F,C//g,KH,KW)", True),
    (grouped, "gw = einsum('ngfl,ngkl->gfk', swap(reshape(gy,(N,F//g,g,-1)),1,2), reshape(unfold(x,K,stride=s,padding=p,"
              "dilation=d),(N,g,C//g*KH*KW,-1))).reshape(F,C//g,KH,KW)", False),  # F = 2, or only pads are read
    # As many groups as a size says.
    (channelwise, "y = conv(x, w[:, None], stride=s, padding=p, groups=C)", True),
    (channelwise, "y = conv(x, w[:, None], stride=s, padding=p)", False),  # C = 1
    (channelwise, "gx = conv_transpose(gy, w[:, None], stride=s, padding=p, groups=C, output_padding=(H+2*p-K)%s)", True),
    (channelwise, "gx = conv_transpose(gy, w[:, None], stride=s, padding=p, groups=C)", False),  # no remainder
    (channelwise, "gw = sum(reshape(conv(reshape(x,(1,N*C,H,W)), reshape(gy,(N*C,1,OH,OW)), dilation=s, padding=p,"
                  " groups=N*C)[:, :, :KH, :KW], (N,C,KH,KW)), 0)", True),
    (channelwise, "gw = mean(reshape(conv(reshape(x,(1,N*C,H,W)), reshape(gy,(N*C,1,OH,OW)), dilation=s, padding=p,"
                  " groups=N*C)[:, :, :KH, :KW], (N,C,KH,KW)), 0)", False),  # N = 1
    (multiplied, "y = conv(x, w[:, None], groups=C)", True),
    (multiplied, "gx = conv_transpose(gy, w[:, None], groups=C)", True),
    (plain, "gw = sum(reshape(conv(reshape(x,(1,N*C,H,W)), reshape(gy,(N*F,1,OH,OW)), groups=N),(N,F,1,KH,KW)),0)", False),
    (plain, "gx = conv_transpose(gy, w, groups=F)", False),  # F = 1
    # Channels last.
    (channels_last, "gx = conv_transpose(gy, w, stride=2, output_padding=(H-K)%2)", True),
    (channels_last, "gw = permute(conv(permute(x,3,1,2,0), permute(gy,1,2,0,3), dilation=2), 1,2,0,3)[:KH, :KW]", True),
    (channels_last, "gw = conv(permute(x,3,1,2,0), permute(gy,1,2,0,3), dilation=2)[:KH, :KW]", False),
    (channels_last, "y = conv(x, w, stride=2)", True),
    # One plane, as SciPy has it.
    (correlation, "gx = convolve2d(gy, rot180(w), 'full')", False),  # KH = KW = 1
    (correlation, "gx = convolve2d(gy, w)", True),
    (correlation, "gw = correlate2d(x, gy, 'valid')", True),
    (correlation, "gw = rot180(convolve2d(flip(x), gy, 'valid'))", True),
    (correlation, "gw = convolve2d(flip(x), gy, 'valid')", False),  # KH = KW = 1, as in the notebook
    (correlation, "gw = convolve2d(x, rot180(gy), mode='valid')", True),
    (correlation, "y = correlate2d(x, w, mode='valid')", True),
    (convolution, "y = convolve2d(x, w, mode='valid')", True),
    (convolution, "gx = correlate2d(gy, w)", True),
    (convolution, "gx = convolve2d(gy, w)", False),  # KH = KW = 1
    (convolution, "gw = flip(correlate2d(x, gy, mode='valid'))", True),
    (convolution, "gw = convolve2d(flip(x), gy, mode='valid')", True),
    # Transposed convolution.
    (spread, "gx = conv(gy, w, stride=2, padding=1)", True),
    (spread, "gx = conv(gy, swap(w, 0, 1), stride=2, padding=1)", False),  # C = F = 1
    (spread, "gw = swap(conv(swap(gy,0,1), swap(x,0,1), dilation=2, padding=1),0,1)", True),
    (spread, "gw = conv(swap(gy,0,1), swap(x,0,1), dilation=2, padding=1)", False),  # C = F = 1
    (spread, "y = conv(dilate(x, 2), flip(swap(w,0,1)), padding=K-1-p)", True),
    (spread_groups, "gx = conv(gy, w, stride=2, padding=((1, 0),), groups=2)", True),
    (spread_groups, "y = conv_transpose(x, w, stride=2, padding=1, output_padding=1, groups=2)", True),
    (spread_groups, "y = conv_transpose(x, w, stride=2, padding=1, groups=2)", False),  # shapes never fit
    # Formulas of a user.
    (pooled, "gx = pad(pad(dilate(gy,2),0,2) + pad(dilate(gy,2),1,1) + pad(dilate(gy,2),2,0), 0, (L-3)%2)/3", True),
    (pooled, "gx = (pad(dilate(gy,2),0,2) + pad(dilate(gy,2),1,1) + pad(dilate(gy,2),2,0))/3", False),  # L odd
    (pooled, "gx = pad(pad(dilate(gy,2),0,2) + pad(dilate(gy,2),1,1) + pad(dilate(gy,2),2,0), 0, (L-3)%2)", False),
    (blocks, "y = mean(reshape(x[:, :, :2*OH, :3*OW], (N, C, OH, 2, OW, 3)), (3, 5))", True),
    (blocks, "y = mean(reshape(x, (N, C, H//2, 2, W//3, 3)), (3, 5))", False),  # H even and W a multiple of 3
    (blocks, "y = mean(reshape(x, (N, C, H//3, 3, W//2, 2)), (3, 5))", False),
    (blocks, "y = mean(reshape(unfold(x, (2, 3), stride=s), (N, C, 6, OH, OW)), 2)", True),
    (pairs, "gx = pad(gy*x[:, 1:], 0, ((0, 0), (0, 1)))", False),  # rank 2: the second pad's high ends are the first's
    (pairs, "gx = pad(gy*x[:, 1:], (0, 0), (0, 1)) + pad(gy*x[:, :-1], (0, 1), (0, 0))", True),
    (pairs, "gx = pad(gy*x[:, 1:], (0, 0), (0, 1))", False),  # never
    (distance, "gw = 2*(w*sum(gy, (0, 2))[:, None, None] - swap(conv1d(swap(x,0,1), swap(gy,0,1)),0,1))", True),
    (distance, "gw = 2*(w - swap(conv1d(swap(x,0,1), swap(gy,0,1)),0,1))", False),
    (distance, "gx = -2*conv_transpose1d(gy, w)", False),
    (depthwise, "gx = einsum('nci,cp->nci', gy, w)", False),  # K is 3: OL = L
    (depthwise, "gw = einsum('nci,nci->c', gy, x)[:, None]", False),
)  # fmt: skip
