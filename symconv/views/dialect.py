"""Two ways of writing the same formula: LaTeX and terminal text differ in these pieces and in nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from symconv.notation.functions import TABLE
from symconv.views.names import Names, latex_symbol, latex_tensor, text_symbol

__all__ = ["ADD", "ATOM", "BREAK", "MUL", "Dialect", "Frag", "latex", "text"]

ADD, MUL, ATOM = 0, 1, 2
"""How tightly a piece of formula holds together."""


@dataclass(frozen=True, slots=True)
class Frag:
    """A written piece: its text, how tightly it binds, and what it would capture on its right.

    ``open`` is 0 for a closed piece, 1 for one that takes in factors (a sum), 2 for one that takes in terms too (max,
    cases).
    ``inner`` is what follows the minus sign of a negated product.
    """

    text: str
    level: int = ATOM
    open: int = 0
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The pieces of a formula, written one way."""

    kind: str
    symbol: Callable[[str], str]
    tensor: Callable[[str], str]
    element: Callable[[str, tuple[str, ...]], str]
    number: Callable[[Fraction], Frag]
    paren: Callable[[str], str]
    bracket: Callable[[str], str]
    divide: Callable[[Frag, Frag], Frag]
    power: Callable[[Frag, Frag], Frag]
    call: Callable[[str, tuple[str, ...]], str]
    cases: Callable[[tuple[tuple[str, str], ...]], Frag]
    limits: Callable[[str, str, str, str], str]
    under: Callable[[str, tuple[str, ...]], str]
    quotient: Callable[[str, str, bool], str]
    words: Callable[[str], str]
    minus: str
    times: str
    dot: str
    space: str
    gap: str
    relations: dict[str, str]
    divides: str
    modulo: str
    infinity: str


_NOBODY = Names()
_TALL = (r"\frac", r"\sum", r"\max_", r"\min_", r"\operatorname*", r"\begin", r"\sqrt")
BREAK = r" \\ "
_SIGNS = {"sum": "Σ", "prod": "Π"}
_REDUCTIONS = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}
_NAN = {"larger": "ge", "smaller": "le", "same": "eq"}
"""Comparisons that differ from these only where something is NaN."""
_LATEX_RELATIONS = {"lt": "<", "le": r"\le", "gt": ">", "ge": r"\ge", "eq": "=", "ne": r"\ne"}
_TEXT_RELATIONS = {"lt": "<", "le": "≤", "gt": ">", "ge": "≥", "eq": "=", "ne": "≠"}


_LATEX_RELATIONS |= {name: _LATEX_RELATIONS[like] for name, like in _NAN.items()}
_TEXT_RELATIONS |= {name: _TEXT_RELATIONS[like] for name, like in _NAN.items()}


def latex(names: Names = _NOBODY) -> Dialect:
    """LaTeX that KaTeX, MathJax, ziamath and LaTeX itself accept."""
    return Dialect(
        kind="latex",
        symbol=latex_symbol,
        tensor=lambda name: latex_tensor(name, names),
        element=lambda tensor, index: f"{tensor}_{{{','.join(index)}}}" if index else tensor,
        number=_latex_number,
        paren=lambda inner: _fenced("(", inner, ")"),
        bracket=lambda inner: _fenced("[", rf"\,{inner}\,", "]"),
        divide=lambda a, b: Frag(rf"\frac{{{a.text}}}{{{b.text}}}"),
        power=_latex_power,
        call=_latex_call,
        cases=_latex_cases,
        limits=lambda kind, name, low, high: rf"{_latex_reduction(kind)}_{{{name}={low}}}^{{{high}}}",
        under=lambda kind, lines: rf"{_latex_reduction(kind)}_{{{_stacked(lines)}}}",
        quotient=_latex_quotient,
        words=lambda sentence: rf"\text{{{sentence}}}",
        minus="-",
        times=r"\,",
        dot=r" \cdot ",
        space=r"\ ",
        gap=r"\quad ",
        relations=_LATEX_RELATIONS,
        divides=r"\mid",
        modulo=r"\;\mathrm{mod}\;",
        infinity=r"\infty",
    )


def _latex_reduction(kind: str) -> str:
    return _REDUCTIONS.get(kind, rf"\operatorname*{{{kind}}}")


def _stacked(lines: tuple[str, ...]) -> str:
    return lines[0] if len(lines) == 1 else rf"\substack{{{BREAK.join(lines)}}}"


def _is_tall(inner: str) -> bool:
    return any(command in inner for command in _TALL)


def _fenced(opening: str, inner: str, closing: str) -> str:
    """Fences that grow where what they hold is taller than a line."""
    return rf"\left{opening}{inner}\right{closing}" if _is_tall(inner) else f"{opening}{inner}{closing}"


def _decimal(value: Fraction) -> str | None:
    """A short exact decimal, as people write 0.01."""
    for digits in range(1, 7):
        if (value * 10**digits).denominator == 1:
            return f"{float(value):.{digits}f}" if abs(value) < 10**6 else None
    return None


