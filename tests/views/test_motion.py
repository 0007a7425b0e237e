"""Frames and animations: what they step over, and that they rest where motion is not wanted."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import symconv as sc
from symconv.views.motion import cells_in_turn

SHAPES = {"x": (1, 1, 5, 6), "w": (1, 1, 3, 2)}


@pytest.fixture(scope="module")
def gradient():
    return sc.derive(sc.conv2d(stride=(2, 3), padding=(1, 0)), "x")


def test_an_animation_steps_over_cells_with_their_terms(gradient):
    shown = sc.picture(gradient, animate=True, **SHAPES)
    assert shown.cells == tuple((0, 0, u, v) for u in range(4) for v in range(6))
    frames = [g for g in ElementTree.fromstring(shown.svg) if "sc-turn" in g.get("class", "")]
    assert len(frames) == len(shown.cells)
    for cell, frame in zip(shown.cells, frames, strict=True):
        words = [text.text for text in frame.iter("{http://www.w3.org/2000/svg}text")]
        found = sc.terms(gradient, cell, **SHAPES)
        assert f"gx[{','.join(map(str, cell))}] =" in words
        assert all(any(str(term) in word for word in words) for term in found)


def test_an_animation_rests_where_motion_is_not_wanted(gradient):
    svg = sc.picture(gradient, animate=True, **SHAPES).svg
    assert "@media (prefers-reduced-motion:reduce){.sc-turn-24{animation:none}}" in svg
    assert svg.count('visibility="hidden"') == 23
    delays = [float(d) for d in re.findall(r"animation-delay:([\d.]+)s", svg)]
    assert delays == sorted(set(delays))
    assert float(re.search(r"sc-turn-24 ([\d.]+)s steps", svg)[1]) == pytest.approx(delays[-1] + delays[1])
    assert "<script" not in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_frames_stand_side_by_side_without_motion(gradient):
    shown = sc.picture(gradient, frames=True, **SHAPES)
    assert "animation" not in shown.svg
    places = re.findall(r'<g transform="translate\((\S+) (\S+)\)">', shown.svg)
    assert len(places) == len(set(places)) == 24
    assert repr(shown).startswith("<picture of 24 cells in turn")


def test_a_strip_is_stepped_over_and_a_cell_names_its_plane():
    assert cells_in_turn(sc.conv1d(), (1, 3, 40), (0, 2, 5))[-1] == (0, 2, 15)
    with pytest.raises(sc.SymconvError, match="cell"):
        sc.picture(sc.conv1d(), cell=(0, 9, 9, 9), animate=True)
    with pytest.raises(sc.SymconvError, match="one of them"):
        sc.picture(sc.conv1d(), frames=True, animate=True)
