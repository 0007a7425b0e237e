"""The README of a package: formulas, argument order, shapes, conventions, licence; its use is the backend's."""

from __future__ import annotations

from symconv import __version__
from symconv.export.face import conventions, shape_words
from symconv.export.formulas import formulas
from symconv.export.layer import Layer
from symconv.export.package import File
from symconv.export.python import in_docstring
from symconv.export.rendering import rendered
from symconv.notation.operator import Operator

__all__ = ["licence_file", "readme_file"]


def readme_file(
    layer: Layer, summary: str, use: str, tests: str, order: str = "", calls: dict[str, str] | None = None
) -> File:
    """``README.md``.

    ``summary`` is a sentence that says what the package is, ``use`` how it is built and called, ``tests`` how it is
    tested; ``order`` says how arrays are passed, and ``calls`` how each function is called where that is not Python.
    """
    op = layer.operator
    pairs = tuple(zip(layer.cotangents, op.outputs, strict=True))
    tensors = (*op.inputs, *op.outputs, *(layer.cotangents if layer.gradients else ()))
    notes = {cotangent.name: f", the gradient of the loss by {output.name}" for cotangent, output in pairs}
    text = rendered(
        "readme.md.j2",
        name=layer.name,
        version=__version__,
        summary=summary,
        source=in_docstring(str(op)).replace("```", "'''"),
        formulas=formulas(layer),
        use=use.strip(),
        order=order.strip(),
        functions=[
            {
                "call": (calls or {}).get(f.name, f"{f.name}({', '.join(t.name for t in f.inputs)})"),
                "returns": ", ".join(f"`{one.name}` {shape_words(one)}" for one in f.outputs),
            }
            for f in layer.functions
        ],
        tensors=[
            {
                "name": t.name,
                "shape": shape_words(t),
                "note": notes.get(t.name, "") + (", of int32" if t.dtype == "index" else ""),
            }
            for t in tensors
        ],
        definitions=[f"{d.name} = {d.form}" for d in op.definitions],
        assumptions=_assumptions(op),
        empty=_empty(op),
        conventions=conventions(op),
        tests=tests.strip(),
    )
    return File("README.md", _squeezed(text))


def _assumptions(op: Operator) -> list[str]:
    taps = (f"every {one.kind} over {', '.join(r.name for r in one.taps)} has a tap" for one in op.occupied)
    return [*dict.fromkeys((*(one.sentence for one in op.assumptions), *taps))]


def _empty(op: Operator) -> str:
    rest = "Any other empty axis, and sizes that leave the output empty, are refused."
    if not op.batch:
        return rest
    empty = [any(op.batch in size.names() for size in one.sizes) for one in op.outputs]
    which = "the outputs are" if op.several else "the output is"
    said = f"{which} empty then" if all(empty) else "sums over it are 0 then"
    return f"The batch {op.batch} may be 0: {said}. {rest}"


def _squeezed(text: str) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        if line or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).rstrip("\n") + "\n"


def licence_file() -> File:
    """``LICENSE``."""
    return File("LICENSE", rendered("LICENSE"))
