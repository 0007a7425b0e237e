"""The formulas of a package as LaTeX."""

from __future__ import annotations

from symconv.export.layer import Layer
from symconv.export.package import File
from symconv.views.latex import derivation_latex, operator_latex
from symconv.views.typeset.fragment import derivation_fragment, fragments, operator_fragment

__all__ = ["formulas", "formulas_file"]


def formulas(layer: Layer) -> tuple[tuple[str, str], ...]:
    r"""Each function's title and formula, without dollar signs: the forward as stated, gradients as they are computed.

    >>> import symconv as sc
    >>> from symconv.export.layer import layer
    >>> [title for title, _ in formulas(layer(sc.conv1d(), None, ("float32",), ("x",)))]
    ['forward: y of conv1d()', 'grad_x: gx, the gradient by x']
    """
    op = layer.operator
    found = [(f"forward: {', '.join(one.name for one in op.outputs)} of {op.name}", operator_latex(op))]
    for function in layer.gradients:
        title = f"{function.name}: {function.outputs[-1].name}, the gradient by {function.wrt}"
        found.append((title, derivation_latex(function.derivation)))
    return tuple(found)


def formulas_file(layer: Layer) -> File:
    """``<name>.tex``: the formulas for ``\\input`` in a document."""
    op = layer.operator
    blocks = [operator_fragment(op), *(derivation_fragment(function.derivation) for function in layer.gradients)]
    return File(f"{layer.name}.tex", fragments(blocks, (str(op),)))
