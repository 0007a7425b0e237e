"""From what was typed to an operator: a shipped one by name, a formula, or a spec file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from symconv.commands.operators import flag, is_code, is_formula, is_spec, near
from symconv.errors import SpecError

if TYPE_CHECKING:
    from symconv.notation.operator import Operator

__all__ = ["BY_NAME", "completed", "gradient_names", "misnamed", "requested", "titled"]

_NAMELESS, _LONGEST = "formula", 48  # what else progress says has to fit beside it
BY_NAME = frozenset({"axes", "extents", "where", "kinks", "params", "surrogate"})
"""Settings that are given as NAME=VALUE."""


def requested(op: str, settings: Mapping[str, object]) -> Operator:
    """The operator OP and its options stand for; raises SpecError naming the option that does not fit.

    >>> requested("conv1d", {"stride": 2, "border": None, "bias": False}).name
    'conv1d(stride=2)'
    >>> requested("y[n,i] = sum[p](x[n,i+p]*w[p])", {}).tensors
    ('x', 'w')
    """
    # By identity: 0 is a value (and wrong for a stride), False and () are options left out.
    given: dict[str, Any] = {
        name: value for name, value in settings.items() if not (value is None or value is False or value == ())
    }
    given |= {name: dict(given[name]) for name in BY_NAME & set(given)}
    if is_formula(op):
        return _formula(op, given)
    if is_code(op):
        return _function(op, given)
    return _spec_file(op, given) if is_spec(op) else _shipped(op, given)


def _formula(source: str, given: Mapping[str, Any]) -> Operator:
    from symconv.ops.arguments import IN_A_FORMULA
    from symconv.ops.registry import operator

    for option in given:
        if option not in signature(operator).parameters:
            hint = IN_A_FORMULA.get(option, "leave it out")
            raise SpecError(f"a formula does not take {flag(option)}: {hint}")
    return operator(source, **given)


def _function(file: str, given: Mapping[str, Any]) -> Operator:
    """The operator that a forward function of a file computes."""
    from symconv.forwards import read_file

    for option in given.keys() - {"params", "axes"}:
        raise SpecError(
            f"a function of a file does not take {flag(option)}: it says everything itself but its numbers (--params) "
            "and how many axes its arrays have (--axes)"
        )
    axes = {name: n.numerator if isinstance(n, Fraction) and n.denominator == 1 else n
            for name, n in given.get("axes", {}).items()}  # fmt: skip
    return read_file(file, dict(given.get("params", {})), axes or None)


def _spec_file(path: str, given: Mapping[str, Any]) -> Operator:
    from symconv.ops.registry import load

    for option in given.keys() - {"params"}:
        raise SpecError(f"a spec file does not take {flag(option)}: {path} says everything about its operator")
    return load(path, given.get("params"))


def _shipped(name: str, given: Mapping[str, Any]) -> Operator:
    from symconv.ops.registry import catalogue

    known = catalogue()
    if name not in known:
        close = near(name, known)
        hint = f"; did you mean {close}?" if close else ";"
        raise SpecError(
            f"there is no operator {name!r}{hint} OP is a name (`symconv list` shows them), a .toml spec file, "
            "FILE.py:FUNCTION, or a formula in quotes, as in 'y[n,f,i] = sum[c,p](x[n,c,i+p]*w[f,c,p])'"
        )
    make = known[name].make
    taken = signature(make).parameters
    for option in given:
        if option not in taken:
            raise SpecError(f"{name} does not take {flag(option)}; it takes {', '.join(map(flag, taken))}")
    for option, parameter in taken.items():
        if option not in given and parameter.default is Parameter.empty:
            raise SpecError(f"{name} needs {flag(option)}")
    return make(**given)


def gradient_names(op: Operator, wrt: tuple[str, ...]) -> tuple[str, ...]:
    """The tensors to differentiate by: those asked for, or every real input; raises SpecError for an unknown one.

    >>> gradient_names(requested("conv1d", {}), ())
    ('x', 'w')
    """
    real = tuple(tensor.name for tensor in op.inputs if tensor.dtype == "real")
    for name in wrt:
        if name not in real:
            hint = f"; did you mean {close}?" if (close := near(name, real)) else ";"
            raise SpecError(
                f"{op.name} has no gradient with respect to {name!r}{hint} --wrt is one of {', '.join(real)}"
            )
    return tuple(dict.fromkeys(wrt)) or real


def completed(shapes: Mapping[str, tuple[int, ...]], op: Operator) -> dict[str, tuple[int, ...]]:
    """The shapes that were given, and that of every tensor without axes: a number given at run time has but one.

    >>> completed({"x": (3,)}, requested("y[i] = eps*x[i]", {"params": {"eps": None}}))
    {'x': (3,), 'eps': ()}
    """
    return {**shapes, **{tensor.name: () for tensor in op.inputs if not tensor.axes and tensor.name not in shapes}}


def misnamed(given: Iterable[str], op: Operator) -> str:
    """What to add to a message where a name is no tensor of the operator: which was probably meant.

    >>> misnamed(["X", "w"], requested("conv1d", {}))
    ' (X: did you mean x?)'
    """
    found = [(name, near(name, op.tensors)) for name in given if name not in op.tensors]
    said = ", ".join(f"{name}: did you mean {close}?" for name, close in found if close)
    return f" ({said})" if said else ""


def titled(op: Operator) -> str:
    """What progress calls an operator: its name with its settings, of a formula without one its beginning.

    >>> titled(requested("conv1d", {"stride": 2})), titled(requested("y[i] = 3*x[i]", {}))
    ('conv1d(stride=2)', 'y[i] = 3*x[i]')
    """
    named = op.name != _NAMELESS or not op.source
    text = " ".join((op.name if named else op.source).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
