"""Claims and proofs to look at: LaTeX of the claim, and where the two sides differ, drawn side by side."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from symconv.prove.evidence import Pattern, pattern
from symconv.prove.proof import Proof
from symconv.prove.syntax import Binary, Call, Name, Node, Number, Pick, Sliced, Span, Text, Tuple
from symconv.views.svg import drawing, label, rect

__all__ = ["claim_latex", "pattern_svg", "proof_bundle", "proof_html"]

_CELL = 34
_WORDS = {True: "true for all sizes", False: "false", None: "undecided"}


def claim_latex(proof: Proof) -> str:
    """The claim as LaTeX.

    >>> import symconv as sc
    >>> claim_latex(sc.prove(sc.conv2d(), "gx = conv_transpose(gy, w)"))
    '\\\\mathit{gx} = \\\\operatorname{conv\\\\_transpose}\\\\left(\\\\mathit{gy}, w\\\\right)'
    """
    return f"{_name(proof.claim.side)} = {_latex(proof.claim.body)}"


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
        case Binary(op, left, right):
            sign = {"*": r"\,", "%": r"\bmod", "@": r"\cdot"}.get(op, op)
            return f"{_inner(left, op)} {sign} {_inner(right, op)}"
        case Call(function, arguments, named):
            options = [rf"\text{{{key.replace('_', chr(92) + '_')}}}={_latex(value)}" for key, value in named]
            inner = ", ".join([*map(_latex, arguments), *options])
            return rf"\operatorname{{{function.replace('_', chr(92) + '_')}}}\left({inner}\right)"
        case Sliced(value, items):
            return rf"{_latex(value)}\left[{', '.join(map(_item, items))}\right]"


def _inner(node: Node, op: str) -> str:
    if op in "*%" and isinstance(node, Binary) and node.op in "+-":
        return rf"\left({_latex(node)}\right)"
    return _latex(node)


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
    """Both sides as grids of cells; a cell shows how many products it sums, and is marked where the sides differ."""
    rows = max(found.want_shape[0], found.got_shape[0])
    parts: list[str] = []
    left = 20.0
    for title, shape, cells in (("claimed", found.got_shape, found.got), ("true", found.want_shape, found.want)):
        parts.append(label(left + shape[1] * _CELL / 2, 20, f"{found.side}, {title}"))
        for i in range(shape[0]):
            for j in range(shape[1]):
                wrong = found.got.get((i, j)) != found.want.get((i, j))
                terms = cells.get((i, j), ())
                x, y = left + j * _CELL, 34.0 + i * _CELL
                words = f"{found.side}[{i},{j}] {title}: {' + '.join(terms) or '0'}"
                parts.append(rect(x, y, _CELL - 2, _CELL - 2, 1 if wrong else None, words))
                parts.append(label(x + _CELL / 2 - 1, y + _CELL / 2 + 4, f"{len(terms)}{'!' if wrong else ''}"))
        left += shape[1] * _CELL + 40
    return drawing(left, 34 + rows * _CELL + 10, parts, f"{found.side} as claimed and as it is, at {found.where}")


def _pattern(proof: Proof) -> Pattern | None:
    decision = proof.decision
    if decision is None:
        return None
    region = decision.domain if decision.values.empty else decision.values
    return pattern(proof.operator, proof.claim, region)


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
    picture = ""
    if proof.holds is not None and (found := _pattern(proof)) is not None:
        caption = (
            f"One plane of {found.side} at {found.where}: how many products a cell sums, as claimed and as it is; "
            "cells marked ! differ. Hovering shows the products."
        )
        picture = f"<figure>{pattern_svg(found)}<figcaption>{escape(caption)}</figcaption></figure>"
    return f"<section id='claim'><h2>Claim</h2><table>{body}</table>{picture}</section>"


def proof_bundle(proof: Proof) -> Mapping[str, Any]:
    """What a notebook shows."""
    return {
        "text/plain": str(proof),
        "text/latex": rf"$\displaystyle {claim_latex(proof)}$: {_WORDS[proof.holds]}",
        "text/html": proof_html(proof),
    }
