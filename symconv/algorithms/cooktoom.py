"""Cook–Toom: a short correlation with fewest products, as three exact matrices.

``y[i] = Σ_k g[k]·d[i+k]`` for ``m`` outputs and ``r`` taps takes ``n = m + r − 1`` products instead of ``m·r``. All
uses of one transform follow from the trilinear form

    Σ_{i,k} y[i]·g[k]·d[i+k] = Σ_l (A y)[l]·(G g)[l]·(Bᵀ d)[l]

by leaving one factor out: a correlation is ``y = Aᵀ[(G g)⊙(Bᵀ d)]``, the gradient of its kernel ``Gᵀ[(A ȳ)⊙(Bᵀ d)]``.
The matrices come from evaluating the product of two polynomials at ``n`` points, one of which may be infinity, and
interpolating it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from symconv.algorithms.matrices import Matrix, Row, transpose
from symconv.errors import InternalError, SpecError

__all__ = ["Transform", "cook_toom", "is_correlation"]


@dataclass(frozen=True, slots=True)
class Transform:
    """F(m, r): the matrices of one short correlation.

    Attributes
    ----------
    m, r : outputs and taps
    points : the finite points of evaluation; infinity is one more where there are only ``n − 1``
    A : n × m, transforms a cotangent; its transpose gives the outputs
    G : n × r, transforms the kernel; its transpose gives a gradient of the kernel
    BT : n × n, transforms the data
    """

    m: int
    r: int
    points: Row
    A: Matrix
    G: Matrix
    BT: Matrix

    @property
    def n(self) -> int:
        """The length of a window of data, and the number of products."""
        return self.m + self.r - 1

    @property
    def AT(self) -> Matrix:  # noqa: N802
        """m × n."""
        return transpose(self.A)

    @property
    def GT(self) -> Matrix:  # noqa: N802
        """r × n."""
        return transpose(self.G)

    @property
    def name(self) -> str:
        """``F(m,r)``."""
        return f"F({self.m},{self.r})"

    def __str__(self) -> str:
        return f"{self.name} at {', '.join([*map(str, self.points), *['∞'] * (len(self.points) < self.n)])}"


def cook_toom(m: int, r: int, points: Sequence[int | Fraction]) -> Transform:
    """The transform of ``m`` outputs and ``r`` taps from distinct points: ``m + r − 2`` and infinity, or one more.

    Raises SpecError where there are other numbers of points or a point occurs twice.

    >>> t = cook_toom(2, 3, [0, 1, -1])
    >>> str(t)
    'F(2,3) at 0, 1, -1, ∞'
    >>> [[int(v) for v in row] for row in t.BT]
    [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]]
    >>> [[str(v) for v in row] for row in t.G][1]
    ['1/2', '1/2', '1/2']
    """
    if m < 1 or r < 1:
        raise SpecError(f"F({m},{r}) has no outputs or no taps; both must be at least 1")
    finite = tuple(map(Fraction, points))
    n = m + r - 1
    if len(finite) not in {n - 1, n} or len(set(finite)) != len(finite):
        raise SpecError(
            f"F({m},{r}) is made from {n - 1} distinct points and infinity, or from {n} distinct points; "
            f"given are {', '.join(map(str, finite)) or 'none'}"
        )
    A, G, BT = [], [], []
    for one in finite:
        others = [other for other in finite if other != one]
        norm = prod((one - other for other in others), start=Fraction(1))
        # Signs as in the textbooks: pairs ±a keep monic rows of BT, whose halves then share terms with factor 1.
        sign = -1 if norm < 0 and (one == 0 or -one not in finite) else 1
        A.append(_powers(one, m))
        G.append(tuple(power / norm * sign for power in _powers(one, r)))
        BT.append(_padded([sign * value for value in _through(others)], n))
    if len(finite) < n:
        A.append(_last(m))
        G.append(_last(r))
        BT.append(_padded(_through(list(finite)), n))
    made = Transform(m, r, finite, tuple(A), tuple(G), tuple(BT))
    if not is_correlation(made):
        raise InternalError(f"the matrices of {made} are no correlation")
    return made


def is_correlation(transform: Transform) -> bool:
    """Whether the trilinear form of the matrices is the correlation's, coefficient by coefficient, exactly.

    >>> from dataclasses import replace
    >>> right = cook_toom(2, 2, [0, 1])
    >>> is_correlation(right), is_correlation(replace(right, G=right.G[::-1]))
    (True, False)
    """
    rows = list(zip(transform.A, transform.G, transform.BT, strict=True))
    return all(
        sum((a[i] * g[k] * b[e] for a, g, b in rows), Fraction(0)) == (i + k == e)
        for i in range(transform.m)
        for k in range(transform.r)
        for e in range(transform.n)
    )


def _powers(point: Fraction, count: int) -> Row:
    return tuple(point**k for k in range(count))


def _last(count: int) -> Row:
    return tuple(Fraction(k == count - 1) for k in range(count))


def _padded(values: list[Fraction], length: int) -> Row:
    return (*values, *[Fraction(0)] * (length - len(values)))


def _through(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients, lowest first, of the monic polynomial with these roots."""
    found = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *found]
        found = [a - root * b for a, b in zip(shifted, [*found, Fraction(0)], strict=True)]
    return found