def _shortened(value: int) -> tuple[str, int]:
    """A large integer as its leading digits and a power of ten."""
    digits = str(value)
    kept = digits.rstrip("0")
    return (kept, len(digits) - len(kept)) if len(digits) - len(kept) > 5 else (digits, 0)


def _latex_number(value: Fraction) -> Frag:
    sign, level = ("-", ADD) if value < 0 else ("", ATOM)
    value = abs(value)
    if value.denominator == 1:
        digits, power = _shortened(value.numerator)
        if power:
            factor = "" if digits == "1" else digits + r" \cdot "
            return Frag(f"{sign}{factor}10^{{{power}}}", min(level, MUL))
        return Frag(f"{sign}{digits}", level)
    if value.denominator >= 10 and (decimal := _decimal(value)):
        return Frag(f"{sign}{decimal}", level)
    parts = [_latex_number(Fraction(part)).text for part in (value.numerator, value.denominator)]
    return Frag(rf"{sign}\frac{{{parts[0]}}}{{{parts[1]}}}", level)


def _latex_power(base: Frag, exponent: Frag) -> Frag:
    inner = f"{{{base.text}}}" if "^" in base.text or base.text.startswith(r"\frac") else base.text
    if base.level < ATOM or base.open or base.text.startswith(r"\frac"):
        inner = _fenced("(", base.text, ")")
    return Frag(f"{inner}^{{{exponent.text}}}")


def _latex_call(function: str, arguments: tuple[str, ...]) -> str:
    match function:
        case "abs":
            return _fenced("|", arguments[0], "|") if _is_tall(arguments[0]) else rf"\lvert {arguments[0]}\rvert "
        case "pi":
            return r"\pi"
    command = TABLE[function].latex if function in TABLE else ""
    if "#" in command:
        return command.replace("#", ", ".join(arguments))
    name = command or rf"\operatorname{{{function.replace('_', ' ')}}}"
    return name + _fenced("(", ", ".join(arguments), ")")


def _latex_cases(rows: tuple[tuple[str, str], ...]) -> Frag:
    words = [rf"\text{{if }} {condition}" if condition else r"\text{otherwise}" for _, condition in rows]
    lines = [f"{value} & {word}" for (value, _), word in zip(rows, words, strict=True)]
    return Frag(rf"\begin{{cases}} {BREAK.join(lines)} \end{{cases}}", ATOM, 2)


def _latex_quotient(numerator: str, divisor: str, up: bool) -> str:
    left, right = ("lceil", "rceil") if up else ("lfloor", "rfloor")
    return rf"\left\{left} \frac{{{numerator}}}{{{divisor}}} \right\{right}"


def text(names: Names = _NOBODY) -> Dialect:
    """Unicode for terminals: tensors and sizes under the names the code uses."""
    del names
    return Dialect(
        kind="text",
        symbol=text_symbol,
        tensor=lambda name: name,
        element=lambda tensor, index: f"{tensor}[{','.join(index)}]" if index else tensor,
        number=lambda value: Frag(
            str(value).replace("-", "−"), ADD if value < 0 else ATOM if value.denominator == 1 else MUL
        ),
        paren=lambda inner: f"({inner})",
        bracket=lambda inner: f"[{inner}]",
        divide=lambda a, b: Frag(f"{_held(a, MUL)}/{_held(b, ATOM)}", MUL),
        power=lambda a, b: Frag(f"{_held(a, ATOM)}^{_held(b, ATOM)}"),
        call=_text_call,
        cases=_text_cases,
        limits=lambda kind, name, low, high: f"{_SIGNS.get(kind, kind)} {name}={low}..{high} ",
        under=lambda kind, lines: f"{_SIGNS.get(kind, kind)}{{{', '.join(lines)}}} ",
        quotient=_text_quotient,
        words=lambda sentence: sentence,
        minus="−",
        times="·",
        dot="·",
        space=" ",
        gap="   ",
        relations=_TEXT_RELATIONS,
        divides="∣",
        modulo=" mod ",
        infinity="∞",
    )


def _held(frag: Frag, level: int) -> str:
    return f"({frag.text})" if frag.level < level or frag.open else frag.text


def _text_quotient(numerator: str, divisor: str, up: bool) -> str:
    held = f"({numerator})" if "+" in numerator or "−" in numerator else numerator
    return f"⌈{held}/{divisor}⌉" if up else f"⌊{held}/{divisor}⌋"


def _text_call(function: str, arguments: tuple[str, ...]) -> str:
    match function:
        case "abs":
            return f"|{arguments[0]}|"
        case "pi":
            return "π"
        case "sqrt":
            return f"√({arguments[0]})"
        case "floor":
            return f"⌊{arguments[0]}⌋"
        case "ceil":
            return f"⌈{arguments[0]}⌉"
        case "held":
            return arguments[0]
    return f"{function}({', '.join(arguments)})"


def _text_cases(rows: tuple[tuple[str, str], ...]) -> Frag:
    lines = [f"{value} if {condition}" if condition else f"{value} otherwise" for value, condition in rows]
    return Frag("{" + "; ".join(lines) + "}")
