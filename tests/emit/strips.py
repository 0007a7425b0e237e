"""Kernels written out by hand, with numbers of a plan, memory of every thread, tables, and a flaw beside infinities."""

from __future__ import annotations

from fractions import Fraction

from symconv.gather.solution import Gather
from symconv.loops.arith import add, const, mul, smallest, sub
from symconv.loops.candidate import Candidate
from symconv.loops.ir import (
    Accumulate,
    Binary,
    Buffer,
    Const,
    Expr,
    For,
    Kernel,
    Let,
    Load,
    Nest,
    Scalar,
    Size,
    Stmt,
    Store,
    Var,
)
from symconv.loops.schedule import Schedule

__all__ = ["blocked"]

ZERO = Const(Fraction(0), real=True)


def blocked(first: Candidate, name: str, flaw: bool = False) -> Candidate:
    """``y[n,i] = sum[p](x[n,i+p]*w[p])`` in strips of ``T_i`` cells: each strip of x is copied, taps come from a table.

    With ``flaw`` every cell is also given ``0*x[n,0]``: NaN where the definition does not look.
    """
    gather: Gather = first.gather
    n, i, p, strip, start = (Var(v) for v in ("n", "i", "p", "strip_", "start_"))
    t, rows, length, taps, strips = (Var(v) for v in ("t_", "N", "OL", "K", "strips_"))
    x, w, y = (first.kernel.buffer(b) for b in ("x", "w", "y"))
    room = Buffer("copy_", ((add(t, taps),),), "private")
    table = Buffer("table_", ((taps,),), "workspace", Scalar("offset"))
    layout = (
        Size("t_", smallest([Var("T_i"), length])),
        Size("strips_", Binary("//", sub(add(length, t), const(1)), t)),
    )
    end = smallest([t, sub(length, start)])
    product = Binary("*", Load("copy_", (add(i, Load("table_", (p,))),)), Load("w", (p,)))
    sums: tuple[Stmt, ...] = (
        Store("y", (n, add(start, i)), _flaw(n) if flaw else ZERO),
        For("p", const(0), taps, (Accumulate("y", (n, add(start, i)), "+", product),)),
    )
    body: tuple[Stmt, ...] = (
        Let("n", Binary("//", strip, strips)),
        Let("start_", mul(sub(strip, mul(n, strips)), t)),
        For("i", const(0), sub(add(end, taps), const(1)), (Store("copy_", (i,), Load("x", (n, add(start, i)))),)),
        For("i", const(0), end, sums),
    )
    nests = (
        Nest("p", taps, (Store("table_", (p,), p),), "table: taps", parallel=False),
        Nest("strip_", mul(rows, strips), body, "y: strips"),
    )
    kernel = first.kernel
    made = Kernel(kernel.name, (x, w, table, room, y), kernel.sizes, kernel.checks, nests, ("T_i",), layout)
    return Candidate(gather, Schedule(name), made, checked=flaw)


def _flaw(n: Expr) -> Expr:
    return Binary("*", ZERO, Load("x", (n, const(0))))
