"""``symconv derive``: the gradients of an operator and how they came about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from symconv import pipeline
from symconv.commands.files import write
from symconv.commands.narrow import narrow
from symconv.commands.outcome import RIGHT
from symconv.commands.request import gradient_names, requested
from symconv.commands.terminal import columns, say, told
from symconv.errors import SpecError
from symconv.gather.derivation import Derivation

__all__ = ["derive"]


def derive(
    op: str,
    settings: Mapping[str, object],
    wrt: tuple[str, ...],
    form: str | None,
    output: Path | None,
    width: str | None = None,
) -> int:
    """Print or write the derivations as text, LaTeX, JSON or source; as source, the forward stands before them.

    Without ``form`` a .tex file holds LaTeX; all else is text.
    """
    chosen = form or ("latex" if output is not None and output.suffix.lower() == ".tex" else "text")
    if width is not None and chosen != "latex":
        raise SpecError("--width is for LaTeX: add --format latex, or write to a .tex file")
    operator = requested(op, settings)
    derivations = [pipeline.derive(operator, name) for name in gradient_names(operator, wrt)]
    if chosen == "latex":
        text = _latex(derivations, width)
    else:
        text = {"text": _text, "json": _json, "numpy": _numpy, "torch": _torch}[chosen](derivations)
    if output is None and chosen == "text":
        say(text.rstrip("\n"))
    elif output is None:
        room = told() if chosen in {"numpy", "torch"} else None
        print((text if room is None else narrow(text, room)).rstrip("\n"))
    else:
        write(output, f"{text.rstrip(chr(10))}\n")
    return RIGHT


def _text(derivations: list[Derivation]) -> str:
    from symconv.views.text import derivation_text

    return "\n\n".join(derivation_text(found, columns()) for found in derivations)


def _latex(derivations: list[Derivation], width: str | None) -> str:
    from symconv.views.typeset.fragment import derivation_fragment, fragments, operator_fragment
    from symconv.views.typeset.layout import TEXT_WIDTH

    room = TEXT_WIDTH if width is None else width
    stated = derivations[0].stated
    blocks = [operator_fragment(stated, room), *(derivation_fragment(found, room) for found in derivations)]
    return fragments(blocks, (str(stated),), room)


def _json(derivations: list[Derivation]) -> str:
    from symconv.views.data import derivation_data

    return json.dumps([derivation_data(found) for found in derivations], indent=2)


def _numpy(derivations: list[Derivation]) -> str:
    return _module(derivations, "numpy")


def _torch(derivations: list[Derivation]) -> str:
    return _module(derivations, "torch")


def _module(derivations: list[Derivation], library: str) -> str:
    from symconv.readable.code import module

    stated = derivations[0].stated
    return module((*(pipeline.forward(stated.only(one.name)) for one in stated.outputs), *derivations), library)
