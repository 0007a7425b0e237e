"""A rewrite: an operator, another one that computes the same, and the certificate that it does, for all sizes.

The engine that decides claims decides certificates too: both operators are written as sums of products of elements of
their inputs, earlier statements inlined, constant tables contracted, like terms added; isl then compares how often each
product occurs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from symconv.derive.borders import resolve_borders
from symconv.errors import SpecError, SymconvError
from symconv.gather.derivation import forward
from symconv.notation.affine import var
from symconv.notation.expr import Expr, Read, reads, rename, transform
from symconv.notation.operator import Operator
from symconv.prove.decide.compare import compare, renamed
from symconv.prove.language.facts import facts_of
from symconv.prove.language.parse import Caret
from symconv.prove.meaning.scope import Names, Scope
from symconv.prove.meaning.sides import expanded
from symconv.prove.meaning.value import Fresh
from symconv.prove.meaning.whole_sums import WholeSums
from symconv.relation.regions import Region, everywhere
from symconv.relation.sets import context_of
from symconv.relation.terms import Undecided

__all__ = ["Certificate", "Rewrite", "certify", "rewritten"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """Whether two operators are equal for all sizes that both are meant for.

    ``holds`` is None where the method does not decide it, for the reason given; where it is False, ``fails`` holds
    sizes for which an element differs.
    """

    holds: bool | None
    reason: str = ""
    relations: int = 0
    fails: Region | None = None

    def __bool__(self) -> bool:
        return self.holds is True

    def __str__(self) -> str:
        if self.holds:
            how = f"{self.relations} relations compared by isl" if self.relations else "all terms are the same"
            return f"equal for all sizes: {how}"
        if self.holds is None:
            return f"undecided: {self.reason}"
        sizes = self.fails.sample() if self.fails is not None else None
        return "different" + (f" at {', '.join(f'{n} = {v}' for n, v in sizes.items())}" if sizes else "")


@dataclass(frozen=True, slots=True)
class Rewrite:
    """``after`` computes what ``before`` does, for sizes that meet its assumptions; ``name`` says by which rule."""

    name: str
    before: Operator
    after: Operator
    certificate: Certificate

    def __bool__(self) -> bool:
        return self.certificate.holds is True

    def __str__(self) -> str:
        return f"{self.name}: {self.certificate}"


def rewritten(name: str, before: Operator, after: Operator) -> Rewrite:
    """A rewrite with its certificate, which may say that it is wrong."""
    return Rewrite(name, before, after, certify(before, after))


def certify(before: Operator, after: Operator) -> Certificate:
    """Whether ``after`` equals ``before``, earlier statements inlined, for all sizes ``after`` is meant for.

    Both have the same inputs, up to their order, and an output of the same logical axes. Raises SpecError where they
    have not.

    >>> import symconv as sc
    >>> one = sc.operator("y[i] = sum[p](x[i+p] * w[p])")
    >>> certify(one, sc.operator("y[i] = sum[p](w[p] * x[i+p])")).holds
    True
    >>> certify(one, sc.operator("y[i] = sum[p](2 * w[p] * x[i+p])")).holds
    False
    """
    _comparable(before, after)
    if _inlined(before, after):
        return Certificate(True)
    everything = replace(after, statements=(*before.statements, *after.statements))
    scope = _scope(before, everywhere(context_of(everything)))
    try:
        wanted, given = (expanded(scope, resolve_borders(op)) for op in (before, after))
        found = compare(scope, wanted, renamed(given, wanted))
    except Undecided as reason:
        return Certificate(None, str(reason))
    return Certificate(found.fails.empty, "", found.relations, None if found.fails.empty else found.fails)


def _inlined(before: Operator, after: Operator) -> bool:
    """Whether ``after`` is what ``before`` states, with some reads copied before they are used: right for any body.

    A copy holds what it was copied from wherever the copy is read inside, which solving proves.
    """
    copies = {s.target.name: s for s in after.statements[:-1] if s not in before.statements}
    if not copies or not all(isinstance(copy.expr, Read) for copy in copies.values()):
        return False

    def put(node: Expr) -> Expr | None:
        if not isinstance(node, Read) or node.border is not None or node.tensor not in copies:
            return None
        copy = copies[node.tensor]
        return rename(copy.expr, dict(zip(copy.indices, node.index, strict=True)))

    last = replace(after.statements[-1], expr=transform(after.statements[-1].expr, put))
    kept = tuple(s for s in after.statements[:-1] if s.target.name not in copies)
    if (*kept, last) != before.statements or any(r.tensor in copies for c in copies.values() for r in reads(c.expr)):
        return False
    try:
        return bool(forward(after).gather.statements)
    except SymconvError:
        return False


def _comparable(before: Operator, after: Operator) -> None:
    inputs = [{t.name: t.sizes for t in op.inputs} for op in (before, after)]
    if inputs[0] != inputs[1] or before.output.sizes != after.output.sizes:
        raise SpecError(
            f"{before.name} and {after.name} have different inputs or outputs; only equal ones are compared"
        )


def _scope(op: Operator, region: Region) -> Scope:
    logical = {t.name: t.sizes for t in op.inputs}
    try:
        names = Names({}, {}, {}, logical, facts_of(op), {d.form: var(d.name) for d in op.definitions})
    except SymconvError as error:
        raise SpecError(f"{op.name} is not understood: {error}") from error
    scope = Scope(region, Caret(op.name), Fresh(frozenset(region.context.sizes)), names)
    scope.of_sum = WholeSums(scope)
    return scope
