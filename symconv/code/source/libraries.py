"""What is known of functions of NumPy, PyTorch, SciPy, TensorFlow and JAX by their names alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from symconv.code.source.vocabulary import SIGNATURES

__all__ = [
    "CHANGING", "FIRST_CHANGED", "IDENTITIES", "LIBRARIES", "PARTS", "SKIPPED", "bound", "changes_nothing", "computes",
    "makes_several", "nearest", "signature",
]  # fmt: skip

IDENTITIES = frozenset({
    "copy", "clone", "contiguous", "detach", "float", "double", "numpy", "cpu", "cuda", "to", "type", "astype",
    "type_as", "requires_grad_", "ascontiguousarray", "asarray", "array", "tensor", "as_tensor", "from_numpy",
    "constant", "convert_to_tensor", "Variable", "cast", "identity", "stop_gradient", "item_", "conj", "half",
    "stop", "bool",
})  # fmt: skip
"""Functions whose value is their first argument."""

COPIES = frozenset({"copy", "clone", "array", "tensor", "constant", "astype", "cast", "convert_to_tensor"})
"""Those of them whose value has elements of its own."""
ALIASES = frozenset({"asarray", "detach", "numpy", "from_numpy", "as_tensor", "requires_grad_",
                     "identity", "stop_gradient", "stop", "Variable", "item_"})  # fmt: skip
"""Those whose value is the argument itself; the others are that or a copy."""
GATHERING = frozenset({"array", "tensor", "constant", "asarray", "as_tensor", "ascontiguousarray"})
"""Functions that make an array of a list."""
CONVERTED = frozenset({"dtype", "device", "copy", "requires_grad", "order", "non_blocking", "memory_format", "name",
                       "other", "subok", "ndmin", "Tout", "shape"})  # fmt: skip
MAKERS = frozenset({"zeros", "ones", "empty", "full", "new_zeros", "new_ones", "new_empty", "zeros_like", "ones_like",
                    "empty_like", "full_like", "arange", "new_full"})  # fmt: skip
TYPES = frozenset({
    *(f"{sign}int{size}" for sign in ("", "u") for size in ("", 8, 16, 32, 64)), "bool", "bool_", "int_", "long",
    "short", "byte", "intp", "float", "double", "half", "float16", "float32", "float64", "bfloat16", "float_",
    "longdouble",
    "dtype real", "dtype int", "dtype bool", "single", "longlong", "i", "f", "d", "?", "i4", "i8", "f4", "f8",
})  # fmt: skip
"""Names of types of numbers."""
SHARED_OUT = frozenset({"flip", "fliplr", "flipud", "rot90"})
"""Views in NumPy, copies in PyTorch."""

LIBRARIES = frozenset({"numpy", "torch", "tensorflow", "jax", "scipy", "math", "cupy", "itertools"})
VIEWS = frozenset({
    "flip", "fliplr", "flipud", "rot90", "swap", "t", "permute", "moveaxis", "rollaxis", "reshape", "ravel", "flatten",
    "reshape_as", "squeeze", "unsqueeze", "chunk", "split", "tf_split", "split_by", "hsplit",
    "vsplit", "array_split", "unbind", "unfold", "tensor_unfold", "einsum", "exact_einsum", "broadcast", "tile",
    "expand_as", "broadcast_arrays", "meshgrid", "ix", "windows", "strided", "narrow", "same", "product",
})  # fmt: skip
"""Words whose value may have the elements of an argument, in one of the libraries."""
_SEVERAL = frozenset({
    "chunk", "split", "tf_split", "split_by", "hsplit", "vsplit", "array_split", "unbind", "broadcast_arrays",
    "meshgrid", "ix", "unravel_index", "torch_extreme", "product", "grid",
})  # fmt: skip
CHANGING = frozenset({
    "append", "extend", "insert", "pop", "update", "setdefault", "remove", "sort", "reverse", "clear", "popitem",
    "fill", "put", "at", "resize", "copyto", "fill_diagonal", "put_along_axis", "place", "putmask", "itemset", "add",
    "discard",
})  # fmt: skip
"""Methods of lists, dicts, sets and arrays, and functions, that change one of their arguments."""
FIRST_CHANGED = frozenset({"at", "copyto", "fill_diagonal", "put_along_axis", "place", "putmask", "put"})
"""Functions of libraries that change their first argument and no other one."""
_READING = frozenset({
    "get", "items", "keys", "values", "index", "count", "copy", "format", "join", "lower", "upper", "strip",
    "startswith", "endswith", "conjugate", "tolist", "nonzero", "no_grad", "enable_grad", "inference_mode", "as_list",
    "deepcopy", "TensorShape", "Size",
})  # fmt: skip
"""Methods and functions besides words that change nothing."""

PARTS = frozenset({
    "add", "array_ops", "aten", "autograd", "backend", "compat", "fft", "functional", "grad", "image", "keras", "lax",
    "lib", "linalg", "math", "modules", "nn", "numpy", "ops", "raw_ops", "signal", "special", "stride_tricks", "utils",
    "v1", "v2", "random",
})  # fmt: skip
"""Parts of libraries that functions are found in."""

SKIPPED = frozenset({"print", "assert_shape", "mark_non_differentiable", "set_materialize_grads", "mark_dirty",
                     "warn", "debug", "info"})  # fmt: skip
"""Calls that no array depends on."""

_SAME = {
    "dim": "axis", "dims": "axis", "axes": "axis", "keepdim": "keepdims", "keep_dims": "keepdims",
    "reduction_indices": "axis", "x": "input", "a": "input", "array": "input", "tensor": "input",
    "inputs": "input", "weights": "weight", "filter": "filters", "dimension": "axis", "perm": "axis", "size": "shape",
    "newshape": "shape", "paddings": "pad_width", "chunks": "count", "indices_or_sections": "count",
    "num_or_size_splits": "count", "seq": "arrays", "tensors": "arrays", "values": "arrays", "a_min": "min",
    "a_max": "max", "split_size_or_sections": "size", "repeats": "repeats", "dim0": "a", "dim1": "b",
    "num_classes": "classes", "depth": "classes", "N": "rows", "M": "columns", "params": "weight", "ids": "input",
    "shape": "shape", "condition": "condition", "kernel_shape": "kernel_size",
    "features": "input", "x1": "input", "x2": "exponent", "y": "exponent", "exp": "exponent", "mat1": "a", "mat2": "b",
    "batch1": "a", "batch2": "b", "shifts": "shift",
}  # fmt: skip
_IGNORED = frozenset({"dtype", "device", "out", "name", "optimize", "requires_grad", "order", "casting", "precision",
                      "preferred_element_type", "use_cudnn", "copy", "memory_format", "stat_length"})  # fmt: skip


def signature(path: str) -> tuple[str, tuple[str, ...]] | None:
    """The word a dotted name or a method stands for, and the names of its arguments."""
    library, _, rest = path.partition(".")
    owner, _, last = rest.rpartition(".")
    name = last or library
    # np.add.outer is no outer product: what a function has is known by its whole name alone.
    function = owner.rpartition(".")[2]
    of_function = bool({function, f"{library}.{function}"} & SIGNATURES.keys())
    for key in (path,) if of_function else (path, f"{library}.{name}", name):
        if key in SIGNATURES:
            word, names = SIGNATURES[key]
            return word, tuple(names.split())
    return None


def bound(names: Sequence[str], arguments: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name; raises ValueError with what is wrong."""
    given: dict[str, Any] = {}
    rest = list(arguments)
    for name in names:
        if name.startswith("*"):
            one = len(rest) == 1 and isinstance(rest[0], tuple | list)
            given[name[1:]] = rest[0] if one else tuple(rest)
            if not rest:
                del given[name[1:]]
            rest = []
        elif rest:
            given[name] = rest.pop(0)
    plain = [name.lstrip("*") for name in names]
    if rest:
        raise ValueError(f"takes {len(plain)} arguments: {', '.join(plain)}")
    for key, value in options.items():
        name = key if key in plain else _SAME.get(key, key)
        if name in plain:
            given[name] = value
        elif key not in _IGNORED:
            raise ValueError(f"has no option {key}; it takes {', '.join(plain)}")
    return given


