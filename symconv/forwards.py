"""The public door for operators of one's own: a formula, a SymPy equation, or a forward function in Python.

What the command line takes as OP is taken here too: the name of a shipped operator, a TOML file, FILE.py:FUNCTION.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symconv.errors import SpecError
from symconv.family import Family, family_of
from symconv.notation.operator import Operator
from symconv.ops import registry
from symconv.ops.arguments import IN_A_FORMULA

__all__ = ["operator", "read_file"]

_FILE = re.compile(r"(?P<path>.+\.(?:py|ipynb)):(?P<name>[A-Za-z_]\w*)")

if TYPE_CHECKING:
    from symconv.ops.registry import operator
else:

    @wraps(registry.operator)
    def operator(source: Any, **options: Any) -> Operator | Family:
        """See ``symconv.ops.registry.operator``; a function is parsed, never executed."""
        if callable(source) and hasattr(source, "__code__"):
            from symconv.code.source.own import source_of

            return _formed(*source_of(source), *_told(options))
        if isinstance(source, str) and (known := _named(source.strip(), options)) is not None:
            return known
        taken = signature(registry.operator).parameters
        for option in options:
            if option not in taken:
                hint = IN_A_FORMULA.get(option, f"it takes {', '.join([*taken][1:])}")
                raise SpecError(f"a formula does not take {option}: {hint}")
        return family_of(source, options) or registry.operator(source, **options)


def _named(text: str, options: dict[str, Any]) -> Operator | None:
    """The operator that a name, a TOML file or FILE.py:FUNCTION stands for; None for a formula."""
    if "=" in text:
        return None
    if text.endswith(".toml"):
        if more := options.keys() - {"params"}:
            raise SpecError(f"{text} says everything about its operator; given {', '.join(sorted(more))}")
        return registry.load(text, options.get("params"))
    if _FILE.fullmatch(text):
        return read_file(text, *_told(options))
    entry = registry.catalogue().get(text)
    if entry is None:
        return None
    taken = signature(entry.make).parameters
    for option in options:
        if option not in taken:
            raise SpecError(f"{text} does not take {option}; it takes {', '.join(taken)}")
    for name, parameter in taken.items():
        if name not in options and parameter.default is Parameter.empty:
            raise SpecError(f"{text} needs {name}")
    return entry.make(**options)


def _told(options: dict[str, Any]) -> tuple[Any, Any]:
    """The numbers of a function and how many axes its arrays have."""
    if more := options.keys() - {"params", "axes"}:
        raise SpecError(
            "a forward function says everything itself but its numbers (params=) and how many axes its arrays have "
            f"(axes=); given {', '.join(sorted(more))}"
        )
    return options.get("params"), options.get("axes")


def read_file(file: str, params: Any = None, axes: Any = None) -> Operator:
    """The operator that a function of a file computes, ``layer.py:forward``; the file is parsed, never executed.

    ``axes`` are the numbers of axes of arrays by their names, where the function does not say them.

    Raises SpecError where there is no such file or function, or for what is not read.
    """
    from symconv.code.source.program import read_text

    found = _FILE.fullmatch(file.strip())
    if found is None:
        raise SpecError(f"a function of a file is written FILE.py:FUNCTION; given {file!r}")
    text, _ = read_text(Path(found["path"]))
    return _formed(text, found["name"], params, axes)


def _formed(text: str, name: str, params: Any, axes: Any) -> Operator:
    from symconv.code.gradients.formula import with_one_hot
    from symconv.code.gradients.operators import forward_of
    from symconv.code.settings import settings_of
    from symconv.code.source.own import libraries_of
    from symconv.code.source.program import program

    source = program(text, name)
    node = source.function(name)
    # What another function of the file does with NumPy says nothing of this one's maxima.
    source = replace(source, libraries=libraries_of(source, node) or source.libraries)
    return with_one_hot(forward_of(source, node, settings_of(node, params)[0], axes)[0])
