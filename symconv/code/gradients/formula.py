"""The formula of an operator that was read from code, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import count

from symconv.notation.affine import Affine
from symconv.notation.expr import Apply, Const, Constraint, Expr, Index, Read, Reduce, children, transform
from symconv.notation.grammar import COMPARISONS
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.shapes import axis_text
from symconv.prove.language.labels import LABEL, labels_of

__all__ = ["equation", "fixed", "numbered", "shown", "with_one_hot", "with_words"]


def fixed(inputs: Sequence[Tensor], statements: Sequence[Statement]) -> str:
    """What the formula alone does not show: some sizes, and what selectors are.

    Sizes that are numbers, or equal in one tensor, and those of two tensors that are equal without a common index.
    """
    rows = {t.name: [axis_text(axis) for axis in t.axes] for t in inputs}
    equal = _equal_unseen(inputs, statements)
    told = [f"{name} is {' x '.join(row)}" for name, row in rows.items()
            if name in equal or len({*row}) < len(row) or any(one.isdigit() or "*" in one for one in row)]  # fmt: skip
    for one in inputs:
        if one.dtype == LABEL:
            places = ",".join("nmij"[: len(one.axes) - 1])
            told.append(f"{one.name}[{places},c] is 1 where {labels_of(one.name)}[{places}] is c, else 0")
    return f" where {', '.join(told)}" if told else ""


def with_words(op: Operator, words: str) -> Operator:
    """The operator with more told behind its formula than sizes."""
    return replace(op, source=f"{op.source}{',' if ' where ' in op.source else ' where'} {words}")


def with_one_hot(op: Operator) -> Operator:
    """The operator with arrays of numbers where it has labels: rows that are 1 at the label and 0 elsewhere."""
    put = {one.name: labels_of(one.name) for one in op.inputs if one.dtype == LABEL}
    if not put:
        return op

    def rule(node: Expr) -> Expr | None:
        return replace(node, tensor=put[node.tensor]) if isinstance(node, Read) and node.tensor in put else None

    inputs = tuple(replace(one, name=put.get(one.name, one.name), dtype="real") for one in op.inputs)
    statements = tuple(replace(one, expr=transform(one.expr, rule)) for one in op.statements)
    note = f"one-hot rows stand for labels: {', '.join(put.values())} is np.eye(C)[labels] for C classes"
    source = reduce(lambda text, name: text.replace(name, put[name]), put, op.source)
    return replace(op, inputs=inputs, statements=statements, source=source, notes=(*op.notes, note))


def _equal_unseen(inputs: Sequence[Tensor], statements: Sequence[Statement]) -> set[str]:
    """The tensors with a size of another one, where no index runs over both: ``x + x``, say, where ``k`` is as long."""
    held = {(t.name, size): set[int]() for t in inputs for size in t.sizes if size.names()}
    sizes = {t.name: t.sizes for t in inputs}
    numbers = count()
    for one in statements:
        for tensor, k, index in _indexed(one.expr, {name: next(numbers) for name in one.indices}, numbers):
            if tensor in sizes and (tensor, size := sizes[tensor][k]) in held:
                held[tensor, size].add(index)
    found = set[str]()
    for size in {size for _, size in held}:
        groups: list[tuple[set[str], set[int]]] = []
        for (name, other), mine in held.items():
            if other == size:
                joined = [group for group in groups if group[1] & mine]
                groups = [group for group in groups if group not in joined]
                groups.append(({name}.union(*(g[0] for g in joined)), mine.union(*(g[1] for g in joined))))
        if len(groups) > 1:
            found.update(*(names for names, _ in groups))
    return found


def _indexed(expr: Expr, known: Mapping[str, int], fresh: Iterator[int]) -> Iterator[tuple[str, int, int]]:
    """The places of tensors at which an index stands alone, with a number for each index: sums have their own ones."""
    match expr:
        case Read(tensor, index, _):
            for k, form in enumerate(index):
                if form.name is not None and form.name in known:
                    yield tensor, k, known[form.name]
        case Reduce(_, ranges, _):
            known = {**known} | {one.name: next(fresh) for one in ranges}
    for child in children(expr):
        yield from _indexed(child, known, fresh)


def numbered(inputs: Sequence[Tensor]) -> bool:
    """Whether a length of a tensor is a number."""
    return any(axis_text(axis).isdigit() for one in inputs for axis in one.axes)


_COMPARED = {name: sign for sign, name in COMPARISONS.items()}
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", **_COMPARED}


def shown(expr: Expr, axes: Mapping[str, tuple[tuple[Affine, ...], ...]], level: int = 0) -> str:
    """An expression over tensors with these axes as text."""

    def text(inner: Expr, level: int = 0) -> str:
        return shown(inner, axes, level)

    match expr:
        case Const(value):
            return str(value) if value.denominator == 1 else f"({value})"
        case Index(form):
            return f"({form})" if len(form.terms) + bool(form.constant) > 1 else str(form)
        case Read(tensor, index, _):
            forms = iter(str(form).replace(" ", "") for form in index)
            places = [[next(forms) for _ in axis] for axis in axes[tensor]]
            words = [one[0] if len(one) == 1 else f"({','.join(one)})" for one in places]
            return f"{tensor}[{','.join(words)}]"
        case Apply("pi"):
            return "pi"
        case Apply(function, (a, b)) if function in _SIGNS:
            mine = 1 if function in {"add", "sub", *_COMPARED} else 2
            both = f"{text(a, mine)} {_SIGNS[function]} {text(b, mine + 1)}"
            return f"({both})" if mine < level else both
        case Apply("pow", (one, Const(power))) if power > 0:
            return f"{text(one, 3)}**{power if power.denominator == 1 else f'({power})'}"
        case Apply("neg", (one,)):
            return f"(-{text(one, 2)})" if level > 1 else f"-{text(one, 2)}"
        case Apply(function, arguments):
            return f"{function}({', '.join(map(text, arguments))})"
        case Reduce(kind, ranges, (piece,)):
            bounds = ", ".join(_bound(c) for c in piece.where)
            names = ",".join(one.name for one in ranges)
            return f"{kind}[{names}{f': {bounds}' if bounds else ''}]({text(piece.body)})"
    return "..."


def equation(one: Statement, axes: Mapping[str, tuple[tuple[Affine, ...], ...]]) -> str:
    """A statement over tensors with these axes as text."""
    place = f"[{','.join(one.indices)}]" if one.indices else ""
    return f"{one.target.name}{place} = {shown(one.expr, axes)}"


def _bound(constraint: Constraint) -> str:
    return f"{constraint.form} {'=' if constraint.equality else '>='} 0"
