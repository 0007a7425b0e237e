"""Lengths and normalisations."""

TEXT = """
class torch:
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
        return input / own.at_least(torch.norm(input, p, dim, True), eps)
    def cosine_similarity(x1, x2, dim=1, eps=1e-8):
        lengths = own.at_least(torch.norm(x1, 2, dim), eps) * own.at_least(torch.norm(x2, 2, dim), eps)
        return torch.sum(x1 * x2, dim) / lengths
    def cdist(x1, x2, p=2, compute_mode=None):
        return torch.norm(torch.unsqueeze(x1, -2) - torch.unsqueeze(x2, -3), p, -1)
    def pairwise_distance(x1, x2, p=2, eps=1e-6, keepdim=False):
        return torch.norm(x1 - x2 + eps, p, -1, keepdim)
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
    def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
        around = [(0, 0), (size // 2, (size - 1) // 2)] + [(0, 0) for axis in range(2, torch.ndim(input))]
        squares = torch.tensor_unfold(numpy.pad(input * input, around), 1, size, 1)
        return input / (alpha * torch.mean(squares, -1) + k) ** beta
    def instance_norm(
        input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
    ):
        own.plain(running_mean, running_var)
        if not use_input_stats:
            unread()
        found = own.standard(input, [k for k in range(2, torch.ndim(input))], eps)
        return own.scaled(found, own.channels(input, weight), own.channels(input, bias))
    def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
        N, C, *plane = input.shape
        if C % num_groups != 0:
            raise ValueError
        parts = torch.reshape(input, (N, num_groups, C // num_groups, *plane))
        found = torch.reshape(own.standard(parts, [k for k in range(2, torch.ndim(parts))], eps), input.shape)
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
    def norm(x, ord=None, axis=None, keepdims=False):
        return own.length(x, ord, axis, keepdims)

class own:
    def at_least(length, eps):
        if own.exact():
            return torch.clamp(length, eps)
        if eps > 1e-8:
            unread()
        return length
    def length(x, ord, axis, keepdims):
        several = torch.ndim(x) > 1 if axis is None else isinstance(axis, (tuple, list))
        if ord is not None and (several or ord != 2):
            unread()
        return torch.norm(x, 2, axis, keepdims)
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
        centred = input - torch.mean(input, axes, True)
        spread = torch.mean(centred * centred, axes, True) if own.exact() else numpy.var(input, axes, keepdims=True)
        return centred / torch.sqrt(spread + eps)
    def scaled(found, weight, bias):
        if weight is not None:
            found = found * weight
        return found if bias is None else found + bias
"""
