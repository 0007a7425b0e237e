"""What an exported layer and its functions are called: names that are legal in Python, in C and as file names."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata

from symconv.errors import SpecError, shown

__all__ = ["default_name", "legal_name"]

_LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_C_WORDS = frozenset(
    [
        *("alignas", "alignof", "auto", "bool", "case", "catch", "char", "const", "constexpr", "default", "delete"),
        *("do", "double", "enum", "explicit", "export", "extern", "float", "friend", "goto", "inline", "int", "long"),
        *("main", "mutable", "namespace", "new", "operator", "private", "protected", "public", "register", "restrict"),
        *("short", "signed", "sizeof", "static", "struct", "switch", "template", "this", "throw", "typedef", "typeid"),
        *("typename", "union", "unsigned", "using", "virtual", "void", "volatile", "asm", "errno", "cdef", "cimport"),
    ]
)
# Where a package of that name were installed, something that it or its tests import could not be found any more.
_TAKEN = frozenset(["numpy", "cython", "torch", "jax", "tensorflow", "setuptools", "pip", "pytest", "tests", "symconv"])


def legal_name(name: object) -> str:
    """A name that was asked for; raises SpecError with one that would do where it is none.

    >>> legal_name("my_layer")
    'my_layer'
    >>> legal_name("3x3 layer")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.SpecError: '3x3 layer' is no name for a package, ... with a digit; take name='layer_3x3_layer'
    """
    if not isinstance(name, str):
        raise SpecError(f"the name of an exported layer is a text, as in name='my_layer'; given {shown(name)}")
    if reason := _refused(name):
        raise SpecError(
            f"{shown(name)} is no name for a package, its functions and its files: {reason}; "
            f"take name={default_name(name)!r}"
        )
    return name


def default_name(stated: str) -> str:
    """A legal name made from what a layer is called: its settings left out, accents dropped.

    >>> default_name("conv2d(stride=2)"), default_name("Adder 2D"), default_name("größe"), default_name("class")
    ('conv2d', 'Adder_2D', 'grosse', 'class_layer')
    """
    plain = unicodedata.normalize("NFKD", stated.partition("(")[0].replace("ß", "ss"))
    text = re.sub(r"[^A-Za-z0-9]+", "_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")[:48]
    text = text.rstrip("_") or "layer"
    text = text if text[0].isalpha() else f"layer_{text}"
    return text if not _refused(text) else f"{text}_layer"


def _refused(name: str) -> str:
    """Why a name is no legal one; nothing where it is."""
    if not name:
        return "it is empty"
    if name[0].isdigit():
        return "it begins with a digit"
    if not name.isascii():
        return "it has letters that are not ASCII"
    if not _LEGAL.fullmatch(name) or name.endswith("_"):
        return "it is a letter, then letters, digits and underscores, at most 60 of them, and no underscore at the end"
    low = name.lower()
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in ("True", "False", "None") or low in _C_WORDS:
        return "it is a word of Python, C or C++"
    if low in {module.lower() for module in sys.stdlib_module_names} or low in _TAKEN:
        return "a Python module has that name, which could not be imported any more"
    return ""
