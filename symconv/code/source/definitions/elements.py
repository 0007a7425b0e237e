"""Functions of elements."""

TEXT = """
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
    def softsign(input):
        return input / (1 + torch.abs(input))
    def selu(input):
        below = 1.6732632423543772848170429916717 * torch.expm1(input)
        return 1.0507009873554804934193349852946 * torch.where(input > 0, input, below)
    def gt(input, other):
        return input > other
    def ge(input, other):
        return input >= other
    def greater_equal(input, other):
        return input >= other
    def lt(input, other):
        return input < other
    def le(input, other):
        return input <= other
    def less_equal(input, other):
        return input <= other
    def eq(input, other):
        return input == other
    def ne(input, other):
        return input != other
    def not_equal(input, other):
        return input != other
    def logical_not(input):
        return ~input
    def logical_and(input, other):
        return input & other
    def logical_or(input, other):
        return input | other
    def celu(input, alpha=1):
        return torch.where(input > 0, input, alpha * torch.expm1(input / alpha))

class torch:
    def tanhshrink(input):
        return input - torch.tanh(input)
    def softshrink(input, lambd=0.5):
        return torch.where(input > lambd, input - lambd, torch.where(input < -lambd, input + lambd, 0))
    def hardshrink(input, lambd=0.5):
        return torch.where(input > lambd, input, torch.where(input < -lambd, input, 0))
    def threshold(input, threshold, value):
        return torch.where(input > threshold, input, value)
    def lerp(input, end, weight):
        return input + weight * (end - input)
    def addcmul(input, tensor1, tensor2, value=1):
        return input + value * (tensor1 * tensor2)
    def addcdiv(input, tensor1, tensor2, value=1):
        return input + value * (tensor1 / tensor2)
    def xlogy(input, other):
        if own.exact():
            return torch.where(input == 0, 0, input * torch.log(other))
        return input * torch.log(other)
    def prelu(input, weight):
        own.axes(weight, 1)
        return torch.where(input > 0, input, own.channels(input, weight) * input)
    def glu(input, dim=-1):
        kept, gate = numpy.split(input, 2, dim)
        return kept * torch.sigmoid(gate)
    def dropout(input, p=0.5, training=True, inplace=False):
        if training or inplace:
            unread()
        return input
    def softmin(input, dim):
        return torch.softmax(-input, dim)
    def masked_fill(input, mask, value):
        return torch.where(mask, value, input)
"""
