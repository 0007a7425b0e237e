"""``symconv derive``: the gradients of an operator and how they came about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from symconv import pipeline
from symconv.commands.files import write
from symconv.commands.outcome import RIGHT
from symconv.commands.request import gradient_names, requested
from symconv.commands.terminal import columns, say
from symconv.gather.derivation import Derivation
from symconv.views.document import one_line

__all__ = ["derive"]


def derive(op: str, settings: Mapping[str, object], wrt: tuple[str, ...], form: str, output: Path | None) -> int:
    """Print or write the derivations as text, LaTeX, JSON or source; as source, the forward stands before them."""
    operator = requested(op, settings)
    derivations = [pipeline.derive(operator, name) for name in gradient_names(operator, wrt)]
    text = {"text": _text, "latex": _latex, "json": _json, "numpy": _numpy, "torch": _torch}[form](derivations)
    if output is None and form == "text":
        say(text.rstrip("\n"))
    elif output is None:
        print(text.rstrip("\n"))
    else:
        write(output, f"{text.rstrip(chr(10))}\n")
    return RIGHT


def _text(derivations: list[Derivation]) -> str:
    from symconv.views.text import derivation_text

    return "\n\n".join(derivation_text(found, columns()) for found in derivations)


def _latex(derivations: list[Derivation]) -> str:
    from symconv.views.latex import derivation_latex, operator_latex

    stated = f"% {one_line(str(derivations[0].stated))}\n{operator_latex(derivations[0].stated)}"
    return "\n\n".join((stated, *(f"% {d.operator.output.name}\n{derivation_latex(d)}" for d in derivations)))


def _json(derivations: list[Derivation]) -> str:
    from symconv.views.data import derivation_data

    return json.dumps([derivation_data(found) for found in derivations], indent=2, ensure_ascii=False)


def _numpy(derivations: list[Derivation]) -> str:
    return _module(derivations, "numpy")


def _torch(derivations: list[Derivation]) -> str:
    return _module(derivations, "torch")


def _module(derivations: list[Derivation], library: str) -> str:
    from symconv.readable.code import module

    return module((pipeline.forward(derivations[0].stated), *derivations), library)
