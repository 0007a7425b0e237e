"""How wide the signs of a formula are, in points: Computer Modern at 12 pt, the largest of the usual sizes."""

from __future__ import annotations

__all__ = ["EM", "SPACES", "letters", "sign", "size"]

EM = 11.75
_SIZES = (1.0, 1.0, 0.75, 0.68)
"""Display, text, script and script of script: measured ratios, rounded up."""

_ITALIC = """
a6.2 b5.0 c5.1 d6.2 e5.5 f7.1 g6.1 h6.8 i4.1 j5.6 k6.6 l3.8 m10.3 n7.1 o5.7 p5.9 q5.7 r5.7 s5.6 t4.3 u6.7 v6.2 w8.8
x6.7 y6.2 z6.0 A8.9 B9.6 C9.3 D10.1 E9.5 F9.3 G9.3 H10.7 I6.2 J7.7 K10.9 L8.0 M12.7 N10.7 O9.4 P9.3 Q9.4 R9.1 S8.0
T8.6 U9.3 V9.5 W12.8 X10.7 Y9.5 Z9.0 (4.6 )4.6 [3.3 ]3.3 |3.4 +9.2 -9.4 =9.2 <9.4 >9.4 ,3.3 :3.3 /5.9 !3.3 '2.9 *6.0
.3.3 ;3.3
"""
_UPRIGHT = """
a5.9 b6.6 c5.3 d6.6 e5.3 f3.6 g5.9 h6.6 i3.3 j3.6 k6.3 l3.3 m9.8 n6.6 o5.9 p6.6 q6.3 r4.6 s4.7 t4.6 u6.6 v6.3 w8.5
x6.3 y6.3 z5.3 A8.9 B8.4 C8.5 D9.0 E8.0 F7.7 G9.3 H8.9 I4.3 J6.1 K9.2 L7.4 M10.8 N8.9 O9.2 P8.0 Q9.2 R8.7 S6.6 T8.5
U8.9 V8.9 W12.1 X8.9 Y8.9 Z7.2 .3.3 ,3.3 :3.3 (4.6 )4.6 =9.2 '3.3 -4.0 /5.9 +9.2 *5.9 <9.2 >9.2 |11.8 ;3.3 [3.3 ]3.3
"""
_NAMED = """
alpha7.6 beta7.3 gamma6.8 delta5.7 epsilon4.8 zeta6.1 eta6.3 theta5.9 iota4.2 kappa6.8 lambda6.9 mu7.1 nu6.6 xi5.8
pi7.1 rho6.1 sigma7.2 tau6.5 phi7.0 chi7.4 psi8.1 omega7.8 partial6.9 le9.4 ge9.4 ne9.2 mid3.4 cdot3.4 times9.4
infty12.1 lvert3.4 rvert3.4 lfloor5.4 rfloor5.4 lceil5.4 rceil5.4 sum17.4 prod15.7 max21.9 min19.6 sin14.5 cos15.8
tan17.0 sinh21.0 cosh22.3 tanh23.5 exp18.0 log15.2 ln9.8 vdots3.3 in8.1 to12.0
"""


def _table(text: str, tail: str = "") -> dict[str, float]:
    split = (word.rstrip("0123456789.") or word[0] for word in text.split())
    return {tail + name: float(word[len(name) :]) for name, word in zip(split, text.split(), strict=True)}


_SIGNS = _table(_ITALIC) | _table(_NAMED, "\\") | {r"\{": 6.1, r"\}": 6.1}
_LETTERS = _table(_UPRIGHT)
SPACES = {r"\,": 2.0, r"\;": 3.3, r"\:": 2.7, r"\ ": 4.0, r"\quad": EM, r"\qquad": 2 * EM, r"\!": -2.0}


def size(style: int) -> float:
    """How large signs are in a style: 0 display, 1 text, 2 script, 3 script of a script."""
    return _SIZES[style]


def sign(token: str) -> float:
    r"""The width of a sign in the text of a formula; what is not known counts as an em.

    >>> sign("x"), sign("7"), sign(r"\sum"), sign(r"\unheard")
    (6.7, 5.9, 17.4, 11.75)
    """
    return 5.9 if token.isdigit() else _SIGNS.get(token, EM)


def letters(words: str) -> float:
    """The width of upright text.

    >>> letters("if x") > letters("if")
    True
    """
    return sum(4.0 if c == " " else 5.9 if c.isdigit() else _LETTERS.get(c, 9.0) for c in words)
