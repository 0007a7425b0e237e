"""Formulas as SymPy source: what stands on a page, to be pasted into a session and computed with.

Tensors are ``IndexedBase``, sums and products are ``Sum`` and ``Product`` with the limits that are shown, conditions
are ``Piecewise``. A maximum over an index, which SymPy has not, is an undefined function of its body and its range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symconv.gather.facts import Congruent, Divided, Equal, Fact, Least, Limits, Named, Within
from symconv.gather.solution import Gather, Phase, Solved
from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Apply, Const, Expr, Index, Read, Reduce
from symconv.notation.operator import Operator, Statement
from symconv.notation.trace import Step
from symconv.views.closed import Closed, Sum, closed
from symconv.views.forms import Bound
from symconv.views.sympy_expr import equation_of, expr_of, form_of, joined, made, name_of, over, remainder, where

__all__ = ["sympy_gather", "sympy_operator", "sympy_step"]


def sympy_operator(op: Operator) -> str:
    """An operator as it is stated, or in relation form.

    >>> from symconv.notation.front import formula
    >>> print(sympy_operator(formula("y[n,i] = sum[p](x[n,i+p]*w[p])")))
    import sympy as sp
    x, w, y = map(sp.IndexedBase, ("x", "w", "y"))
    K, i, n, p = sp.symbols("K i n p", integer=True)
    y_is__ = sp.Eq(y[n, i], sp.Sum((x[n, i + p]*w[p]), (p, 0, K - 1)))
    """
    return _source(op, [_equation(s, expr_of(s.expr)) for s in op.statements])


def sympy_gather(gather: Gather) -> str:
    """The solved form: sums with the limits of the loops, quotients and remainders of the cell defined before."""
    return _source(gather.operator, [line for solved in gather.statements for line in _solved(solved)])


def sympy_step(step: Step, op: Operator) -> str:
    """What a step comes to; "" for what SymPy has no words for."""
    match step.before, step.after:
        case (Statement(), Solved() as solved):
            return _source(op, list(_solved(solved)))
        case (_, Operator() as after):
            return sympy_operator(after)
        case ((Const() | Index() | Read() | Apply() | Reduce() as body, Read() | Reduce() as leaf), slope):
            return _slope(op, body, leaf, slope) if isinstance(slope, Const | Index | Read | Apply | Reduce) else ""
        case (tuple(), tuple() as facts):
            lines = [f"{made(f'fact{k}')} = {text}" for k, fact in enumerate(facts, 1) for text in _fact(fact)]
            return _source(op, lines) if lines else ""
    return ""


def _slope(op: Operator, body: Expr, leaf: Read | Reduce, slope: Expr) -> str:
    """A derivative by a leaf, for which a symbol stands."""
    by = made("by")
    left, right = (expr_of(one, {leaf: by}) for one in (body, slope))
    lines = [f'{by} = sp.Symbol("by", real=True)', f"{made('slope')} = sp.Eq(sp.Derivative({left}, {by}), {right})"]
    return _source(op, lines)


def _source(op: Operator, lines: list[str]) -> str:
    """Lines with what they need before them: only names that they use."""
    tensors = [t.name for t in (*op.inputs, *(s.target for s in op.statements))]
    text = "\n".join(lines)
    sizes = [f"{d.name} = {form_of(d.form)}" for d in op.definitions]
    used = _words(text)
    kept = list[str]()
    for definition, line in zip(reversed(op.definitions), reversed(sizes), strict=True):
        if definition.name in used:
            kept.insert(0, line)
            used |= _words(line)
    assigned = {line.partition(" = ")[0] for line in (*kept, *lines)}
    # Steps may read tensors that the result has not: copies with a border.
    read = [word for before, word, after in _tokens(text) if before != "." and after == "["]
    bases = list(dict.fromkeys(n for n in (*map(name_of, tensors), *read) if n in used))
    rest = sorted(used - assigned - set(bases) - {"sp", "True"})
    scalars = {name_of(t.name) for t in (*op.inputs, *(s.target for s in op.statements)) if not t.sizes}
    head = ["import sympy as sp", *_declared("sp.IndexedBase", [b for b in bases if b not in scalars])]
    head += [f'{base} = sp.Symbol("{base}", real=True)' for base in bases if base in scalars]
    if rest:
        head.append(f'{", ".join(rest)} = sp.symbols("{" ".join(rest)}", integer=True)')
    return "\n".join((*head, *kept, *lines))


def _declared(maker: str, names: list[str]) -> Iterator[str]:
    if len(names) == 1:
        yield f'{names[0]} = {maker}("{names[0]}")'
    elif names:
        quoted = ", ".join(f'"{name}"' for name in names)
        yield f"{', '.join(names)} = map({maker}, ({quoted}))"


def _tokens(text: str) -> Iterator[tuple[str, str, str]]:
    """Identifiers with the characters in front of them and after them."""
    at = 0
    while at < len(text):
        if text[at] == '"':
            at = text.index('"', at + 1) + 1
        elif text[at].isalpha() or text[at] == "_":
            end = at
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            yield text[at - 1] if at else "", text[at:end], text[end : end + 1]
            at = end
        else:
            at += 1


def _words(text: str) -> set[str]:
    """Identifiers that stand for something: no functions of SymPy, no names of their options."""
    return {word for before, word, after in _tokens(text) if before != "." and after != "="}


def _solved(solved: Solved) -> Iterator[str]:
    """Each part of each sum on a line of its own after what it divides by; then the equation."""
    names: dict[Expr, str] = {}
    count = 0
    for node, solutions in solved.reductions:
        found = [closed(solved.statement, node, solution) for solution in solutions]
        complete = [part for part in found if part is not None]
        if len(complete) != len(found) or not found or (node.kind not in {"sum", "prod"} and len(found) > 1):
            continue
        parts = list[str]()
        for part in complete:
            count += 1
            yield from _cuts(part)
            parts.append(made(f"part{count}"))
            yield f"{parts[-1]} = {_part(node, part)}"
        names[node] = joined(node, parts)
    yield _equation(solved.statement, expr_of(solved.statement.expr, names))


def _equation(statement: Statement, right: str) -> str:
    return f"{made(f'{statement.target.name}_is')} = {equation_of(statement, right)}"


def _part(node: Reduce, part: Closed) -> str:
    limits = [_span(node, s) for s in reversed(part.sums)]
    return where(node, over(node, where(node, expr_of(part.body), part.inside), limits), part.outside)


def _span(node: Reduce, one: Sum) -> str:
    """A loop's limits; SymPy counts a sum whose upper limit is further below as a negative one, so it is held."""
    low, high = _bounds(one.lowers, lower=True), _bounds(one.uppers, lower=False)
    whole = {Bound(r.extent - 1) for r in node.indices}
    plain = one.lowers == (Bound(affine(0)),) and len(one.uppers) == 1 and one.uppers[0] in whole
    return f"({name_of(one.name)}, {low}, {high if plain else f'sp.Max({high}, {low} - 1)'})"


