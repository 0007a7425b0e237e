"""What is true of products of two unknown numbers, which isl does not speak of: stated and proved once, for all sizes.

Each lemma names its products, so that what is left is affine, and isl finds no counterexample to any step.

*Strips.* ``[B*b, min(B*b + B, N))`` for ``b = 0 .. ceil(N/B) - 1`` partition ``[0, N)``, whatever ``B >= 1`` is. With
``x = B*b`` and ``y = B*ceil(N/B)``: a strip starts before N exactly if it is one of them, and what the first b strips
cover, ``[0, min(x, N))``, grows by the next one to ``[0, min(x + B, N))`` without overlap, from nothing to everything.

*Rows.* ``r*E + c`` with ``0 <= c < E`` takes every whole number at exactly one pair ``(r, c)``, in the order of the
pairs. With ``x = r*E``: of two rows the later one starts behind all of the earlier one.

*Chunks.* ``[floor(c*N/S), floor((c + 1)*N/S))`` for ``c = 0 .. S - 1`` partition ``[0, N)``, whatever ``S >= 1`` and
``N >= 0`` are. Each starts where the one before it ends, and none ends before it starts: with ``a = c*N``, ``x`` and
``y`` are S times the two quotients. The first starts at 0. The last ends at a number q with ``0 <= S*N - S*q < S``;
``z = S*(N - q)`` is S or more where N is larger, and -S or less where q is, so that they are the same. None is empty
where ``S <= N``.
"""

from __future__ import annotations

from functools import lru_cache

import islpy as isl

from symconv.errors import InternalError
from symconv.relation.polyhedra import Part, made

__all__ = ["CHUNKS", "ROWS", "STRIPS", "impossible", "prove"]

_COUNT = "B >= 1 and N >= 0 and y <= N + B - 1 and N + B - 1 < y + B"
"""y is B times the quotient of N + B - 1 by B."""

STRIPS = (
    ("a strip before the last starts before the end", f"[N, B, x, y] : {_COUNT} and x + B <= y and x >= N"),
    ("behind the last strip nothing starts before the end", f"[N, B, x, y] : {_COUNT} and x >= y and x < N"),
    ("all strips together end at the end", f"[N, B, y] : {_COUNT} and min(y, N) != N"),
    (
        "the next strip has what is new",
        "[N, B, x, u] : B >= 1 and 0 <= x < N and 0 <= u < min(x + B, N) and not (0 <= u < min(x, N))"
        " and not (x <= u < min(x + B, N))",
    ),
    (
        "and nothing else",
        "[N, B, x, u] : B >= 1 and 0 <= x < N and x <= u < min(x + B, N) and (0 <= u < min(x, N) or"
        " not (0 <= u < min(x + B, N)))",
    ),
    ("the first strips are never empty", "[N, B, x] : B >= 1 and 0 <= x < N and x >= min(x + B, N)"),
)
"""The steps of the lemma of strips, each with the set of its counterexamples."""

ROWS = (
    (
        "different rows share no position",
        "[E, x, y, c, d] : x + E <= y and 0 <= c < E and 0 <= d < E and x + c >= y + d",
    ),
    ("positions of a row differ", "[E, x, c, d] : 0 <= c < d < E and x + c >= x + d"),
    ("every position has a row", "[E, x, p] : E >= 1 and x <= p < x + E and not (0 <= p - x < E)"),
)
"""The steps of the lemma of rows, each with the set of its counterexamples."""

CHUNKS = (
    ("the first chunk starts at the start", "[S, x] : S >= 1 and x <= 0 < x + S and x >= S"),
    ("no chunk starts before the first", "[S, x] : S >= 1 and x <= 0 < x + S and x + S <= 0"),
    (
        "no chunk ends before it starts",
        "[S, N, a, x, y] : S >= 1 and N >= 0 and x <= a < x + S and y <= a + N < y + S and y + S <= x",
    ),
    (
        "no chunk is empty where there are not more of them than elements",
        "[S, N, a, x, y] : 1 <= S <= N and x <= a < x + S and y <= a + N < y + S and y <= x",
    ),
    ("the last chunk ends no later than the end", "[S, N, q, z] : S >= 1 and 0 <= z < S and q > N and z <= -S"),
    ("the last chunk ends no earlier than the end", "[S, N, q, z] : S >= 1 and 0 <= z < S and q < N and z >= S"),
    (
        "the next chunk has what is new, and nothing else",
        "[a, b, u] : 0 <= a <= b and ((0 <= u < b and not (0 <= u < a) and not (a <= u < b))"
        " or (a <= u < b and (0 <= u < a or not (0 <= u < b))))",
    ),
)
"""The steps of the lemma of chunks, each with the set of its counterexamples."""


@lru_cache(maxsize=8)
def prove(lemma: tuple[tuple[str, str], ...]) -> None:
    """Check every step of a lemma; raises InternalError where one has a counterexample.

    >>> prove(STRIPS)
    >>> prove(ROWS)
    >>> prove(CHUNKS)
    >>> prove((("strips never end early", "[N, B, x] : B >= 1 and 0 <= x < N and min(x + B, N) < x + B"),))
    Traceback (most recent call last):
        ...
    symconv.errors.InternalError: strips never end early: not at { [1, 2, 0] }
    """
    for words, counterexamples in lemma:
        found = isl.Set(f"{{ {counterexamples} }}")
        if not found.is_empty():
            raise InternalError(f"{words}: not at {found.sample_point()}")


@lru_cache(maxsize=256)
def impossible(names: tuple[str, ...], conditions: tuple[str, ...]) -> bool:
    """Whether no whole numbers of these names meet all conditions.

    >>> impossible(("K", "b"), ("b >= 1", "K <= 3", "3*b < K"))
    True
    >>> impossible(("K", "b"), ("b >= 1", "K <= 4", "3*b < K"))
    False
    """
    return bool(made(isl.Set, (), names, [Part(conditions)]).is_empty())
