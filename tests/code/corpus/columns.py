# type: ignore
"""im2col and col2im by slices, in the style of the books that explain them."""

import numpy as np


def im2col(img, KH, KW, stride, pad):
    N, C, H, W = img.shape
    OH = (H + 2 * pad - KH) // stride + 1
    OW = (W + 2 * pad - KW) // stride + 1
    img = np.pad(img, [(0, 0), (0, 0), (pad, pad), (pad, pad)], "constant")
    col = np.zeros((N, C, KH, KW, OH, OW))
    for y in range(KH):
        y_max = y + stride * OH
        for x in range(KW):
            x_max = x + stride * OW
            col[:, :, y, x, :, :] = img[:, :, y:y_max:stride, x:x_max:stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * OH * OW, -1)


def col2im(col, shape, KH, KW, stride, pad):
    N, C, H, W = shape
    OH = (H + 2 * pad - KH) // stride + 1
    OW = (W + 2 * pad - KW) // stride + 1
    col = col.reshape(N, OH, OW, C, KH, KW).transpose(0, 3, 4, 5, 1, 2)
    img = np.zeros((N, C, H + 2 * pad + stride - 1, W + 2 * pad + stride - 1))
    for y in range(KH):
        y_max = y + stride * OH
        for x in range(KW):
            x_max = x + stride * OW
            img[:, :, y:y_max:stride, x:x_max:stride] += col[:, :, y, x, :, :]
    return img[:, :, pad : H + pad, pad : W + pad]


def book(dout, x, W, stride, pad):
    FN, C, FH, FW = W.shape
    col = im2col(x, FH, FW, stride, pad)
    col_W = W.reshape(FN, -1).T
    dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
    dW = np.dot(col.T, dout)
    dW = dW.transpose(1, 0).reshape(FN, C, FH, FW)
    dcol = np.dot(dout, col_W.T)
    dx = col2im(dcol, x.shape, FH, FW, stride, pad)
    return dx, dW


def book_wrong_reshape(dout, x, W, stride, pad):
    FN, C, FH, FW = W.shape
    col = im2col(x, FH, FW, stride, pad)
    dout = dout.reshape(-1, FN)
    dW = np.dot(col.T, dout)
    return dW.transpose(1, 0).reshape(FN, C, FH, FW)


def book_not_transposed(dout, x, W, stride, pad):
    FN, C, FH, FW = W.shape
    col_W = W.reshape(FN, -1)
    dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
    dcol = np.dot(dout, col_W)
    return col2im(dcol, x.shape, FH, FW, stride, 0)


def stacked(dout, x, w, stride, pad):
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    OH, OW = dout.shape[2:]
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dw = [[0] * 1]
    windows = np.stack(
        [
            np.stack([xp[:, :, i * stride : i * stride + KH, j * stride : j * stride + KW] for j in range(OW)])
            for i in range(OH)
        ]
    )
    return np.einsum("ijncpq,nfij->fcpq", windows, dout)
