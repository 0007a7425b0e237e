"""Losses."""

TEXT = """
class torch:
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
    def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
        own.plain(size_average, reduce)
        found = torch.exp(target) * (target - input) if log_target else torch.xlogy(target, target) - target * input
        if reduction == "batchmean":
            return torch.sum(found) / input.shape[0]
        return own.reduced(found, reduction)
    def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
        own.plain(weight, size_average, reduce)
        return own.reduced(-target * own.limited_log(input) - (1 - target) * own.limited_log(1 - input), reduction)
    def binary_cross_entropy_with_logits(
        input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
    ):
        own.plain(weight, size_average, reduce, pos_weight)
        return own.reduced(torch.nn.functional.softplus(input) - input * target, reduction)

class own:
    def limited_log(input):
        if own.exact():
            return torch.where(input > 0, torch.log(input), -100)
        return torch.log(input)
    def reduced(found, reduction):
        if reduction == "mean":
            return torch.mean(found)
        if reduction == "sum":
            return torch.sum(found)
        if reduction != "none":
            raise ValueError
        return found
"""
