# type: ignore
"""TensorFlow: the functions it has for the gradients of a convolution."""

import tensorflow as tf


def tf_backprop(dout, x, w, stride, pad):
    p = [[0, 0], [pad, pad], [pad, pad], [0, 0]]
    xl = tf.transpose(x, [0, 2, 3, 1])
    wl = tf.transpose(w, [2, 3, 1, 0])
    gl = tf.transpose(dout, [0, 2, 3, 1])
    gx = tf.compat.v1.nn.conv2d_backprop_input(tf.shape(xl), wl, gl, strides=[1, stride, stride, 1], padding=p)
    gw = tf.compat.v1.nn.conv2d_backprop_filter(xl, tf.shape(wl), gl, strides=[1, stride, stride, 1], padding=p)
    return tf.transpose(gx, [0, 3, 1, 2]), tf.transpose(gw, [3, 2, 0, 1])


def tf_backprop_valid(dout, x, w, stride, pad):
    xl = tf.transpose(x, [0, 2, 3, 1])
    wl = tf.transpose(w, [2, 3, 1, 0])
    gl = tf.transpose(dout, [0, 2, 3, 1])
    gx = tf.compat.v1.nn.conv2d_backprop_input(tf.shape(xl), wl, gl, [1, stride, stride, 1], "VALID")
    gw = tf.compat.v1.nn.conv2d_backprop_filter(xl, tf.shape(wl), gl, [1, stride, stride, 1], "VALID")
    return tf.transpose(gx, [0, 3, 1, 2]), tf.transpose(gw, [3, 2, 0, 1])


def tf_transposed(dout, x, w, stride, pad):
    xl = tf.transpose(x, perm=[0, 2, 3, 1])
    wl = tf.transpose(w, perm=[2, 3, 1, 0])
    gl = tf.transpose(dout, perm=[0, 2, 3, 1])
    p = [[0, 0], [pad, pad], [pad, pad], [0, 0]]
    gx = tf.nn.conv2d_transpose(gl, wl, tf.shape(xl), strides=[1, stride, stride, 1], padding=p)
    return tf.transpose(gx, perm=[0, 3, 1, 2])
