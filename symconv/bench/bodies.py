"""What people write in torch for a window operator that it does not have: autograd over ``unfold``, and ``cdist``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symconv.bench.problem import Problem

__all__ = ["autograd"]

Calls = dict[str, Callable[[], Any]]


def autograd(p: Problem, x: Any, w: Any, gy: Any) -> tuple[Mapping[str, Calls], Callable[[], dict[str, Any]]]:
    """torch's functions by direction and by form, and the results of ``unfold``.

    The forward graph of a backward is made once and kept: only the backward is timed.
    """
    x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
    forms = {name: form for name, form in _FORMS.items() if p.body in form}
    calls: dict[str, Calls] = {direction: {} for direction in ("forward", "backward", "x", "w")}
    for name, form in forms.items():
        make = _shaped(form[p.body], p, x, w, gy)
        y = make()
        calls["forward"][name] = _without_graph(make)
        for direction, wrt in (("backward", (x, w)), ("x", (x,)), ("w", (w,))):
            calls[direction][name] = _gradients(y, wrt, gy)

    def results() -> dict[str, Any]:
        gx, gw = calls["backward"]["unfold"]()
        return {"y": calls["forward"]["unfold"]().numpy(), "x": gx.numpy(), "w": gw.numpy()}

    return calls, results


def _gradients(y: Any, wrt: tuple[Any, ...], gy: Any) -> Callable[[], Any]:
    from torch import autograd

    return lambda: autograd.grad(y, wrt, gy, retain_graph=True)


def _without_graph(make: Callable[[], Any]) -> Callable[[], Any]:
    from torch import no_grad

    def call() -> Any:
        with no_grad():
            return make()

    return call


def _shaped(form: Callable[[Any, Any], Any], p: Problem, x: Any, w: Any, gy: Any) -> Callable[[], Any]:
    from torch.nn.functional import pad, unfold

    ends = [end for pair in reversed(p.pads) for end in pair]
    outside = float("-inf") if p.body == "max-plus" else 0.0  # what never is a maximum: max-plus skips those taps

    def call() -> Any:
        columns = unfold(pad(x, ends, value=outside), w.shape[2:], p.dilation, 0, p.stride)
        return form(columns, w.reshape(w.shape[0], -1)).reshape(gy.shape)

    return call


def _unfold_adder(u: Any, w: Any) -> Any:
    return -(u[:, None] - w[None, :, :, None]).abs().sum(2)


def _unfold_squares(u: Any, w: Any) -> Any:
    return (u[:, None] - w[None, :, :, None]).square().sum(2)


def _unfold_max_plus(u: Any, w: Any) -> Any:
    return (u[:, None] + w[None, :, :, None]).max(2).values


def _cdist_adder(u: Any, w: Any) -> Any:
    from torch import cdist

    return -cdist(u.transpose(1, 2), w[None].expand(u.shape[0], -1, -1), p=1.0).transpose(1, 2)


def _cdist_squares(u: Any, w: Any) -> Any:
    from torch import cdist

    return cdist(u.transpose(1, 2), w[None].expand(u.shape[0], -1, -1)).square().transpose(1, 2)


_FORMS: dict[str, dict[str, Callable[[Any, Any], Any]]] = {
    "unfold": {"adder": _unfold_adder, "squared distance": _unfold_squares, "max-plus": _unfold_max_plus},
    "cdist": {"adder": _cdist_adder, "squared distance": _cdist_squares},
}
