"""Names and integer forms as Python text."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from math import prod

from symconv.notation.affine import Affine, Maximum, Quotient
from symconv.notation.expr import Constraint
from symconv.notation.operator import Tensor

__all__ = [
    "condition",
    "conjunction",
    "form_text",
    "in_docstring",
    "in_fstring",
    "product_text",
    "safe",
    "shape_text",
    "tuple_text",
]

_OURS = frozenset(
    [
        *("np", "math", "cnp", "cython", "product", "prange", "number", "fits", "sizes", "flags", "rank"),
        *("out", "wrt", "threads", "dtype", "shape", "result", "results", "wanted", "outs", "shapes", "taken", "made"),
        *("name", "array", "inputs", "asked", "workers", "same_shape", "output_shape", "lru_cache", "cells", "groups"),
        *("Outputs", "Shapes", "output_shapes", "cotangent"),
        *("Gradients", "NamedTuple", "Iterable", "Mapping", "forward", "backward"),
        *(
            "pytest",
            "torch",
            "read",
            "mean",
            "largest",
            "smallest",
            "first_largest",
            "first_smallest",
            "layer",
            "given",
        ),
    ]
)
"""Names that files of a package use beside those of the formula."""


def safe(name: str) -> str:
    """A name of the formula where Python or a package has a meaning for it; no formula's name ends with ``_``.

    >>> safe("x"), safe("any"), safe("out")
    ('x', 'any_', 'out_')
    """
    ours = name in _OURS or name.startswith(("grad_", "definition", "test_"))
    return f"{name}_" if ours or hasattr(builtins, name) or keyword.iskeyword(name) else name


def in_docstring(text: str) -> str:
    """A text as one line of a docstring or a comment, where it can end neither.

    >>> in_docstring("two  lines" + chr(10) + "as one")
    'two lines as one'
    """
    return " ".join(text.split()).replace("\\", "/").replace('"""', "'''").rstrip('"')


def in_fstring(text: str) -> str:
    """A text inside of an f-string in double quotes, where it says what it says."""
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return plain.replace("{", "{{").replace("}", "}}")


def form_text(form: Affine, tight: bool = False) -> str:
    """An integer form; ``tight`` puts a sum into parentheses.

    >>> from symconv.notation.affine import quotient, var
    >>> form_text(quotient(var("H") - var("KH") + 2, 2) + 1)
    '(H - KH + 2) // 2 + 1'
    """
    text = ""
    for atom, factor in form.terms:
        match atom:
            case str():
                body = safe(atom)
            case Quotient(numerator, divisor):
                body = f"{form_text(numerator, True)} // {divisor}"
                body = f"({body})" if abs(factor) != 1 or factor < 0 else body
            case Maximum(left, right):
                body = f"max({form_text(left)}, {form_text(right)})"
        body = body if abs(factor) == 1 else f"{abs(factor)}*{body}"
        text += f" {'-' if factor < 0 else '+'} {body}" if text else f"{'-' if factor < 0 else ''}{body}"
    if form.constant or not text:
        sign = "-" if form.constant < 0 else "+"
        text += f" {sign} {abs(form.constant)}" if text else str(form.constant)
    return f"({text})" if tight and not text.replace("_", "a").isalnum() else text


def product_text(axis: Iterable[Affine]) -> str:
    """The length of a physical axis."""
    sizes = tuple(axis)
    known = prod(size.constant for size in sizes if size.is_constant)
    texts = [form_text(size, True) for size in sizes if not size.is_constant]
    if len(texts) == 1 and known == 1:
        return form_text(next(size for size in sizes if not size.is_constant))
    return "*".join([*([str(known)] if known != 1 or not texts else []), *texts])


def tuple_text(parts: Iterable[str]) -> str:
    """A tuple, of one part too.

    >>> tuple_text(["N"]), tuple_text([])
    ('(N,)', '()')
    """
    texts = tuple(parts)
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"


def shape_text(tensor: Tensor) -> str:
    """The shape of a tensor under the sizes of a call."""
    return tuple_text(product_text(axis) for axis in tensor.axes)


def condition(constraint: Constraint) -> str:
    """A constraint as a comparison of what is added with what is taken away.

    >>> from symconv.notation.affine import var
    >>> condition(Constraint(var("H") - 2*var("i") - 1))
    'H >= 2*i + 1'
    """
    positive = Affine(tuple((a, f) for a, f in constraint.form.terms if f > 0), max(constraint.form.constant, 0))
    negative = positive - constraint.form
    return f"{form_text(positive)} {'==' if constraint.equality else '>='} {form_text(negative)}"


def conjunction(constraints: Iterable[Constraint]) -> str:
    """Several constraints; ``True`` where there is none."""
    return " and ".join(dict.fromkeys(map(condition, constraints))) or "True"
