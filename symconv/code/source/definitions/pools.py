"""Pools: the largest element or the mean of each window."""

TEXT = """
class torch:
    def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if ceil_mode or return_indices:
            unread()
        return own.largest(input, 1, kernel_size, stride, padding, dilation)
    def adaptive_max_pool1d(input, output_size, return_indices=False):
        own.same(output_size, 1)
        if return_indices:
            unread()
        return own.first(input, [-1 - k for k in range(1)], True)
    def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if ceil_mode or return_indices:
            unread()
        return own.largest(input, 2, kernel_size, stride, padding, dilation)
    def adaptive_max_pool2d(input, output_size, return_indices=False):
        own.same(output_size, 1)
        if return_indices:
            unread()
        return own.first(input, [-1 - k for k in range(2)], True)
    def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        if ceil_mode or return_indices:
            unread()
        return own.largest(input, 3, kernel_size, stride, padding, dilation)
    def adaptive_max_pool3d(input, output_size, return_indices=False):
        own.same(output_size, 1)
        if return_indices:
            unread()
        return own.first(input, [-1 - k for k in range(3)], True)

    def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        return own.lengths(input, 1, norm_type, kernel_size, stride, ceil_mode)
    def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        return own.lengths(input, 2, norm_type, kernel_size, stride, ceil_mode)

class tensorflow:
    def max_pool2d(input, ksize, strides, padding, data_format="NHWC"):
        return own.first(own.windows(input, ksize, strides, padding, data_format), [-1, -2])
    def avg_pool2d(input, ksize, strides, padding, data_format="NHWC"):
        return torch.mean(own.windows(input, ksize, strides, padding, data_format), [-1, -2])
    def max_pool(input, ksize, strides, padding, data_format="NHWC"):
        return own.first(own.windows(input, ksize, strides, padding, data_format), [-1, -2])
    def avg_pool(input, ksize, strides, padding, data_format="NHWC"):
        return torch.mean(own.windows(input, ksize, strides, padding, data_format), [-1, -2])

class own:
    def same(given, wanted):
        for one in given if isinstance(given, (tuple, list)) else [given]:
            if one != wanted:
                unread()
    def each(given, count):
        if not isinstance(given, (tuple, list)):
            return [given for k in range(count)]
        return [given[0] for k in range(count)] if len(given) == 1 else list(given)
    def slid(input, count, kernel, stride):
        return own.spaced(input, count, kernel, stride, 1)
    def spaced(input, count, kernel, stride, dilation):
        own.axes(input, count + 2)
        lengths, apart = own.each(kernel, count), own.each(dilation, count)
        steps = lengths if stride is None else own.each(stride, count)
        for k in range(count):
            input = torch.tensor_unfold(input, k + 2, (lengths[k] - 1) * apart[k] + 1, steps[k])
            if apart[k] != 1:
                input = input[..., ::apart[k]]
        return input
    def largest(input, count, kernel, stride, padding, dilation):
        if not own.exact():
            own.same(dilation, 1)
            own.same(padding, 0)
        pads = own.each(padding, count)
        axes = [-1 - k for k in range(count)]
        if max([0] + list(pads)) == 0:
            return own.first(own.spaced(input, count, kernel, stride, dilation), axes)
        around = [(0, 0), (0, 0)] + [(pads[k], pads[k]) for k in range(count)]
        there = own.spaced(numpy.pad(torch.ones_like(input), around), count, kernel, stride, dilation)
        found = own.spaced(numpy.pad(input, around), count, kernel, stride, dilation)
        return own.first(found, axes, False, there)
    def lengths(input, count, norm_type, kernel, stride, ceil_mode):
        if norm_type != 2 or ceil_mode:
            unread()
        return torch.sqrt(torch.sum(own.slid(input * input, count, kernel, stride), [-1 - k for k in range(count)]))
    def windows(input, ksize, strides, padding, data_format):
        if padding != "VALID" or data_format not in (None, "NHWC", "NCHW"):
            unread()
        own.axes(input, 4)
        first = 2 if data_format == "NCHW" else 1
        lengths, steps = own.each(ksize, 2), own.each(strides, 2)
        lengths = lengths[first:first + 2] if len(lengths) == 4 else lengths
        steps = steps[first:first + 2] if len(steps) == 4 else steps
        rows = torch.tensor_unfold(input, first, lengths[0], steps[0])
        return torch.tensor_unfold(rows, first + 1, lengths[1], steps[1])
"""
