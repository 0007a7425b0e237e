"""Which index runs over which axis of which tensor, alone or sliding: a union of classes over all statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from symconv.notation.affine import Affine, affine, var
from symconv.notation.expr import Expr, Range, Read, Reduce, children
from symconv.notation.operator import Operator, Tensor, Window

__all__ = ["Runs", "Slide", "runs_of"]

Node = tuple[str, str, int]
"""An axis ``("axis", tensor, k)``, a bound index ``("index", name, number)`` or a window ``("window", output, 0)``."""

Bound = Mapping[str, Node]


class _Classes:
    """Union-find."""

    def __init__(self) -> None:
        self.parents: dict[Node, Node] = {}

    def find(self, node: Node) -> Node:
        while (parent := self.parents.setdefault(node, node)) != node:
            node = parent
        return node

    def join(self, *nodes: Node) -> None:
        first, *rest = map(self.find, nodes)
        self.parents |= dict.fromkeys(map(self.find, rest), first)


@dataclass(frozen=True, slots=True)
class Slide:
    """A read at ``stride·output + dilation·tap + constant`` along an axis of length ``size``."""

    component: int
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    extents: tuple[Affine, ...]
    taps: tuple[Affine, ...]
    constant: Affine
    size: Affine


@dataclass(slots=True)
class Runs:
    """``alone`` joins an index and the axes it runs over alone; ``together`` also what slides along one axis."""

    op: Operator
    alone: _Classes = field(default_factory=_Classes)
    together: _Classes = field(default_factory=_Classes)
    sliding: set[Node] = field(default_factory=set)
    extents: dict[Node, Affine] = field(default_factory=dict)
    outer: set[Node] = field(default_factory=set)
    forms: list[tuple[Node, Affine, Bound]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    components: tuple[int, ...] = ()
    roots: list[Node] = field(default_factory=list)
    slides: tuple[Slide, ...] = ()

    def component(self, tensor: str, k: int) -> int | None:
        """The spatial axis that a logical axis is, or None."""
        root = self.together.find(("axis", tensor, k))
        return self.roots.index(root) if root in self.roots else None

    def window(self, window: Window) -> int | None:
        """The spatial axis that a window slides along."""
        root = self.together.find(("window", window.output, 0))
        return self.roots.index(root) if root in self.roots else None

    def line(self, tensor: str, k: int) -> Node:
        """The class of the indices that run alone over an axis."""
        return self.alone.find(("axis", tensor, k))

    def lines(self, one: Tensor) -> set[Node]:
        """The classes of the axes that nothing slides along."""
        return {self.line(one.name, k) for k in range(len(one.sizes)) if self.component(one.name, k) is None}

    def is_spatial(self, one: Tensor) -> bool:
        """Whether something slides along an axis of the tensor."""
        return len(self.lines(one)) < len({self.line(one.name, k) for k in range(len(one.sizes))})

    def lines_of_axis(self, one: Tensor, position: int) -> set[Node]:
        """The classes of the logical sizes merged on a physical axis."""
        position %= len(one.axes)
        start = sum(map(len, one.axes[:position]))
        return {self.line(one.name, start + k) for k in range(len(one.axes[position]))}

    def extent(self, line: Node) -> Affine:
        """The length that the indices of a class run over."""
        return next((e for node, e in self.extents.items() if self.alone.find(node) == line), affine(1))

    def named(self, tensor: str, k: int) -> set[str]:
        """The names of the indices that run alone over an axis."""
        line = self.line(tensor, k)
        return {node[1] for node in list(self.alone.parents) if node[0] == "index" and self.alone.find(node) == line}

    def exchanged(self) -> set[int]:
        """Where two arrays of three or more axes, run over alike, have one axis of their own: the channels."""
        tensors = {t.name: t for t in (*self.op.inputs, *(s.target for s in self.op.statements)) if t.name in self.used}
        shapes = [[self.lines_of_axis(t, k) for k in range(len(t.axes))] for t in tensors.values() if len(t.axes) > 2]
        found = set()
        for one, other in combinations(shapes, 2):
            apart = [k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
            if len(one) == len(other) and len(apart) == 1 and apart[0] in {1, len(one) - 1}:
                found.add(apart[0])
        return found


def runs_of(op: Operator) -> Runs:
    """The classes of all axes and indices of an operator."""
    runs = Runs(op)
    for number, statement in enumerate(op.statements):
        bound = {name: ("index", name, -1 - number) for name in statement.indices}
        runs.outer |= set(bound.values())
        runs.extents |= {bound[one.name]: one.extent for one in statement.ranges}
        _use(runs, statement.target.name, tuple(map(var, statement.indices)), bound)
        _walk(runs, statement.expr, bound)
    _windows(runs)
    _number(runs)
    return runs


def _walk(runs: Runs, expr: Expr, bound: Bound) -> None:
    match expr:
        case Read(tensor, index, _):
            _use(runs, tensor, index, bound)
        case Reduce(_, indices, pieces):
            inner = {**bound, **_bind(runs, indices)}
            for piece in pieces:
                for constraint in piece.where:
                    if constraint.equality:
                        _equation(runs, constraint.form, inner)
                _walk(runs, piece.body, inner)
        case _:
            for child in children(expr):
                _walk(runs, child, bound)


def _bind(runs: Runs, indices: tuple[Range, ...]) -> dict[str, Node]:
    found: dict[str, Node] = {one.name: ("index", one.name, len(runs.extents) + k) for k, one in enumerate(indices)}
    runs.extents |= {found[one.name]: one.extent for one in indices}
    return found


def _use(runs: Runs, tensor: str, index: tuple[Affine, ...], bound: Bound) -> None:
    runs.used.add(tensor)
    for k, form in enumerate(index):
        axis: Node = ("axis", tensor, k)
        nodes = [bound[name] for name in sorted(form.names() & bound.keys())]
        if form.name in bound:
            runs.alone.join(axis, *nodes)
            runs.together.join(axis, *nodes)
        elif nodes:
            runs.together.join(axis, *nodes)
            runs.sliding.add(axis)
            runs.forms.append((axis, form, bound))


def _equation(runs: Runs, form: Affine, bound: Bound) -> None:
    nodes = [bound[name] for name in sorted(form.names() & bound.keys())]
    if len(nodes) < 2:
        return
    runs.together.join(*nodes)
    factors = sorted(factor for _, factor in form.terms)
    if len(nodes) == 2 and factors == [-1, 1] and form.constant == 0:
        runs.alone.join(*nodes)
    else:
        runs.sliding.add(nodes[0])


def _windows(runs: Runs) -> None:
    """Recorded windows name the sizes of their axes, also where a gradient no longer slides along them."""
    owners: dict[str, set[str]] = {}
    for window in runs.op.windows:
        for name in (window.size, window.extent, window.kernel):
            owners.setdefault(name, set()).add(window.output)
    tensors = (*runs.op.inputs, *(s.target for s in runs.op.statements))
    last = len(runs.op.statements) - 1
    for window in runs.op.windows:
        node: Node = ("window", window.output, 0)
        own = {var(n) for n in (window.size, window.extent, window.kernel) if not n.isdigit() and len(owners[n]) == 1}
        axes: list[Node] = [("axis", t.name, k) for t in tensors for k, size in enumerate(t.sizes) if size in own]
        if not axes and window.output in runs.op.statements[last].indices:
            axes = [("index", window.output, -1 - last)]
        runs.together.join(node, *axes)
        runs.sliding.add(node)


def _number(runs: Runs) -> None:
    """The spatial axes in the order in which the output, then the inputs show them."""
    marked = {runs.together.find(node) for node in runs.sliding}
    for one in (runs.op.output, *runs.op.inputs):
        for k in range(len(one.sizes)):
            root = runs.together.find(("axis", one.name, k))
            if root in marked and root not in runs.roots:
                runs.roots.append(root)
    runs.components = tuple(range(len(runs.roots)))
    runs.slides = tuple(_slides(runs))


def _slides(runs: Runs) -> Iterator[Slide]:
    sizes = {t.name: t.sizes for t in (*runs.op.inputs, *(s.target for s in runs.op.statements))}
    for axis, form, bound in runs.forms:
        component = runs.component(axis[1], axis[2])
        if component is None:
            continue
        nodes = {name: bound[name] for name in form.names() & bound.keys()}
        outputs = [name for name, node in nodes.items() if node in runs.outer]
        taps = [name for name, node in nodes.items() if node not in runs.outer]
        rest = form - sum((var(name) * form.coefficient(name) for name in nodes), affine(0))
        yield Slide(
            component,
            tuple(form.coefficient(name) for name in outputs),
            tuple(form.coefficient(name) for name in taps),
            tuple(runs.extents[nodes[name]] for name in outputs),
            tuple(runs.extents[nodes[name]] for name in taps),
            rest,
            sizes[axis[1]][axis[2]],
        )
