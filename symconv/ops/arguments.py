"""Arguments the shipped operators share, checked in the user's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symconv.errors import SpecError

__all__ = ["arrange", "count", "kernel", "per_axis", "title"]

LAYOUTS = ("NCHW", "NHWC")
_DEFAULTS: dict[str, object] = {"padding": 0, "groups": 1, "layout": "NCHW", "border": "zero"}


def count(value: int, what: str, least: int = 1) -> int:
    """A whole number of at least ``least``; raises SpecError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10**6:
        raise SpecError(f"{what} is an integer from {least} to 1000000; given {value!r}")
    return value


def per_axis(value: int | Sequence[int], what: str, rank: int, least: int = 1) -> tuple[int, ...]:
    """One whole number per axis; raises SpecError."""
    items = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,) * rank
    if len(items) != rank:
        raise SpecError(f"{what} names {len(items)} axes, wanted {rank}; given {value!r}")
    return tuple(count(item, what, least) for item in items)  # type: ignore[arg-type]


def arrange(layout: str) -> Callable[[str, str, Sequence[str]], str]:
    """How a layout orders (batch, channel, spatial) in an index."""
    if layout not in LAYOUTS:
        raise SpecError(f"layout is one of {', '.join(LAYOUTS)} (for any rank); given {layout!r}")
    if layout == "NCHW":
        return lambda n, c, spatial: ",".join((n, c, *spatial))
    return lambda n, c, spatial: ",".join((n, *spatial, c))


def kernel(layout: str, first: str, second: str, taps: Sequence[str]) -> str:
    """How a layout orders a kernel's (output channel, input channel, taps)."""
    return ",".join((first, second, *taps) if layout == "NCHW" else (*taps, second, first))


def title(name: str, settings: dict[str, object]) -> str:
    """A short name that says how an operator differs from the default."""
    shown = []
    for key, value in settings.items():
        plain = value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        if plain != _DEFAULTS.get(key, 1) and plain is not False:
            shown.append(f"{key}={plain!r}".replace(" ", ""))
    return f"{name}({', '.join(shown)})"