def computes(path: str, options: Mapping[str, str]) -> bool:
    """Whether the value of a function of a library, or of a method, has elements of its own."""
    name = path.rpartition(".")[2]
    if name in {"array", "tensor", "clone"} or path == "numpy.copy":
        return options.keys() <= {"dtype"} and "object" not in options.get("dtype", "") and "O" not in options.values()
    found = signature(path)
    return found is not None and found[0] not in VIEWS and name not in IDENTITIES and not _in_place(name, options)


def makes_several(path: str, count: int, options: Collection[str] = ()) -> bool:
    """Whether the value of a function or method may be a list or a tuple of arrays; of what is not known it may."""
    found = signature(path)
    if path in {"method.max", "method.min"}:
        return count > 1 or bool({"dim", "keepdim"} & set(options))
    return found is None or found[0] in _SEVERAL or (found[0] == "where" and count == 1)


def changes_nothing(path: str, count: int, options: Mapping[str, str]) -> bool:
    """Whether a function of a library, or a method with its owner first, leaves ``count`` arguments as they are."""
    library, _, name = path.rpartition(".")
    if name in IDENTITIES | SKIPPED | TYPES | _READING:
        return True
    found = signature(path) or (signature(f"torch.{name}") if library == "method" else None)
    # A method of such a name may be a list's or a set's.
    if found is None or _in_place(name, options) or (library == "method" and name in CHANGING):
        return False
    word, names = found
    if library == "method" and word not in {"extreme", "var", "std"}:
        names = max(
            names, (signature(f"torch.{name}") or found)[1], key=lambda given: ("*" in "".join(given), len(given))
        )
    if word == "extreme" and not path.startswith("torch."):
        names = names[:2]
    most = names.index("out") if "out" in names else len(names)
    return count <= most or any(one.startswith("*") for one in names)


def _in_place(name: str, options: Mapping[str, str]) -> bool:
    changing = name.endswith("_") or name in {"fill", "add_at", "put_along_axis"}
    return changing or bool({"out", "inplace"} & options.keys())


_ALIKE = 0.8
"""Of words less alike one is not what the other was meant to be."""
_SORTING = frozenset({
    "sort", "argsort", "msort", "lexsort", "partition", "argpartition", "topk", "kthvalue", "top_k", "median",
    "nanmedian", "percentile", "quantile", "searchsorted", "unique", "cummax", "cummin",
})  # fmt: skip


@lru_cache(maxsize=256)  # what is not read is met each time that a function is run on numbers
def nearest(path: str) -> str:
    """What is meant by a word that is not known, where one is much like it; else what can be written instead."""
    names = sorted({key.rpartition(".")[2] for key in SIGNATURES})
    name = path.rpartition(".")[2]
    if name in _SORTING:
        return "what depends on the order of elements is read for max, min, argmax, argmin and masks x == x.max(...)"
    if close := get_close_matches(name, names, 2, _ALIKE):
        return f"did you mean {' or '.join(close)}?"
    return "known are exp, log, sqrt, tanh and their like, convolutions, pads, sums, products and moves of axes"
