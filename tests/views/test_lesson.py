"""The lesson of a gradient: its numbers against plain loops, its lines against what they store, and what it cannot
show."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from grid import OPERATORS, derivations

import symconv as sc
from symconv import pipeline
from symconv.errors import InternalError
from symconv.options import options
from symconv.views import mathsvg
from symconv.views.lesson import cells, numbers, tracing
from symconv.views.lesson.page import embedded, lesson_data
from symconv.views.lesson.sources import sources
from symconv.views.report import report_html

SHOWN = ("conv1_s2p1", "conv_tanh", "adder_reflect", "max_pool", "avg_pool_skip")


def number(text: str) -> Fraction:
    return Fraction(text.replace("−", "-"))


def script(name: str, tensor: int) -> dict:
    return lesson_data(derivations(name)[1 + tensor])["script"]


def array(told: dict, name: str) -> np.ndarray:
    (found,) = [one for one in told["tensors"] if one["name"] == name]
    return np.array([float(number(text)) for text in found["values"]]).reshape(found["shape"])


def of_term(told: dict, term: list) -> Fraction:
    value = number(term[0])
    for part in term[2:]:
        value *= number(part[1] if isinstance(part[0], str) else told["tensors"][part[0]]["values"][part[1]])
    return value


def check_sums(told: dict) -> None:
    """Every cell is the sum of its terms, every term the product of its factors, as far as they are written."""
    values = told["tensors"][0]["values"]
    for cell in told["cells"]:
        terms = [of_term(told, term) for term in cell["t"]]
        shown, total = [number(term[1]) for term in cell["t"]], number(values[cell["at"]])
        if told["exact"]:
            assert shown == terms
            assert total == sum(terms)
        else:
            assert np.allclose([*map(float, shown)], [*map(float, terms)], rtol=2e-3, atol=1e-12)
            assert float(total) == pytest.approx(float(sum(terms)), rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("name", SHOWN)
def test_every_cell_is_the_sum_of_its_terms_with_their_numbers(name):
    for tensor in range(len(OPERATORS[name].tensors)):
        check_sums(script(name, tensor))


def test_numbers_are_those_of_plain_loops():
    told_x, told_w = script("conv2_s2p1", 0), script("conv2_s2p1", 1)
    gy, w, gx = (array(told_x, name) for name in ("gy", "w", "gx"))
    x, gw = array(told_w, "x"), array(told_w, "gw")
    wanted_x, wanted_w = np.zeros(gx.shape), np.zeros(gw.shape)
    for n, f, i, j in product(*map(range, gy.shape)):
        for c, p, q in product(*map(range, w.shape[1:])):
            u, v = 2 * i + p - 1, 2 * j + q - 1
            if 0 <= u < gx.shape[2] and 0 <= v < gx.shape[3]:
                wanted_x[n, c, u, v] += gy[n, f, i, j] * w[f, c, p, q]
                wanted_w[f, c, p, q] += gy[n, f, i, j] * x[n, c, u, v]
    assert np.array_equal(gx, wanted_x)
    assert np.array_equal(gw, wanted_w)
    assert np.any(gx)


def test_a_class_is_the_residues_that_its_loops_have():
    told = script("conv2_s2p1", 0)
    assert len(told["classes"]) == 4
    for cell in told["cells"]:
        u, v = np.unravel_index(cell["at"], told["tensors"][0]["shape"])[2:]
        assert cell["k"] == 2 * ((u + 1) % 2) + (v + 1) % 2
        values = dict(re.findall(r"(\w+) = (-?\d+)", cell["l"][0][1]))
        assert (int(values["r_u"]), int(values["r_v"])) == ((u + 1) % 2, (v + 1) % 2)
        assert 2 * int(values["u_"]) + int(values["r_u"]) - 1 == u


def test_the_lines_of_a_cell_are_those_of_the_nests_that_reach_it():
    told = script("adder_reflect", 0)
    (kernel,) = told["kernels"]
    lines = [re.sub(r"<[^>]+>", "", line) for line in kernel["lines"]]
    for cell in told["cells"]:
        chosen = [lines[k] for k in kernel["chosen"][cell["l"][0][0]]]
        stores = [line for line in chosen if line.strip().startswith("gx[")]
        assert stores
        # A sum that is stored is computed in lines that are marked, and its loops too.
        for name in ("sum_", "u_", "r_u"):
            used = any(re.search(rf"\b{name}\b", line) for line in stores)
            made = any(re.match(rf"\s*(for )?{name} (=|in)", line) for line in chosen)
            assert made or not used
    # The mirrored reads reach only some cells.
    assert len(kernel["chosen"]) > 1


def test_the_loops_of_intermediates_are_marked_where_a_cell_needs_them():
    # u feeds outputs through a window; an element that stands beyond the last window is part of no cell.
    op = sc.operator("u[i] = where(0 < x[i], x[i], 2*x[i]); y[i] = u[2*i]*u[2*i+1]*v[i]")
    derived = sc.derive(op, "v").derivation
    told = lesson_data(derived, pipeline.source(op, options(dtype="float64")).text)["script"]
    assert [kernel["title"] for kernel in told["kernels"]] == ["plain loops", "as compiled"]
    for number_, kernel in enumerate(told["kernels"]):
        lines = [re.sub(r"<[^>]+>", "", line) for line in kernel["lines"]]
        for cell in told["cells"]:
            chosen = [lines[k].strip() for k in kernel["chosen"][cell["l"][number_][0]]]
            stores = {
                re.split(r"\W", re.sub(r"^sc_store\w*\(&amp;", "", line))[0]
                for line in chosen
                if re.match(r"sc_store|\w+\[", line)
            }
            assert {"u", "gv"} <= stores
    assert sources(derived.operator, {k: (k,) for k in range(3)}, derived.operator.sizes(gy=(3,), x=(7,), v=(3,))) == {
        0: {("u", 0), ("u", 1)}, 1: {("u", 2), ("u", 3)}, 2: {("u", 4), ("u", 5)}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "figures"),
    [
        ("y[i] = exp(x[i]*w[i] - 2*w[i])", "exp(A·(−1) − 2·(−1))"),
        ("y[i] = exp(x[i] - w[i]**3)", "exp(A − (−1)^3)"),
        ("y[i] = exp(w[i] - x[i])", "exp(−1 − A)"),
        ("y[i] = exp(-w[i])/x[i]**2", "exp(−(−1))/A^3"),
    ],
)
def test_negative_numbers_stand_in_parentheses_and_keep_the_shape_of_the_formula(source, figures):
    (derived,) = (sc.derive(sc.operator(source), "x").derivation,)
    found = cells.lesson(derived)
    shapes = found.shapes
    drawn = {name: np.full(shapes[name], value) for name, value in (("x", 3), ("w", -1), ("gy", 1))}
    problem, exact = numbers._run(derived.operator, drawn)
    arrays = {name: problem.tensors[name].reshape(shapes[name]) for name in drawn}
    held = numbers.Numbers(problem, arrays, exact, 0)
    (term,) = sc.terms(derived.operator, (1,), **{k: a.shape for k, a in drawn.items()})
    said = [numbers.figures(held, part) for part in term.parts]
    assert figures.replace("A", "3") in " · ".join(said)


def test_compiled_lines_stand_in_the_source_under_their_numbers():
    op = OPERATORS["conv1_s2p1"]
    source = pipeline.source(op, options(dtype="float64")).text
    data = lesson_data(derivations("conv1_s2p1")[1], source)["script"]
    plain, compiled = data["kernels"]
    assert (plain["title"], compiled["title"]) == ("plain loops", "as compiled")
    whole = source.splitlines()
    stored = set()
    for number_, line in zip(compiled["numbers"], compiled["lines"], strict=True):
        text = re.sub(r"<[^>]+>", "", line).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
        if not text.startswith("for z_"):
            assert whole[number_ - 1].strip() == text
    for cell in data["cells"]:
        chosen = [whole[compiled["numbers"][k] - 1].strip() for k in compiled["chosen"][cell["l"][1][0]]]
        stored |= {line for line in chosen if line.startswith("sc_store")}
        assert any("&gx[" in line or line.startswith("gx[") for line in chosen)
    assert stored
    # Other text has no such lines: then there are the plain loops alone.
    assert len(lesson_data(derivations("conv1_s2p1")[1], "x = 1\n")["script"]["kernels"]) == 1


def test_a_derivation_that_is_not_the_gradient_is_not_shown():
    right, other = (sc.derive(op, "x").derivation for op in (sc.conv1d(stride=2), sc.conv1d(stride=2, flip=True)))
    with pytest.raises(InternalError, match="not that of the definition"):
        lesson_data(replace(right, operator=other.operator))


def test_loops_that_compute_something_else_are_not_shown():
    right, other = (sc.derive(op, "x").derivation for op in (sc.conv1d(stride=2), sc.conv1d(stride=2, flip=True)))
    with pytest.raises(InternalError, match="another number"):
        lesson_data(replace(right, gather=other.gather))


def test_what_is_too_much_is_said(monkeypatch):
    (derived,) = derivations("conv1_s2p1")[1:2]
    monkeypatch.setattr(tracing, "_MOST", 3)
    assert lesson_data(derived)["script"]["kernels"] == []
    monkeypatch.setattr(cells, "_TERMS", 1)
    said = lesson_data(derived)
    assert "more than 2 terms" in said["reason"]
    monkeypatch.setattr(mathsvg, "drawn", lambda latex: None)
    monkeypatch.setattr(mathsvg, "_KNOWN", {})
    page = report_html("t", OPERATORS["conv1_s2p1"], (derived,))
    assert "Not shown cell by cell: its cells sum more than 2 terms" in page
    assert "application/json" not in page


def test_worked_cells_are_read_without_a_script():
    data = lesson_data(derivations("conv1_s2p1")[1])
    assert [one["title"] for one in data["still"]] == ["(u+1) mod 2 = 0", "(u+1) mod 2 = 1"]
    for one in data["still"]:
        assert sum(number(term["value"]) for term in one["terms"]) == number(one["total"])
        assert any(line["on"] for line in one["kernel"]["lines"])


def test_no_text_ends_the_data():
    text = embedded({"a": "</script><!--", "b": "\u2028&"})
    assert not re.search("[<>&\u2028]", text)
    assert json.loads(text) == {"a": "</script><!--", "b": "\u2028&"}


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_has_a_lesson_of_every_gradient(name):
    for tensor in range(len(OPERATORS[name].tensors)):
        told = script(name, tensor)
        assert len(embedded(told)) < 600_000
        assert told["kernels"]
        check_sums(told)
