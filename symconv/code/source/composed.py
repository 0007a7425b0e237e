"""Words that are made of other words, said in the Python that is read: one definition for all sizes and for numbers."""

from __future__ import annotations

import ast

__all__ = ["COMPOSED", "composed_signatures"]

_TEXT = """
class every:
    def tan(input):
        return torch.sin(input) / torch.cos(input)
    def sinh(input):
        return (torch.exp(input) - torch.exp(-input)) / 2
    def cosh(input):
        return (torch.exp(input) + torch.exp(-input)) / 2
    def log2(input):
        return torch.log(input) / torch.log(2)
    def log10(input):
        return torch.log(input) / torch.log(10)
    def exp2(input):
        return torch.exp(input * torch.log(2))
    def hypot(input, other):
        return torch.sqrt(input * input + other * other)
    def logaddexp(input, other):
        return other + torch.nn.functional.softplus(input - other)
    def swish(input):
        return torch.nn.functional.silu(input)
    def selu(input):
        below = 1.6732632423543772848170429916717 * torch.expm1(input)
        return 1.0507009873554804934193349852946 * torch.where(input > 0, input, below)
    def celu(input, alpha=1):
        return torch.where(input > 0, input, alpha * torch.expm1(input / alpha))

class torch:
    def linear(input, weight, bias=None):
        own.axes(weight, 2)
        own.axes(bias, 1)
        found = torch.matmul(input, torch.t(weight))
        return found if bias is None else found + bias
    def bilinear(input1, input2, weight, bias=None):
        own.axes(bias, 1)
        found = torch.einsum("...i,oij,...j->...o", input1, weight, input2)
        return found if bias is None else found + bias
    def mv(input, vec):
        own.axes(input, 2)
        own.axes(vec, 1)
        return torch.matmul(input, vec)
    def lerp(input, end, weight):
        return input + weight * (end - input)
    def addcmul(input, tensor1, tensor2, value=1):
        return input + value * (tensor1 * tensor2)
    def addcdiv(input, tensor1, tensor2, value=1):
        return input + value * (tensor1 / tensor2)
    def norm(input, p="fro", dim=None, keepdim=False):
        if p == 1:
            return torch.sum(torch.abs(input), dim, keepdim)
        if p != 2 and p != "fro":
            unread()
        return torch.sqrt(torch.sum(input * input, dim, keepdim))
    def linalg__norm(A, ord=None, dim=None, keepdim=False):
        return own.length(A, ord, dim, keepdim)
    def vector_norm(x, ord=2, dim=None, keepdim=False):
        return torch.norm(x, ord, dim, keepdim)
    def normalize(input, p=2, dim=1, eps=1e-12):
        if eps > 1e-8:
            unread()
        return input / torch.norm(input, p, dim, True)
    def cosine_similarity(x1, x2, dim=1, eps=1e-8):
        if eps > 1e-8:
            unread()
        lengths = torch.norm(x1, 2, dim) * torch.norm(x2, 2, dim)
        return torch.sum(x1 * x2, dim) / lengths
    def pairwise_distance(x1, x2, p=2, eps=1e-6, keepdim=False):
        return torch.norm(x1 - x2 + eps, p, -1, keepdim)
    def masked_fill(input, mask, value):
        return torch.where(mask, value, input)
    def tanhshrink(input):
        return input - torch.tanh(input)
    def softshrink(input, lambd=0.5):
        return torch.where(input > lambd, input - lambd, torch.where(input < -lambd, input + lambd, 0))
    def hardshrink(input, lambd=0.5):
        return torch.where(input > lambd, input, torch.where(input < -lambd, input, 0))
    def threshold(input, threshold, value):
        return torch.where(input > threshold, input, value)
    def mse_loss(input, target, size_average=None, reduce=None, reduction="mean"):
        own.plain(size_average, reduce)
        return own.reduced((input - target) * (input - target), reduction)
    def l1_loss(input, target, size_average=None, reduce=None, reduction="mean"):
        own.plain(size_average, reduce)
        return own.reduced(torch.abs(input - target), reduction)
    def huber_loss(input, target, reduction="mean", delta=1):
        apart = input - target
        far = torch.abs(apart)
        return own.reduced(torch.where(far < delta, apart * apart / 2, delta * (far - delta / 2)), reduction)
    def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1):
        own.plain(size_average, reduce)
        return torch.huber_loss(input, target, reduction, beta) / beta
    def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
        own.plain(weight, size_average, reduce)
        return own.reduced(-target * torch.log(input) - (1 - target) * torch.log(1 - input), reduction)
    def binary_cross_entropy_with_logits(
        input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
    ):
        own.plain(weight, size_average, reduce, pos_weight)
        return own.reduced(torch.nn.functional.softplus(input) - input * target, reduction)
    def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
        own.ends(input, normalized_shape, weight, bias)
        axes = [-1 - k for k in range(len(normalized_shape))]
        return own.scaled(own.standard(input, axes, eps), weight, bias)
    def rms_norm(input, normalized_shape, weight=None, eps=None):
        own.ends(input, normalized_shape, weight, None)
        if eps is None:
            unread()
        axes = [-1 - k for k in range(len(normalized_shape))]
        return own.scaled(input / torch.sqrt(torch.mean(input * input, axes, True) + eps), weight, None)
    def instance_norm(
        input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
    ):
        own.plain(running_mean, running_var)
        if not use_input_stats:
            unread()
        found = own.standard(input, [k for k in range(2, torch.ndim(input))], eps)
        return own.scaled(found, own.channels(input, weight), own.channels(input, bias))
    def batch_norm(
        input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
    ):
        if training:
            own.plain(running_mean, running_var)
            found = own.standard(input, [0] + [k for k in range(2, torch.ndim(input))], eps)
        else:
            found = (input - own.channels(input, running_mean)) / torch.sqrt(own.channels(input, running_var) + eps)
        return own.scaled(found, own.channels(input, weight), own.channels(input, bias))

class numpy:
    def diagflat(v, k=0):
        if k != 0:
            unread()
        row = numpy.reshape(v, -1)
        return numpy.eye(row.shape[0]) * row
    def diag(v, k=0):
        if k != 0 or torch.ndim(v) > 2:
            unread()
        return numpy.diagflat(v) if torch.ndim(v) == 1 else numpy.einsum("ii->i", v)
    def norm(x, ord=None, axis=None, keepdims=False):
        return own.length(x, ord, axis, keepdims)

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

class own:
    def length(x, ord, axis, keepdims):
        several = torch.ndim(x) > 1 if axis is None else isinstance(axis, (tuple, list))
        if ord is not None and (several or ord != 2):
            unread()
        return torch.norm(x, 2, axis, keepdims)
    def plain(*given):
        for one in given:
            if one is not None:
                unread()
    def reduced(found, reduction):
        if reduction == "mean":
            return torch.mean(found)
        if reduction == "sum":
            return torch.sum(found)
        if reduction != "none":
            raise ValueError
        return found
    def axes(found, count):
        if found is not None and torch.ndim(found) != count:
            raise ValueError
    def ends(input, shape, weight, bias):
        own.axes(weight, len(shape))
        own.axes(bias, len(shape))
        for k in range(len(shape)):
            if input.shape[k - len(shape)] != shape[k]:
                raise ValueError
    def channels(input, row):
        own.axes(row, 1)
        return None if row is None else torch.reshape(row, [-1] + [1 for k in range(torch.ndim(input) - 2)])
    def standard(input, axes, eps):
        spread = numpy.var(input, axes, keepdims=True)
        return (input - torch.mean(input, axes, True)) / torch.sqrt(spread + eps)
    def scaled(found, weight, bias):
        if weight is not None:
            found = found * weight
        return found if bias is None else found + bias
"""

_LEADS = {"every": "", "own": "<own>."}
"""What stands before a name where it is not the library: no text can name what definitions share."""


def _functions() -> dict[str, ast.FunctionDef]:
    found: dict[str, ast.FunctionDef] = {}
    for library in ast.parse(_TEXT).body:
        assert isinstance(library, ast.ClassDef)
        lead = _LEADS.get(library.name, f"{library.name}.")
        nodes = [node for node in library.body if isinstance(node, ast.FunctionDef)]
        found |= {lead + node.name.replace("__", "."): node for node in nodes}
    return found


COMPOSED = _functions()
"""The definition of each word, by the name that a signature has."""


def composed_signatures() -> dict[str, tuple[str, str]]:
    """The words with their arguments in order."""
    return {
        name: (f"composed {name}", " ".join([*(one.arg for one in node.args.args),
                                             *([f"*{node.args.vararg.arg}"] if node.args.vararg else [])]))
        for name, node in COMPOSED.items()
    }  # fmt: skip
