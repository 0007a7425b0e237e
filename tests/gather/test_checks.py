"""What a derivation says was checked, was: a broken stage raises instead of printing the sentence."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from importlib import import_module

import pytest

import symconv as sc
from symconv.errors import GatherError, InternalError
from symconv.gather.derivation import derivation, forward, forward_mode
from symconv.notation.affine import affine
from symconv.notation.expr import Apply, Const, Piece, Read, Reduce, transform

STAGE = import_module("symconv.gather.derivation")
GATHER = import_module("symconv.gather.gather")
PADDED = [
    sc.conv1d(stride=2, padding=1, border="reflect"),
    sc.conv1d(padding=2, border="replicate"),
    sc.operator("y[i] = x[i-1]*x[i-1] + 2*x[i+1]", border="circular"),
    sc.operator("y[n,f,i] = sum[c,p](exp(x[n,c,2*i+p-1] - w[f,c,p]))"),
]
OPERATORS = [
    *PADDED,
    sc.conv2d(stride=(2, 3), padding=((1, 0), (0, 2)), bias=True),
    sc.operator("y[n,i] = max[p](x[n,2*i+p-1])", extents={"p": 3}, border="skip"),
    sc.operator("y[n,i] = tanh(sum[p](x[n,i+p]*w[p]))"),
    sc.operator("y[i] = sqrt(sum[p](x[i+p]**2))", extents={"p": 3}),
]


def reduces(op, change):
    """The operator with every reduction changed."""

    def rule(node):
        return change(node) if isinstance(node, Reduce) else None

    return replace(op, statements=tuple(replace(s, expr=transform(s.expr, rule)) for s in op.statements))


def reads_changed(op, change):
    def rule(node):
        return change(node) if isinstance(node, Read) and node.tensor == "x" else None

    return replace(op, statements=tuple(replace(s, expr=transform(s.expr, rule)) for s in op.statements))


BORDERS = {
    "overlap": lambda op: reduces(op, lambda n: replace(n, pieces=(*n.pieces, Piece((), n.pieces[0].body)))),
    "not covered": lambda op: reduces(op, lambda n: replace(n, pieces=n.pieces[1:])),
    "empty": lambda op: reduces(op, lambda n: replace(n, pieces=n.pieces[:1])),
    "outside": lambda op: reads_changed(op, lambda r: replace(r, index=(*r.index[:-1], r.index[-1] + 9))),
    "mirrored": lambda op: reads_changed(op, lambda r: replace(r, index=(*r.index[:-1], affine(0)))),
}


@pytest.mark.parametrize("op", PADDED, ids=lambda op: op.source[:30])
@pytest.mark.parametrize("how", BORDERS)
def test_wrong_borders_are_not_printed_as_checked(op, how, monkeypatch) -> None:
    real = STAGE.resolve_borders
    monkeypatch.setattr(STAGE, "resolve_borders", lambda given: BORDERS[how](real(given)))
    with pytest.raises((InternalError, GatherError)):
        forward.__wrapped__(op)
    check = import_module("symconv.gather.checks").checked_borders
    with pytest.raises(InternalError):
        check(op, BORDERS[how](real(op)))


SLOPES = {
    "twice": lambda slope: Apply("mul", (Const(Fraction(2)), slope)),
    "sign": lambda slope: Apply("neg", (slope,)),
    "a constant more": lambda slope: Apply("add", (slope, Const(Fraction(1, 1000)))),
}


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.source[:30])
@pytest.mark.parametrize("how", SLOPES)
def test_a_wrong_slope_is_not_printed_as_checked(op, how, monkeypatch) -> None:
    real = STAGE.differentiate
    monkeypatch.setattr(STAGE, "differentiate", lambda *given: SLOPES[how](real(*given)))
    for run in (lambda: derivation.__wrapped__(op, "x"), lambda: forward_mode.__wrapped__(op, ("x",))):
        with pytest.raises(InternalError, match="slope"):
            run()


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.source[:30])
def test_a_wrong_transpose_is_not_printed_as_checked(op, monkeypatch) -> None:
    real = STAGE.adjoint

    def halved(*given):
        result = real(*given)
        last = result.statements[-1]
        half = replace(last, expr=Apply("div", (last.expr, Const(Fraction(2)))))
        return replace(result, statements=(*result.statements[:-1], half))

    monkeypatch.setattr(STAGE, "adjoint", halved)
    with pytest.raises(InternalError, match="transpose"):
        derivation.__wrapped__(op, "x")


def test_a_wrong_solution_is_not_printed_as_checked(monkeypatch) -> None:
    real = GATHER.solve
    monkeypatch.setattr(GATHER, "solve", lambda *given: replace(real(*given), bounds=real(*given).bounds[1:]))
    with pytest.raises(GatherError):
        derivation.__wrapped__(sc.conv1d(stride=2, padding=1), "x")


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.source[:30])
def test_the_sentences_say_what_ran(op) -> None:
    steps = derivation(op, "x").trace
    said = {step.rule: step.check for step in steps}
    assert said["state"].startswith("parsed; every index has a range: ")
    assert "by the definition the same " in said["border"]
    assert " numbers for x " in said["border"]
    assert "random points the chain rule" in said["differentiate"]
    assert "scattered instead of gathered" in said["transpose"]
    assert said["solve"].startswith("isl, for all sizes: ")
    pieces = [len(n.pieces) for step in steps if step.rule == "border" for s in step.after.statements
              for n in [s.expr] if isinstance(n, Reduce)]  # fmt: skip
    assert ("do not overlap" in said["border"]) or all(count < 2 for count in pieces)


def test_without_proofs_nothing_is_said() -> None:
    from symconv.derive.borders import resolve_borders
    from symconv.gather.gather import gather

    solved = gather(resolve_borders(sc.conv1d()), proofs=False)
    assert [statement.proved for statement in solved.statements] == [""]
