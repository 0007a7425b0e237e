# type: ignore
import numpy as np


def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    probs = np.exp(log_probs)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


def softmax_without_n(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    probs = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    return loss, dx


def softmax_without_one(x, y):
    probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.mean(np.log(probs[np.arange(N), y]))
    dx = probs / N
    return loss, dx


def softmax_wrong_axis(x, y):
    probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.mean(np.log(probs[np.arange(N), y]))
    dx = np.exp(x) / np.sum(np.exp(x), axis=0, keepdims=True)
    dx[np.arange(N), y] -= 1
    return loss, dx / N


def softmax_wrong_sign(x, y):
    probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.mean(np.log(probs[np.arange(N), y]))
    dx = probs.copy()
    dx[np.arange(N), y] += 1
    return loss, dx / N


def softmax_of_log_of_probs(x, y):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


def squared_loss(x, y):
    N = x.shape[0]
    picked = x[np.arange(N), y]
    loss = np.sum(picked**2) / 2
    dx = np.zeros_like(x)
    dx[np.arange(N), y] = picked
    return loss, dx


def svm_loss(x, y):
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    num_pos = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(N), y] -= num_pos
    dx /= N
    return loss, dx


def svm_without_counts(x, y):
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    loss = np.sum(margins) / N
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx /= N
    return loss, dx


def embedding_forward(x, W):
    out = W[x]
    return out, (x, W)


def embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW


def buffered_forward(x, W):
    out = W[x]
    return out, (x, W)


def buffered_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    dW[x] += dout
    return dW


def replaced_forward(x, W):
    out = W[x]
    return out, (x, W)


def replaced_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    dW[x] = dout
    return dW


def word_embedding_forward(x, W):
    """x: integers of shape (N, T); W: weights of shape (V, D)."""
    out = W[x, :]
    cache = (x, W.shape)
    return out, cache


def word_embedding_backward(dout, cache):
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW


def softmax_one_hot(x, y):
    N, C = x.shape
    exps = np.exp(x - x.max(axis=1, keepdims=True))
    probs = exps / exps.sum(axis=1, keepdims=True)
    onehot = np.eye(C)[y]
    loss = -np.sum(onehot * np.log(probs)) / N
    dx = (probs - onehot) / N
    return loss, dx


def softmax_one_hot_twice(x, y):
    N, C = x.shape
    exps = np.exp(x - x.max(axis=1, keepdims=True))
    probs = exps / exps.sum(axis=1, keepdims=True)
    onehot = np.eye(C)[y]
    loss = -np.sum(onehot * np.log(probs)) / N
    dx = (probs - 2 * onehot) / N
    return loss, dx


def softmax_compared(x, y):
    N, C = x.shape
    probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    target = y[:, None] == np.arange(C)
    loss = -np.log(probs[np.arange(N), y]).mean()
    dx = (probs - target) / N
    return loss, dx


def softmax_taken(x, y):
    N = len(y)
    probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    picked = np.take_along_axis(probs, y[:, None], axis=1)
    loss = -np.mean(np.log(picked))
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    return loss, dx / N


def softmax_sum(x, y):
    N = x.shape[0]
    probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    loss = -np.sum(np.log(probs[np.arange(N), y]))
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    return loss, dx


def softmax_sum_divided(x, y):
    N = x.shape[0]
    probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    loss = -np.sum(np.log(probs[np.arange(N), y]))
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    return loss, dx / N


def softmax_of_rows(x, y):
    N = x.shape[0]
    probs = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)
    loss = 0.0
    for i in range(N):
        loss -= np.log(probs[i, y[i]])
    loss /= N
    dx = probs.copy()
    for i in range(N):
        dx[i, y[i]] -= 1
    dx /= N
    return loss, dx


def svm_of_rows(x, y):
    N, C = x.shape
    loss = 0.0
    dx = np.zeros_like(x)
    for i in range(N):
        for j in range(C):
            if j == y[i]:
                continue
            margin = x[i, j] - x[i, y[i]] + 1
            if margin > 0:
                loss += margin
                dx[i, j] += 1
                dx[i, y[i]] -= 1
    loss /= N
    dx /= N
    return loss, dx


def svm_of_rows_one_sided(x, y):
    N, C = x.shape
    loss = 0.0
    dx = np.zeros_like(x)
    for i in range(N):
        for j in range(C):
            if j == y[i]:
                continue
            margin = x[i, j] - x[i, y[i]] + 1
            if margin > 0:
                loss += margin
                dx[i, j] += 1
    loss /= N
    dx /= N
    return loss, dx


def svm_all_classes(x, y):
    N = x.shape[0]
    correct = x[np.arange(N), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    loss = np.sum(margins) / N
    dx = (margins > 0).astype(float)
    dx[np.arange(N), y] -= np.sum(margins > 0, axis=1)
    dx /= N
    return loss, dx


def hot_forward(x, W):
    hot = np.eye(W.shape[0])[x]
    return hot.dot(W), (x, W)


def hot_backward(dout, cache):
    x, W = cache
    return np.eye(W.shape[0])[x].T.dot(dout)


def looped_forward(x, W):
    N = x.shape[0]
    out = np.zeros((N, W.shape[1]))
    for i in range(N):
        out[i] = W[x[i]]
    return out, (x, W)


def looped_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    for i in range(x.shape[0]):
        dW[x[i]] += dout[i]
    return dW


def overwritten_forward(x, W):
    return W[x], (x, W)


def overwritten_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    for i in range(x.shape[0]):
        dW[x[i]] = dout[i]
    return dW
