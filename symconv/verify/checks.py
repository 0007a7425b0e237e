"""The oracles: definition, finite differences, adjoint identity and torch, each over its geometries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from symconv.notation.operator import Operator
from symconv.verify.analysis import affine_tensors, is_smooth
from symconv.verify.autograd import available, torch_gradients
from symconv.verify.bounds import allowed
from symconv.verify.cases import REALS, Case, Expected, Ruling, plain
from symconv.verify.grid import Array, points
from symconv.verify.reference import evaluate
from symconv.verify.trials import Finding, KernelLike, Trial, collect, compare, forward, gradient_name
from symconv.verify.verdict import Check, Failure

__all__ = ["adjoint_identity", "autograd", "definition", "finite_differences", "taylor"]

_FEW = 3
_STEPS = (1e-4, 1e-5, 1e-6)
_TAYLOR = 1e-5
"""Where h² of the loss and its rounding weigh the same: a wrong gradient shows from about 1e-5 of it on."""
_MOST = 1e300
"""A kernel's infinite values must not widen what is allowed to infinity; written first, ``min`` answers it for NaN."""


def definition(op: Operator, trials: Sequence[Trial], ruling: Ruling, kind: str) -> tuple[Check, ...]:
    """Output and gradients against brute force: ``==`` where arithmetic is exact, else within bounds."""
    chosen = [trial for trial in trials if trial.case.kind == kind]
    outputs = [_against(t, op.output.name, t.output, t.case.output, "the definition") for t in chosen]
    checks = [_check(f"forward, {kind}", "the definition", [t.case.output for t in chosen], outputs)]
    for name in ruling.gradients:
        label = gradient_name(name)
        found = [
            _against(t, label, t.gradients.get(name), t.case.gradients[name], "the scatter definition") for t in chosen
        ]
        wanted = [t.case.gradients[name] for t in chosen]
        checks.append(_check(f"{label}, {kind}", "the scatter definition", wanted, found))
    return tuple(checks)


def _check(name: str, what: str, wanted: Sequence[Expected], findings: Sequence[Finding]) -> Check:
    exact = bool(wanted) and all(not expected.bound.any() for expected in wanted)
    how = "compared with ==" if exact else "within (n+8)·eps·Σ|terms|"
    detail = "" if wanted else "not applicable: these data do not reach every kink exactly"
    return collect(name, f"{what}, {how}", findings, len(findings), detail)


def _against(trial: Trial, name: str, got: Array | None, want: Expected, oracle: str) -> Finding:
    return compare(trial.case, name, got, want, oracle=oracle, fault=trial.faults.get(name))


