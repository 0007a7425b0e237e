"""What kernels of several stages keep in workspaces is followed: copies, paddings, sums."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import handmade as k
import pytest
from stages import CONV, MAX_OF_SUM, PLAIN, TANH, run, side, verdict

import symconv as sc
from symconv.errors import InternalError
from symconv.loops.directives import Tile, apply
from symconv.loops.interpret import interpret
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Call,
    Compare,
    Const,
    Declare,
    If,
    Load,
    LoadLanes,
    Nest,
    Update,
    Var,
)
from symconv.loops.traverse import rewrite, walk
from symconv.options import Options
from symconv.validate.validation import validate
from symconv.verify.geometry import geometries

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
    blocked = apply(k.through_copy(kernel, "x", shift=1), Tile("e1", 4))
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
    with pytest.raises(InternalError, match=r"t is read at \d before anything is stored there"):
        interpret(k.kernel(kernel, (reads,), space), given)
    fill = k.nest("n", "N", k.loop("a", "L", k.store("t", 0, "a", value=k.load("x", "n", "a"))))
    with pytest.raises(InternalError, match="by two iterations of a parallel loop"):
        interpret(k.kernel(kernel, (fill, reads), space), given)
    fine = k.nest("n", "N", k.loop("a", "L", k.store("t", "n", "a", value=k.load("x", "n", "a"))))
    assert interpret(k.kernel(kernel, (fine, reads), space), given) == [2, 2, 2, 2]
