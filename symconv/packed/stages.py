"""A gather form in stages: each sum that can be packed is a statement of its own, each statement a form of its own.

What several statements, or several outputs of one call, have in common is one stage: it is computed once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain, count

from symconv.gather.solution import Gather, Solution, Solved
from symconv.notation.affine import var
from symconv.notation.expr import Apply, Expr, Read, Reduce, reads, transform
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.packed.candidates import packs
from symconv.packed.roles import contraction
from symconv.packed.turning import Turned, turned

__all__ = ["shared", "stages"]

_Sum = tuple[tuple[str, ...], object, Reduce]
"""A sum over a statement's cells: the indices, the sizes of the cells, the sum."""


def stages(gather: Gather, beside: Iterable[Gather] = ()) -> tuple[Gather, ...]:
    """The statements of a form as forms of their own, the output last; each reads the targets of those before it.

    Sums that can be packed get statements of their own, but for one that can be finished where its statement is: it
    stands in no other statement, of ``beside`` neither, no other sum is left beside it, and its lanes are cells.
    """
    every = {(s.statement.indices, s.statement.target.axes, s.statement.expr): s for s in _statements(gather, beside)}
    uses = Counter(_sum(solved, node) for solved in every.values() for node, _ in solved.reductions)
    split = _Split(gather.operator, uses)
    for solved in gather.statements:
        split.take(solved)
    return tuple(split.made)


def _statements(gather: Gather, beside: Iterable[Gather]) -> Iterable[Solved]:
    return chain.from_iterable(form.statements for form in (gather, *beside))


def _sum(solved: Solved, node: Reduce) -> _Sum:
    return solved.statement.indices, solved.statement.target.sizes, node


@dataclass(slots=True)
class _Split:
    op: Operator
    uses: Counter[_Sum]
    made: list[Gather] = field(default_factory=list)
    parts: dict[_Sum, str] = field(default_factory=dict)

    def take(self, solved: Solved) -> None:
        """One statement, after the sums of it that have statements of their own."""
        alone = [(node, several) for node, several in solved.reductions if self._packs(solved, node, several)]
        turning = {
            node: found
            for node, several in solved.reductions
            if (node, several) not in alone and (found := self._turned(solved, node, several))
        }
        rest = [one for one in solved.reductions if one not in alone and one[0] not in turning]
        kept = alone[-1] if alone and not rest and self._finished(solved, *alone[-1]) else None
        names: dict[Expr, Expr] = {}
        for node, several in alone:
            if (node, several) != kept:
                place = tuple(var(name) for name in solved.statement.indices)
                names[node] = Read(self._part(solved, node, several), place)
        for node, found in turning.items():
            names[node] = self._stated(found)
        expr = transform(solved.statement.expr, lambda node: names.get(node) if isinstance(node, Reduce) else None)
        left = tuple(one for one in solved.reductions if one[0] not in names)
        self._put(Solved(replace(solved.statement, expr=expr), left, solved.proved))

    def _packs(self, solved: Solved, node: Reduce, several: tuple[Solution, ...]) -> bool:
        if node.kind.startswith("arg") and solved.statement.expr != node:
            return False
        return packs(self._form(_alone(solved, solved.statement.target, node, several)))

    def _finished(self, solved: Solved, node: Reduce, several: tuple[Solution, ...]) -> bool:
        """Whether the statement is made of its one sum where that is added up, a cell of it or many side by side."""
        if self.uses[_sum(solved, node)] > 1:
            return False
        form = self._form(_alone(solved, solved.statement.target, node, several))
        found = contraction(form.operator, form.statements[0])
        return solved.statement.expr == node or (found is not None and found.lanes == "cells")

    def _turned(self, solved: Solved, node: Reduce, several: tuple[Solution, ...]) -> Turned | None:
        """A sum that can be packed once its operands are turned."""
        known = {tensor.name: tensor for tensor in (*self.op.inputs, *(one.operator.output for one in self.made))}
        taken = _names(self.op) | set(known) | set(solved.statement.indices)

        def fresh(wanted: str) -> str:
            name = _fresh(wanted, taken)
            taken.add(name)
            return name

        found = turned(solved, node, several, known, fresh)
        if found is None:
            return None
        made = (*known.values(), *(copy.statement.target for copy in found.copies))
        return found if packs(_form(self.op, made, found.total), reused=True) else None

    def _stated(self, found: Turned) -> Read:
        """The read of a turned sum, after what it is made of."""
        for copy in found.copies:
            self._put(copy)
        self._put(found.total)
        return Read(found.total.statement.target.name, found.place)

    def _part(self, solved: Solved, node: Reduce, several: tuple[Solution, ...]) -> str:
        """The array of a sum, stated where it is first wanted."""
        key = _sum(solved, node)
        if key not in self.parts:
            taken = _names(self.op) | {one.operator.output.name for one in self.made}
            name = _fresh(f"{solved.statement.target.name}p", taken)
            self._put(_alone(solved, Tensor(name, solved.statement.target.axes), node, several))
            self.parts[key] = name
        return self.parts[key]

    def _put(self, solved: Solved) -> None:
        self.made.append(self._form(solved))

    def _form(self, solved: Solved) -> Gather:
        return _form(self.op, tuple(one.operator.output for one in self.made), solved)


