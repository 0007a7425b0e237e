"""Vectors interleaved and dealt: the text, read with the patterns of each width, and the interpreter do what is said."""

from __future__ import annotations

import re

import pytest

from symconv.emit.shuffles import SHUFFLES, dealt, square, woven
from symconv.loops.ir import SHIFTS, Shift, Unzip, Var, Zip
from symconv.loops.lanewise import WIDTH
from symconv.loops.memory import Meter
from symconv.loops.run import Run

_PATTERNS = {"even": "SC_EVEN", "odd": "SC_ODD", "zip_low": "SC_ZIP_LOW", "zip_high": "SC_ZIP_HIGH"}
_CALL = re.compile(r"sc_(\w+)\((\w+), (\w+)\)")


def _read(text: str, vectors: dict[str, list[int]], lanes: int) -> list[int]:
    """The text carried out, innermost call first."""
    known = dict(vectors)
    while found := _CALL.search(text):
        name, a, b = found.groups()
        both = known[a] + known[b]
        known[f"t{len(known)}"] = [both[SHUFFLES[_PATTERNS[name]](lane, lanes, lanes)] for lane in range(lanes)]
        text = text.replace(found[0], f"t{len(known) - 1}")
    return known[text]


@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_texts_pick_what_they_say(count: int, lanes: int) -> None:
    row = list(range(count * lanes))
    vectors = {f"v{k}": row[k * lanes : (k + 1) * lanes] for k in range(count)}
    for part in range(count):
        assert _read(dealt(list(vectors), part), vectors, lanes) == row[part::count]
        made = [vectors[f"v{k}"][lane] for lane in range(lanes) for k in range(count)]
        assert _read(woven(list(vectors), part), vectors, lanes) == made[part * lanes : (part + 1) * lanes]


@pytest.mark.parametrize("n", [2, 4, 8, 16])
def test_squares_exchange_rows_and_columns(n: int) -> None:
    """The lines carried out: loads of rows, picks, stores of columns."""
    loads, _, *rounds, stores = square(n)
    known = {name: [n * int(row) + lane for lane in range(n)] for name, row in _rows(loads, r"(a\d+) = sc_load_all\(q")}
    for line in rounds:
        for name, a, b, pattern in re.findall(r"(\w+) = SC_PICK\((\w+), (\w+), (\w+)\)", line):
            both = known[a] + known[b]
            known[name] = [both[SHUFFLES[pattern](lane, n, n)] for lane in range(n)]
    turned = [(int(row), known[name]) for row, name in _stored(stores)]
    assert turned == [(row, [n * lane + row for lane in range(n)]) for row in range(n)]


_STEP = r"(?: \+ (?:(\d+) \* )?(?:apart|pitch))?"


def _rows(line: str, start: str) -> list[tuple[str, int]]:
    return [(found[1], _row(found)) for found in re.finditer(start + _STEP + r"\)", line)]


def _stored(line: str) -> list[tuple[int, str]]:
    found = re.finditer(r"sc_store_all\(p" + _STEP + r", (\w+)\);", line)
    return [(0 if " + " not in one[0] else int(one[1] or 1), one[2]) for one in found]


def _row(found: re.Match[str]) -> int:
    return 0 if " + " not in found[0] else int(found[2] or 1)


def test_other_numbers_go_element_by_element() -> None:
    assert dealt(["a", "b", "c"], 1) == "sc_unzip((const sc_vector[]){a, b, c}, 3, 1)"
    pairs = "sc_zip_high(a, d), sc_zip_high(b, e), sc_zip_high(c, f)"
    assert woven(list("abcdef"), 4) == f"sc_zip((const sc_vector[]){{{pairs}}}, 3, 1)"


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_the_interpreter_deals_and_weaves(count: int) -> None:
    names = tuple(Var(f"v{k}") for k in range(count))
    row = list(range(count * WIDTH))
    scope = {name.name: tuple(row[k * WIDTH : (k + 1) * WIDTH]) for k, name in enumerate(names)}
    run = Run(Meter(None))
    for part in range(count):
        parts = tuple(run.value(Unzip(names, k))(scope) for k in range(count))
        assert list(parts[part]) == row[part::count]
        back = {name.name: value for name, value in zip(names, parts, strict=True)}
        assert run.value(Zip(names, part))(back) == scope[names[part].name]


@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
def test_lanes_are_moved_and_zeros_come_behind_them(lanes: int) -> None:
    row = tuple(range(1, lanes + 1))
    for by in SHIFTS:
        want = [row[lane + by] if 0 <= lane + by < lanes else 0 for lane in range(lanes)]
        name = f"SC_{'LEFT' if by > 0 else 'RIGHT'}_{abs(by)}"
        if by:
            picked = [SHUFFLES[name](lane, lanes, 1) for lane in range(lanes)]
            assert [(*row, *(0,) * lanes)[one] for one in picked] == want
        if lanes == WIDTH:
            assert list(Run(Meter(None)).value(Shift(Var("v"), by))({"v": row})) == want
