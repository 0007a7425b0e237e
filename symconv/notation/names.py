"""Names a formula may use: whatever is legal here is legal in every language a kernel is printed in."""

from __future__ import annotations

import keyword
import re

from symconv.errors import SpecError

__all__ = ["check_names"]

_RESERVED = frozenset(word.lower() for word in keyword.kwlist) | frozenset(
    [
        "bint",
        "char",
        "cdef",
        "cimport",
        "const",
        "cpdef",
        "ctypedef",
        "double",
        "enum",
        "extern",
        "float",
        "free",
        "inline",
        "int",
        "long",
        "malloc",
        "mask",
        "nogil",
        "null",
        "object",
        "public",
        "readonly",
        "short",
        "signed",
        "sizeof",
        "size_t",
        "struct",
        "union",
        "unsigned",
        "void",
        "volatile",
        "range",
        "print",
        "len",
        "self",
        "abs",
        "min",
        "max",
        "sum",
        "acquire",
        "inputs",
        "outputs",
        "threads",
        "views",
        "held",
        "status",
        "prange",
        "_asdict",
        "_field_defaults",
        "_fields",
        "_make",
        "_replace",
    ]
)
# Solving and lowering add names of these forms.
_GENERATED = re.compile(r"sc_.*|.*_|[rm]_.*|.*0_.*|.*_dim\d+|e\d+")


def check_names(output: str, indices: tuple[str, ...], tensors: tuple[str, ...]) -> None:
    """Raises SpecError for a name that cannot be printed, or that means two things."""
    for name in (output, *tensors, *indices):
        if name.lower() in _RESERVED or keyword.issoftkeyword(name):
            raise SpecError(f"{name!r} is a reserved word of the languages kernels are written in; choose another name")
        if _GENERATED.fullmatch(name):
            raise SpecError(
                f"{name!r} looks like a name symconv generates (sc_*, *_, r_*, m_*, e1 ...); choose another name"
            )
    for name in indices:
        if not name.isalnum() or not name[0].islower():
            raise SpecError(f"an index is a lower-case letter, letters and digits may follow; {name!r} is not")
        if name in (output, *tensors):
            raise SpecError(f"{name!r} is both an index and a tensor; rename one of them")
