"""The tests that a package carries: its definition written out, sizes to try, what must hold and be refused."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import prod
from typing import Any

from symconv.errors import SpecError
from symconv.export.definition import POSITIVE, WHOLE, definition, used
from symconv.export.layer import Function, Layer
from symconv.export.package import File
from symconv.export.python import in_docstring, safe
from symconv.export.rendering import rendered
from symconv.notation.expr import Apply, Const, Expr, Reduce, reads, walk
from symconv.notation.operator import Operator
from symconv.verify.geometry import Geometry, geometries
from symconv.verify.grid import points

__all__ = ["cases", "exact", "tests_file"]

_COUNT = 4
_POINTS = 60_000
"""Most taps that a definition visits in one case: a second of Python."""
_MANY = 40_000
"""Elements from which loops use several threads."""
_AFFINE = frozenset(["add", "sub", "mul", "neg", "div"])


def tests_file(layer: Layer, torch: bool = True) -> File:
    """``tests/test_<name>.py`` for a package whose Python face is that of ``symconv.export.face``."""
    op = layer.operator
    tried = cases(layer)
    positions = tuple(tensor.name for tensor in op.inputs if tensor.dtype == "index")
    helpers: dict[str, tuple[str, str, str]] = {}
    for function in layer.functions:
        helpers |= {one[0]: one for one in used(_defined(layer, function))}
    text = rendered(
        "test.py.j2",
        name=layer.name,
        title=in_docstring(str(op)),
        dtypes=layer.dtypes,
        exact=exact(layer),
        geometries=[tuple(shapes.items()) for shapes in tried],
        helpers=tuple(helpers.values()),
        definitions=[definition(_defined(layer, f), f"definition_of_{f.name}") for f in layer.functions],
        tensors=op.tensors,
        several=bool(op.several),
        outputs=tuple(output.name for output in op.outputs),
        positions=positions,
        gradients=[_gradient(layer, function) for function in layer.gradients],
        drawn=_drawn(op),
        batch=_batch(layer, tried[0]),
        overlap=_overlap(layer, tried[0]),
        checked=[name for name in op.tensors if name not in positions and op.input(name).axes],
        refused=_refused(layer, tried[0]),
        torch=torch and bool(layer.gradients),
        wrt=tuple(function.wrt for function in layer.gradients),
    )
    return File(f"tests/test_{layer.name}.py", text)


def _defined(layer: Layer, function: Function) -> Operator:
    return function.derivation.operator if function.wrt else layer.operator


def cases(layer: Layer) -> tuple[Geometry, ...]:
    """A few shapes by tensor, small enough for loops in Python; none has an empty axis."""
    return _cases(layer.operator, tuple(_defined(layer, function) for function in layer.functions))


@lru_cache(maxsize=8)
def _cases(op: Operator, defined: tuple[Operator, ...]) -> tuple[Geometry, ...]:
    whole = [shapes for shapes in geometries(op, 16) if _volume(shapes)]
    found = [s for s in whole if all(points(one, op.sizes(**s)) <= _POINTS for one in defined)]
    if not found:
        # Long formulas at the smallest sizes that they allow.
        found = sorted(whole, key=lambda shapes: points(op, op.sizes(**shapes)))[:1]
    varied = sorted(found, key=lambda shapes: -min(2, min((min(s, default=2) for s in shapes.values()), default=2)))
    return tuple(varied[:_COUNT])


def _volume(shapes: Geometry) -> int:
    return prod(prod(shape) for shape in shapes.values())


def exact(layer: Layer) -> bool:
    """Whether small integers stay integers in every function of the layer, and small."""
    operators = [_defined(layer, function) for function in layer.functions]
    return all(_whole(s.expr) for op in operators for s in op.statements)


def _whole(expr: Expr) -> bool:
    for node in walk(expr):
        match node:
            case Const(value) if value.denominator not in (1, 2, 4, 8) or abs(value) > 8:
                return False
            case Apply(function) if function not in WHOLE:
                return False
            case Reduce("mean" | "prod"):
                return False
    return _degree(expr) <= 4


def _degree(expr: Expr) -> int:
    """How many numbers are multiplied at most."""
    match expr:
        case Apply("mul", arguments):
            return sum(map(_degree, arguments))
        case Apply(_, arguments):
            return max(map(_degree, arguments), default=0)
        case Reduce(_, _, pieces):
            return max((_degree(piece.body) for piece in pieces), default=0)
        case Const():
            return 0
    return 1


def _gradient(layer: Layer, function: Function) -> dict[str, Any]:
    op, wrt = layer.operator, function.wrt
    needed = {read.tensor for s in function.derivation.operator.statements for read in reads(s.expr)}
    nodes = [node for s in op.statements for node in walk(s.expr)]
    arithmetic = all(node.function in _AFFINE for node in nodes if isinstance(node, Apply)) and all(
        node.kind in {"sum", "mean"} for node in nodes if isinstance(node, Reduce)
    )
    return {
        "name": wrt,
        "field": safe(wrt),
        "function": function.name,
        "linear": wrt not in needed and arithmetic,
        "smooth": not op.surrogates,
    }


def _drawn(op: Operator) -> str:
    functions = {n.function for s in op.statements for n in walk(s.expr) if isinstance(n, Apply)}
    return "rng.random(a.shape) + 0.5" if functions & POSITIVE else "rng.standard_normal(a.shape)"


def _batch(layer: Layer, shapes: Geometry) -> dict[str, Geometry] | None:
    op = layer.operator
    if not op.batch:
        return None
    sizes = op.sizes(**shapes)
    if sizes.get(op.batch, 0) < 1:
        return None
    each = max(1, sum(prod(shape) for shape in shapes.values()) // sizes[op.batch])
    found = {}
    for name, number in (("empty", 0), ("many", -(-_MANY // each))):
        made = _resized(op, shapes, {op.batch: number})
        if made is None:
            return None
        found[name] = made
    return found


def _resized(op: Operator, shapes: Geometry, changed: Mapping[str, int]) -> Geometry | None:
    """The shapes with some sizes changed; None where they do not fit then."""
    sizes = op.sizes(**shapes) | dict(changed)
    made = {tensor.name: tensor.shape(sizes) for tensor in op.inputs}
    try:
        op.sizes(**made)
    except SpecError:
        return None
    return made


def _overlap(layer: Layer, shapes: Geometry) -> dict[str, Any] | None:
    op = layer.operator
    real = [name for name in op.tensors if op.input(name).dtype == "real" and _count(shapes[name]) and shapes[name]]
    if not real or op.outputs[0].dtype != "real":
        return None
    both: tuple[tuple[int, ...], ...] = (shapes[real[0]], next(iter(op.output_shapes(**shapes).values())))
    return {"name": real[0], "room": max(map(_count, both))}


def _count(shape: tuple[int, ...]) -> int:
    return prod(shape)


def _refused(layer: Layer, shapes: Geometry) -> tuple[Geometry, ...]:
    """Shapes of the right rank that do not fit: an axis longer or empty, windows larger than what they slide over."""
    op = layer.operator
    found: list[Geometry] = []
    for name, shape in shapes.items():
        for axis in range(len(shape)):
            other = ((*shape[:axis], length, *shape[axis + 1 :]) for length in (shape[axis] + 1, 0))
            found += (shapes | {name: one} for one in other)
    for window in op.windows:
        sizes = op.sizes(**shapes)
        if window.kernel in sizes and window.size in sizes and not window.transposed:
            large = {window.kernel: sizes[window.kernel] + 5 * (sizes[window.size] + 9)}
            found.append({t.name: t.shape(sizes | large) for t in op.inputs})
    return tuple(one for one in found if _unfit(op, one))[:12]


def _unfit(op: Operator, shapes: Geometry) -> bool:
    try:
        op.sizes(**shapes)
    except SpecError:
        return True
    return False
