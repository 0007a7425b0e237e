"""Which elements of two vectors make a third: the patterns of packing, unpacking and adding lanes, by vector width."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symconv.loops.ir import SHIFTS, TURNS

__all__ = ["SHUFFLES", "dealt", "moved", "shuffles", "square", "woven"]

_WIDTHS = (64, 32, 16)
_QUAD = 16

Pattern = Callable[..., int]


def _place(number: int, lane: int, n: int, turn: int) -> int:
    """A lane of a turn of two vectors side by side; vectors shorter than a turn are not rearranged by it."""
    return (number * turn + lane % turn) % (2 * n)


def _zipped(element: int, lane: int, n: int, turn: int) -> int:
    """Where an element of two interleaved vectors comes from."""
    return (element // (2 * turn) * turn + lane % turn + element // turn % 2 * n) % (2 * n)


def _moved(by: int) -> str:
    """The name of a pattern."""
    return f"SC_{'LEFT' if by > 0 else 'RIGHT'}_{abs(by)}"


SHUFFLES: dict[str, Pattern] = {
    # Every second element; the same where the second vector ends with the last one wanted of two, of four vectors.
    "SC_EVEN": lambda lane, n, q: 2 * lane,
    "SC_EVEN_TAIL": lambda lane, n, q: 2 * lane + (2 * lane >= n),
    "SC_EVEN_LATE": lambda lane, n, q: 2 * lane if 2 * lane < n else min(2 * lane + 3, 2 * n - 1),
    # Every third element of two vectors, and of these and a third vector that ends with the last one wanted.
    "SC_THIRD": lambda lane, n, q: 3 * lane if 3 * lane < 2 * n else 0,
    "SC_THIRD_TAIL": lambda lane, n, q: lane if 3 * lane < 2 * n else 3 * lane - n + 2,
    "SC_ODD": lambda lane, n, q: 2 * lane + 1,
    **{f"SC_EVEN_{t}": lambda lane, n, q, t=t: _place(2 * (lane // t), lane, n, t) for t in TURNS},
    **{f"SC_ODD_{t}": lambda lane, n, q, t=t: _place(2 * (lane // t) + 1, lane, n, t) for t in TURNS},
    # Moved to the left or to the right, with lanes of the second vector where the first has none.
    **{_moved(by): lambda lane, n, q, by=by: lane + by if 0 <= lane + by < n else n + lane for by in SHIFTS if by},
    # The first and the second half of the interleaved vectors.
    "SC_ZIP_LOW": lambda lane, n, q: lane // 2 + lane % 2 * n,
    "SC_ZIP_HIGH": lambda lane, n, q: lane // 2 + n // 2 + lane % 2 * n,
    **{f"SC_ZIP_LOW_{t}": lambda lane, n, q, t=t: _zipped(lane, lane, n, t) for t in TURNS},
    **{f"SC_ZIP_HIGH_{t}": lambda lane, n, q, t=t: _zipped(lane + n, lane, n, t) for t in TURNS},
    # In each 16 bytes: interleaved first halves, interleaved last halves, first halves, last halves.
    "SC_LOW": lambda lane, n, q: lane // q * q + lane % q // 2 + lane % 2 * n,
    "SC_HIGH": lambda lane, n, q: lane // q * q + lane % q // 2 + q // 2 + lane % 2 * n,
    "SC_FIRST_HALVES": lambda lane, n, q: lane // q * q + lane % (q // 2) + lane % q // (q // 2) * n,
    "SC_LAST_HALVES": lambda lane, n, q: lane // q * q + lane % (q // 2) + q // 2 + lane % q // (q // 2) * n,
}
"""By name, the element that a lane takes: of the first vector below ``n`` lanes, of the second from ``n`` on.

