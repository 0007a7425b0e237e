"""The operators that come with symconv, and the door for everyone's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from symconv.errors import SpecError, shown
from symconv.notation.from_sympy import from_sympy, is_sympy
from symconv.notation.front import Padding, by_name, formula
from symconv.notation.operator import Operator
from symconv.notation.spec import read_spec
from symconv.ops.activated import (
    conv_bias_act1d,
    conv_bias_act2d,
    conv_bias_act3d,
    kervolution1d,
    kervolution2d,
    kervolution3d,
)
from symconv.ops.adder import (
    adder1d,
    adder2d,
    adder3d,
    squared_distance1d,
    squared_distance2d,
    squared_distance3d,
)
from symconv.ops.conv import conv1d, conv2d, conv3d
from symconv.ops.families import FAMILIES, names
from symconv.ops.local import (
    dynamic_filter1d,
    dynamic_filter2d,
    dynamic_filter3d,
    locally_connected1d,
    locally_connected2d,
    locally_connected3d,
)
from symconv.ops.pooling import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from symconv.ops.transposed import conv_transpose1d, conv_transpose2d, conv_transpose3d
from symconv.ops.tropical import max_plus1d, max_plus2d, max_plus3d, min_plus1d, min_plus2d, min_plus3d

__all__ = [
    "Entry",
    "adder1d",
    "adder2d",
    "adder3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "catalogue",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_bias_act1d",
    "conv_bias_act2d",
    "conv_bias_act3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "dynamic_filter1d",
    "dynamic_filter2d",
    "dynamic_filter3d",
    "kervolution1d",
    "kervolution2d",
    "kervolution3d",
    "load",
    "locally_connected1d",
    "locally_connected2d",
    "locally_connected3d",
    "max_plus1d",
    "max_plus2d",
    "max_plus3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "min_plus1d",
    "min_plus2d",
    "min_plus3d",
    "operator",
    "ops",
    "squared_distance1d",
    "squared_distance2d",
    "squared_distance3d",
]

Make = Callable[..., Operator]


@dataclass(frozen=True, slots=True)
class Entry:
    """A shipped operator: how to make it, what it is in one line, and its formula in one dimension."""

    make: Make
    line: str
    formula: str


_MAKERS: dict[str, Make] = {
    make.__name__: make
    for make in (
        *(conv1d, conv2d, conv3d),
        *(conv_transpose1d, conv_transpose2d, conv_transpose3d),
        *(conv_bias_act1d, conv_bias_act2d, conv_bias_act3d),
        *(adder1d, adder2d, adder3d),
        *(squared_distance1d, squared_distance2d, squared_distance3d),
        *(max_plus1d, max_plus2d, max_plus3d),
        *(min_plus1d, min_plus2d, min_plus3d),
        *(kervolution1d, kervolution2d, kervolution3d),
        *(max_pool1d, max_pool2d, max_pool3d),
        *(avg_pool1d, avg_pool2d, avg_pool3d),
        *(locally_connected1d, locally_connected2d, locally_connected3d),
        *(dynamic_filter1d, dynamic_filter2d, dynamic_filter3d),
    )
}
"""By the operator's name, which is the function's."""


def operator(
    source: str | Any,
    *,
    padding: Padding = None,
    extents: Mapping[str, int | str] | None = None,
    where: Mapping[str, str] | None = None,
    border: str | float | Mapping[str, str | float] = "zero",
    params: Mapping[str, float | Fraction | None] | None = None,
    kinks: Mapping[str, str] | None = None,
    surrogate: Mapping[str, str] | None = None,
    empty: float | Fraction | None = None,
    name: str = "formula",
    outputs: Sequence[str] | str | None = None,
) -> Operator:
    """The operator a formula in index notation, or a SymPy equation, stands for.

    Parameters
    ----------
    source : the formula; or ``sympy.Eq(y[n, i], Sum(...))`` over Indexed, where Sum's limits say how far indices run
    padding : (low, high) per windowed axis; the low pads are the offsets in the indices and must agree
    extents : how far an index runs, where that does not follow: a number or a formula in sizes (``/`` and ``//`` round
        down)
    where : what else must hold of the sizes, as ``{"K": "<= L"}``
    border : what lies outside a tensor: a rule or a number, or one per tensor
    params : numbers by name; None makes one a tensor without axes, given at run time and with a gradient of its own;
        ``int`` (or None of one that stands in an index) leaves a whole number open, as a stride: the result is a
        family, and ``sc.build(family, params={"s": 2})``, derive, verify and prove take the number
    kinks : conventions at kinks by function: ``{"max": "share"}``
    surrogate : other derivatives, by tensor (``{"w": "x - w"}``: what one read of w gets of the sum's cotangent, signs
        and constant factors around the sum included) or by function (``{"sign": "1"}``: the slope at ``u``)
    empty : the value of a mean, max or min whose taps are all left out; without it sizes with such a cell are an error
    name : what messages and files call the operator
    outputs : the equations whose values are returned; without it those that no equation reads

    Several equations, with semicolons or on lines of their own, name intermediates and outputs.

    Raises SpecError with a caret under what is wrong.

    >>> op = operator("y[n,f,i] = -sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))")
    >>> op.output_shape(x=(1, 2, 9), w=(3, 2, 3))
    (1, 3, 5)
    """
    given = dict(by_name("extents", extents))
    if is_sympy(source):
        source, found = from_sympy(source)
        given = {**found, **given}
    return formula(
        source,
        name=name,
        padding=padding,
        extents=given,
        where=where,
        border=border,
        params=params,
        kinks=kinks,
        surrogates=surrogate,
        empty=empty,
        outputs=outputs,
    )


def load(path: str | Path, params: Mapping[str, int] | None = None) -> Operator:
    """The operator a TOML file describes, with ``params`` for the whole numbers that it calls ``"int"``.

    Its keys are ``formula`` and, where needed, the keywords of ``operator``: name, padding, extents, where, border,
    params, kinks, surrogate, empty, outputs. Raises SpecError that names the file and the key.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "adder.toml"
    >>> _ = file.write_text('formula = "y[n,f,i] = -sum[c,p](abs(x[n,c,i+p-1] - w[f,c,p]))"')
    >>> load(file).output_shape(x=(1, 2, 9), w=(3, 2, 3))
    (1, 3, 9)
    """
    if not isinstance(path, str | Path):
        raise SpecError(f"the path of a TOML file is wanted; given {shown(path)}")
    return read_spec(Path(path), params)


def catalogue() -> dict[str, Entry]:
    """Every shipped operator by name.

    >>> catalogue()["max_pool2d"].line
    '2-D max pooling'
    """
    return {
        f"{name}{rank}d": Entry(_MAKERS[f"{name}{rank}d"], f"{rank}-D {line}", text)
        for name, line, text in FAMILIES
        for rank in (1, 2, 3)
    }


def ops() -> tuple[str, ...]:
    """The names of the operators that come with symconv.

    >>> ops()[:2]
    ('conv1d', 'conv2d')
    """
    return names()
