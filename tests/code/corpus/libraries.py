"""Gradients of convolutions in the words of TensorFlow and JAX, each one line: read as code, as a claim, and run."""

import tensorflow as tf
from jax import lax


def transpose_same(gy, x, w):
    return tf.nn.conv2d_transpose(gy, w, x.shape, [1, 2, 3, 1])


def transpose_valid(gy, x, w):
    return tf.nn.conv2d_transpose(gy, w, x.shape, [1, 2, 3, 1], "VALID")


def transpose_pads(gy, x, w):
    return tf.nn.conv2d_transpose(gy, w, x.shape, [1, 2, 3, 1], [[0, 0], [1, 0], [1, 2], [0, 0]])


def input_same(gy, x, w):
    return tf.compat.v1.nn.conv2d_backprop_input(x.shape, w, gy, [1, 2, 3, 1], "SAME")


def filter_same(gy, x, w):
    return tf.compat.v1.nn.conv2d_backprop_filter(x, w.shape, gy, [1, 2, 3, 1], "SAME")


def filter_valid(gy, x, w):
    return tf.compat.v1.nn.conv2d_backprop_filter(x, w.shape, gy, [1, 2, 3, 1], "VALID")


def depthwise_input_same(gy, x, w):
    return tf.nn.depthwise_conv2d_backprop_input(x.shape, w, gy, [1, 2, 2, 1], "SAME")


def depthwise_filter_same(gy, x, w):
    return tf.nn.depthwise_conv2d_backprop_filter(x, w.shape, gy, [1, 2, 2, 1], "SAME")


def lax_same(gy, x, w):
    return lax.conv_transpose(gy, w, (2, 3), "SAME", transpose_kernel=True)


def lax_valid(gy, x, w):
    return lax.conv_transpose(gy, w, (2, 3), "VALID", transpose_kernel=True)


def lax_pads(gy, x, w):
    return lax.conv_transpose(gy, w, (2, 3), ((1, 0), (1, 2)), transpose_kernel=True, use_consistent_padding=True)


def lax_plain(gy, x, w):
    return lax.conv_transpose(gy, w, (2, 3), ((1, 0), (0, 1)), dimension_numbers=("NHWC", "HWOI", "NHWC"))