def _alone(solved: Solved, target: Tensor, node: Reduce, several: tuple[Solution, ...]) -> Solved:
    return Solved(Statement(target, solved.statement.indices, node), ((node, several),), solved.proved)


def _form(op: Operator, known: tuple[Tensor, ...], solved: Solved) -> Gather:
    """A statement as an operator whose inputs are those of the whole and the arrays that it reads."""
    found = {read.tensor for read in _reads(solved)}
    inputs = (*op.inputs, *(tensor for tensor in known if tensor.name in found))
    return Gather(replace(op, inputs=inputs, statements=(solved.statement,)), (solved,))


def _reads(solved: Solved) -> Iterable[Read]:
    """Every read of a statement, in its sums and beside them."""
    bodies = (solution.body for _, several in solved.reductions for solution in several)
    return (*_beside(solved.statement.expr), *chain.from_iterable(map(reads, bodies)))


def _beside(expr: Expr) -> Iterable[Read]:
    match expr:
        case Read():
            return (expr,)
        case Apply(_, arguments):
            return tuple(chain.from_iterable(map(_beside, arguments)))
    return ()


def _names(op: Operator) -> set[str]:
    """What a new array must not be called."""
    tensors = (*op.inputs, *(statement.target for statement in op.statements))
    sizes = {name for tensor in tensors for size in tensor.sizes for name in size.names()}
    return {tensor.name for tensor in tensors} | sizes | {one.name for one in op.definitions}


def _fresh(wanted: str, taken: set[str]) -> str:
    return next(name for name in chain((wanted,), (f"{wanted}{k}" for k in count(2))) if name not in taken)


def shared(outputs: tuple[tuple[Gather, ...], ...]) -> tuple[tuple[Gather, ...], tuple[Gather, ...]]:
    """The stages of several outputs, what is common stated once, and the form of each output itself."""
    taken = {name for forms in outputs for form in forms for name in _names(form.operator)}
    taken -= {form.operator.output.name for forms in outputs for form in forms[:-1]}
    taken |= {forms[-1].operator.output.name for forms in outputs}
    made: dict[object, Gather] = {}
    lasts: list[Gather] = []
    for forms in outputs:
        names: dict[str, Tensor] = {}
        for form in forms:
            own = form.operator.output
            put = _renamed(form, names)
            if form is forms[-1]:
                lasts.append(put)
                continue
            key = _key(put)
            if key not in made:
                name = _fresh(own.name, taken)
                taken.add(name)
                made[key] = _targeted(put, name)
            names[own.name] = made[key].operator.output
    return tuple(made.values()), tuple(_copied(last, made.get(_key(last))) for last in lasts)


def _key(form: Gather) -> tuple[object, ...]:
    statement = form.statements[0].statement
    return statement.indices, statement.target.axes, statement.target.dtype, statement.expr


def _copied(last: Gather, stage: Gather | None) -> Gather:
    """An output that is a stage of others too: it is computed there, and copied."""
    if stage is None:
        return last
    solved, made = last.statements[0], stage.operator.output
    here = tuple(var(name) for name in solved.statement.indices)
    statement = replace(solved.statement, expr=Read(made.name, here))
    inputs = (*last.operator.inputs, made)
    return Gather(replace(last.operator, inputs=inputs, statements=(statement,)), (Solved(statement, (), ""),))


def _targeted(form: Gather, name: str) -> Gather:
    solved = form.statements[0]
    statement = replace(solved.statement, target=replace(solved.statement.target, name=name))
    return Gather(replace(form.operator, statements=(statement,)), (replace(solved, statement=statement),))


def _renamed(form: Gather, names: dict[str, Tensor]) -> Gather:
    """The form with other arrays for those it reads."""
    if all(name == tensor.name for name, tensor in names.items()):
        return form

    def put(expr: Expr) -> Expr:
        return transform(expr, lambda node: _read(node, names) if isinstance(node, Read) else None)

    def summed(node: Reduce) -> Reduce:
        return replace(node, pieces=tuple(replace(piece, body=put(piece.body)) for piece in node.pieces))

    solved = form.statements[0]
    reductions = tuple(
        (summed(node), tuple(replace(solution, body=put(solution.body)) for solution in several))
        for node, several in solved.reductions
    )
    statement = replace(solved.statement, expr=put(solved.statement.expr))
    inputs = tuple(names.get(tensor.name, tensor) for tensor in form.operator.inputs)
    operator = replace(form.operator, inputs=inputs, statements=(statement,))
    return Gather(operator, (Solved(statement, reductions, solved.proved),))


def _read(read: Read, names: dict[str, Tensor]) -> Read:
    return replace(read, tensor=names[read.tensor].name) if read.tensor in names else read
