"""Brute force straight from the definition: what an operator means, and its gradients in scatter form.

Every statement is evaluated on its full grid (target indices times reduction indices) with NumPy. Gradients
run the statements backwards and scatter ``cotangent · ∂expr/∂read`` into each read's cell. Nothing here is
shared with the derivation, the gather or the kernels this module judges.
"""

from __future__ import annotations

from collections.abc import Mapping

from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.verify.grid import Array
from symconv.verify.sweep import backward
from symconv.verify.values import lift, run

__all__ = ["evaluate", "gradients", "wanted"]


def evaluate(op: Operator, arrays: Mapping[str, Array]) -> Array:
    """The output of ``op`` on ``arrays`` (one per input, physical shapes), by brute force.

    Real data of any float dtype are computed in float64; object arrays of ``Fraction`` stay exact (rational
    functions only). Returns float64 (int32 for an index output, object for Fractions) of the physical output
    shape. Raises SpecError when shapes do not fit, InternalError when a read declared never to leave its
    tensor does.

    >>> import numpy as np
    >>> from symconv.notation.front import formula
    >>> op = formula("y[i] = sum[p](x[i+p-1]*w[p])")
    >>> evaluate(op, {"x": np.array([1.0, 2.0, 3.0]), "w": np.array([1.0, 10.0, 100.0])}).tolist()
    [210.0, 321.0, 32.0]
    """
    problem = run(op, arrays)
    return problem.tensors[op.output.name].reshape(op.output.shape(problem.sizes))


def gradients(
    op: Operator, arrays: Mapping[str, Array], gy: Array, wrt: tuple[str, ...] | None = None
) -> dict[str, Array]:
    """``Σ gy·∂y/∂T`` for each tensor of ``wrt`` (default: every real input), in scatter form.

    Kinks follow ``op.kinks``: 0 for abs and sign; relu zero, one or half; ties of max and min to the first
    (row-major window order, or the first argument) or shared equally. Shapes and dtypes are the inputs' as in
    ``evaluate``. Surrogates stand in for the derivatives they are declared for. Raises SpecError when shapes do not
    fit.

    >>> import numpy as np
    >>> from symconv.notation.front import formula
    >>> op = formula("y[i] = max[p](x[2*i+p])", extents={"p": 2})
    >>> gradients(op, {"x": np.array([1.0, 1.0, 0.0, 5.0])}, np.array([1.0, 2.0]))["x"].tolist()
    [1.0, 0.0, 0.0, 2.0]
    """
    problem = run(op, arrays)
    names = wanted(op, wrt)
    want = op.output.shape(problem.sizes)
    if gy.shape != want:
        raise SpecError(f"{op.name}: the cotangent has shape {gy.shape}, wanted {want}")
    totals = backward(problem, lift(gy, problem.exact))
    return {name: totals[name].reshape(op.input(name).shape(problem.sizes)) for name in names}


def wanted(op: Operator, wrt: tuple[str, ...] | None) -> tuple[str, ...]:
    """The tensors to differentiate by: ``wrt``, or every real input; raises SpecError for an unknown one."""
    real = tuple(tensor.name for tensor in op.inputs if tensor.dtype == "real")
    if wrt is not None and (unknown := set(wrt) - set(real)):
        names = ", ".join(sorted(unknown))
        raise SpecError(f"{op.name}: no gradient by {names}; the real inputs are {', '.join(real)}")
    return real if wrt is None else wrt
