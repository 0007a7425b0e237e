"""The forward function of the code as an operator: its terms are read off, and what they say is proved to be it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice, product
from typing import Any

from symconv.code.gradients.branches import Branches, HalfUnread, Read, unknown
from symconv.code.gradients.candidates import candidates, where_defined
from symconv.code.gradients.compared import decided_of, output_of, proved_of
from symconv.code.gradients.cut_axes import EQUAL_PARTS, as_long_as, cut_in_loops, in_parts, of_lengths, uncut_first
from symconv.code.gradients.declared import declared, of_several
from symconv.code.gradients.documented import documented
from symconv.code.gradients.formula import numbered, with_words
from symconv.code.gradients.forward import Forward, described
from symconv.code.gradients.halves import halved
from symconv.code.gradients.kept_axes import begun_shapes, broadcast_shapes
from symconv.code.gradients.likely_axes import likely_first, said_axes, taken
from symconv.code.gradients.matrices import asked_first, tied
from symconv.code.gradients.operands import sizes_of
from symconv.code.gradients.outputs import joined, outputs_of, same_formula
from symconv.code.gradients.ranks import Lines, Skips, lines_of, ranks_of, shown_behind, shown_ranks, vectors_of
from symconv.code.gradients.refusals import split, told_most
from symconv.code.gradients.seen_axes import indexed_in, of_numbers, summed_in, viewed_in, with_seen
from symconv.code.gradients.supposed import SUPPOSED
from symconv.code.held.kept import KEPT
from symconv.code.source.counts import only_stored
from symconv.code.source.declared import Shape
from symconv.code.source.program import Program
from symconv.errors import SpecError, SymconvError
from symconv.limits import FORWARD_TERMS, FORWARDS
from symconv.notation.affine import var
from symconv.notation.expr import equal
from symconv.notation.operator import Operator
from symconv.notation.resolved import uncounted
from symconv.prove.concrete.numbers import Misfit
from symconv.prove.decide.decision import Decision
from symconv.prove.language.labels import is_selector
from symconv.prove.meaning.scope import Mismatch, Undecided

__all__ = ["forward_of", "operators_of"]

_ALIKE = f"{SUPPOSED}axis 0 of w is as long as axis 1 of x"


def forward_of(
    program: Program, node: ast.FunctionDef, settings: Mapping[str, Any], axes: Mapping[str, int] | None = None
) -> tuple[Operator, Forward]:
    """The operator a forward function computes; raises SpecError where it is none that can be told or computed.

    ``axes`` are numbers of axes by the names of parameters. What is taken where nothing says it is told in a note.
    """
    bent = ""
    for operator, forward in operators_of(program, node, settings, centre=True, axes=axes or {}):
        if not (found := uncounted(operator)):
            told = taken(node, forward.tensors, operator, {*shown_ranks(node), *documented(node), *(axes or {})})
            return replace(operator, notes=(*operator.notes, told)) if told else operator, forward
        bent = bent or found
    raise SpecError(
        f"{program.name}: {node.name} is read, and no operator that kernels are made of: {bent}, and loops run over "
        "linear forms of indices; give it as a formula, or without what comes to lie in such places"
    )


def operators_of(program: Program, node: ast.FunctionDef, settings: Mapping[str, Any],
                 other_ties: frozenset[str] = frozenset(),
                 backward: ast.FunctionDef | None = None, centre: bool = False, rows: frozenset[str] = frozenset(),
                 axes: Mapping[str, int] | None = None, unequal: bool = False, skips: Skips | None = None,
                 decided: dict[Hashable, Decision | None] | None = None,
                 ) -> Iterator[tuple[Operator, Forward]]:  # fmt: skip
    """The operators a forward function computes: one for each number of axes its tensors may have, likely ones first.

    Operators of tensors some of whose lengths are numbers come last: the code may be meant for other numbers of axes.
    What is ``backward`` to it says whether it has several outputs. With ``centre`` means are taken off before squares
    are summed, as kernels want it and proofs do not. Labels that are ``rows`` are one-hot. With ``unequal`` lengths
    that the text does not make equal are not taken as equal. Numbers of axes that ``skips`` names were read. What is
    ``decided`` of the function with the same settings is not asked again. Raises SpecError where there is none.
    """
    forward = described(program, node, settings, axes or (), backward)
    begun = begun_shapes(node, backward, forward.tensors)
    forward = replace(forward, other_ties=other_ties, centre=centre, rows=rows, lines={**forward.lines, **begun},
                      unequal=unequal, decided={} if decided is None else decided)  # fmt: skip
    tensors = (*forward.tensors.values(), *forward.attributes.values())
    if backward is not None:
        forward = replace(forward, outputs=outputs_of(node, backward, tensors))
    sure = said_axes(axes, forward.tensors, node.name) if axes else {}
    said = {**_said(forward, backward), **sure}
    kept = broadcast_shapes(node, backward, forward.tensors)
    if kept and not kept.keys() & forward.shapes.keys():
        yield from _of_kept(forward, tensors, said, kept, skips)
    lines, kept_so = lines_of(program.called_by(backward) if backward is not None else (), tensors, said)
    each = () if skips and skips(dict.fromkeys(tensors, 2)) else _of_lines(forward, tensors, lines)
    yield from (each if kept_so else ())
    named = {**forward.tensors, **forward.attributes}
    shown = {**viewed_in(node, named), **indexed_in(node, named)}
    indexed = {one: rank for one, rank in shown.items() if one not in said and not is_selector(one)}
    summed = summed_in([backward] if backward is not None else [], named) - {*said}
    likely = with_seen(asked_first(ranks_of(node, tensors, said), program.called_by(node)), indexed, summed, said)
    found = False
    for one in _of_each(program, forward, likely_first(node, list(likely), said, sure) if centre else likely, skips):
        found = True
        yield one
    yield from (each if found and not kept_so else ())


def _said(forward: Forward, backward: ast.FunctionDef | None) -> dict[str, int]:
    """The numbers of axes that the text says, or shows, by tensors."""
    node = forward.node
    behind = shown_behind(node, backward) if backward is not None else {}
    told = {**behind, **shown_ranks(node), **documented(node)}
    said = {tensor: told[name] + is_selector(tensor) for name, tensor in forward.tensors.items() if name in told}
    said |= {tensor: len(shape) for tensor, shape in forward.shapes.items()}
    stored = only_stored(node)
    said = {**of_numbers([backward] if backward is not None else [], forward.tensors), **said}
    return said | {tensor: 0 for name, tensor in forward.tensors.items() if name in stored}


def _of_each(
    program: Program, forward: Forward, each: Iterable[dict[str, int]], skips: Skips | None
) -> Iterator[tuple[Operator, Forward]]:
    """What a forward function is with each of these numbers of axes; raises SpecError where it is nothing."""
    node, tensors = forward.node, (*forward.tensors.values(), *forward.attributes.values())
    problems, last, found = list[str](), list[tuple[Operator, Forward]](), False
    vectors = vectors_of(node, tensors) - forward.shapes.keys()
    equal_parts = halved(program, node, bool(forward.outputs.names))
    for ranks in each:
        if found and any(ranks[name] == ranks["x"] for name in vectors):
            # A bias of the input's shape would make a forgotten sum right.
            continue
        if skips is not None and skips(ranks):
            found = True
            continue
        operator, problem, line = _of_outputs(forward, ranks)
        read = forward
        if operator is None and equal_parts:
            read = replace(forward, equal_parts=True)
            operator, _, _ = _of_outputs(read, ranks)
            operator = operator and with_words(operator, "chunk cuts into equal parts")
        if operator is not None and (why := tied(node, forward.tensors, operator)):
            operator, problem = None, why
        if operator is not None:
            found = True
            if numbered(operator.inputs):
                last.append((operator, read))
            else:
                yield operator, read
        elif line and not found:
            raise SpecError(split(program, node, line))
        problems.append(problem)
    yield from last
    if not found:
        problems = problems[:1] if any(map(is_selector, tensors)) else problems  # with labels the first ones are likely
        reason = max(problems, key=told_most) if problems else "it has no tensors among its parameters"
        raise SpecError(f"{program.name}: {node.name} is not read as an operator: {reason}")


def _of_lines(forward: Forward, tensors: Iterable[str], each: Iterable[Lines]) -> Iterator[tuple[Operator, Forward]]:
    """What a forward function is with matrices, and biases that are rows or columns as long as weights are."""
    for lines in each:
        other = replace(forward, lines=lines)
        operator, _, _ = _of_outputs(other, dict.fromkeys(tensors, 2))
        if operator is not None and _of_weights(operator, lines):
            yield operator, other


def _of_kept(
    forward: Forward, tensors: Iterable[str], said: Mapping[str, int], kept: Mapping[str, Shape], skips: Skips | None
) -> Iterator[tuple[Operator, Forward]]:
    """What a forward function is with parameters that are broadcast along axes of length 1."""
    rank = len(next(iter(kept.values())))
    if rank == 2 and len({*tensors} - kept.keys() - said.keys()) > 1:
        return  # beside weights the bias that is a row or a column is told by them
    other = replace(forward, lines={**forward.lines, **kept})
    ranks = {**dict.fromkeys(tensors, rank), **said}
    if all(ranks[tensor] == rank for tensor in kept) and not (skips and skips(ranks)):
        operator, _, _ = _of_outputs(other, ranks)
        if operator is not None:
            yield operator, other


def _of_weights(op: Operator, biases: Collection[str]) -> bool:
    """Whether biases are as long as weights are: as the samples they never are meant to be."""
    sizes = {one.name: {name for size in one.sizes for name in size.names()} for one in op.inputs}
    rest = [one for one in sizes if one not in {"x", *biases}]
    weights = [one for one in rest if one[0] in "wWUV"] or rest
    return all(any(sizes[one] <= sizes[other] for other in weights) for one in biases)


def _of_outputs(forward: Forward, ranks: Mapping[str, int]) -> tuple[Operator | None, str, int]:
    """The operator of all outputs, which is proved as a whole: what one of them computes has sizes of the others."""
    names = forward.outputs.names
    if not names:
        return _of_ranks(forward, ranks)
    each = [replace(forward, which=which) for which in range(len(names))]
    options, alone = list[list[Operator]](), list[Operator | None]()
    for one in each:
        operator, problem, line = _of_ranks(one, ranks)
        found = [operator] if operator is not None else [] if line else list(islice(_open(one, ranks), FORWARDS))
        if not found:
            return None, problem, line
        options.append(found)
        alone.append(operator)
    order = (*forward.tensors.values(), *forward.attributes.values())
    for parts in islice(product(*options), FORWARDS):
        with suppress(SymconvError):
            whole = joined(parts, names, order, forward.node.name)
            apart = zip((whole.only(name) for name in names), each, strict=True)
            if all((proved is not None and same_formula(part, proved)) or proved_of(part, one) == part
                   for (part, one), proved in zip(apart, alone, strict=True)):  # fmt: skip
                return whole, "", 0
    return None, "its outputs together are not proved to be an operator that is known here", 0


def _open(forward: Forward, ranks: Mapping[str, int]) -> Iterator[Operator]:
    """What one output may be, where that depends on sizes of what else is computed."""
    with suppress(SymconvError, Undecided, Mismatch, Misfit):
        for read in _branches(forward, ranks, False)[0]:
            yield from _formulas(forward, read)


def _of_ranks(forward: Forward, ranks: Mapping[str, int]) -> tuple[Operator | None, str, int]:
    """The operator for these numbers of axes; else why there is none, and the line of a branch that is the reason."""
    problem = ""
    # What a formula shows in words may be proved only of what they are made of.
    halves = (False,) if forward.unequal else (False, True)
    for alike, keeps in product(halves, ((KEPT, frozenset()) if forward.centre else (frozenset(),))):
        try:
            reads, line, unread = _branches(forward, ranks, alike, keeps)
        except HalfUnread as half:
            return None, str(half), 0
        except (SymconvError, Undecided, Mismatch, Misfit) as refused:
            problem = problem or str(refused)
            continue
        again, why = partial(_again, forward, ranks, keeps), ""
        for candidate, words in uncut_first(reads, partial(_short, forward), again):
            if (decision := decided_of(candidate, forward)) is not None and decision.undecided:
                why = why or f"; that it is {candidate.source} is not decided: {decision.undecided}"
            proved = where_defined(candidate, decision, forward.centre) if decision is not None else None
            if proved is not None:
                proved = replace(proved, notes=(*proved.notes, _ALIKE)) if alike else proved
                return with_words(proved, words) if words else proved, "", 0
        if not keeps:
            return None, unread or unknown(reads[0]) + why, line
    return None, problem, 0


def _formulas(forward: Forward, read: Read) -> Iterator[Operator]:
    """The operators that what was read may be, with as many axes of each tensor as it is read with."""
    for one in candidates(read, forward.node.name, forward.centre, forward.unequal):
        # Of b[..., c] a vector would do as well as the row that its gradient shows.
        if all(len(tensor.axes) == len(forward.lines.get(tensor.name, tensor.axes)) for tensor in one.inputs):
            yield one


def _short(forward: Forward, read: Read) -> Iterator[Operator]:
    return _formulas(forward, read) if len(read.value.terms) <= FORWARD_TERMS else iter(())


def _again(forward: Forward, ranks: Mapping[str, int], keeps: frozenset[str], reads: Sequence[Read]) -> Sequence[Read]:
    """The outputs over axes that are so many parts, where what was read cuts some."""
    sizes = {name: sizes_of(name, rank) for name, rank in ranks.items()}
    flat = [size for row in sizes.values() for size in row]
    said = tuple(declared(forward, sizes))
    for read in reads:
        sure = in_parts(read.value, read.ties, read.region, flat)
        meant = cut_in_loops(forward.node) and not forward.unequal
        parts = in_parts(read.value, read.ties, read.region, flat, True) if meant else sure
        slid = {} if forward.unequal or read.parts else as_long_as(read.assumed)
        parts |= {size: count for size, (count, _) in slid.items()}
        alike = [equal(var(size), var(part)) for size, (_, part) in slid.items()]
        if parts and not any(one.form.names() & parts.keys() for one in said):
            branches = Branches(lambda on, boxes: output_of(forward, on, boxes), sizes, forward.rows, keeps, parts)
            with suppress(SymconvError, Undecided, Mismatch, Misfit):
                found = branches.read(of_lengths(flat).where(*said, *alike), of_several(said))
                return found if parts == sure else [replace(one, lengths=EQUAL_PARTS) for one in found]
    return ()


def _branches(
    forward: Forward, ranks: Mapping[str, int], alike: bool, keeps: frozenset[str] = frozenset()
) -> tuple[list[Read], int, str]:
    """The outputs of a forward function, the line of a branch, and why a half of one is not read.

    With ``alike`` w has the channels of x first. Functions that it ``keeps`` are words.
    """
    sizes = {name: sizes_of(name, rank) for name, rank in ranks.items()}
    flat = [size for row in sizes.values() for size in row]
    region = of_lengths(flat)
    if alike:
        if ranks.get("w", 0) < 1 or ranks.get("x", 0) < 2:
            raise Undecided("it is read for sizes of its own alone")
        region = region.where(equal(var("w_0"), var("x_1")))
    said = tuple(declared(forward, sizes))
    branches = Branches(lambda on, boxes: output_of(forward, on, boxes), sizes, forward.rows, keeps)
    return branches.read(region.where(*said), of_several(said)), branches.line, branches.unread
