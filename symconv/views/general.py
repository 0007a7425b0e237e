"""The general formula of a gradient, with symbolic strides, dilations and pads: for readers only, never for kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import product as cartesian

from symconv.notation.affine import Affine
from symconv.notation.expr import Const, Range, Reduce, walk
from symconv.notation.operator import Operator, Statement, Window
from symconv.views.dialect import Frag, latex
from symconv.views.names import latex_symbol, names_of
from symconv.views.polynomial import Poly, poly
from symconv.views.printer import Printer, bracketed, counted, expr_frag, expr_text, over, side_by_side, total
from symconv.views.relations import Condition, Eliminated, GeneralPiece, general_piece, generic
from symconv.views.rows import Row, Rows, domain_row, target_text
from symconv.views.typeset.layout import aligned

__all__ = ["LABEL", "General", "general", "general_evaluate", "general_latex", "general_rows"]

LABEL = "general form, display only: not affine, so each instance is proved instead"

_LETTERS = {"s": ("s", r"\sigma"), "d": ("d", r"\delta"), "p": ("p", r"\rho"), "~": ("k", r"\kappa", r"\tau")}


@dataclass(frozen=True, slots=True)
class General:
    """The statements of a gradient with symbolic windows."""

    operator: Operator
    windows: tuple[Window, ...]
    statements: tuple[Statement, ...]
    pieces: tuple[tuple[Reduce, tuple[GeneralPiece, ...]], ...]


@lru_cache(maxsize=128)
def general(op: Operator, wrt: str) -> General | None:
    """The gradient of ``op`` with symbolic windows; None where its indices are no windows.

    >>> import symconv as sc
    >>> general(sc.conv1d(stride=2), "x") is None
    False
    >>> general(sc.operator("y[i,j] = 2*x[j,i]"), "x") is None
    True
    """
    from symconv.derive.adjoint import adjoint
    from symconv.derive.borders import resolve_borders

    # With one tap there is nothing to sum: the instance says as much.
    if not op.windows or any(window.kernel == "1" for window in op.windows):
        return None
    padded = generic(op)
    if padded is None:
        return None
    result = adjoint(resolve_borders(padded), wrt)
    pieces = []
    for statement in result.statements:
        for node in dict.fromkeys(n for n in walk(statement.expr) if isinstance(n, Reduce)):
            found = [general_piece(statement, node, piece, padded.windows) for piece in node.pieces]
            complete = tuple(piece for piece in found if piece is not None)
            if len(complete) != len(found):
                return None
            pieces.append((node, complete))
    return General(result, padded.windows, result.statements, tuple(pieces))


def general_latex(op: Operator, wrt: str) -> str | None:
    r"""The general formula as LaTeX, labelled as what it is; None where there is none.

    >>> import symconv as sc
    >>> print(general_latex(sc.conv1d(stride=2, padding=1), "x").split(r" \\ ")[0].removeprefix(r"\begin{aligned} "))
    \bar x_{n,c,u} &= \sum_{f=0}^{F - 1}\;\sum_{k=0}^{K - 1}\, [\,s \mid u + p - d\,k,\ 0 \le (u + p - d\,k)/s < O_{L}\,]\,\bar y_{n,f,(u + p - d\,k)/s}\,w_{f,c,k}
    """  # noqa: E501
    rows = general_rows(op, wrt)
    return None if rows is None else aligned(replace(rows, domain=(*rows.domain, Row("", rf"\text{{({LABEL})}}"))))


def general_rows(op: Operator, wrt: str) -> Rows | None:
    """The general formula as rows of LaTeX; None where there is none."""
    found = general(op, wrt)
    if found is None:
        return None
    dialect = latex(names_of(found.operator))
    symbols = _symbols(found)
    plain = Printer(dialect, lambda form: _fraction(*_as_is(poly(form)), symbols))
    shared = _shared(found)
    writing = {
        node: total([_piece(node, p, plain, symbols, bool(shared)) for p in several], node.kind, plain)
        for node, several in found.pieces
    }
    named = replace(dialect, symbol=lambda name: symbols.get(name) or latex_symbol(name))
    printer = Printer(dialect, plain.write, writing.get)
    formulas = tuple(Row(target_text(s, named), expr_text(s.expr, printer)) for s in found.statements)
    where = tuple(
        Row(latex_symbol(one.name), rf"\frac{{{_fraction(one.form, '', symbols)}}}{{{symbols[one.divisor]}}}")
        for one in shared
    )
    return Rows(formulas, where, (domain_row(found.statements[-1], named),))


def _as_is(form: Poly) -> tuple[Poly, str]:
    return form, ""


def _symbols(found: General) -> dict[str, str]:
    """How strides, dilations, pads and taps are written, clear of the indices in use."""
    taps = {window.tap for window in found.windows}
    used = {r.name for s in found.statements for r in s.ranges}
    used |= {r.name for node, _ in found.pieces for r in node.indices}
    letters = {key: next(c for c in several if c not in used - taps) for key, several in _LETTERS.items()}
    names: dict[str, str] = {}
    outputs = tuple(dict.fromkeys(window.output for window in found.windows))
    for window in found.windows:
        index = f"_{{{window.size}}}" if len(outputs) > 1 else ""
        for key in "sdp":
            names.setdefault(f"{key}@{window.output}", letters[key] + index)
        if window.tap:
            names.setdefault(window.tap, letters["~"] + index)
            names.setdefault(f"~{window.tap}", f"({latex_symbol(window.kernel)} - 1 - {letters['~']}{index})")
    return names


def _rank(monomial: tuple[str, ...]) -> int:
    kinds = "".join(name[0] for name in monomial if "@" in name)
    return {"": 3 if any(name[0].isupper() for name in monomial) else 0, "s": 0, "d": 1, "p": 2}.get(kinds, 4)


def _fraction(form: Poly, divisor: str, symbols: dict[str, str]) -> str:
    text = form.write(lambda name: symbols.get(name) or latex_symbol(name), _rank)
    return f"({text})/{symbols[divisor]}" if divisor else text


def _shared(found: General) -> tuple[Eliminated, ...]:
    """Quotients that get a name of their own: several of them, the same in every piece."""
    several = {piece.eliminated for _, pieces in found.pieces for piece in pieces if piece.eliminated}
    alike = several.pop() if len(several) == 1 else ()
    return alike if len(alike) > 1 and all(one.divisor for one in alike) else ()


def _piece(node: Reduce, piece: GeneralPiece, plain: Printer, symbols: dict[str, str], shared: bool) -> Frag:
    names = {(one.form, one.divisor): latex_symbol(one.name) for one in piece.eliminated} if shared else {}

    def write(form: Affine) -> str:
        written = piece.written(form)
        return names.get(written) or _fraction(*written, symbols)

    printer = Printer(plain.dialect, write)
    conditions = tuple(text for c in piece.conditions for text in _condition(c, symbols, names))
    if names:
        conditions = (rf"{', '.join(names.values())} \in \mathbb{{Z}}", *conditions)
    if node.kind != "sum":
        ranges = tuple(f"0 \\le {_name(r, symbols)} < {plain.write(r.extent)}" for r in piece.sums)
        head = plain.dialect.under(node.kind, (*ranges, *conditions))
        return over(head, expr_frag(piece.body, printer), node.kind, printer)
    if piece.body == Const(Fraction(1)) and piece.sums:
        spans = (f"0 \\le {_name(r, symbols)} < {plain.write(r.extent)}" for r in piece.sums)
        return counted((_name(r, symbols) for r in piece.sums), (*spans, *conditions), plain.dialect)
    body = bracketed(conditions, expr_frag(piece.body, printer), printer)
    heads = (plain.dialect.limits("sum", _name(r, symbols), "0", plain.write(r.extent - 1)) for r in piece.sums)
    return over(side_by_side(heads, plain.dialect), body, node.kind, printer)


def _name(index: Range, symbols: dict[str, str]) -> str:
    return symbols.get(index.name) or latex_symbol(index.name)


def _condition(condition: Condition, symbols: dict[str, str], names: dict[tuple[Poly, str], str]) -> Iterator[str]:
    key = (condition.form, condition.divisor)
    form = names.get(key) or _fraction(*key, symbols)
    if condition.divides and key not in names:
        yield rf"{symbols[condition.divisor]} \mid {_fraction(condition.form, '', symbols)}"
    if condition.extent is None:
        number = dict(condition.form.terms).get((), 0)
        left = _fraction(condition.form - number, condition.divisor, symbols)
        yield rf"{left} \ge {-number}"
    else:
        yield rf"0 \le {form} < {_fraction(condition.extent, '', symbols)}"


def general_evaluate(
    op: Operator, wrt: str, *, stride: int, dilation: int, pad: int, kernel: int, size: int, extent: int
) -> tuple[frozenset[tuple[tuple[str, int], ...]], ...] | None:
    """What the general formula of an operator with one window states for numbers: the points of each piece.

    A point names the cell, the output and the tap it ties together. None where there is no general formula. Tests
    compare it with the relation of the instance; kernels never use it.

    >>> import symconv as sc
    >>> (points,) = general_evaluate(sc.conv1d(), "x", stride=2, dilation=1, pad=0, kernel=1, size=3, extent=2)
    >>> sorted(points)
    [(('i', 0), ('p', 0), ('u', 0)), (('i', 1), ('p', 0), ('u', 2))]
    """
    found = general(op, wrt)
    if found is None or len({window.output for window in found.windows}) != 1:
        return None
    window = found.windows[0]
    o = window.output
    values = {f"s@{o}": stride, f"d@{o}": dilation, f"p@{o}": pad}
    values |= {window.kernel: kernel, window.size: size, window.extent: extent}
    pieces = [piece for _, several in found.pieces for piece in several]
    return tuple(frozenset(_points(piece, window, values)) for piece in pieces)


def _points(piece: GeneralPiece, window: Window, values: dict[str, int]) -> Iterator[tuple[tuple[str, int], ...]]:
    tied = {name for c in piece.conditions for name in c.form.names} | {window.tap, f"~{window.tap}"}
    tied |= {name for one in piece.eliminated for name in one.form.names}
    ranges = [r for r in (*piece.cells, *piece.sums) if r.name in tied]
    spans = [range(poly(r.extent).evaluate(values)) for r in ranges]
    for point in cartesian(*spans):
        here = dict(zip((r.name for r in ranges), point, strict=True))
        flipped = {f"~{window.tap}": values[window.kernel] - 1 - here[window.tap]} if window.tap in here else {}
        known = {**values, **here, **flipped}
        if all(_holds(condition, known) for condition in piece.conditions):
            for one in piece.eliminated:
                here[one.name] = one.form.evaluate(known) // (known[one.divisor] if one.divisor else 1)
            yield tuple(sorted(here.items()))


def _holds(condition: Condition, values: dict[str, int]) -> bool:
    divisor = values[condition.divisor] if condition.divisor else 1
    value, rest = divmod(condition.form.evaluate(values), divisor)
    if condition.divides and rest:
        return False
    return value >= 0 and (condition.extent is None or value < condition.extent.evaluate(values))