def _small(op: Operator, trials: Sequence[Trial]) -> list[Trial]:
    """A few of the smallest geometries on real data that compute something at all."""
    usable = [t for t in trials if t.case.kind == REALS and t.case.gy.size and t.output is not None]
    bounded = [t for t in usable if not any(e.unbounded for e in (t.case.output, *t.case.gradients.values()))]
    usable = bounded or usable
    order = sorted(usable, key=lambda t: points(op, op.sizes(**t.case.shapes)))
    # From the middle: the very smallest have one cell of everything and show little.
    start = max(0, len(order) // 2 - 1)
    return order[start : start + _FEW]


def _judgeable(trials: Sequence[Trial], ruling: Ruling) -> Iterator[tuple[int, Trial, str]]:
    for number, trial in enumerate(trials):
        for name in ruling.gradients:
            if name in trial.gradients:
                yield number, trial, name


def _line(case: Case, name: str, seed: int) -> tuple[Array, Array]:
    """A random direction in one tensor, and the point it starts from; cells that nothing bounds stay where they are."""
    expected = case.gradients[name]
    judged = np.isfinite(expected.value) & np.isfinite(expected.bound)
    direction = np.random.default_rng(seed).standard_normal(case.arrays[name].shape)
    return np.where(judged, direction, 0.0), case.arrays[name].astype(np.float64)


def _slope(trial: Trial, name: str, direction: Array) -> tuple[float, float]:
    """The kernel's derivative along a direction, and the sum of its absolute terms."""
    products = np.where(direction == 0, 0.0, trial.gradients[name].astype(np.float64)) * direction
    return float(products.sum()), float(np.abs(products).sum())


def _loss(op: Operator, case: Case, name: str, value: Array) -> float:
    result = evaluate(op, {**plain(case.arrays), name: value})
    return float(np.sum(case.gy.astype(np.float64) * result))


def _budget(case: Case, name: str, direction: Array) -> tuple[float, float]:
    """What rounding may add: to the kernel's slope along the direction, and to one value of the loss."""
    bound = np.where(direction == 0, 0.0, case.gradients[name].bound)
    slope = float(np.sum(bound * np.abs(direction)))
    sums = np.array(np.sum(np.abs(case.gy.astype(np.float64)) * case.output.magnitude))
    return slope, float(allowed(sums, 16, "float64"))


def finite_differences(op: Operator, trials: Sequence[Trial], ruling: Ruling) -> Check:
    """Central differences of the reference's loss along random directions against the kernel's gradients.

    A kink may lie between the two points: the best of three steps counts; a wrong gradient is wrong at each. Without
    kinks the step counts that says most.
    """
    chosen, smooth = _small(op, trials), is_smooth(op)
    findings = [_difference(op, trial, name, seed, smooth) for seed, trial, name in _judgeable(chosen, ruling)]
    return collect("finite differences", "central differences of the definition", findings, len(chosen))


def _difference(op: Operator, trial: Trial, name: str, seed: int, smooth: bool) -> Finding:
    direction, base = _line(trial.case, name, seed)
    (slope, weight), (noise, grain) = _slope(trial, name, direction), _budget(trial.case, name, direction)

    def central(step: float) -> float:
        above, below = (_loss(op, trial.case, name, base + sign * step * direction) for sign in (1.0, -1.0))
        return (above - below) / (2.0 * step)

    found = []
    for step in _STEPS:
        coarse, fine = central(step), central(step / 2)
        # Richardson: what is left of h² is smaller than what it takes away; a kink between the points takes away more.
        want, left = fine + (fine - coarse) / 3, abs(fine - coarse)
        most = left if smooth else min(1e-6 * (min(_MOST, weight) + abs(want)), left)
        limit = noise + 4 * grain / step + most + 1e-300
        if direction.any() and np.isfinite(want) and np.isfinite(limit):
            found.append((_ratio(want - slope, limit), want, limit))
    if not found:
        return Finding(unbounded=1)
    best = min(found, key=lambda item: item[2]) if smooth else min(found)
    if best[0] <= 1.0:
        return Finding(1, best[0])
    reason = "derivative along a random direction against central differences of the definition"
    shapes = tuple(trial.case.shapes.items())
    return Finding(1, best[0], Failure(gradient_name(name), shapes, reason, (), slope, best[1], best[2]))


def taylor(op: Operator, trials: Sequence[Trial], ruling: Ruling) -> Check:
    """The remainder ``loss(T + h·d) - loss(T) - h·⟨g, d⟩`` must fall as h² for a smooth operator."""
    chosen = _small(op, trials) if is_smooth(op) else []
    findings = [_remainder(op, trial, name, seed) for seed, trial, name in _judgeable(chosen, ruling)]
    detail = "" if chosen else "not applicable: the operator has kinks"
    return collect("Taylor remainder", "remainder falls as h²", findings, len(chosen), detail)


def _remainder(op: Operator, trial: Trial, name: str, seed: int) -> Finding:
    case = trial.case
    direction, base = _line(case, name, seed)
    slope, _ = _slope(trial, name, direction)
    noise, grain = _budget(case, name, direction)
    origin, big, small = _loss(op, case, name, base), _TAYLOR, _TAYLOR / 16
    rises = [_loss(op, case, name, base + h * direction) - origin for h in (big, small)]
    if not direction.any() or not np.isfinite([*rises, noise, grain]).all():
        return Finding(unbounded=1)
    remainders = [abs(rise - h * slope) for rise, h in zip(rises, (big, small), strict=True)]
    # h² gives a 256th, a wrong gradient a 16th: 64 tells them apart.
    limit = (min(_MOST, remainders[0]) + big * noise) / 64 + 4 * grain + small * noise + 1e-300
    ratio = _ratio(remainders[1], limit)
    if ratio <= 1.0:
        return Finding(1, ratio)
    reason = f"the Taylor remainder at h/16 (got) does not fall as h² from {remainders[0]:.3g} at h={big:g}"
    failure = Failure(gradient_name(name), tuple(case.shapes.items()), reason, (), remainders[1], 0.0, limit)
    return Finding(1, ratio, failure)


def _ratio(error: float, limit: float) -> float:
    """The error over the allowed one; no number at all is as wrong as can be."""
    ratio = abs(error) / limit
    return ratio if np.isfinite(ratio) else np.inf


def adjoint_identity(op: Operator, kernel: KernelLike, trials: Sequence[Trial], ruling: Ruling) -> Check:
    """``⟨gT, T⟩ = ⟨gy, y(T) - y(0)⟩`` for every tensor the output is affine in: the kernel against itself."""
    usable = [t for t in trials if t.case.kind == REALS and t.output is not None]
    names = affine_tensors(op, ruling.gradients)
    findings = [
        _identity(op, kernel, trial, name, ruling) for trial in usable for name in names if name in trial.gradients
    ]
    detail = "" if names else "not applicable: the output is affine in no tensor"
    what = f"⟨gT, T⟩ = ⟨gy, y - y(T=0)⟩ for {', '.join(names)}" if names else "⟨gT, T⟩ = ⟨gy, y⟩"
    return collect("adjoint identity", what, findings, len(usable) if names else 0, detail)


def _identity(op: Operator, kernel: KernelLike, trial: Trial, name: str, ruling: Ruling) -> Finding:
    case, shapes = trial.case, tuple(trial.case.shapes.items())
    origin = forward(op, kernel, {**case.arrays, name: np.zeros_like(case.arrays[name])}, ruling)
    if isinstance(origin, str) or trial.output is None:
        return Finding(0, np.inf, Failure(op.output.name, shapes, f"with {name} = 0, {origin}"))
    tensor, gy = case.arrays[name].astype(np.float64), case.gy.astype(np.float64)
    left = float(np.sum(trial.gradients[name].astype(np.float64) * tensor))
    right = float(np.sum(gy * (trial.output.astype(np.float64) - origin.astype(np.float64))))
    expected = case.gradients[name]
    limit = float(np.sum(np.abs(tensor) * expected.bound) + 2 * np.sum(np.abs(gy) * case.output.bound))
    sums = np.sum(np.abs(tensor) * expected.magnitude) + np.sum(np.abs(gy) * case.output.magnitude)
    limit += float(allowed(np.array(sums), tensor.size + gy.size, "float64"))
    if not np.isfinite(limit):
        return Finding(unbounded=1)
    ratio = _ratio(left - right, limit)
    if ratio <= 1.0:
        return Finding(1, ratio)
    reason = f"⟨g{name}, {name}⟩ (got) against ⟨gy, y - y({name}=0)⟩ of the same kernel"
    failure = Failure(gradient_name(name), shapes, reason, (), left, right, limit)
    return Finding(1, ratio, failure)


def autograd(op: Operator, trials: Sequence[Trial], ruling: Ruling) -> Check:
    """Output and gradients against torch's operations and autograd, on data without ties."""
    what = "torch, its own functions and autograd"
    if not available():
        return collect("torch", what, (), 0, "not applicable: torch is not installed")
    chosen, findings = _small(op, trials), []
    for trial in chosen:
        case = trial.case
        output, gradients = torch_gradients(op, case.arrays, case.gy, ruling.gradients)
        want = Expected(output, case.output.bound, case.output.magnitude)
        findings.append(_against(trial, op.output.name, trial.output, want, "torch"))
        for name in ruling.gradients:
            wanted, label = case.gradients[name], gradient_name(name)
            want = Expected(gradients[name], wanted.bound, wanted.magnitude)
            findings.append(_against(trial, label, trial.gradients.get(name), want, "torch"))
    return collect("torch", what, findings, len(chosen))
