"""From an operator to a package in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symconv.asked import operator_of, tensor_names
from symconv.errors import SpecError, shown
from symconv.export.backends import BACKENDS
from symconv.export.layer import Layer, layer
from symconv.export.package import Package, write
from symconv.notation.operator import Operator
from symconv.options import DTYPES

if TYPE_CHECKING:
    from symconv.api import Gradient

__all__ = ["export", "packaged"]


def export(
    op: Operator | Gradient,
    folder: str | Path,
    backend: str = "cython",
    name: str | None = None,
    dtype: str | Iterable[str] | None = None,
    wrt: str | tuple[str, ...] | None = None,
) -> Path:
    """Write a layer as a package to take away; it needs NumPy, and nothing of symconv.

    Parameters
    ----------
    op : an operator, or a gradient (whose own gradients are the second order)
    folder : a new or empty one, or that of an earlier export, which is replaced
    backend : "cython", "c" (C99, no Python) or "numpy" (readable, nothing to compile)
    name : what the package is called; from the operator's name where it is None
    dtype : "float32", "float64" or both of them; None for both
    wrt : the tensors whose gradients it has; None for every one

    Returns the folder. Raises SpecError for what cannot be asked, and DerivationError or GatherError where a gradient
    cannot be derived; the folder is as it was then.

    >>> import tempfile
    >>> import symconv as sc
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = sc.export(sc.conv1d(stride=2), f"{place}/layer", name="halving")
    ...     (folder / "pyproject.toml").is_file()
    True
    """
    if not isinstance(folder, str | Path) or not str(folder):
        raise SpecError(f"export writes into a folder, as in sc.export(op, 'my_layer'); given {shown(folder)}")
    return write(packaged(op, backend, name, dtype, wrt), Path(folder))


def packaged(
    op: Operator | Gradient,
    backend: str = "cython",
    name: str | None = None,
    dtype: str | Iterable[str] | None = None,
    wrt: str | tuple[str, ...] | None = None,
) -> Package:
    """The files of an exported layer; raises as ``export`` does."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise SpecError(f"backend is one of {', '.join(BACKENDS)}; given {shown(backend)}")
    operator = operator_of(op)
    made = layer(operator, name, _dtypes(dtype), _gradients(operator, wrt))
    write_as: Callable[[Layer], Package] = import_module(BACKENDS[backend]).package
    return write_as(made)


def _dtypes(dtype: Any) -> tuple[str, ...]:
    asked = DTYPES if dtype is None else (dtype,) if isinstance(dtype, str) else dtype
    names = tuple(map(str, asked)) if isinstance(asked, Iterable) else ()
    if not names or any(name not in DTYPES for name in names):
        raise SpecError(f"dtype is {' or '.join(DTYPES)}, or both of them; given {shown(dtype)}")
    return tuple(name for name in DTYPES if name in names)


def _gradients(op: Operator, wrt: str | tuple[str, ...] | None) -> tuple[str, ...]:
    real = tuple(tensor.name for tensor in op.inputs if tensor.dtype == "real")
    asked = real if wrt is None else tensor_names(op, wrt)
    for name in asked:
        if name not in real:
            raise SpecError(f"{op.name} has no gradient with respect to {shown(name)}; wrt is of {', '.join(real)}")
    return tuple(name for name in real if name in asked)