def _bounds(bounds: Iterable[Bound], lower: bool) -> str:
    texts = [_rounded(bound.form, bound.divisor, lower) for bound in dict.fromkeys(bounds)]
    return texts[0] if len(texts) == 1 else f"sp.{'Max' if lower else 'Min'}({', '.join(texts)})"


def _rounded(form: Affine, divisor: int, lower: bool) -> str:
    if divisor == 1:
        return form_of(form)
    return f"sp.{'ceiling' if lower else 'floor'}(({form_of(form)})/sp.Integer({divisor}))"


def _cuts(part: Closed) -> Iterator[str]:
    for one in part.divisions:
        yield f"{name_of(one.loop)} = {_rounded(one.form, one.modulus, lower=False)}"
        if one.residue:
            yield f"{name_of(one.residue)} = {remainder(form_of(one.form), one.modulus)}"
    for phase in part.phases:
        yield from (f"{name_of(name)} = {_value(phase, name)}" for name in phase.names[1:])


def _value(phase: Phase, name: str) -> str:
    if name == phase.first:
        share = form_of(phase.inverse * var(phase.residue)) + (f"/{phase.gap}" if phase.gap > 1 else "")
        return remainder(share, phase.modulus // phase.gap)
    left = var(phase.residue) - phase.slope * phase.gap * var(phase.first)
    return f"({form_of(left)})/sp.Integer({phase.modulus})"


def _fact(fact: Fact) -> Iterator[str]:
    match fact:
        case Equal(left, right):
            yield f"sp.Eq({form_of(left)}, {form_of(right)})"
        case Within(form, extent):
            yield f"sp.And(sp.Ge({form_of(form)}, 0), sp.Lt({form_of(form)}, {form_of(extent)}))"
        case Least(form):
            yield f"sp.Ge({form_of(form)}, 0)"
        case Congruent(left, right, modulus):
            yield f"sp.Eq({remainder(form_of(left - right), modulus)}, 0)"
        case Divided(form, divisor):
            yield f"sp.Eq({remainder(form_of(form), divisor)}, 0)"
        case Named(name, phase):
            yield f"sp.Eq({name_of(name)}, {_value(phase, name)})"
        case Limits(name, lowers, uppers):
            said = [f"sp.Ge({name_of(name)}, {_rounded(form, d, lower=True)})" for form, d in lowers]
            said += [f"sp.Le({name_of(name)}, {_rounded(form, d, lower=False)})" for form, d in uppers]
            yield said[0] if len(said) == 1 else f"sp.And({', '.join(said)})"
