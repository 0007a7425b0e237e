# type: ignore
import numpy as np
import tensorflow as tf


def max_pool_forward_naive(x, pool_param):
    N, C, H, W = x.shape
    HH, WW, S = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    H_out = 1 + (H - HH) // S
    W_out = 1 + (W - WW) // S
    out = np.zeros((N, C, H_out, W_out))
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    out[n, c, i, j] = np.max(x[n, c, i * S : i * S + HH, j * S : j * S + WW])
    return out, (x, pool_param)


def max_pool_backward_naive(dout, cache):
    x, pool_param = cache
    HH, WW, S = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    _, _, H_out, W_out = dout.shape
    dx = np.zeros_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(H_out):
                for j in range(W_out):
                    win = x[n, c, i * S : i * S + HH, j * S : j * S + WW]
                    a, b = np.unravel_index(np.argmax(win), win.shape)
                    dx[n, c, i * S + a, j * S + b] += dout[n, c, i, j]
    return dx


@tf.custom_gradient
def same_conv(x, w):
    y = tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME")

    def grad(dy):
        dx = tf.compat.v1.nn.conv2d_backprop_input(tf.shape(x), w, dy, strides=[1, 1, 1, 1], padding="SAME")
        dw = tf.compat.v1.nn.conv2d_backprop_filter(x, tf.shape(w), dy, strides=[1, 1, 1, 1], padding="SAME")
        return dx, dw

    return y, grad


class ReLU:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        dx = dout
        return dx


class Windows:
    def forward(self, x, w):
        self.x, self.w = x, w
        out = np.zeros((x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1))
        for region, i, j in self.regions(x):
            out[i, j] = np.sum(region * w)
        return out

    def regions(self, image):
        for i in range(image.shape[0] - self.w.shape[0] + 1):
            for j in range(image.shape[1] - self.w.shape[1] + 1):
                yield image[i : i + self.w.shape[0], j : j + self.w.shape[1]], i, j

    def backward(self, dout):
        dw = np.zeros_like(self.w)
        for region, i, j in self.regions(self.x):
            dw += dout[i, j] * region
        return dw
