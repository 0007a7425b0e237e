# type: ignore
import torch
import torch.nn.functional as F


class CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        ctx.save_for_backward(logits, target)
        return F.cross_entropy(logits, target)

    @staticmethod
    def backward(ctx, grad_output):
        logits, target = ctx.saved_tensors
        probs = torch.softmax(logits, dim=1)
        onehot = F.one_hot(target, logits.shape[1])
        return grad_output * (probs - onehot) / logits.shape[0], None


class CrossEntropySum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        ctx.save_for_backward(logits, target)
        return F.cross_entropy(logits, target, reduction="sum")

    @staticmethod
    def backward(ctx, grad_output):
        logits, target = ctx.saved_tensors
        grad = torch.softmax(logits, dim=1)
        grad[torch.arange(logits.shape[0]), target] -= 1
        return grad_output * grad, None


class CrossEntropyUnscaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        ctx.save_for_backward(logits, target)
        return F.cross_entropy(logits, target)

    @staticmethod
    def backward(ctx, grad_output):
        logits, target = ctx.saved_tensors
        probs = torch.softmax(logits, dim=1)
        onehot = F.one_hot(target, logits.shape[1])
        return (probs - onehot) / logits.shape[0], None


class LogLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logp, target):
        ctx.save_for_backward(logp, target)
        return F.nll_loss(logp, target)

    @staticmethod
    def backward(ctx, grad_output):
        logp, target = ctx.saved_tensors
        grad = torch.zeros_like(logp)
        grad.scatter_(1, target.unsqueeze(1), -1.0 / logp.shape[0])
        return grad * grad_output, None


class LogLossGathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logp, target):
        ctx.save_for_backward(logp, target)
        return -logp.gather(1, target.view(-1, 1)).mean()

    @staticmethod
    def backward(ctx, grad_output):
        logp, target = ctx.saved_tensors
        grad = torch.zeros_like(logp)
        grad[torch.arange(len(target)), target] = -grad_output / len(target)
        return grad, None


class LogLossPositive(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logp, target):
        ctx.save_for_backward(logp, target)
        return -logp.gather(1, target.view(-1, 1)).mean()

    @staticmethod
    def backward(ctx, grad_output):
        logp, target = ctx.saved_tensors
        grad = torch.zeros_like(logp)
        grad[torch.arange(len(target)), target] = grad_output / len(target)
        return grad, None


class Embedding(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, indices):
        ctx.save_for_backward(weight, indices)
        return F.embedding(indices, weight)

    @staticmethod
    def backward(ctx, grad_output):
        weight, indices = ctx.saved_tensors
        grad = torch.zeros_like(weight)
        grad.index_add_(0, indices, grad_output)
        return grad, None


class EmbeddingOneHot(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, indices):
        ctx.save_for_backward(weight, indices)
        return weight.index_select(0, indices)

    @staticmethod
    def backward(ctx, grad_output):
        weight, indices = ctx.saved_tensors
        hot = F.one_hot(indices, weight.shape[0]).to(grad_output.dtype)
        return hot.t() @ grad_output, None


class EmbeddingBuffered(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, indices):
        ctx.save_for_backward(weight, indices)
        return weight[indices]

    @staticmethod
    def backward(ctx, grad_output):
        weight, indices = ctx.saved_tensors
        grad = torch.zeros_like(weight)
        grad[indices] += grad_output
        return grad, None
