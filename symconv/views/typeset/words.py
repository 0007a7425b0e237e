"""Words of people inside TeX: every character stands for itself, and none is a command."""

from __future__ import annotations

__all__ = ["code", "words"]

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "{''}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "-": "{-}",
}  # fmt: skip
_MATHS = {
    "·": r"\cdot", "×": r"\times", "−": "-", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "→": r"\to", "↓": r"\downarrow",
    "∂": r"\partial", "Σ": r"\Sigma", "Π": r"\Pi", "∞": r"\infty", "√": r"\surd", "′": "{}'", "∣": r"\mid", "∈": r"\in",
    "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "…": r"\ldots", "π": r"\pi", "α": r"\alpha",
    "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "θ": r"\theta", "κ": r"\kappa",
    "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\varphi",
    "ω": r"\omega", "⁻": "{}^{-}", "¹": "{}^{1}", "²": "{}^{2}", "³": "{}^{3}", "½": r"\tfrac12",
}  # fmt: skip


def words(text: str) -> str:
    r"""Text for TeX; control characters are spaces, and what its usual fonts lack goes by its number.

    >>> words(r"50% of \x_1 ≤ é 中")
    '50\\% of \\textbackslash{}x\\_1 $\\le$ é [U+4E2D]'
    """
    return "".join(map(_letter, text))


def code(line: str) -> str:
    r"""A line of source: its spaces are kept.

    >>> code("  a  b")
    '~~a~~b'
    """
    return "".join("~" if c == " " else _letter(c) for c in line)


def _letter(c: str) -> str:
    if c in _SPECIAL:
        return _SPECIAL[c]
    if c in _MATHS:
        return f"${_MATHS[c]}$"
    if c.isspace() or not c.isprintable():
        return " "
    # Latin letters are what fonts of every TeX have.
    return c if c.isascii() or "\u00c0" <= c <= "\u017f" else f"[U+{ord(c):04X}]"
