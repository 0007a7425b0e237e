"""Pictures show the terms, and nothing else."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import symconv as sc
from symconv.views.sized import sizes_to_show

SVG = "{http://www.w3.org/2000/svg}"


def filled(picture):
    """The cells of a class: what hovering says, for each."""
    tree = ElementTree.fromstring(picture.svg)
    cells = [rect for rect in tree.iter(f"{SVG}rect") if "cell" in rect.get("class", "").split()]
    cells = [rect for rect in cells if "none" not in rect.get("class", "").split()]
    return [rect.findtext(f"{SVG}title") for rect in cells]


def test_a_chosen_cell_is_drawn_with_the_cells_that_feed_it():
    g = sc.derive(sc.conv2d(stride=(2, 1), padding=1), "x")
    shown = sc.picture(g, cell=(1, 0, 2, 3), x=(2, 3, 6, 7), w=(4, 3, 3, 2))
    assert shown.terms == sc.terms(g, (1, 0, 2, 3), x=(2, 3, 6, 7), w=(4, 3, 3, 2))
    plane = [term for term in shown.terms if dict(term.factors)["gy"][1] == 0]
    said = filled(shown)
    assert said[0] == "gx[1,0,2,3]"
    # One cell of each operand for each term of the plane, and the chosen cell.
    assert len(said) == 1 + 2 * len(plane)
    assert {words.partition(": ")[2] for words in said[1:]} == {str(term) for term in plane}


@pytest.mark.parametrize(
    "border", ["reflect", *(pytest.param(one, marks=pytest.mark.full) for one in ("replicate", "circular"))]
)
def test_an_operand_that_is_read_past_a_border_is_drawn_with_every_term(border):
    g = sc.derive(sc.conv2d(stride=(2, 1), padding=(1, 2), border=border), "x")
    shapes = {"x": (1, 1, 5, 6), "w": (1, 1, 3, 2)}
    seen = set()
    for cell in [(0, 0, 1, 1), (0, 0, 0, 0), (0, 0, 4, 5)]:
        shown = sc.picture(g, cell=cell, **shapes)
        terms = sc.terms(g, cell, **shapes)
        said = [one for words in filled(shown)[1:] for one in re.split(r"(?:^|; )\d+: ", words)[1:]]
        # Once at each of the two elements of its product.
        assert sorted(said) == sorted(2 * [str(term) for term in terms])
        assert f"drawn: {len(terms)} of {len(terms)} terms" in shown.svg or len(terms) == 1
        seen.add(len(terms))
    assert max(seen) > 1


def test_numbers_stay_in_their_cell_and_hovering_says_all_of_them():
    g = sc.derive(sc.conv2d(padding=1, border="reflect"), "x")
    shown = sc.picture(g, cell=(0, 0, 1, 1), x=(1, 1, 5, 5), w=(1, 1, 3, 3))
    words = re.findall(r'<text[^>]* class="on[^"]*"[^>]*>([^<]*)</text>', shown.svg)
    assert max(map(len, words)) == 5 and "1,2…" in words
    assert filled(shown)[1].count(": ") == 4


def test_an_overview_counts_the_terms_of_every_cell():
    g = sc.derive(sc.conv1d(stride=2, dilation=2, padding=1), "x")
    shapes = {"x": (1, 2, 9), "w": (2, 2, 3)}
    said = filled(sc.picture(g, **shapes))
    counts = [len(sc.terms(g, (0, 0, u), **shapes)) for u in range(9)]
    assert said == [f"gx[0,0,{u}] sums {n} terms" for u, n in enumerate(counts) if n]
    assert 0 in counts


@pytest.mark.parametrize("name", ["conv3d", "conv_transpose2d", "max_pool2d", "adder1d", "locally_connected1d"])
def test_every_kind_of_operator_can_be_drawn(name):
    op = getattr(sc, name)(*((3, 2) if "pool" in name else ()))
    for wrt in op.tensors:
        g = sc.derive(op, wrt)
        cell = tuple(0 for _ in g.operator.output.axes)
        for shown in (sc.picture(g), sc.picture(g, cell=cell)):
            assert shown.svg.startswith("<svg") and ElementTree.fromstring(shown.svg) is not None
            assert "http" not in re.sub(r'xmlns="[^"]*"', "", shown.svg) and "<script" not in shown.svg


def test_words_of_a_user_are_escaped():
    op = sc.conv1d().renamed("<b>&")
    assert "<b>" not in sc.picture(sc.derive(op, "x")).svg


def test_small_sizes_are_found_where_none_are_given():
    shapes = sizes_to_show(sc.conv2d(stride=(3, 2), dilation=2))
    assert sc.conv2d(stride=(3, 2), dilation=2).output_shape(**shapes)[2:] >= (3, 3)


def test_a_picture_is_kept_and_says_what_it_shows(tmp_path):
    shown = sc.picture(sc.derive(sc.conv1d(), "x"), cell=(0, 0, 1))
    assert shown.save(tmp_path / "x.svg").read_text() == shown.svg == shown._repr_svg_()
    assert str(shown).startswith("picture of cell (0, 0, 1) at gy") and len(repr(shown)) < 200


def test_planes_are_chosen_by_the_names_of_their_indices():
    matmul = sc.derive(sc.operator("y[b,h,i,j] = sum[k](x[b,h,i,k]*w[b,h,k,j])"), "x")
    assert all(shape[2] != shape[3] for shape in sizes_to_show(matmul.operator).values())
    # Up to three axes are drawn where none slides; the others are chosen.
    assert [words.split(" ")[0] for words in filled(sc.picture(matmul))][-1] == "gx[0,1,2,1]"
    scaled = sc.operator("y[a,b,c,d,e] = x[a,b,c,d,e]*v[c]")
    assert filled(sc.picture(sc.derive(scaled, "x"), at={"b": 1}))[0].startswith("gx[0,1,0,0,0]")
    gv = sc.derive(scaled, "v")
    shown = sc.picture(gv, cell=(2,), at={"b": 1})
    drawn = {words.partition(": ")[2] for words in filled(shown)[1:]}
    assert drawn == {str(term) for term in shown.terms if dict(term.factors)["gy"][1] == 1}
    conv = sc.derive(sc.conv2d(), "x")
    assert all("gy[0,1," in words for words in filled(sc.picture(conv, cell=(0, 0, 1, 1), at={"f": 1}))[1:])
    assert sc.picture(conv, at={"c": 1}, frames=True).cells[0][:2] == (0, 1)


@pytest.mark.parametrize(
    ("at", "cell", "words"),
    [
        ({"u": 1}, (0, 0, 1, 1), "indices whose axes are not drawn: n, c, f"),
        ({"f": 1}, None, "indices whose axes are not drawn: n, c"),
        ({"f": 9}, (0, 0, 1, 1), "beyond its axis of 2"),
        ({"c": 1}, (0, 0, 1, 1), "the cell says c=0"),
        ({"c": -1}, None, "a whole number from 0 on"),
        ({"c": True}, None, "a whole number from 0 on"),
        (3, None, "at= names indices"),
    ],
)
def test_a_plane_that_there_is_not_is_refused_in_words(at, cell, words):
    with pytest.raises(sc.SymconvError, match=words):
        sc.picture(sc.derive(sc.conv2d(), "x"), cell=cell, at=at)


def test_more_classes_than_colours_have_letters():
    few, many = (sc.picture(sc.derive(sc.conv2d(stride=s), "x")).svg for s in ((2, 3), 3))
    assert "colour: residue class u mod 2, v mod 3" in few
    assert "letter: residue class u mod 3, v mod 3" in many
    assert {f">2 {chr(ord('A') + k)}<" in many for k in range(9)} == {True}
    assert ">2 J<" not in many
