"""Kernels of several stages: what they read must have been stored. Mutants are proved only where they are equal."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import handmade as k
import pytest
from stages import CONV, MAX_OF_SUM, TANH, Side, run, side

import symconv as sc
from symconv import pipeline
from symconv.loops.interpret import WIDTH
from symconv.loops.ir import (
    Binary,
    Call,
    Compare,
    Kernel,
    Lanes,
    LoadLanes,
    Select,
    Update,
)
from symconv.loops.presets import masked
from symconv.loops.traverse import rewrite
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.validate.validation import validate
from symconv.verify.geometry import geometries

# ------------------------------------------------------------------------------------------------ mutants, drawn

DRAWN = {
    "max of a sum": MAX_OF_SUM,
    "a function of a sum": TANH,
    "tanh epilogue": sc.conv_bias_act1d("tanh", padding=1),
    "border and bias": sc.conv1d(padding=((0, 1),), bias=True, border="replicate"),
    "three stages": sc.operator("y[n,f] = max[i](sqrt(1 + sum[c](x[n,c,i]*x[n,c,i])) * w[f,i])"),
    "two sums": sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p]) / (1 + sum[p](abs(x[n,i+p])))"),
}


@pytest.fixture(scope="module", params=DRAWN)
def drawn(request: pytest.FixtureRequest) -> tuple[Operator, list[Side]]:
    op = DRAWN[request.param]
    candidates = pipeline.unit(op, Options(dtype="float64")).candidates
    return op, [(one, one.kernel) for one in candidates if len(one.kernel.nests) > 1 and not one.kernel.parameters]


def judge(op: Operator, pair: Side, mutant: Kernel, shapes: Any) -> bool | None:
    """What is proved of a mutant for the lanes of the interpreter, and whether its runs agree."""
    derivation, kernel = pair
    holds = validate(derivation, mutant, (WIDTH,)).holds
    same = all(run(op, mutant, s) == _right(op, kernel, tuple(s.items())) for s in shapes)
    assert same or not holds, f"{kernel.name}: a kernel that computes something else is proved"
    assert not same or holds is not False, f"{kernel.name}: a kernel that computes the same is called wrong"
    return holds


@lru_cache(maxsize=64)
def _right(op: Operator, kernel: Kernel, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> Any:
    """What the kernel itself computes, which every mutant of it is compared with."""
    return run(op, kernel, dict(shapes))


def test_exchanged_stages_are_proved_only_where_they_are_equal(drawn) -> None:
    op, pairs = drawn
    shapes = geometries(op, 10, 1)
    found = [judge(op, pair, mutant, shapes) for pair in pairs for mutant in k.exchanged(pair[1])]
    assert False in found


def test_dropped_barriers_are_proved_only_where_no_iteration_needs_them(drawn) -> None:
    op, pairs = drawn
    shapes = geometries(op, 10, 1)
    for pair in pairs:
        for mutant in k.merged(pair[1]):
            judge(op, pair, mutant, shapes)


def test_the_stages_of_a_maximum_of_sums_exchanged() -> None:
    derivation, kernel = side(MAX_OF_SUM, options=Options(dtype="float64"))
    assert validate(derivation, kernel).holds
    last = [nest for nest in kernel.nests if nest.comment.startswith("y:")]
    first = [nest for nest in kernel.nests if nest.comment.startswith("y1:")]
    assert first
    assert last
    found = validate(derivation, replace(kernel, nests=(*last, *first)))
    assert found.holds is False
    assert "y1 is read before it is stored" in found.fault
    assert "y1 is read at" in found.fault


def test_the_stages_of_a_gradient_exchanged() -> None:
    derivation, kernel = side(sc.conv_bias_act2d("tanh", padding=1), "x", Options(dtype="float64"))
    assert validate(derivation, kernel).holds
    last = [nest for nest in kernel.nests if nest.comment.startswith("gx:")]
    first = [nest for nest in kernel.nests if not nest.comment.startswith("gx:")]
    found = validate(derivation, replace(kernel, nests=(*last, *first)))
    assert found.holds is False
    assert "is read before it is stored" in found.fault


# ------------------------------------------------------------------------------------------------ masks of lanes


@pytest.mark.parametrize("op", [sc.conv1d(stride=2, padding=1), MAX_OF_SUM], ids=["conv", "max of sum"])
def test_masks_that_cover_too_much_or_too_little(op) -> None:
    def rule(node: Any) -> list[Any]:
        if not isinstance(node, Lanes):
            return []
        lower, upper = node.lower, node.upper
        return [
            replace(node, lower=k.plus(lower, 1)),
            replace(node, lower=k.minus(lower, 1)),
            replace(node, upper=k.plus(upper, 1)),
            replace(node, upper=k.minus(upper, 1)),
        ]

    shapes = geometries(op, 10, 1)
    found = []
    for wrt in ("", "x"):
        derivation, kernel = side(op, wrt)
        found += [judge(op, (derivation, kernel), mutant, shapes) for mutant in k.changed(kernel, rule)]
    assert found.count(False) >= 4


def test_a_load_under_another_mask_than_its_use() -> None:
    """Lanes that are not loaded are 0; that is right where nothing else is added there, and nowhere else."""
    derivation, kernel = side(CONV)

    def loads(mask: str) -> Kernel:
        def rule(node: Any) -> Any:
            return replace(node, mask=mask) if isinstance(node, LoadLanes) and node.mask else node

        return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))

    def updates(mask: str) -> Kernel:
        def rule(node: Any) -> Any:
            return replace(node, mask=mask) if isinstance(node, Update) and node.mask else node

        return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))

    assert "an access leaves x" in validate(derivation, loads("cut0_")).fault
    assert validate(derivation, updates("cut0_")).holds
    assert validate(derivation, loads("mask0_")).holds
    added = sc.operator("y[n,i] = sum[p](1 + x[n,i+p-1]*w[p])", border="skip")
    derivation, kernel = side(added)
    assert validate(derivation, kernel).holds
    assert validate(derivation, updates("cut0_")).holds is False


# ------------------------------------------------------------------------------------------------ operators exchanged

SCALARS = {
    "+": (Binary, "-"),
    "-": (Binary, "+"),
    "max": (Binary, "min"),
    "<": (Compare, "<="),
    ">": (Compare, ">="),
    "==": (Compare, "!="),
    "tanh": (Call, "sigmoid"),
    "exp": (Call, "tanh"),
    "abs": (Call, "relu"),
}
FORMULAS = {
    "+": "y[n,i] = sum[p](abs(x[n,i+p] + w[p]))",
    "-": "y[n,i] = sum[p]((x[n,i+p] - w[p])*x[n,i+p])",
    "max": "y[n,i] = sum[p](max(x[n,i+p], w[p]))",
    "<": "y[n,i] = sum[p](where(x[n,i+p] < w[p], 2, 3*w[p]))",
    ">": "y[n,i] = where(x[n,i] > w[i], 2, 3*w[i])",
    "==": "y[n,i] = where(x[n,i] == w[i], 2, 3*w[i])",
    "tanh": "y[n,i] = tanh(sum[p](x[n,i+p]*w[p]))",
    "exp": "y[n,i] = sum[p](exp(x[n,i+p])*w[p])",
    "abs": "y[n,i] = sum[p](abs(x[n,i+p] - w[p]))",
}


@pytest.mark.parametrize("symbol", SCALARS)
def test_an_operator_exchanged_where_kernels_are_made_is_refused(symbol, monkeypatch) -> None:
    """The formula is mapped to what is compared by other code than the one that makes kernels."""
    from symconv.loops import cells, forms, lanes, scalars
    from symconv.loops import lower as lowering

    kind, other = SCALARS[symbol]
    op = sc.operator(FORMULAS[symbol])
    derivation, kernel = side(op)
    assert validate(derivation, kernel).holds
    right = scalars.scalar

    def wrong(expr: Any) -> Any:
        match expr:
            case Binary(head, a, b) | Compare(head, a, b):
                new = other if isinstance(expr, kind) and head == symbol else head
                return type(expr)(new, wrong(a), wrong(b))
            case Call(head, arguments):
                return Call(other if kind is Call and head == symbol else head, tuple(map(wrong, arguments)))
            case Select(test, yes, no):
                return Select(wrong(test), wrong(yes), wrong(no))
        return expr

    for module in (lowering, cells, forms, lanes):
        monkeypatch.setattr(module, "scalar", lambda *given: wrong(right(*given)))
    mistaken = masked(derivation.gather, "y")
    assert mistaken != kernel
    assert validate(derivation, mistaken).holds is False
