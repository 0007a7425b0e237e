"""Kernels of several stages: what they read must have been stored, and what they keep in workspaces is followed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import handmade as k
import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.gather.derivation import Derivation
from symconv.loops.directives import Split, apply
from symconv.loops.interpret import interpret
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    If,
    Kernel,
    Lanes,
    Load,
    LoadLanes,
    Nest,
    Select,
    Update,
    Var,
)
from symconv.loops.lower import lower
from symconv.loops.traverse import rewrite, walk
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.validate.validation import Validation, validate
from symconv.verify.geometry import geometries

CONV = sc.operator("y[n,i] = sum[p](x[n,i+p-1]*w[p])")
TANH = sc.operator("y[n,i] = tanh(sum[p](x[n,i+p]*w[p]))")
PLAIN = sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p])")
MAX_OF_SUM = sc.operator("y[n,i] = max[c](sum[p](x[n,c,i+p] * w[c,p]))")

Side = tuple[Derivation, Kernel]


def side(op: Operator, wrt: str = "", options: Options | None = None) -> Side:
    derivation = pipeline.derive(op, wrt) if wrt else pipeline.forward(op)
    name = f"g{wrt}" if wrt else op.output.name
    if options is not None:
        return derivation, pipeline.kernel(derivation, name, options)
    return derivation, lower(derivation.gather, name)


def verdict(of: Side, *nests: Nest, space: Any) -> Validation:
    derivation, kernel = of
    return validate(derivation, k.kernel(kernel, nests, *(space if isinstance(space, tuple) else (space,))))


def run(op: Operator, kernel: Kernel, shapes: Any) -> Any:
    """What a kernel computes on small integers, or the kind of error it stops with."""
    rng = np.random.default_rng(1)
    every = {**shapes, f"g{op.output.name}": op.output_shape(**dict(shapes))}
    arrays = {name: (shape, rng.integers(-9, 10, shape).ravel().tolist()) for name, shape in every.items()}
    try:
        found = interpret(kernel, {b.name: arrays[b.name] for b in kernel.buffers if b.role == "in"})
        return [round(value, 9) if isinstance(value, float) else value for value in found]
    except (InternalError, TypeError) as error:
        return type(error)


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
    pairs = pipeline.pairs(op, Options(dtype="float64"))
    return op, [(derivation, kernel) for derivation, kernel in pairs if len(kernel.nests) > 1]


def judge(op: Operator, pair: Side, mutant: Kernel, shapes: Any) -> bool | None:
    derivation, kernel = pair
    holds = validate(derivation, mutant).holds
    same = all(run(op, mutant, s) == run(op, kernel, s) for s in shapes)
    assert same or not holds, f"{kernel.name}: a kernel that computes something else is proved"
    assert not same or holds is not False, f"{kernel.name}: a kernel that computes the same is called wrong"
    return holds


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
            return replace(node, mask=mask) if isinstance(node, LoadLanes) else node

        return replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))

    def updates(mask: str) -> Kernel:
        def rule(node: Any) -> Any:
            return replace(node, mask=mask) if isinstance(node, Update) else node

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
    from symconv.loops import cells, lanes, scalars
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

    for module in (lowering, cells, lanes):
        monkeypatch.setattr(module, "scalar", lambda *given: wrong(right(*given)))
    mistaken = lower(derivation.gather, "y")
    assert mistaken != kernel
    assert validate(derivation, mistaken).holds is False


# ------------------------------------------------------------------------------------------------ copies


@pytest.mark.parametrize(("shift", "room"), [(0, 0), (1, 0), (2, 3)])
@pytest.mark.parametrize("tensor", ["x", "w"])
@pytest.mark.parametrize("op", [CONV, TANH, MAX_OF_SUM, sc.adder1d(stride=2, padding=1)], ids=str)
def test_a_copy_in_a_workspace_is_followed(op, tensor, shift, room) -> None:
    derivation, kernel = side(op)
    copied = k.through_copy(kernel, tensor, shift=shift, room=room)
    assert validate(derivation, copied).holds
    assert run(op, copied, geometries(op, 1, 0)[0]) == run(op, kernel, geometries(op, 1, 0)[0])


@pytest.mark.parametrize("wrt", ["x", "w", "b"])
def test_gradients_from_copies(wrt) -> None:
    op = sc.conv2d(stride=(2, 1), padding=((1, 0), (0, 1)), bias=True)
    derivation, kernel = side(op, wrt, Options(dtype="float64"))
    for tensor in [b.name for b in kernel.buffers if b.role == "in" and b.name != "b"]:
        if any(isinstance(n, Load | LoadLanes) and n.buffer == tensor for one in kernel.nests for n in walk(one)):
            assert validate(derivation, k.through_copy(kernel, tensor, shift=1)).holds, tensor


def test_a_blocked_copy_with_a_tail_is_followed() -> None:
    derivation, kernel = side(CONV)
    blocked = apply(k.through_copy(kernel, "x", shift=1), Split("e1", 4))
    assert validate(derivation, blocked).holds
    loops = [node for node in blocked.nests[0].body if type(node).__name__ == "For"]
    assert len(loops) == 2
    for left in loops:
        short = replace(blocked, nests=(replace(blocked.nests[0], body=(left,)), *blocked.nests[1:]))
        found = validate(derivation, short)
        assert found.holds is False
        assert "copy is read before anything is stored there" in found.fault or "is read at" in found.fault


def test_what_is_wrong_with_a_copy_is_said() -> None:
    derivation, kernel = side(CONV)
    copied = k.through_copy(kernel, "x")
    (found,) = [validate(derivation, mutant) for mutant in k.exchanged(copied)]
    assert found.holds is False
    assert "a cell of copy is read before anything is stored there" in found.fault
    missing = validate(derivation, replace(copied, nests=copied.nests[1:]))
    assert missing.holds is False
    assert "copy is read at" in missing.fault
    assert "an access leaves copy" in validate(derivation, k.through_copy(kernel, "x", shift=1, room=-1)).fault


# ------------------------------------------------------------------------------------------------ padded copies

ROW = k.workspace("pad", "N", k.plus("L", 2))
FILL = k.loop("a", k.plus("L", 2), k.store("pad", "n", "a", value=k.ZERO))
PUT = k.loop("a", "L", k.store("pad", "n", k.plus("a", 1), value=k.load("x", "n", "a")))
EDGES = (k.store("pad", "n", 0, value=k.ZERO), k.store("pad", "n", k.plus("L", 1), value=k.ZERO))
TAPS = k.summed(k.product(k.load("pad", "n", k.plus("i", "p")), k.load("w", "p")), ("p", "K"))
SUMS = k.loop("i", "OL", *TAPS, k.store("y", "n", "i", value=Var("s")))


@pytest.mark.parametrize(
    ("stages", "holds"),
    [
        (((FILL,), (PUT,), (SUMS,)), True),
        ((EDGES, (PUT,), (SUMS,)), True),
        (((PUT,), EDGES, (SUMS,)), True),
        (((FILL, PUT, SUMS),), True),
        (((*EDGES, PUT), (SUMS,)), True),
        (((PUT,), (FILL,), (SUMS,)), False),
        (((PUT,), (SUMS,)), False),
        (((FILL,), (SUMS,), (PUT,)), False),
        (((PUT, SUMS, *EDGES),), False),
        (((EDGES[0], PUT, SUMS),), False),
    ],
)
def test_a_padded_copy(stages, holds) -> None:
    nests = tuple(k.nest("n", "N", *body) for body in stages)
    found = verdict(side(CONV), *nests, space=ROW)
    assert found.holds is holds, str(found)
    assert holds or " (x " in found.fault


def test_a_padded_copy_under_a_maximum() -> None:
    """Where nothing is added up, what is cleared and not stored over is a value like any other."""
    op = sc.operator("y[n,i] = max[p](x[n,i+p-1] + w[p])", border=0)
    taps = (
        Declare("s", Call("neg", (Call("inf", ()),))),
        k.loop("p", "K", Update("s", "max", Binary("+", k.load("pad", "n", k.plus("i", "p")), k.load("w", "p")))),
    )
    sums = k.loop("i", "OL", *taps, k.store("y", "n", "i", value=Var("s")))
    nests = [k.nest("n", "N", body) for body in (FILL, PUT, sums)]
    assert verdict(side(op), *nests, space=ROW).holds
    assert verdict(side(op), nests[0], nests[2], nests[1], space=ROW).holds is False
    assert verdict(side(sc.operator(op.source, border=1)), *nests, space=ROW).holds is False


def test_a_workspace_per_thread_is_a_race_and_one_per_turn_is_not() -> None:
    def alone(node: Any) -> Any:
        return replace(node, index=node.index[1:]) if getattr(node, "buffer", "") == "pad" else node

    row = k.workspace("pad", k.plus("L", 2))
    fused = rewrite(k.nest("n", "N", *EDGES, PUT, SUMS), alone)
    race = verdict(side(CONV), fused, space=row)
    assert race.holds is False
    assert "two threads write one cell of pad" in race.fault
    assert "by two iterations of a parallel loop" in race.fault
    assert verdict(side(CONV), replace(fused, parallel=False), space=row).holds
    late = rewrite(k.nest("n", "N", SUMS, *EDGES, PUT, parallel=False), alone)
    assert verdict(side(CONV), late, space=row).holds is False


def test_a_dropped_barrier() -> None:
    """The second stage reads cells of other iterations: right behind a barrier, wrong in one parallel loop."""
    space = k.workspace("t", "L", "N")
    first = k.loop("n", "N", k.store("t", "a", "n", value=k.load("x", "n", "a")))
    taps = k.summed(k.product(k.load("t", k.plus("a", "p"), "n"), k.load("w", "p")), ("p", "K"))
    second = k.loop("n", "N", *taps, k.store("y", "n", "a", value=Var("s")))
    apart = (k.nest("a", "L", first), k.nest("a", "OL", second))
    assert verdict(side(PLAIN), *apart, space=space).holds
    inside = If(Compare("<", Var("a"), Var("OL")), (second,))
    one = verdict(side(PLAIN), k.nest("a", "L", first, inside), space=space)
    assert one.holds is False
    assert "a cell of t is read before it is stored" in one.fault
    back = k.minus(k.minus("L", 1), "a")
    other = rewrite(
        first, lambda node: replace(node, index=(back, *node.index[1:])) if getattr(node, "index", ()) else node
    )
    race = verdict(side(PLAIN), k.nest("a", "L", other, inside), space=space)
    assert race.holds is False
    turned = k.nest("n", "N", k.loop("a", "L", first.body[0]), k.loop("a", "OL", *second.body))
    assert verdict(side(PLAIN), turned, space=space).holds


# ------------------------------------------------------------------------------------------------ sums in workspaces

Q = k.workspace("q", "N", "OL")
TAP = k.product(k.load("x", "n", k.plus("i", "p")), k.load("w", "p"))
KEPT = (*k.summed(TAP, ("p", "K")), k.store("q", "n", "i", value=Var("s")))
AFTER = k.store("y", "n", "i", value=Call("tanh", (k.load("q", "n", "i"),)))
CLEAR = k.loop("i", "OL", k.store("q", "n", "i", value=k.ZERO))
ADD = Accumulate("q", (Var("n"), Var("i")), "+", TAP)


def over(*body: Any) -> Nest:
    return k.nest("n", "N", k.loop("i", "OL", *body))


@pytest.mark.parametrize(
    ("nests", "holds"),
    [
        ((over(*KEPT), over(AFTER)), True),
        ((over(*KEPT, AFTER),), True),
        ((k.nest("n", "N", CLEAR), k.nest("n", "N", k.loop("p", "K", k.loop("i", "OL", ADD))), over(AFTER)), True),
        ((k.nest("n", "N", CLEAR, k.loop("i", "OL", k.loop("p", "K", ADD), AFTER)),), True),
        ((over(AFTER), over(*KEPT)), False),
        ((over(AFTER, *KEPT),), False),
        ((k.nest("n", "N", k.loop("p", "K", k.loop("i", "OL", ADD))), over(AFTER)), False),
        ((k.nest("n", "N", CLEAR, k.loop("p", "K", k.loop("i", "OL", AFTER, ADD))),), False),
        ((k.nest("n", "N", CLEAR), k.nest("p", "K", k.loop("n", "N", k.loop("i", "OL", ADD))), over(AFTER)), False),
    ],
)
def test_a_sum_in_a_workspace(nests, holds) -> None:
    found = verdict(side(TANH), *nests, space=Q)
    assert found.holds is holds, str(found)


def test_a_sum_that_is_read_at_other_cells() -> None:
    """``Σ_p w[p] (Σ_c x[n,c,i+p])`` is what the double sum says; one thread per n may do both stages."""
    op = sc.operator("y[n,i] = sum[c,p](x[n,c,i+p]*w[p])")
    space = k.workspace("q", "N", "L")
    first = k.loop("a", "L", *k.summed(k.load("x", "n", "c", "a"), ("c", "C")), k.store("q", "n", "a", value=Var("s")))
    taps = k.summed(k.product(k.load("q", "n", k.plus("i", "p")), k.load("w", "p")), ("p", "K"))
    second = k.loop("i", "OL", *taps, k.store("y", "n", "i", value=Var("s")))
    assert verdict(side(op), k.nest("n", "N", first), k.nest("n", "N", second), space=space).holds
    assert verdict(side(op), k.nest("n", "N", first, second), space=space).holds
    assert verdict(side(op), k.nest("n", "N", second, first), space=space).holds is False
    short = replace(first, upper=k.minus("L", 1))
    assert verdict(side(op), k.nest("n", "N", short), k.nest("n", "N", second), space=space).holds is False


def test_a_chain_of_workspaces() -> None:
    """x is copied, transposed and scaled in one workspace after the other."""
    op = sc.operator("y[n,i] = sum[p](2*x[n,i+p]*w[p])")
    one, two = k.workspace("a", "L", "N"), k.workspace("b", "N", k.plus("L", 1))
    copy = k.nest("n", "N", k.loop("e", "L", k.store("a", "e", "n", value=k.load("x", "n", "e"))))
    scaled = k.product(Const(Fraction(2), True), k.load("a", "e", "n"))
    scale = k.nest("n", "N", k.loop("e", "L", k.store("b", "n", k.plus("e", 1), value=scaled)))
    taps = k.summed(k.product(k.load("b", "n", k.plus(k.plus("i", "p"), 1)), k.load("w", "p")), ("p", "K"))
    sums = k.nest("n", "N", k.loop("i", "OL", *taps, k.store("y", "n", "i", value=Var("s"))))
    assert verdict(side(op), copy, scale, sums, space=(one, two)).holds
    assert verdict(side(op), scale, copy, sums, space=(one, two)).holds is False
    assert verdict(side(op), copy, sums, scale, space=(one, two)).holds is False


def test_a_temporary_holds_what_memory_held_when_it_was_declared() -> None:
    """``v = q; q = sum; y = tanh(v)`` reads before the store, whatever the order in which the names are used."""
    early = (Declare("v", k.load("q", "n", "i")), *KEPT, k.store("y", "n", "i", value=Call("tanh", (Var("v"),))))
    assert verdict(side(TANH), over(*early), space=Q).holds is False
    late = (*KEPT, Declare("v", k.load("q", "n", "i")), k.store("y", "n", "i", value=Call("tanh", (Var("v"),))))
    assert verdict(side(TANH), over(*late), space=Q).holds


# ------------------------------------------------------------------------------------------------ what a judge may not miss


def test_functions_of_sums_are_not_mixed_up() -> None:
    """tanh(A) + tanh(B) is not tanh(A') + tanh(B') though A, B and A', B' have the same terms together."""
    op = sc.operator("y[n,i] = tanh(sum[p](x[n,i+p]*w[p])) + tanh(sum[p](x[n,i+p]*v[p]))")
    one, two = k.workspace("q", "N", "OL"), k.workspace("r", "N", "OL")

    def kept(name: str, *parts: tuple[str, Any, Any]) -> tuple[Any, ...]:
        loops = tuple(
            k.loop(
                "p",
                upper,
                Update("s", "+", k.product(k.load("x", "n", k.plus("i", "p")), k.load(by, "p"))),
                lower=lower,
            )
            for by, lower, upper in parts
        )
        return Declare("s", k.ZERO), *loops, k.store(name, "n", "i", value=Var("s"))

    both = Binary("+", Call("tanh", (k.load("q", "n", "i"),)), Call("tanh", (k.load("r", "n", "i"),)))
    last = over(k.store("y", "n", "i", value=both))
    mixed = over(*kept("q", ("w", 0, 1), ("v", 1, "K"))), over(*kept("r", ("v", 0, 1), ("w", 1, "K")))
    found = verdict(side(op), *mixed, last, space=(one, two))
    assert found.holds is False
    straight = over(*kept("q", ("w", 0, "K"))), over(*kept("r", ("v", 0, "K")))
    assert verdict(side(op), *straight, last, space=(one, two)).holds is not False


def test_a_second_store_is_no_second_term() -> None:
    """``y = 0; y = a; y = b`` is not a + b."""
    op = sc.operator("y[i] = x[i] + w[i]")
    nests = tuple(k.nest("i", "I", k.store("y", "i", value=v)) for v in (k.ZERO, k.load("x", "i"), k.load("w", "i")))
    derivation, kernel = side(op)
    found = validate(derivation, replace(kernel, nests=nests))
    assert found.holds is False
    assert "stores of y: extra the 2. time" in found.fault


def test_an_accumulator_that_starts_at_a_number_counts_it() -> None:
    op = sc.operator("y[n,i] = max[p](x[n,i+p]*w[p])")
    derivation, kernel = side(op)

    def rule(node: Any) -> Any:
        start = Call("neg", (Call("inf", ()),))
        return k.ZERO if node == start else node

    wrong = replace(kernel, nests=tuple(rewrite(nest, rule) for nest in kernel.nests))
    assert wrong != kernel
    assert validate(derivation, wrong).holds is False


def test_what_is_equal_is_not_called_wrong() -> None:
    """Storing the same twice is needless, not wrong; what no run shows stays undecided."""
    op = sc.conv1d(groups=2, padding=1)
    derivation, kernel = side(op, "x")
    first, *more = kernel.nests
    twice = validate(derivation, replace(kernel, nests=(first, first, *more)))
    assert twice.holds is not False
    square = sc.operator("y[i] = (x[i] + w[i])*(x[i] - w[i])")
    derivation, kernel = side(square)
    squares = (k.product(k.load(name, "i"), k.load(name, "i")) for name in ("x", "w"))
    other = replace(kernel, nests=(k.nest("i", "I", k.store("y", "i", value=Binary("-", *squares))),))
    found = validate(derivation, other)
    assert found.holds is None
    assert "no run showed a difference" in found.reason


def test_the_interpreter_says_what_is_read_unstored_and_where_threads_meet() -> None:
    _, kernel = side(PLAIN)
    space = k.workspace("t", "N", "L")
    taps = k.summed(k.product(k.load("t", "n", k.plus("i", "p")), k.load("w", "p")), ("p", "K"))
    reads = over(*taps, k.store("y", "n", "i", value=Var("s")))
    given = {"x": ((2, 3), [1] * 6), "w": ((2,), [1, 1])}
    with pytest.raises(InternalError, match="t is read at 0 before anything is stored there"):
        interpret(k.kernel(kernel, (reads,), space), given)
    fill = k.nest("n", "N", k.loop("a", "L", k.store("t", 0, "a", value=k.load("x", "n", "a"))))
    with pytest.raises(InternalError, match="by two iterations of a parallel loop"):
        interpret(k.kernel(kernel, (fill, reads), space), given)
    fine = k.nest("n", "N", k.loop("a", "L", k.store("t", "n", "a", value=k.load("x", "n", "a"))))
    assert interpret(k.kernel(kernel, (fine, reads), space), given) == [2, 2, 2, 2]
