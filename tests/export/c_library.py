"""A written library in C, compiled and called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import numpy as np

from symconv.api import as_operator
from symconv.export.package import Package, write

CODES = {"float32": "f32", "float64": "f64"}
STATUS = ("OK", "POINTER", "SIZES", "OUTPUT", "TOO_LARGE", "ALIGNMENT", "OVERLAP", "MEMORY")


def written(package: Package, folder: Path) -> Path:
    return write(package, folder / package.name)


def sources(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.c"))


def compiled(folder: Path, *flags: str) -> ctypes.CDLL:
    """The library, compiled by the C compiler of this machine."""
    made = folder / "library.so"
    command = [shutil.which("cc") or "cc", "-std=c99", "-O1", "-fPIC", "-shared", *flags, *sources(folder)]
    subprocess.run([*command, "-o", made.name, "-lm"], cwd=folder, check=True, timeout=300)
    return ctypes.CDLL(str(made))


class Library:
    """A layer's functions by name, on NumPy arrays; also what ``verify`` can judge: ``forward`` and ``backward``."""

    fills = True

    def __init__(self, folder: Path, op, *flags: str, threads: int = 1) -> None:
        self.name = folder.name
        self.op = as_operator(op)
        self.threads = threads
        self.library = compiled(folder, *flags)

    def call(self, function: str, code: str, given, result, stated: bool):
        """The status of one call; an array is (array, shape) where its shape is told to be another."""
        arguments = []
        for each in given:
            array, shape = each if isinstance(each, tuple) else (each, each.shape)
            arguments += [array.ctypes.data if isinstance(array, np.ndarray) else array, *self._shape(shape)]
        array, shape = result if isinstance(result, tuple) else (result, result.shape)
        arguments += [array.ctypes.data if isinstance(array, np.ndarray) else array]
        arguments += self._shape(shape) if stated else []
        made = getattr(self.library, f"{self.name}_{function}_{code}")
        pointers = [ctypes.c_void_p(each) if each is None or isinstance(each, int) else each for each in arguments]
        return STATUS[made(*pointers, ctypes.c_int(self.threads))]

    @staticmethod
    def _shape(shape):
        if shape is None:
            return [None]
        return [(ctypes.c_ssize_t * len(shape))(*shape)] if shape else []

    def output_shape(self, *shapes):
        found = (ctypes.c_ssize_t * len(self.op.output.axes))()
        status = getattr(self.library, f"{self.name}_output_shape")(
            *[s for one in shapes for s in self._shape(one)], found
        )
        return STATUS[status], tuple(found)

    def said(self, status: int) -> str:
        function = getattr(self.library, f"{self.name}_strerror")
        function.restype = ctypes.c_char_p
        return function(status).decode()

    def forward(self, *arrays, out=None):
        code = CODES[str(next(a.dtype for a in arrays if a.dtype.kind == "f"))]
        shapes = {name: array.shape for name, array in zip(self.op.tensors, arrays, strict=True)}
        real = next(a.dtype for a in arrays if a.dtype.kind == "f")
        if out is None:
            out = np.empty(self.op.output_shape(**shapes), "int32" if self.op.output.dtype == "index" else real)
        status = self.call("forward", code, arrays, out, stated=True)
        if status != "OK":
            raise ValueError(status)
        return out

    def backward(self, gy, *arrays, out=None):
        found = {}
        for tensor, array in zip(self.op.inputs, arrays, strict=True):
            if tensor.dtype == "real":
                found[tensor.name] = np.empty_like(array) if out is None else out[tensor.name]
                function = f"grad_{tensor.name}"
                status = self.call(function, CODES[str(gy.dtype)], (gy, *arrays), found[tensor.name], stated=False)
                if status != "OK":
                    raise ValueError(f"{function}: {status}")
        return namedtuple("Gradients", found)(**found)
