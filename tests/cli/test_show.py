"""``sc.show`` takes what the library hands out, and says so when it is given something else."""

from __future__ import annotations

import pytest

import symconv as sc
from symconv.verify.verdict import Check, Verdict


@pytest.fixture(scope="module")
def op():
    return sc.conv1d(stride=2, padding=1)


def page(thing, tmp_path) -> str:
    path = tmp_path / "page.html"
    assert sc.show(thing, str(path)) == path
    text = path.read_text(encoding="utf-8")
    assert text.lstrip().lower().startswith("<!doctype html")
    return text


def test_an_operator_is_shown_with_every_gradient(op, tmp_path):
    assert len(page(op, tmp_path)) > len(page(sc.derive(op, "w"), tmp_path))


def test_a_kernel_is_shown_with_its_source(op, tmp_path):
    assert "sc_threads" in page(sc.build(op), tmp_path)
    assert "sc_threads" not in page(op, tmp_path)


def test_a_verdict_is_shown(tmp_path):
    check = Check("forward", "the definition", 12, 0.25, True, geometries=3)
    assert "the definition" in page(Verdict(True, "conv1d()", "float32", (check,)), tmp_path)


@pytest.mark.parametrize(("thing", "path"), [("conv1d", "page.html"), (None, "page.html"), (3, 4)])
def test_other_things_are_refused(thing, path):
    with pytest.raises(sc.SpecError):
        sc.show(thing, path)


def test_a_place_that_cannot_be_written_is_refused(op):
    with pytest.raises(sc.SpecError, match=r"/dev/null/page\.html"):
        sc.show(op, "/dev/null/page.html")
