"""Arguments the shipped operators share, checked in the user's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symconv.errors import SpecError, setting, shown
from symconv.notation.front import Padding, pairs

__all__ = [
    "POSITIONS",
    "TAPS",
    "Slide",
    "arrange",
    "channels",
    "choice",
    "count",
    "kernel",
    "per_axis",
    "said",
    "slide",
    "switch",
    "term",
    "title",
]

LAYOUTS = ("NCHW", "NHWC")
POSITIONS, TAPS = ("i", "j", "k"), ("p", "q", "r")
_DEFAULTS: dict[str, object] = {"padding": 0, "layout": "NCHW", "border": "zero", "output_padding": 0, "flip": False}

IN_A_FORMULA = {
    "stride": f"write it into the index, as in x[n,2*i+p], or x[n,s*i+p] with {setting('params', '2', 's')}",
    "dilation": "write it into the index, as in x[n,i+2*p]",
    "groups": f"write a group index, as in y[n,(g,f),i] and x[n,(g,c),i+p], with {setting('extents', '2', 'g')}",
    "bias": "add the term, as in + b[f]",
    "flip": "turn the tap, as in w[size(p)-1-p]",
    "layout": "order the indices as the arrays are",
    "axes": "its indices say how many axes an array has, as in x[n,c,i]",
    "outputs": "an operator has one output; make one for each, with the equations before it repeated: the gradient of "
    "a loss of several is the sum of theirs",
}
"""What formulas say themselves, where operators that are shipped have an option."""


def count(value: int, what: str, least: int = 1) -> int:
    """A whole number of at least ``least``; raises SpecError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10**6:
        raise SpecError(f"{what} is an integer from {least} to 1000000; given {shown(value)}")
    return value


def per_axis(value: int | Sequence[int], what: str, rank: int, least: int = 1) -> tuple[int, ...]:
    """One whole number per axis; raises SpecError."""
    items = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,) * rank
    if len(items) != rank:
        raise SpecError(f"{what} names {len(items)} axes, wanted {rank}; given {shown(value)}")
    return tuple(count(item, what, least) for item in items)


def choice(value: str, allowed: Sequence[str], what: str) -> str:
    """One of the words allowed; raises SpecError."""
    if not isinstance(value, str) or value not in allowed:
        raise SpecError(f"{what} is one of {', '.join(allowed)}; given {shown(value)}")
    return value


def switch(value: bool, what: str) -> bool:
    """True or False; raises SpecError."""
    if not isinstance(value, bool):
        raise SpecError(f"{what} is True or False; given {shown(value)}")
    return value


def term(factor: int, name: str) -> str:
    """``factor·name`` as a reader writes it."""
    return name if factor == 1 else f"{factor}*{name}"


@dataclass(frozen=True, slots=True)
class Slide:
    """How windows slide over every spatial axis: the output's indices, the taps, and where a tap of an output lands."""

    outputs: tuple[str, ...]
    taps: tuple[str, ...]
    window: tuple[str, ...]
    padding: tuple[tuple[int, int], ...] | str
    settings: dict[str, object]


def slide(
    rank: int, stride: int | Sequence[int], padding: Padding, dilation: int | Sequence[int], *, flip: bool = False
) -> Slide:
    """The windows of a shipped operator, as in ``2*i+p-1`` axis by axis; raises SpecError for what makes none."""
    strides, dilations = per_axis(stride, "stride", rank), per_axis(dilation, "dilation", rank)
    pads = padding if isinstance(padding, str) else pairs(0 if padding is None else padding, "padding", rank)
    turned = switch(flip, "flip")
    taps = [f"(size({p})-1-{p})" if turned else p for p in TAPS[:rank]]
    lows = [0] * rank if isinstance(pads, str) else [lo for lo, _ in pads]
    parts = zip(strides, POSITIONS, dilations, taps, lows, strict=False)
    window = tuple(f"{term(s, o)}+{term(d, k)}{f'{-lo:+d}' if lo else ''}" for s, o, d, k, lo in parts)
    settings: dict[str, object] = {"stride": strides, "padding": padding, "dilation": dilations}
    return Slide(POSITIONS[:rank], TAPS[:rank], window, pads, settings)


def arrange(layout: str) -> Callable[[str, str, Sequence[str]], str]:
    """How a layout orders (batch, channel, spatial) in an index."""
    if choice(layout, LAYOUTS, "layout") == "NCHW":
        return lambda n, c, spatial: ",".join((n, c, *spatial))
    return lambda n, c, spatial: ",".join((n, *spatial, c))


def kernel(layout: str, first: str, second: str, taps: Sequence[str]) -> str:
    """How a layout orders a kernel's (output channel, input channel, taps)."""
    return ",".join((first, second, *taps) if layout == "NCHW" else (*taps, second, first))


def channels(groups: int) -> tuple[str, str, dict[str, int]]:
    """The output and the input channel of grouped operators, group-major, and the extent of the group."""
    return ("(g,f)", "(g,c)", {"g": groups}) if count(groups, "groups") > 1 else ("f", "c", {})


def said(kinks: Mapping[str, str] | None) -> str | None:
    """Conventions at kinks in a title, as in ``max:share``."""
    return (
        ",".join(f"{function}:{choice}" for function, choice in kinks.items()) if isinstance(kinks, Mapping) else None
    )


def title(name: str, settings: dict[str, object], **defaults: object) -> str:
    """A short name that says how an operator differs from the default: read as a call, it makes the same operator."""
    usual = {**_DEFAULTS, **defaults}
    shown = []
    for key, value in settings.items():
        alike = isinstance(value, tuple) and len(set(value)) == 1 and not isinstance(value[0], tuple)
        plain = value[0] if isinstance(value, tuple) and alike else value
        if plain is not None and plain is not False and repr(plain) != repr(usual.get(key, 1)):
            shown.append(f"{key}={plain!r}".replace(" ", ""))
    return f"{name}({', '.join(shown)})"
