import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from torch.autograd import Function

class Strided(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        ctx.save_for_backward(input, weight, bias)
        ctx.stride, ctx.padding = stride, padding
        ctx.dilation, ctx.groups = dilation, groups
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = torch.nn.grad.conv2d_input(input.shape, weight, grad_output, ctx.stride, ctx.padding, ctx.dilation, ctx.groups)
        if ctx.needs_input_grad[1]:
            grad_weight = torch.nn.grad.conv2d_weight(input, weight.shape, grad_output, ctx.stride, ctx.padding, ctx.dilation, ctx.groups)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum((0, 2, 3))
        return grad_input, grad_weight, grad_bias, None, None, None, None

class LinearFunction(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output
    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias

class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, g):
        y, = ctx.saved_tensors
        return g * y

class MulAdd(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b
    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        return grad * b, grad * a

class ReLU(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)
    @staticmethod
    def backward(ctx, grad_output):
        x, = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[x < 0] = 0
        return grad_input

class Conv1dCausal(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        K = w.shape[2]
        return F.conv1d(F.pad(x, (K - 1, 0)), w)
    @staticmethod
    def backward(ctx, gy):
        x, w = ctx.saved_tensors
        K = w.shape[2]
        gx = F.conv_transpose1d(gy, w)[:, :, K - 1:]
        gw = F.conv1d(F.pad(x, (K - 1, 0)).transpose(0, 1), gy.transpose(0, 1)).transpose(0, 1)
        return gx, gw

class Depthwise(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return F.conv2d(x, w, groups=x.shape[1])
    @staticmethod
    def backward(ctx, gy):
        x, w = ctx.saved_tensors
        gx = F.conv_transpose2d(gy, w, groups=x.shape[1])
        n, c, h, wd = x.shape
        gw = F.conv2d(x.reshape(1, n * c, h, wd), gy.reshape(n * c, 1, gy.shape[2], gy.shape[3]), groups=n * c)
        return gx, gw.reshape(n, c, 1, w.shape[2], w.shape[3]).sum(0)

class Up(Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return F.conv_transpose2d(x, w, stride=2)
    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return F.conv2d(g, w, stride=2), F.conv2d(g.transpose(0, 1), x.transpose(0, 1), dilation=2).transpose(0, 1)

def conv_forward_naive(x, w, b, conv_param):
    stride, pad = conv_param['stride'], conv_param['pad']
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    x_pad = np.pad(x, ((0,0),(0,0),(pad,pad),(pad,pad)))
    out = np.zeros((N, F, H_out, W_out))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    out[n, f, i, j] = np.sum(x_pad[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW] * w[f]) + b[f]
    cache = (x, w, b, conv_param)
    return out, cache

def conv_backward_naive(dout, cache):
    x, w, b, conv_param = cache
    stride, pad = conv_param['stride'], conv_param['pad']
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0,0),(0,0),(pad,pad),(pad,pad)))
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = dout.sum(axis=(0, 2, 3))
    for n in range(N):
        for f in range(F):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    dw[f] += x_pad[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW] * dout[n, f, i, j]
                    dx_pad[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW] += w[f] * dout[n, f, i, j]
    dx = dx_pad[:, :, pad:pad+H, pad:pad+W]
    return dx, dw, db

def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache

def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db

class Conv2D:
    def __init__(self, in_channels, out_channels, k, stride=1, pad=0):
        self.stride = stride
        self.pad = pad
        self.W = np.random.randn(out_channels, in_channels, k, k)
        self.b = np.zeros(out_channels)
    def forward(self, x):
        self.x = x
        N, C, H, W = x.shape
        F, _, KH, KW = self.W.shape
        OH = (H - KH) // 1 + 1
        OW = (W - KW) // 1 + 1
        out = np.zeros((N, F, OH, OW))
        for i in range(OH):
            for j in range(OW):
                out[:, :, i, j] = np.tensordot(x[:, :, i:i+KH, j:j+KW], self.W, axes=([1,2,3],[1,2,3])) + self.b
        return out
    def backward(self, dout):
        F, C, KH, KW = self.W.shape
        dx = np.zeros_like(self.x)
        self.dW = np.zeros_like(self.W)
        self.db = dout.sum(axis=(0, 2, 3))
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                self.dW += np.tensordot(dout[:, :, i, j], self.x[:, :, i:i+KH, j:j+KW], axes=([0],[0]))
                dx[:, :, i:i+KH, j:j+KW] += np.tensordot(dout[:, :, i, j], self.W, axes=([1],[0]))
        return dx

def avgpool_forward(x):
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // 2, W // 2))
    for i in range(H // 2):
        for j in range(W // 2):
            out[:, :, i, j] = x[:, :, 2*i:2*i+2, 2*j:2*j+2].mean(axis=(2, 3))
    return out, x
def avgpool_backward(dout, x):
    dx = np.zeros_like(x)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            dx[:, :, 2*i:2*i+2, 2*j:2*j+2] = dout[:, :, i, j][:, :, None, None] / 4
    return dx
