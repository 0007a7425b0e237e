"""Words of JAX and TensorFlow, and what torch makes of one number for several axes."""

TEXT = """
class torch:
    def _single(x):
        return own.spread(x, 1)
    def _pair(x):
        return own.spread(x, 2)
    def _triple(x):
        return own.spread(x, 3)

class own:
    def spread(x, count):
        return tuple(x) if isinstance(x, (tuple, list)) else tuple([x for k in range(count)])

class jax:
    def norm(x, ord=None, axis=None, keepdims=False):
        return own.length(x, ord, axis, keepdims)
    def nn__softmax(x, axis=-1):
        return torch.softmax(x, axis)
    def nn__log_softmax(x, axis=-1):
        return torch.log_softmax(x, axis)
    def nn__standardize(x, axis=-1, mean=None, variance=None, epsilon=1e-5):
        own.plain(mean, variance)
        return own.standard(x, axis, epsilon)
    def lax__select(pred, on_true, on_false):
        return torch.where(pred, on_true, on_false)

class tensorflow:
    def softmax(logits, axis=-1):
        return torch.softmax(logits, axis)
    def log_softmax(logits, axis=-1):
        return torch.log_softmax(logits, axis)
    def reduce_logsumexp(input_tensor, axis=None, keepdims=False):
        return numpy.logsumexp(input_tensor, axis, keepdims)
    def reduce_variance(input_tensor, axis=None, keepdims=False):
        return numpy.var(input_tensor, axis, keepdims=keepdims)
    def reduce_std(input_tensor, axis=None, keepdims=False):
        return numpy.std(input_tensor, axis, keepdims=keepdims)
    def norm(tensor, ord="euclidean", axis=None, keepdims=False):
        if ord != "euclidean":
            unread()
        return torch.norm(tensor, 2, axis, keepdims)
    def l2_normalize(x, axis=None, epsilon=1e-12):
        if own.exact():
            return x / torch.sqrt(torch.clamp(torch.sum(x * x, axis, True), epsilon))
        if epsilon > 1e-12:
            unread()
        return x / torch.norm(x, 2, axis, True)
    def moments(x, axes, shift=None, keepdims=False):
        mean = torch.mean(x, axes, True)
        return torch.mean(x, axes, keepdims), torch.mean((x - mean) * (x - mean), axes, keepdims)
    def batch_normalization(x, mean, variance, offset, scale, variance_epsilon):
        return own.scaled((x - mean) / torch.sqrt(variance + variance_epsilon), scale, offset)
    def bias_add(value, bias, data_format=None):
        own.axes(bias, 1)
        if data_format in ("NC...", "NCW", "NCHW", "NCDHW"):
            return value + own.channels(value, bias)
        if data_format not in (None, "N...C", "NWC", "NHWC", "NDHWC"):
            unread()
        return value + bias
    def matmul(a, b, transpose_a=False, transpose_b=False):
        if transpose_a:
            a = torch.transpose(a, -1, -2)
        if transpose_b:
            b = torch.transpose(b, -1, -2)
        return torch.matmul(a, b)
    def squared_difference(x, y):
        return (x - y) * (x - y)
    def sigmoid_cross_entropy_with_logits(labels, logits):
        return torch.nn.functional.softplus(logits) - logits * labels
"""
