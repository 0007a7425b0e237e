"""A formula of several equations: named intermediates, and outputs, which nothing reads or the settings name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symconv.errors import SpecError
from symconv.notation.elaborate import elaborate
from symconv.notation.extents import Settings
from symconv.notation.lexer import point
from symconv.notation.merging import merged
from symconv.notation.operator import Operator
from symconv.notation.settle import assumed
from symconv.notation.tree import Call, Equation, Group, Name, Node, nodes

__all__ = ["elaborated"]


def elaborated(equations: Sequence[Equation], settings: Settings) -> Operator:
    """The operator that computes the equations in their order; its outputs are those that nothing reads, or the
    settings name.

    A setting by name goes to the equations that have the name, ``padding`` to those with a window. Raises SpecError
    where an intermediate is named twice, read too early or never, and for what must still be said.
    """
    _check_order(equations)
    outputs = _outputs(equations, settings.outputs)
    indices = {text for e in equations for text in _bound(e)}
    if twice := sorted(indices & {e.target.name for e in equations}):
        raise SpecError(f"{twice[0]!r} is both an index and what an equation computes; rename one of them")
    mentioned = [frozenset(_mentioned(equation)) for equation in equations]
    everywhere = frozenset().union(*mentioned)
    for what, names in (
        ("border", [name for name, _ in settings.borders]),
        ("extents", [name for name, _ in settings.extents]),
        ("params", [*(name for name, _ in settings.parameters), *settings.scalars]),
        ("surrogate", [name for name, _ in settings.surrogates]),
    ):
        for name in names:
            if name not in everywhere:
                raise SpecError(f"{what} names {name!r}, which is in none of the equations")
    parts = [elaborate(e, _own(settings, e, m)) for e, m in zip(equations, mentioned, strict=True)]
    op = merged(parts, _written(equations), settings.name)
    tensors = (*op.inputs, *(s.target for s in op.statements))
    bound = frozenset(name for t in tensors for size in t.sizes for name in size.names())
    bound |= {d.name for d in op.definitions}
    told = tuple(assumed(one, bound, f"a formula in {', '.join(sorted(bound))}") for one in settings.where)
    several = outputs if len(outputs) > 1 else ()
    return replace(op, assumptions=(*op.assumptions, *told), several=several)


def _written(equations: Sequence[Equation]) -> str:
    """The equations on one line, to be read again."""
    source, starts = equations[0].source, [e.target.column for e in equations]
    texts = (source[start:end] for start, end in zip(starts, (*starts[1:], len(source)), strict=True))
    return "; ".join(" ".join(text.split()).rstrip("; ") for text in texts)


def _own(settings: Settings, equation: Equation, mentioned: frozenset[str]) -> Settings:
    """What of the settings concerns one equation."""
    return replace(
        settings,
        padding=settings.padding if _slides(equation.body) else None,
        borders=tuple(pair for pair in settings.borders if pair[0] in mentioned),
        where=(),
        extents=tuple(pair for pair in settings.extents if pair[0] in mentioned),
        scalars=tuple(name for name in settings.scalars if name in mentioned),
        parameters=tuple(pair for pair in settings.parameters if pair[0] in mentioned),
        surrogates=tuple(pair for pair in settings.surrogates if pair[0] in mentioned),
    )


def _check_order(equations: Sequence[Equation]) -> None:
    source = equations[0].source
    targets = [equation.target.name for equation in equations]
    for position, equation in enumerate(equations):
        name, column = equation.target.name, equation.target.column
        if name in targets[:position]:
            raise _wrong(source, column, f"{name} is computed twice; each equation has its own name")
        for call in _calls(equation.body):
            if call.name in targets[position:] and call.brackets is not None and not call.arguments:
                raise _wrong(source, call.column, f"{call.name} is read before it is computed; put its equation first")


def _outputs(equations: Sequence[Equation], named: tuple[str, ...]) -> tuple[str, ...]:
    """The outputs in the order of their equations; raises SpecError for an equation that is computed for nobody."""
    source, last = equations[0].source, equations[-1].target.name
    targets = [equation.target.name for equation in equations]
    if unknown := [name for name in named if name not in targets]:
        raise SpecError(f"outputs names {unknown[0]!r}, which no equation computes; they compute {', '.join(targets)}")
    read = {one.name for equation in equations for one in _calls(equation.body)}
    for equation in equations:
        name = equation.target.name
        if named and name not in read and name not in named:
            message = f"{name} is computed and never read, and is none of the outputs {', '.join(named)}"
            raise _wrong(source, equation.target.column, message)
    assert last not in read
    return tuple(name for name in targets if (name in named if named else name not in read))


def _wrong(source: str, column: int, message: str) -> SpecError:
    return point(source, column, f"column {column + 1}: {message}")


def _calls(node: Node) -> Iterator[Call]:
    return (one for one in nodes(node) if isinstance(one, Call))


def _mentioned(equation: Equation) -> Iterator[str]:
    """Every name of an equation: tensors, functions, indices, numbers."""
    for node in (*nodes(equation.target), *nodes(equation.body)):
        match node:
            case Name(text):
                yield text
            case Call(name, _, _):
                yield name


def _bound(equation: Equation) -> Iterator[str]:
    """The indices of an equation: those of its target and of its reductions."""
    lists = [equation.target.brackets or ()]
    lists += [one.brackets or () for one in _calls(equation.body) if one.arguments is not None]
    for items in lists:
        for item in items:
            yield from (node.text for node in nodes(item) if isinstance(node, Name) and node.text[:1].islower())


def _slides(node: Node) -> bool:
    """Whether an axis is read at more than a plain index."""
    reads = (one for one in _calls(node) if one.brackets is not None and one.arguments is None)
    items = (item for read in reads for item in read.brackets or ())
    return any(
        not isinstance(part, Name) for item in items for part in (item.items if isinstance(item, Group) else (item,))
    )
