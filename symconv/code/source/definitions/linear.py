"""Linear layers."""

TEXT = """
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

    def convolution_backward(
        grad_output, input, weight, bias_sizes, stride, padding, dilation, transposed, output_padding, groups,
        output_mask
    ):
        if transposed:
            unread()
        rank = torch.ndim(input) - 2
        if rank == 1:
            into, of = torch.nn.grad.conv1d_input, torch.nn.grad.conv1d_weight
        elif rank == 2:
            into, of = torch.nn.grad.conv2d_input, torch.nn.grad.conv2d_weight
        else:
            into, of = torch.nn.grad.conv3d_input, torch.nn.grad.conv3d_weight
        first = into(input.shape, weight, grad_output, stride, padding, dilation, groups) if output_mask[0] else None
        second = of(input, weight.shape, grad_output, stride, padding, dilation, groups) if output_mask[1] else None
        third = torch.sum(grad_output, [0] + [k + 2 for k in range(rank)]) if output_mask[2] else None
        return first, second, third

    def diagonal(input, offset=0, dim1=0, dim2=1):
        own.axes(input, 2)
        if offset != 0:
            unread()
        return torch.einsum("ii->i", input)
    def trace(input):
        own.axes(input, 2)
        return torch.einsum("ii->", input)
    def scaled_dot_product_attention(
        query, key, value, attn_mask=None, dropout_p=0, is_causal=False, scale=None, enable_gqa=False
    ):
        if dropout_p != 0 or enable_gqa or (is_causal and attn_mask is not None):
            unread()
        if scale is None:
            scale = query.shape[-1] ** -0.5
        scores = torch.matmul(query, torch.transpose(key, -2, -1)) * scale
        if is_causal:
            rows, columns = query.shape[-2], key.shape[-2]
            scores = torch.where(torch.tril(torch.ones(rows, columns)), scores, -torch.inf)
        elif attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = torch.where(attn_mask, scores, -torch.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        return torch.matmul(torch.softmax(scores, -1), value)

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
    def add__outer(A, B):
        if torch.ndim(A) != 1 or torch.ndim(B) != 1:
            unread()
        return A[:, None] + B[None, :]
    def trace(a, offset=0):
        if offset != 0 or torch.ndim(a) != 2:
            unread()
        return numpy.einsum("ii->", a)

class own:
    def axes(found, count):
        if found is not None and torch.ndim(found) != count:
            raise ValueError
    def plain(*given):
        for one in given:
            if one is not None:
                unread()
"""
