"""Kernels as a library in C, called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import sys
import weakref
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from symconv import pipeline
from symconv.arrays import check_apart, check_arrays, check_outputs, readable
from symconv.build.process import run
from symconv.build.tools import toolchain
from symconv.emit.c99 import CODES, emit
from symconv.emit.source import Source
from symconv.emit.units import Unit
from symconv.errors import BuildError, SpecError
from symconv.notation.operator import Operator
from symconv.options import Options

__all__ = ["C99", "Library"]

Array = np.ndarray[Any, Any]
_KERNELS, _LIBRARY = "kernels.c", "library.so"


class _Folder:
    """A temporary folder that goes when nobody holds it."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="symconv-c99-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Library:
    """A shared library in a folder of its own, which goes when nobody holds it; ``layer`` begins its functions."""

    folder: _Folder
    layer: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder.path / _LIBRARY


@dataclass(frozen=True, slots=True)
class C99:
    """A library in C; ``flags`` go to the compiler beside ``-std=c99`` and what the target asks for."""

    name: str = "c"
    flags: tuple[str, ...] = ("-O2",)

    def emit(self, units: tuple[Unit, ...], options: Options) -> Source:
        """The text of the functions of one element type; header and shared part are beside it."""
        return emit(units, options)

    def compile(self, source: Source) -> Library:
        """The library in a temporary folder; raises BuildError."""
        folder = _Folder()
        place = folder.path
        texts = {_KERNELS: source.text, **dict(source.beside)}
        for name, text in texts.items():
            (place / name).write_text(text, encoding="utf-8")
        (header,) = (name for name in texts if name.endswith(".h"))
        tools = toolchain()
        sources = tuple(name for name in texts if name.endswith(".c"))
        shared = "-dynamiclib" if sys.platform == "darwin" else "-shared"
        threads = ("-fopenmp",) if tools.openmp else ()
        alike = ("-ffp-contract=off",)
        machine = tools.native_flags if source.target == "native" else ()
        command = (*tools.command, "-std=c99", "-fPIC", shared, *self.flags, *machine, *alike, *threads)
        ran = run((*command, *sources, "-o", _LIBRARY, "-lm"), place)
        if ran.status != 0:
            said = f"the C compiler refused a library (exit status {ran.status}): {' '.join(command)}"
            raise BuildError(f"{said}\n{ran.err}")
        return Library(folder, header.removesuffix(".h"))

    def load(self, built: Library, op: Operator, options: Options) -> Loaded:
        """The operator; raises BuildError."""
        try:
            return Loaded(built, ctypes.CDLL(str(built.path)), op, options)
        except OSError as error:
            raise BuildError(f"the library of {op.name} does not load: {error}") from error


@dataclass(frozen=True, slots=True)
class Loaded:
    """A library's functions on NumPy arrays."""

    built: Library
    library: ctypes.CDLL
    op: Operator
    options: Options

    @property
    def fills(self) -> bool:
        """Results can be written into arrays given as ``out``."""
        return True

    def forward(self, *arrays: Array, out: Array | None = None) -> Array:
        """The operator's output; raises SpecError."""
        op = self.op
        given = check_arrays(op, self.options, op.tensors, arrays)
        shape = op.output_shape(**{n: a.shape for n, a in zip(op.tensors, given, strict=True)})
        dtype = "int32" if op.output.dtype == "index" else self.options.dtype
        name = op.output.name
        asked = {} if out is None else {name: out}
        result = check_outputs(np.dtype(dtype), {name: shape}, asked)[name]
        check_apart(asked, given)
        self._run("forward", readable(given), result, (_shape(shape),) if shape else ())
        return result if out is None else out

    def backward(self, gy: Array, *arrays: Array, out: Mapping[str, Array] | None = None) -> Any:
        """The gradients as a NamedTuple; raises SpecError."""
        op = self.op
        names = (f"g{op.output.name}", *op.tensors)
        given = check_arrays(op, self.options, names, (gy, *arrays))
        shapes = dict(zip(op.tensors, (array.shape for array in given[1:]), strict=True))
        if given[0].shape != (wanted := op.output_shape(**shapes)):
            raise SpecError(f"{op.name}: {names[0]} has shape {given[0].shape}, wanted {wanted}")
        wrt = pipeline.gradients(op)
        results = check_outputs(np.dtype(self.options.dtype), {name: shapes[name] for name in wrt}, out or {})
        check_apart(out or {}, given)
        for name in wrt:
            self._run(f"grad_{name}", readable(given), results[name], ())
        return namedtuple("Gradients", wrt)(**results)

    def _run(self, what: str, given: tuple[Array, ...], result: Array, stated: tuple[Any, ...]) -> None:
        arguments: list[Any] = []
        for array in given:
            arguments += [ctypes.c_void_p(array.ctypes.data), *([_shape(array.shape)] if array.ndim else [])]
        arguments += [ctypes.c_void_p(result.ctypes.data), *stated, ctypes.c_int(self.options.threads or 0)]
        function = getattr(self.library, f"{self.built.layer}_{what}_{CODES[self.options.dtype]}")
        if status := function(*arguments):
            said = getattr(self.library, f"{self.built.layer}_strerror")
            said.restype = ctypes.c_char_p
            raise SpecError(said(status).decode())


def _shape(shape: tuple[int, ...]) -> Any:
    return (ctypes.c_ssize_t * len(shape))(*shape)
