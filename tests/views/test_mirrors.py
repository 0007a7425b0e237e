"""Reads beyond the ends of an axis: where the pictures lead them, against the definitions of the borders."""

from __future__ import annotations

import re

import numpy as np
import pytest

import symconv as sc
from symconv.views.diagram import window_pattern
from symconv.views.mirrors import border_of, mirrors

NUMPY = {"reflect": "reflect", "symmetric": "symmetric", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("kind", NUMPY)
@pytest.mark.parametrize(("low", "high", "size"), [(2, 1, 5), (0, 3, 4), (1, 0, 3)])
def test_mirrors_are_those_of_numpy(kind, low, high, size):
    padded = np.pad(np.arange(size), (low, high), mode=NUMPY[kind])
    outside = (*range(-low, 0), *range(size, size + high))
    assert dict(mirrors(kind, low, high, size)) == {t: int(padded[t + low]) for t in outside}


@pytest.mark.parametrize("kind", NUMPY)
def test_pad_cells_are_drawn_with_their_reads(kind):
    op = sc.conv1d(padding=2, border=kind)
    svg = window_pattern(op.windows[0], op)
    assert border_of(op, "x") == kind
    arcs = re.findall(r'<path d="M ([\d.]+) [\d.]+ Q [-\d.]+ [\d.]+ ([\d.]+) ', svg)
    size = len(set(re.findall(r">(\d+)</text>", svg))) - 2
    wanted = mirrors(kind, 2, 2, size)
    drawn = sorted(round((float(b) - float(a)) / 27) for a, b in arcs[: len(wanted)])
    assert len(arcs) == 2 * len(wanted) == 8
    assert drawn == sorted(source - t for t, source in wanted.items())
    assert {"-2", "-1"} <= set(re.findall(r">(-?\d+)</text>", svg))


def test_without_such_a_border_nothing_is_led_elsewhere():
    for op in (sc.conv1d(padding=2), sc.conv1d(padding=1, border="skip"), sc.conv1d(padding=1, border=0.5)):
        assert "<path" not in window_pattern(op.windows[0], op)
    assert mirrors("reflect", 3, 0, 2) == {}
