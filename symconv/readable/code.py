"""A derivation as source that a reader can run and teach: NumPy, or torch."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from symconv.derive.adjoint import adjoint
from symconv.derive.borders import resolve_borders
from symconv.derive.surrogates import plain
from symconv.derive.tangent import tangent
from symconv.errors import SpecError, SymconvError, shown
from symconv.gather.derivation import Derivation
from symconv.notation.operator import Operator
from symconv.readable.copies import Copied, copied
from symconv.readable.dialects import NUMPY, TORCH, Dialect
from symconv.readable.formula import formula_of, shapes_of
from symconv.readable.function import call_text, function_text, header, name_of
from symconv.readable.identities import identity
from symconv.readable.numbers import settled
from symconv.readable.sweeps import taps_of
from symconv.readable.words import Words
from symconv.relation.sets import context_of

__all__ = ["code", "function_of", "module"]

_WIDTH = 96


def code(derivation: Derivation, library: str = "numpy") -> str:
    """The source of a function for a library, "numpy" or "torch"; raises SpecError for another."""
    return module((derivation,), library)


def module(derivations: tuple[Derivation, ...], library: str = "numpy") -> str:
    """The source of a function for each of some derivations, with the imports that they need.

    >>> import symconv as sc
    >>> print(module((sc.derive(sc.conv1d(stride=2, padding=1), "w").derivation,)))  # doctest: +ELLIPSIS
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def conv1d_grad_w(gy, x, w):
    ...
        xp = np.pad(x, ((0, 0), (0, 0), (1, 1)))
        gw = np.zeros((F, C, K), dtype=gy.dtype)
        for p in range(K):
            gw[:, :, p] = np.einsum("nfi,nci->fc", gy, xp[:, :, p:p + 2*OL:2])
        return gw
    <BLANKLINE>
    """
    if not isinstance(library, str) or library not in _LIBRARIES:
        raise SpecError(f"code is written for {' or '.join(_LIBRARIES)}; given {shown(library)}")
    dialect = _LIBRARIES[library]
    texts = [_called(one) or function_of(one, dialect) if dialect is TORCH else function_of(one, dialect)
             for one in derivations]  # fmt: skip
    return "\n\n".join((header(texts, dialect), *texts))


_LIBRARIES = {"numpy": NUMPY, "torch": TORCH}


def _called(derivation: Derivation) -> str:
    """A torch function that is one call, where a formula of calls is proved; "" where none is."""
    form = derivation.operator
    words = Words({*form.tensors, "torch"}, frozenset(context_of(form).sizes))
    found = identity(derivation, words)
    return "" if found is None else call_text(form, name_of(form), _doc(derivation), found.claim, found.torch)


def function_of(derivation: Derivation, dialect: Dialect, name: str = "", several: tuple[str, ...] = ()) -> str:
    """One function, without the imports; it returns ``several`` of the arrays that it computes, or the last one."""
    form, copies = _form(derivation)
    taps = taps_of(derivation.stated)
    return function_text(form, dialect, name or name_of(form), _doc(derivation, several), copies, taps, several)


def _form(derivation: Derivation) -> tuple[Operator, tuple[Copied, ...]]:
    """What is printed: borders that are more than zeros as copies, if that can be derived."""
    usual = _plain(derivation.operator)
    # Declared slopes speak of the tensors by name; a copy has another one.
    if any(not one.function for one in derivation.stated.surrogates) or not any(
        s.expr != o.expr for s, o in zip(derivation.stated.statements, derivation.operator.statements, strict=False)
    ):
        return usual, ()
    longer, copies = copied(derivation.stated)
    if not copies:
        return usual, ()
    try:
        made = _derived(derivation, resolve_borders(longer))
    except SymconvError:
        return usual, ()
    return _plain(made), copies


def _derived(derivation: Derivation, resolved: Operator) -> Operator:
    if not derivation.wrt:
        return resolved
    if not derivation.stated.several and derivation.operator.output.name == f"t{derivation.stated.output.name}":
        return tangent(resolved, tuple(derivation.wrt.split(",")))
    return adjoint(resolved, derivation.wrt)


def _plain(op: Operator) -> Operator:
    return replace(op, statements=tuple(replace(s, expr=settled(plain(s.expr))) for s in op.statements))


def _doc(derivation: Derivation, several: tuple[str, ...] = ()) -> str:
    stated, op = derivation.stated, derivation.operator
    formulas = formula_of(op)
    lines = list(formulas) if len(formulas) == 1 and len(formulas[0]) <= _WIDTH else []
    if derivation.wrt and stated.source:
        lines.append(f"{'where' if lines else _title(derivation)} {stated.source}")
    lines.append(shapes_of(op, several))
    return "\n".join(part for line in lines for part in _folded(line)).replace("\\", "\\\\").replace('"""', "'''")


def _title(derivation: Derivation) -> str:
    what = "derivative along tangents" if derivation.operator.output.name.startswith("t") else "gradient of a loss"
    return f"the {what} by {derivation.wrt}, where"


def _folded(line: str) -> list[str]:
    return textwrap.wrap(" ".join(line.split()), _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
