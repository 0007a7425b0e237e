"""Layers that mask with truth values made of numbers; one of each is wrong."""

import torch


class Kept(torch.autograd.Function):
    @staticmethod
    def forward(ctx, scores, mask):
        keep = mask.bool()
        p = torch.softmax(scores.masked_fill(~keep, -1e9), dim=-1)
        ctx.save_for_backward(p, keep)
        return p

    @staticmethod
    def backward(ctx, dp):
        p, keep = ctx.saved_tensors
        ds = p * (dp - (dp * p).sum(dim=-1, keepdim=True))
        return ds.masked_fill(~keep, 0), None


class KeptJacobian(torch.autograd.Function):
    @staticmethod
    def forward(ctx, scores, mask):
        keep = mask.bool()
        p = torch.softmax(scores.masked_fill(~keep, -1e9), dim=-1)
        ctx.save_for_backward(p, keep)
        return p

    @staticmethod
    def backward(ctx, dp):
        p, keep = ctx.saved_tensors
        ds = p * (dp - dp.sum(dim=-1, keepdim=True))
        return ds.masked_fill(~keep, 0), None
