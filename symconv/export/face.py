"""What a package shows to Python: named functions with docstrings, and the checks behind them."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from symconv.derive.conventions import sentence
from symconv.export.layer import Function, Layer
from symconv.export.package import File
from symconv.export.python import in_docstring, safe, shape_text, tuple_text
from symconv.export.rendering import rendered
from symconv.export.sizes import solved, windows, wrong
from symconv.notation.expr import Apply, Reduce, reads, walk
from symconv.notation.operator import Operator, Tensor
from symconv.notation.shapes import axis_text
from symconv.views.text import gather_text, operator_text

__all__ = ["arrays_file", "conventions", "example", "face_file", "order", "shape_words", "shapes_file"]


def shape_words(tensor: Tensor) -> str:
    """The symbolic shape of a tensor, as messages and documents print it.

    >>> import symconv as sc
    >>> shape_words(sc.conv1d(groups=2).input("x"))
    '(N, 2*Cg, L)'
    """
    return tuple_text(map(axis_text, tensor.axes))


def conventions(op: Operator) -> tuple[str, ...]:
    """What is taken at kinks and ties of an operator, and which slopes were declared, in words."""
    chosen = dict(op.kinks)
    names: dict[str, None] = {}
    for statement in op.statements:
        for node in walk(statement.expr):
            match node:
                case Apply(function) | Reduce(function):
                    names.setdefault(function)
    declared = tuple(f"instead of the derivative by {s.target} stands {s.text}, as declared" for s in op.surrogates)
    given = {s.target for s in op.surrogates}
    said = (sentence(name, chosen.get(name)) for name in names if name not in given)
    return (*filter(None, said), *declared)


def face_file(layer: Layer) -> File:
    """``__init__.py``: forward, each gradient, and all of them in one call."""
    op, cotangents = layer.operator, layer.cotangents
    gradients = [
        {"name": f.wrt, "field": safe(f.wrt), "argument": safe(f.wrt), "function": f.name} for f in layer.gradients
    ]
    several = bool(op.several)
    compared = "cotangent" if several else "same_shape"
    helpers = {"inputs", "result", "workers", *(["asked", "results", compared] if gradients else [])}
    helpers |= {"results"} if several else set()
    shape = "output_shapes" if several else "output_shape"
    text = rendered(
        "init.py.j2",
        title=in_docstring(str(op)),
        name=layer.name,
        formula=operator_text(op).split("\n"),
        dtypes=layer.dtypes,
        helpers=sorted(helpers),
        exported=sorted(
            [f.name for f in layer.functions]
            + [shape]
            + ["Outputs"] * several
            + ["Gradients", "backward"] * bool(gradients)
        ),
        tensors=[_tensor(t) for t in (*op.inputs, *(cotangents if gradients else ()))],
        several=several,
        shape=shape,
        outputs=[_tensor(t) | {"field": safe(t.name)} for t in op.outputs],
        cotangents=[
            {"name": one.name, "argument": safe(one.name), "output": of.name, "field": safe(of.name)}
            for one, of in zip(cotangents, op.outputs, strict=True)
        ],
        said=_said(layer),
        gradients=gradients,
        functions=[_function(layer, function) for function in layer.functions],
        backward=_call(layer, (*cotangents, *op.inputs)) | {"names": [f.wrt for f in layer.gradients]},
    )
    return File(f"src/{layer.name}/__init__.py", text)


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "argument": safe(tensor.name),
        "axes": len(tensor.axes),
        "kind": tensor.dtype,
        "shape": shape_words(tensor),
        "note": ", of int32" if tensor.dtype == "index" else "",
    }


def _call(layer: Layer, tensors: tuple[Tensor, ...]) -> dict[str, Any]:
    """How arrays are taken and passed on."""
    arguments = [safe(tensor.name) for tensor in tensors]
    return {
        "arguments": arguments,
        "arrays": arguments,
        "unpacked": tuple_text(arguments),
        "passed": [f"{tensor.name}={safe(tensor.name)}" for tensor in tensors],
        "shapes": [f"{safe(tensor.name)}.shape" for tensor in layer.operator.inputs],
        "tensors": [_tensor(tensor) for tensor in tensors],
    }


def _function(layer: Layer, function: Function) -> dict[str, Any]:
    op = layer.operator
    known = {read.tensor for s in function.derivation.operator.statements for read in reads(s.expr)}
    shapes = [tensor.name for tensor in function.inputs if tensor.name not in known]
    notes = [f"Of {', '.join(shapes)} only the shape is used."] if shapes else []
    what = f"The gradient of a loss by {function.wrt}, from {_said(layer)}."
    outputs = ", ".join(output.name for output in op.outputs)
    formula = gather_text(function.derivation.gather) if function.wrt else operator_text(op)
    return _call(layer, function.inputs) | {
        "name": function.name,
        "what": what if function.wrt else f"{outputs} from {', '.join(op.tensors)}.",
        "formula": formula.split("\n"),
        "cotangent": bool(function.wrt),
        "result": function.outputs[-1].name,
        "returns": ", ".join(f"{one.name} {shape_words(one)}" for one in function.outputs),
        "several": bool(function.several),
        "made": f"{safe(function.wrt)}.shape" if function.wrt else "shape",
        "notes": [*notes, *(f"Note: {words}." for words in conventions(op) if function.wrt)],
    }


def _said(layer: Layer) -> str:
    """The cotangents in words."""
    pairs = zip(layer.cotangents, layer.operator.outputs, strict=True)
    said = " and ".join(f"{cotangent.name} by {output.name}" for cotangent, output in pairs)
    return f"its gradient{'s' if layer.operator.several else ''} {said}"


def example(layer: Layer) -> tuple[str, ...]:
    """Calls of a package, for its README: forward, a gradient, all of them.

    >>> import symconv as sc
    >>> from symconv.export.layer import layer
    >>> example(layer(sc.conv1d(), "conv", ("float32",), ()))
    ('y = conv.forward(x, w)',)
    """
    op, name = layer.operator, layer.name
    given = ", ".join(op.tensors)
    lines = [f"{', '.join(output.name for output in op.outputs)} = {name}.forward({given})"]
    if layer.gradients:
        first, cotangents = layer.gradients[0], ", ".join(one.name for one in layer.cotangents)
        lines += [f"g{output.name} = np.ones_like({output.name})" for output in op.outputs]
        lines.append(f"{first.outputs[-1].name} = {name}.{first.name}({cotangents}, {given})")
        lines.append(f"gradients = {name}.backward({cotangents}, {given})  # gradients.{first.wrt}, ...")
    return tuple(lines)


def order(layer: Layer) -> str:
    """How arrays are passed to the functions of a package, for its README."""
    first, returned = "the cotangent first, then", ""
    if several := layer.operator.several:
        first = "a cotangent for each output first, None for one of zeros, then"
        returned = f"`forward` returns a named tuple of {', '.join(several)}. "
    rest = "all that `forward` takes, in its order; `backward` gives several of them in one call."
    return f"{fill(f'{returned}Gradients take {first} {rest}', 120)}\n"


def shapes_file(layer: Layer) -> File:
    """``_shapes.py``: the shape of each output, and what is wrong with shapes."""
    op = layer.operator
    text = rendered(
        "shapes.py.j2",
        title=in_docstring(op.name),
        name=layer.name,
        arguments=[safe(name) for name in op.tensors],
        tensors=op.tensors,
        outputs=[output.name for output in op.outputs],
        fields=[safe(output.name) for output in op.outputs],
        several=bool(op.several),
        solved=list(solved(op)),
        wrong=list(wrong(op)),
        windows=windows(op),
        shapes=[shape_text(output) for output in op.outputs],
    )
    return File(f"src/{layer.name}/_shapes.py", text)


def arrays_file(layer: Layer) -> File:
    """``_arrays.py``: what is asked of every array."""
    several = bool(layer.operator.several)
    cotangents = [one.name for one in layer.cotangents] if several and layer.gradients else []
    text = rendered("arrays.py.j2", name=layer.name, dtypes=layer.dtypes, several=several, cotangents=cotangents)
    return File(f"src/{layer.name}/_arrays.py", text)
