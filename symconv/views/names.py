"""How names are written: a tensor ``gy`` is a barred y, a size ``KH`` is K with an index, a loop ``u_`` a primed u."""

from __future__ import annotations

import re
from dataclasses import dataclass

from symconv.notation.operator import Operator

__all__ = ["Names", "latex_symbol", "latex_tensor", "names_of", "text_symbol"]

_GREEK = frozenset(
    ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
     "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega")
)  # fmt: skip
_SHORT = re.compile(r"[a-z][0-9]*")
_BARRED = re.compile(r"g+[a-z][0-9]*")
_PHASE = re.compile(r"(?P<tap>[a-z][a-zA-Z0-9]*)0_[a-z][a-zA-Z0-9]*")
_SIZE = re.compile(r"(?P<head>[A-Z])(?P<tail>[A-Z]?[a-z]?)(?P<number>[0-9]*)")
_MARKS = {"bar": r"\bar", "dot": r"\dot"}


@dataclass(frozen=True, slots=True)
class Names:
    """What a printer must know of an operator's tensors: all names, and which are cotangents or tangents."""

    tensors: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    cotangents: frozenset[str] = frozenset()
    tangents: frozenset[str] = frozenset()


def names_of(op: Operator) -> Names:
    """The names of an operator, told apart by how derivations name what they make.

    >>> import symconv as sc
    >>> latex_tensor("gy", names_of(sc.derive(sc.conv1d(), "x").operator))
    '\\\\bar y'
    """
    inputs = tuple(tensor.name for tensor in op.inputs)
    order = len(re.match(r"(?:grad_[A-Za-z0-9_]+\()*", op.name)[0].split("(")) - 1  # type: ignore[index]
    tangents = {name for name in inputs if op.name.startswith("jvp(") and name[:1] == "t" and name[1:] in inputs}
    if op.name.startswith("jvp("):
        tangents |= {statement.target.name for statement in op.statements if statement.target.name[:1] == "t"}
    known = frozenset((*inputs, *(statement.target.name for statement in op.statements)))
    barred = frozenset(name for name in inputs[:order] if name.startswith("g") and len(name) > 1)
    return Names(known, frozenset(inputs), barred, frozenset(tangents))


def _parted(name: str, names: Names) -> tuple[tuple[str, ...], str]:
    """The marks above a tensor, outermost first, and the letter they stand on."""
    rest = name[1:]
    if name in names.tangents or (name[:1] == "t" and rest in names.inputs and name not in names.inputs):
        marks, base = _parted(rest, names)
        return ("dot", *marks), base
    if name in names.cotangents or (name[:1] == "g" and rest and rest in names.tensors) or _BARRED.fullmatch(name):
        marks, base = _parted(rest, names)
        return ("bar", *marks), base
    return (), name


def latex_tensor(name: str, names: Names) -> str:
    r"""A tensor's name in LaTeX; marks stand on the letter, and what tells it from others of that letter beside it.

    >>> [latex_tensor(name, Names()) for name in ("x", "gy", "ggx", "w2", "gx11", "mask")]
    ['x', '\\bar y', '\\bar{\\bar x}', 'w^{(2)}', '\\bar x^{(11)}', '\\mathit{mask}']
    """
    marks, base = _parted(name, names)
    text, beside = _letter(base, names)
    for mark in reversed(marks):
        text = f"{_MARKS[mark]} {text}" if len(text) == 1 else f"{_MARKS[mark]}{{{text}}}"
    return f"{text}^{{{beside}}}" if beside else text


def _letter(base: str, names: Names) -> tuple[str, str]:
    """A letter, and what stands beside it."""
    if base not in names.inputs and base[:1] in {"k", "m", "q"} and len(base) > 1 and base[1:] != "":
        # What a derivation adds: the position k or the value m of an extreme tap, a weight q.
        owner = base[1:]
        outputs = {cotangent.lstrip("g") for cotangent in names.cotangents}
        if owner in names.tensors or owner in outputs or _SHORT.fullmatch(owner):
            return base[0], r"\ast" if base[0] != "q" else f"({owner})"
    text, digits = _numbered(base)
    return text, f"({digits})" if digits else ""


def latex_symbol(name: str) -> str:
    r"""An index, a loop, a value of a phase or a size in LaTeX.

    >>> [latex_symbol(name) for name in ("i", "u_", "n1", "p0_u", "r_u", "KH", "OH2", "Cg", "N")]
    ['i', "u'", 'n_{1}', 'p_{0}', 'r_{u}', 'K_{H}', 'O_{H2}', 'C_{g}', 'N']
    """
    if name.endswith("_"):
        head, _, tail = latex_symbol(name[:-1]).partition("_")
        return f"{head}'_{tail}" if tail else f"{head}'"
    if found := _PHASE.fullmatch(name):
        return f"{_plain(found['tap'])}_{{0}}" if found["tap"].isalpha() else f"{_plain(found['tap'])}^{{0}}"
    if name[:2] in {"r_", "m_"}:
        return f"{name[0]}_{{{_plain(name[2:])}}}"
    if found := _SIZE.fullmatch(name):
        index = found["tail"] + found["number"]
        return f"{found['head']}_{{{index}}}" if index else found["head"]
    return _plain(name)


def _plain(name: str) -> str:
    text, digits = _numbered(name)
    return f"{text}_{{{digits}}}" if digits else text


def _numbered(name: str) -> tuple[str, str]:
    """The letters of a name in LaTeX, and the number they end with."""
    letters = name.rstrip("0123456789")
    digits = name[len(letters) :]
    letters = letters.rstrip("_") or letters
    if letters in _GREEK:
        return f"\\{letters}", digits
    if len(letters) == 1 and letters.isalpha():
        return letters, digits
    return "\\mathit{" + letters.replace("_", r"\_") + "}", digits


def text_symbol(name: str) -> str:
    """An index, a loop, a value of a phase or a size in a terminal: as in the code, loops primed.

    >>> [text_symbol(name) for name in ("i", "u_", "p0_u", "r_u", "KH")]
    ['i', 'u′', 'p0', 'r_u', 'KH']
    """
    if name.endswith("_"):
        return f"{name[:-1]}′"
    if found := _PHASE.fullmatch(name):
        return f"{found['tap']}0"
    return name