``q`` is the number of lanes in 16 bytes.
"""


def shuffles(itemsize: int) -> tuple[tuple[str, tuple[tuple[int, str], ...]], ...]:
    """By name and by the bytes of a vector, the elements as C text; ``SC_SQUARE`` are the statements of a square.

    >>> dict(dict(shuffles(8))["SC_ZIP_LOW"])[32]
    '0, 4, 1, 5'
    """
    quad = _QUAD // itemsize
    lanes = [(size, size // itemsize) for size in _WIDTHS]
    made = [
        (name, tuple((size, ", ".join(str(int(pattern(lane, n, quad))) for lane in range(n))) for size, n in lanes))
        for name, pattern in SHUFFLES.items()
    ]
    return (*made, ("SC_SQUARE", tuple((size, " ".join(square(n))) for size, n in lanes)))


def square(n: int) -> Iterator[str]:
    """Lines of C that exchange rows and columns of a square of as many rows as a vector has lanes.

    Rows lie at ``q``, ``apart`` elements from each other, columns at ``p``. Each round interleaves rows that are half
    the square apart.

    >>> list(square(2))[2]
    'b0 = SC_PICK(a0, a1, SC_ZIP_LOW), b1 = SC_PICK(a0, a1, SC_ZIP_HIGH);'
    """

    def places(pointer: str, step: str) -> list[str]:
        return [pointer, f"{pointer} + {step}", *(f"{pointer} + {k} * {step}" for k in range(2, n))]

    yield f"sc_vector {', '.join(f'a{k} = sc_load_all({at})' for k, at in enumerate(places('q', 'apart')))};"
    yield f"sc_vector {', '.join(f'b{k}' for k in range(n))};"
    old, new = "a", "b"
    for _ in range(n.bit_length() - 1):
        pairs = [(k, f"{old}{k}, {old}{k + n // 2}") for k in range(n // 2)]
        halves = [f"{new}{2 * k + high}{way}" for k, pair in pairs for high, way in enumerate(_ways(pair))]
        yield f"{', '.join(halves)};"
        old, new = new, old
    yield " ".join(f"sc_store_all({at}, {old}{k});" for k, at in enumerate(places("p", "pitch")))


def _ways(pair: str) -> tuple[str, str]:
    return f" = SC_PICK({pair}, SC_ZIP_LOW)", f" = SC_PICK({pair}, SC_ZIP_HIGH)"


def dealt(values: list[str], part: int, turn: int = 1) -> str:
    """Every ``len(values)``-th element, from ``part`` on: by halves where that goes, which share what they pick.

    An element is ``turn`` neighbours; for several the number of values must be a power of two.

    >>> dealt(["a", "b", "c", "d"], 2)
    'sc_odd(sc_even(a, b), sc_even(c, d))'
    """
    if len(values) == 1:
        return values[0]
    if len(values) % 2:
        return f"sc_unzip((const sc_vector[]){{{', '.join(values)}}}, {len(values)}, {part})"
    name = ("sc_odd" if part % 2 else "sc_even") + (f"_{turn}" if turn > 1 else "")
    return dealt([f"{name}({a}, {b})" for a, b in zip(values[::2], values[1::2], strict=True)], part // 2, turn)


def moved(value: str, by: int) -> str:
    """The lanes of a vector moved to the left, zeros behind them.

    >>> moved("a", 1), moved("a", -2), moved("a", 0)
    ('sc_moved(a, SC_LEFT_1)', 'sc_moved(a, SC_RIGHT_2)', 'a')
    """
    return f"sc_moved({value}, {_moved(by)})" if by else value


def woven(values: list[str], part: int, turn: int = 1) -> str:
    """The ``part``-th vector of interleaved ones, in elements of ``turn`` neighbours as in ``dealt``.

    >>> woven(["a", "b", "c", "d"], 1)
    'sc_zip_high(sc_zip_low(a, c), sc_zip_low(b, d))'
    """
    count = len(values)
    if count == 1:
        return values[0]
    if count % 2:
        return f"sc_zip((const sc_vector[]){{{', '.join(values)}}}, {count}, {part})"
    # Interleaved from pairs that are half the row apart; which half of a pair is wanted is a digit of the part.
    half = count // 2
    name = ("sc_zip_high" if part >= half else "sc_zip_low") + (f"_{turn}" if turn > 1 else "")
    pairs = [f"{name}({a}, {b})" for a, b in zip(values[:half], values[half:], strict=True)]
    return woven(pairs, part % half, turn)
