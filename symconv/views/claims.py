"""Claims and proofs to look at: LaTeX of the claim, and where the two sides differ, drawn side by side."""

from __future__ import annotations

from html import escape

from symconv.prove.decide.evidence import Pattern, pattern
from symconv.prove.language.coded import Coded
from symconv.prove.language.syntax import (
    Binary,
    Call,
    Equation,
    Name,
    Node,
    Number,
    Pick,
    Reduction,
    Sliced,
    Span,
    Text,
    Tuple,
)
from symconv.prove.proof import Proof
from symconv.views.differences import Difference, difference
from symconv.views.svg import drawing, label, rect

__all__ = ["claim_latex", "difference_svg", "pattern_svg", "proof_html"]

_CELL = 34
_COMPARED = {"<": "<", ">": ">", "<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}
_WORDS = {True: "true for all sizes", False: "false", None: "undecided"}


def claim_latex(proof: Proof) -> str:
    """The claim as LaTeX.

    >>> import symconv as sc
    >>> claim_latex(sc.prove(sc.conv2d(), "gx = conv_transpose(gy, w)"))
    '\\\\mathit{gx} = \\\\operatorname{conv\\\\_transpose}\\\\left(\\\\mathit{gy}, w\\\\right)'
    """
    if isinstance(proof.claim, Coded):
        return rf"{_name(proof.claim.side)} = \text{{{proof.claim.source}}}".replace("_", r"\_")
    return r",\quad ".join(map(_equation, proof.claim.equations))


def _equation(equation: Equation) -> str:
    indices = "" if equation.indices is None else f"_{{{','.join(map(_latex, equation.indices))}}}"
    return f"{_name(equation.name)}{indices} = {_latex(equation.body)}"


def _name(text: str) -> str:
    plain = text.replace("_", r"\_")
    return plain if len(text) == 1 else rf"\mathit{{{plain}}}"


def _latex(node: Node) -> str:
    match node:
        case Number(value):
            return str(value) if value.denominator == 1 else rf"\tfrac{{{value.numerator}}}{{{value.denominator}}}"
        case Name(name):
            return _name(name)
        case Text(value):
            return rf"\text{{``{value}''}}"
        case Tuple(items):
            return rf"\left({', '.join(map(_latex, items))}\right)"
        case Binary("-", Number(0), right):
            return f"-{_latex(right)}"
        case Binary("/", left, right):
            return rf"\frac{{{_latex(left)}}}{{{_latex(right)}}}"
        case Binary("//", left, right):
            return rf"\left\lfloor\frac{{{_latex(left)}}}{{{_latex(right)}}}\right\rfloor"
        case Binary("**", left, right):
            base = rf"\left({_latex(left)}\right)" if isinstance(left, Binary | Reduction) else _latex(left)
            return f"{base}^{{{_latex(right)}}}"
        case Binary(op, left, right) if op in _COMPARED:
            return f"{_latex(left)} {_COMPARED[op]} {_latex(right)}"
        case Binary(op, left, right):
            sign = {"*": r"\,", "%": r"\bmod", "@": r"\cdot"}.get(op, op)
            return f"{_inner(left, op)} {sign} {_inner(right, op)}"
        case Call(function, arguments, named):
            options = [rf"\text{{{key.replace('_', chr(92) + '_')}}}={_latex(value)}" for key, value in named]
            inner = ", ".join([*map(_latex, arguments), *options])
            return rf"\operatorname{{{function.replace('_', chr(92) + '_')}}}\left({inner}\right)"
        case Sliced(value, items) if all(isinstance(i, Pick) and i.kind == "index" for i in items):
            return f"{_latex(value)}_{{{','.join(map(_item, items))}}}"
        case Reduction(kind, indices, where, body):
            sign = {"sum": r"\sum", "max": r"\max", "min": r"\min"}.get(kind, r"\operatorname*{mean}")
            under = r"\,:\,".join([",".join(indices), *([",".join(map(_latex, where))] if where else [])])
            return rf"{sign}_{{{under}}} {_inner(body, '*')}"
        case Sliced(value, items):
            return rf"{_latex(value)}\left[{', '.join(map(_item, items))}\right]"


def _inner(node: Node, op: str) -> str:
    if op in "*%" and isinstance(node, Binary) and (node.op in "+-" or node.op in _COMPARED):
        return rf"\left({_latex(node)}\right)"
    return rf"\left({_latex(node)}\right)" if isinstance(node, Reduction) else _latex(node)


def _item(item: Span | Pick) -> str:
    match item:
        case Pick("...", _):
            return r"\ldots"
        case Pick(_, value):
            return _latex(value) if value is not None else r"\cdot"
        case Span(start, stop, step):
            parts = [_latex(part) if part is not None else "" for part in (start, stop)]
            return r"{:}".join([*parts, *([_latex(step)] if step is not None else [])])
    return ""


def pattern_svg(found: Pattern) -> str:
    """A plane of the true side as a grid of cells; a cell shows how many products it sums."""
    rows, columns = found.want_shape
    parts = [label(20.0, 20, found.side, "start")]
    for i in range(rows):
        for j in range(columns):
            terms = found.want.get((i, j), ())
            x, y = 20.0 + j * _CELL, 34.0 + i * _CELL
            parts.append(rect(x, y, _CELL - 2, _CELL - 2, None, f"{found.side}[{i},{j}]: {' + '.join(terms) or '0'}"))
            parts.append(label(x + _CELL / 2 - 1, y + _CELL / 2 + 4, str(len(terms))))
    return drawing(max(60.0 + columns * _CELL, 110.0), 34 + rows * _CELL + 10, parts, f"{found.side} at {found.where}")


def difference_svg(found: Difference) -> str:
    """Both sides as grids of numbers, those that differ or that only one side has coloured and marked."""
    rows = max(found.want_shape[0], found.got_shape[0])
    wide = max((len(text) for cells in (found.got, found.want) for text in cells.values()), default=1)
    cell = max(_CELL, 8 * (wide + 1) + 8)
    parts: list[str] = []
    left = 20.0
    for title, shape, cells in (("claimed", found.got_shape, found.got), ("true", found.want_shape, found.want)):
        width = max(shape[1] * cell, 90)
        parts.append(label(left, 20, f"{found.side}, {title}", "start"))
        for (i, j), text in cells.items():
            wrong = (i, j) in found.wrong
            x, y = left + j * cell, 34.0 + i * _CELL
            index = ",".join(map(str, (*found.leading, i, j)))
            parts.append(
                rect(x, y, cell - 2, _CELL - 2, 1 if wrong else None, f"{found.side}[{index}] {title}: {text}")
            )
            words = f"{text}{'!' if wrong else ''}"
            parts.append(label(x + cell / 2 - 1, y + _CELL / 2 + 4, words, kind="on" if wrong else "label"))
        left += width + 40
    return drawing(left, 34 + rows * _CELL + 10, parts, f"{found.side} as claimed and as it is, at {found.where}")


def _picture(proof: Proof) -> str:
    if proof.holds is False and (wrong := difference(proof)) is not None:
        place = f" at index {', '.join(map(str, wrong.leading))}" if any(wrong.leading) else ""
        caption = (
            f"One plane of {wrong.side}{place} for {wrong.where}, on small integers, as claimed and as it is; cells "
            "marked ! differ, or only one side has them."
        )
        return f"<figure>{difference_svg(wrong)}<figcaption>{escape(caption)}</figcaption></figure>"
    if proof.holds is True and proof.decision is not None:
        found = pattern(proof.operator, proof.claim, proof.decision.domain)
        if found is not None:
            caption = f"One plane of {found.side} at {found.where}: how many products a cell sums. Hovering shows them."
            return f"<figure>{pattern_svg(found)}<figcaption>{escape(caption)}</figcaption></figure>"
    return ""


def proof_html(proof: Proof) -> str:
    """The proof as a piece of HTML, every word of a user escaped."""
    rows = [("claim", str(proof.claim)), ("operator", str(proof.operator)), ("answer", _WORDS[proof.holds])]
    if proof.holds is False:
        rows += [("fails when", proof.fails_when), ("holds when", proof.holds_when)]
        rows += [("shapes do not fit when", proof.mismatched_when), ("counterexample", str(proof.counterexample or ""))]
        rows += [("likely cause", proof.cause), ("proved instead", proof.repair)]
    rows += [("reason", proof.reason), ("leaning", proof.leaning), *(("proved", line) for line in proof.proved)]
    row = "<tr><th>{}</th><td><pre class='wrap'>{}</pre></td></tr>"
    body = "".join(row.format(escape(name), escape(text)) for name, text in rows if text)
    return f"<table>{body}</table>{_picture(proof)}"
