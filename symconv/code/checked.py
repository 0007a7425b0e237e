"""``check``: forward and backward of one text; the forward says what the gradients are of."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from symconv.code.explain.kinks import kinked
from symconv.code.gradients.backward import Reading
from symconv.code.gradients.forward import Forward, surely_tensors
from symconv.code.gradients.operators import operators_of
from symconv.code.gradients.results import ordered_results
from symconv.code.gradients.roles import numeric, numeric_kind
from symconv.code.proofs import Proofs, proofs_of
from symconv.code.source.pairs import is_loss, pair_of
from symconv.code.source.program import Program, program, read_text
from symconv.code.source.signatures import defaults
from symconv.errors import SpecError, SymconvError
from symconv.limits import OTHER_FORWARDS
from symconv.notation.affine import affine
from symconv.notation.operator import Operator
from symconv.prove.proof import Proof

__all__ = ["check_code", "settings_of"]

_NAMED = re.compile(r"(.+\.py):(\w+)")
"""``layer.py:MyConv``, as on the command line."""


def check_code(path: str | Path, name: str | None = None, arguments: Mapping[str, Any] | None = None,
               returns: Sequence[str] | None = None, explain: bool = True) -> Proofs[Proof]:  # fmt: skip
    """Decide the gradients of a class or of a pair of functions, whose forward function says what they are of.

    ``name`` is a class with ``forward`` and ``backward``, or the common part of the names of two functions
    (``conv`` for ``conv_forward`` and ``conv_backward``), or the name of the backward function, or a function that
    returns its value and a function for the gradients, as ``tf.custom_gradient`` wants. ``arguments`` are the
    numbers that parameters of the forward function have, such as ``{"stride": 2}``; else its defaults are tried, and
    then a stride of 2 with a padding of 1. Raises SpecError where the code is unusable.
    """
    if name is None and not isinstance(path, Path) and (told := _NAMED.fullmatch(str(path))):
        path, name = told.groups()
    text, title = read_text(path if isinstance(path, Path) else Path(path) if "\n" not in str(path) else path)
    source = program(text, title)
    source, forward, backward = pair_of(source, name)
    first: Proofs[Proof] | None = None
    for settings in settings_of(forward, arguments, source.owned()):
        try:
            op, found = _decided(source, forward, backward, settings, returns, explain)
        except SymconvError as problem:
            if first is None:
                raise
            given = ", ".join(f"{key} = {value}" for key, value in settings.items())
            unread = f"with {given} ({str(problem).splitlines()[0]})"
            first = Proofs(first.name, dict(first), first.also, (*first.unread, unread))
            continue
        if found.holds is not True:
            return found
        first = found if first is None else Proofs(first.name, dict(first), (*first.also, f"for {op}"))
    assert first is not None
    return first


def _decided(source: Program, forward: ast.FunctionDef, backward: ast.FunctionDef, settings: Mapping[str, Any],
             returns: Sequence[str] | None, explain: bool) -> tuple[Operator, Proofs[Proof]]:  # fmt: skip
    """The proofs with these numbers.

    What a forward function leaves open does not make a gradient wrong: where the derivative goes at equal numbers of
    a maximum, and how many axes its tensors have, if with the likely ones no shape fits or an operation has no
    meaning. Where it is not right as it is likely meant, the others are tried.
    """

    def decided(op: Operator, read: Forward, explain: bool) -> Proofs[Proof]:
        loss = is_loss(forward, backward)
        if loss and op.output.axes:
            raise SpecError(f"{forward.name} returns gradients beside a value that is no scalar")
        reading = Reading(op, source, backward, {}, None if loss else read, loss=loss)
        return proofs_of(reading, ordered_results(reading, forward, returns), explain)

    operators = operators_of(source, forward, settings, backward=backward)
    first: tuple[Operator, Proofs[Proof]] | None = None
    problem: SymconvError | None = None
    for op, read in islice(operators, OTHER_FORWARDS):
        try:
            proofs = decided(op, read, explain)
        except SymconvError as unread:
            problem = problem or unread
            continue
        fits = not _never_fits(proofs)
        if first is None or fits:
            first = op, proofs
        if fits:
            break
    if first is None:
        assert problem is not None
        raise problem
    if first[1].holds is not True and kinked(first[0]):
        for op, read in islice(operators_of(source, forward, settings, True, backward), OTHER_FORWARDS):
            if op.inputs != first[0].inputs:
                continue
            if op.statements == first[0].statements:
                break  # no two numbers of a maximum
            with suppress(SymconvError):
                proofs = decided(op, read, False)
                if proofs.holds:
                    return op, proofs
            break
    return first


def _never_fits(proofs: Proofs[Proof]) -> bool:
    """Whether a result has the shape of its tensor for no sizes."""
    decisions = (proof.decision for proof in proofs.values())
    return any(found is not None and found.domain.minus(found.shapes).empty for found in decisions)


def settings_of(
    forward: ast.FunctionDef, arguments: Mapping[str, Any] | None, known: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The numbers to check with: those that are said; else the defaults, and a stride of 2 with a padding of 1.

    ``known`` are names of numbers that the text itself says.
    """
    given = {key: _number(value) for key, value in (arguments or {}).items()}
    if given:
        return [given]
    words = {n.attr for n in ast.walk(forward) if isinstance(n, ast.Attribute)}
    words |= {n.arg for n in ast.walk(forward) if isinstance(n, ast.arg)}
    words |= {n.value for n in ast.walk(forward) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    words -= surely_tensors(forward)
    harder = {"stride": affine(2), "padding": affine(1)}
    chosen = {
        word: harder[kind]
        for word in sorted(words - {*known})
        if (kind := numeric_kind(word)) in harder and numeric(word)
    }
    defaulted = defaults(forward.args)
    plainest = {w: affine(0 if numeric_kind(w) == "padding" else 1) for w in chosen if w not in defaulted}
    return [plainest, chosen] if chosen else [{}]


def _number(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return affine(value)
    if isinstance(value, tuple | list):
        return tuple(map(_number, value))
    if isinstance(value, Mapping):
        return {key: _number(one) for key, one in value.items()}
    raise SpecError(f"arguments: numbers, texts, tuples and dicts are read; given {value!r}")
