"""Claims and proofs to look at: LaTeX of the claim, and where the two sides differ, drawn side by side."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from html import escape

from symconv.code.proofs import Proofs
from symconv.prove.decide.evidence import Pattern, pattern
from symconv.prove.language.coded import Coded
from symconv.prove.language.syntax import (
    Binary,
    Call,
    Each,
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
from symconv.views.compared import difference_svgs, excess, pattern_svgs
from symconv.views.differences import Difference, difference
from symconv.views.highlight import highlighted

__all__ = ["claim_latex", "proof_html"]

_AROUND = 4
"""Lines of code shown on either side of the one at fault."""
_MOST_TERMS = 24
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
            sign = {"mean": r"\operatorname*{mean}", **{one: rf"\{one}" for one in ("sum", "prod", "max", "min")}}.get(
                kind, rf"\operatorname*{{{kind}}}"
            )
            under = r"\,:\,".join([",".join(indices), *([",".join(map(_latex, where))] if where else [])])
            return rf"{sign}_{{{under}}} {_inner(body, '*')}"
        case Each(body, name, start, stop):
            under = rf"{_name(name)} = {_latex(start)}, \ldots, {_latex(Binary('-', stop, Number(Fraction(1))))}"
            return rf"\left[{_latex(body)}\right]_{{{under}}}"
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


def proof_html(proof: Proof | Proofs[Proof]) -> str:
    """A proof as a piece of HTML, or one after the other those of several gradients; every word of a user escaped."""
    if isinstance(proof, Proofs):
        return "".join(f"<h3>g{escape(name)}</h3>{proof_html(one)}" for name, one in proof.items())
    parts = [_table([("claim", str(proof.claim)), ("operator", str(proof.operator)), ("answer", _WORDS[proof.holds])])]
    parts.append(_cases(proof))
    rows = (
        [("counterexample", str(proof.counterexample or "")), ("likely cause", proof.cause)] if _is_false(proof) else []
    )
    rows += [("reason", proof.reason), ("leaning", proof.leaning), *(("proved", line) for line in proof.proved)]
    parts.append(_table(rows))
    parts.append(_repair(proof))
    return f'<div class="proof">{"".join(parts)}{_pictures(proof)}</div>'


def _is_false(proof: Proof) -> bool:
    return proof.holds is False


def _table(rows: list[tuple[str, str]]) -> str:
    row = '<tr><th>{}</th><td><pre class="wrap">{}</pre></td></tr>'
    body = "".join(row.format(escape(name), escape(text)) for name, text in rows if text)
    return f"<table>{body}</table>" if body else ""


def _cases(proof: Proof) -> str:
    """For which sizes the claim is right and for which it is wrong, a row each."""
    if not _is_false(proof):
        return ""
    rows = [("bad", "wrong", proof.fails_when)]
    rows += [("bad", "wrong already in shape", proof.mismatched_when)] if proof.mismatched_when != "never" else []
    rows += [("good", "right", proof.holds_when)]
    body = "".join(
        f'<tr><td class="{kind}">{word}</td><td><pre class="wrap">{escape(_when(sizes))}</pre></td></tr>'
        for kind, word, sizes in rows
    )
    return f"<table><thead><tr><th>the claim is</th><th>when</th></tr></thead><tbody>{body}</tbody></table>"


def _when(sizes: str) -> str:
    return {"always": "always: for all sizes", "never": "never: for no sizes"}.get(sizes, sizes)


def _repair(proof: Proof) -> str:
    """What is wrong beside what was proved instead: a claim, or the lines of a function with the one at fault."""
    if not _is_false(proof):
        return ""
    if isinstance(proof.claim, Coded) and proof.line is not None and proof.claim.listing:
        return _listing(proof.claim, proof.line, proof.repair)
    if not proof.repair:
        return ""
    lines = (("cut", "−", str(proof.claim)), ("put", "+", proof.repair))
    return f"<p>Proved instead:</p>{_code(lines)}"


def _listing(code: Coded, at: int, repair: str) -> str:
    """The function around the line at fault; the line that was proved instead stands below it."""
    new = repair.removeprefix(f"line {at}: ") if repair.startswith(f"line {at}: ") else ""
    lines = []
    for number, text in enumerate(code.listing, code.first):
        if abs(number - at) > _AROUND and number != code.first:
            continue
        lines.append(("cut" if number == at else "", f"{number}{'−' if number == at else ' '}", text))
        if number == at and new:
            indent = text[: len(text) - len(text.lstrip())]
            lines.append(("put", f"{number}+", indent + new.strip()))
    said = "the line at fault, and below it what was proved instead" if new else "the line at fault"
    other = f'<pre class="wrap">{escape(repair)}</pre>' if repair and not new else ""
    return f"<p>Line {at}: {said}.</p>{_code(lines)}{other}"


def _code(lines: Iterable[tuple[str, str, str]]) -> str:
    body = "".join(
        f'<span class="line {kind}"><span class="gutter">{escape(sign):>5} </span>{highlighted(text)}</span>'
        for kind, sign, text in lines
    )
    return f'<pre class="listing">{body}</pre>'


def _pictures(proof: Proof) -> str:
    """The two patterns side by side at sizes where they differ, and the numbers of both."""
    if proof.decision is None or proof.holds is None:
        return ""
    decision = proof.decision
    # Where a counterexample alone decided, its sizes are the smallest there are; larger ones show more.
    regions = (decision.domain, decision.values) if proof.holds or decision.undecided else (decision.values,)
    several = (pattern(proof.operator, proof.claim, r, differing=not proof.holds) for r in regions if not r.empty)
    found = next((one for one in several if one is not None), None)
    parts = [_patterns(found, proof.holds)] if found is not None else []
    numbers = difference(proof) if _is_false(proof) else None
    if numbers is not None:
        text = _numbers(numbers)
        parts.append(f"<details><summary>In numbers</summary>{text}</details>" if parts else text)
    return "".join(parts)


def _patterns(found: Pattern, holds: bool) -> str:
    place = f", of index {', '.join(map(str, found.leading))}" if any(found.leading) else ""
    caption = f"One plane of {found.side}{place} at {found.where}: how many products a cell sums. Hovering shows them."
    if holds:
        return _figure(pattern_svgs(found)[1:], caption)
    caption += " +n: products the claim has and the truth has not. −n: products that the claim misses."
    cell = min(
        key for key in found.want if excess(found.got[key], found.want[key]) or excess(found.want[key], found.got[key])
    )
    return _figure(pattern_svgs(found), caption) + _cell(found, cell)


def _cell(found: Pattern, cell: tuple[int, int]) -> str:
    """One cell in full, its own products marked on either side."""
    name = f"{found.side}[{','.join(map(str, (*found.leading, *cell)))}]"
    rows = []
    for title, own, other, kind, sign in (
        ("claimed", found.got, found.want, "extra", "+"), ("true", found.want, found.got, "missing", "−"),
    ):  # fmt: skip
        odd, terms = list(excess(own[cell], other[cell])), []
        for term in own[cell][:_MOST_TERMS]:
            said = escape(term.replace("-", "−"))
            if term in odd:
                odd.remove(term)
                held = f"({said})" if said.startswith("−") else said
                terms.append(f'<mark class="{kind}" title="{kind}">{sign} {held}</mark>')
            else:
                terms.append(said)
        more = f" and {len(own[cell]) - _MOST_TERMS} more" if len(own[cell]) > _MOST_TERMS else ""
        rows.append(f"<tr><th>{title}</th><td>{', '.join(terms) or '0'}{more}</td></tr>")
    return f"<p>The products of {escape(name)}:</p><table>{''.join(rows)}</table>"


def _numbers(found: Difference) -> str:
    place = f" at index {', '.join(map(str, found.leading))}" if any(found.leading) else ""
    caption = (
        f"One plane of {found.side}{place} for {found.where}, on small integers, as claimed and as it is; cells "
        "marked ! differ, or only one side has them."
    )
    return _figure(difference_svgs(found), caption)


def _figure(pictures: Iterable[str], caption: str) -> str:
    sides = "".join(f'<div class="scroll">{picture}</div>' for picture in pictures)
    return f'<figure><div class="sides">{sides}</div><figcaption>{escape(caption)}</figcaption></figure>'
