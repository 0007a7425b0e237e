"""One call: a kernel judged by every oracle that applies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symconv.notation.loss import loss
from symconv.notation.operator import Operator
from symconv.verify.analysis import kinks_are_exact
from symconv.verify.cases import INTEGERS, REALS, Ruling, prepare
from symconv.verify.checks import adjoint_identity, autograd, definition, finite_differences, taylor
from symconv.verify.declared import declared_tensors
from symconv.verify.geometry import Geometry, geometries, volumes
from symconv.verify.reference import wanted
from symconv.verify.several import One, Summed
from symconv.verify.special import special_values
from symconv.verify.trials import KernelLike, Trial, attempt, gradient_name
from symconv.verify.verdict import Check, Verdict

__all__ = ["judge"]

_VOLUMES = 8
"""From how many geometries on the larger ones belong to a judgement."""


def judge(
    op: Operator,
    kernel: KernelLike,
    dtype: str = "float64",
    *,
    gradients: tuple[str, ...] | None = None,
    seed: int = 0,
    count: int = 12,
    exact: bool = True,
    slack: float = 1.0,
    shapes: Sequence[Geometry] | None = None,
    progress: Callable[[str], None] | None = None,
    finite: tuple[str, ...] = (),
) -> Verdict:
    """Whether ``kernel`` computes ``op`` and its gradients in ``dtype``; never raises for a wrong kernel.

    Parameters
    ----------
    op : what the kernel should compute
    kernel : ``forward(*arrays)`` and, unless ``gradients`` is empty, ``backward(gy, *arrays)`` as in the
        contract
    dtype : ``"float32"`` or ``"float64"``: of arrays passed and results expected
    gradients : the tensors whose gradients are judged; None for every real input, ``()`` for the forward
        alone
    seed, count : which geometries and data, and how many geometries
    exact : compare with ``==`` where small integers make direct summation exact; False for kernels that trade
        exactness for speed (Winograd), where every cell then has to keep within the bound of the largest one
    slack : a factor on the rounding bound, for the same kernels
    shapes : the geometries themselves, for a kernel built for fixed sizes
    progress : told which oracle is at work
    finite : tensors that never hold NaN or an infinity; cotangents never do

    Where a derivative is declared (a surrogate), its definition alone judges it: no finite differences, no torch.
    Of several outputs each is judged by itself, and the gradients are those of the loss that cotangents make of all.
    A number without a finite error bound judges nothing; a result of such numbers alone leaves the verdict false.

    Raises SpecError when ``op`` has no small valid geometry, or ``gradients``
    names no real input; InternalError when the operator itself is ill-formed (a read leaves its tensor).

    >>> from symconv.notation.front import formula
    >>> from symconv.verify.reference import evaluate
    >>> class Doubling:
    ...     def forward(self, x):
    ...         return 2.0 * x
    >>> bool(judge(formula("y[n,i] = x[n,i] + x[n,i]"), Doubling(), gradients=(), count=3))
    True
    """
    if op.several:
        settings = {"seed": seed, "count": count, "exact": exact, "slack": slack, "progress": progress}
        return _together(op, kernel, dtype, gradients, shapes, settings)
    ruling = Ruling(dtype, wanted(op, gradients), exact, slack, finite)
    tell = progress or (lambda _: None)
    places = tuple(shapes) if shapes is not None else geometries(op, count, seed)
    trials = []
    for number, place in enumerate(places):
        tell(f"definition, geometry {number + 1} of {len(places)}")
        trials += _trials(op, kernel, place, ruling, seed + number)
    if shapes is None and count >= _VOLUMES:
        places += (more := volumes(op))
        tell("definition, by volume")
        kind = INTEGERS if kinks_are_exact(op) else REALS
        large = [attempt(op, kernel, prepare(op, place, kind, ruling, seed), ruling) for place in more]
    else:
        large = []
    # Where a reference has no finite value, numbers are left out, not warned of.
    with np.errstate(all="ignore"):
        checks = _checks(op, kernel, trials, large, ruling, tell)
        tell("NaN and infinities")
        checks = (*checks, special_values(op, kernel, [trial.case.shapes for trial in trials], ruling))
    unjudged = _unjudged(op, checks, ruling)
    passed = all(check.passed for check in checks) and any(check.cases for check in checks) and not unjudged
    shown = tuple(tuple(place.items()) for place in places)
    return Verdict(passed, op.name, dtype, checks, shown, unjudged)


def _together(
    op: Operator,
    kernel: KernelLike,
    dtype: str,
    gradients: tuple[str, ...] | None,
    shapes: Sequence[Geometry] | None,
    settings: dict[str, Any],
) -> Verdict:
    """The verdict on several outputs: on each of them, and on the gradients of the loss that is made of them."""
    parts = []
    for name in op.several:
        found = judge(op.only(name), One(op, kernel, name), dtype, gradients=(), shapes=shapes, **settings)
        parts.append(replace(found, checks=tuple(replace(c, name=f"{name}, {c.name}") for c in found.checks)))
    whole, asked = loss(op), wanted(op, gradients)
    if asked:
        cotangents = tuple(f"g{name}" for name in op.several)
        places = None if shapes is None else [{**_cotangents(op, one), **one} for one in shapes]
        found = judge(whole, Summed(op, kernel), dtype, gradients=asked, shapes=places, finite=cotangents, **settings)
        kept = (replace(c, name=c.name.replace("forward", "loss", 1)) for c in found.checks)
        parts.append(replace(found, checks=tuple(kept)))
    return Verdict(
        all(part.passed for part in parts),
        op.name,
        dtype,
        tuple(check for part in parts for check in part.checks),
        parts[0].geometries,
        tuple(name for part in parts for name in part.unjudged),
    )


def _cotangents(op: Operator, shapes: Geometry) -> Geometry:
    return {f"g{name}": shape for name, shape in op.output_shapes(**shapes).items()}


def _unjudged(op: Operator, checks: Sequence[Check], ruling: Ruling) -> tuple[str, ...]:
    """The results that have numbers, none of which its definition could judge."""
    names = {"forward": op.output.name, **{gradient_name(name): f"g{name}" for name in ruling.gradients}}
    found = []
    for label, result in names.items():
        rows = [check for check in checks if check.name.startswith(f"{label}, ")]
        if any(row.unbounded for row in rows) and not any(row.cases for row in rows):
            found.append(result)
    return tuple(found)


def _trials(op: Operator, kernel: KernelLike, place: Geometry, ruling: Ruling, seed: int) -> list[Trial]:
    kinds = (INTEGERS, REALS) if kinks_are_exact(op) else (REALS,)
    return [attempt(op, kernel, prepare(op, place, kind, ruling, seed), ruling) for kind in kinds]


def _checks(
    op: Operator,
    kernel: KernelLike,
    trials: Sequence[Trial],
    large: Sequence[Trial],
    ruling: Ruling,
    tell: Callable[[str], None],
) -> tuple[Check, ...]:
    declared = declared_tensors(op)
    checks = [
        _noted(check, declared)
        for kind in (INTEGERS, REALS)
        for check in definition(op, (*trials, *large), ruling, kind)
    ]
    # What is declared is no derivative: only its own definition judges it.
    derived = replace(ruling, gradients=tuple(name for name in ruling.gradients if name not in declared))
    if derived.gradients:
        tell("finite differences")
        checks += [finite_differences(op, trials, derived), taylor(op, trials, derived)]
        tell("adjoint identity")
        checks.append(adjoint_identity(op, kernel, trials, derived))
    tell("torch")
    checks.append(autograd(op, trials, derived))
    return tuple(checks)


def _noted(check: Check, declared: frozenset[str]) -> Check:
    if not any(check.name.startswith(f"{gradient_name(name)},") for name in declared):
        return check
    said = "surrogate: declared, not the derivative"
    return replace(check, detail=f"{check.detail}; {said}" if check.detail else said)
