"""What notebooks get: complete, offline, without scripts, short where a line is wanted."""

from __future__ import annotations

import pickle
import re
from html.parser import HTMLParser

import pytest

import symconv as sc

CONV = sc.conv1d(stride=2)
THINGS = {
    "operator": lambda: sc.conv2d(stride=2, padding=1),
    "gradient": lambda: sc.derive(CONV, "x"),
    "step": lambda: sc.derive(CONV, "x").steps[0],
    "steps": lambda: sc.derive(CONV, "x").steps,
    "phases": lambda: sc.derive(CONV, "x").phases,
    "kernel": lambda: sc.build(CONV, dtype="float64"),
    "verdict": lambda: sc.verify(CONV),
    "validations": lambda: sc.validate(CONV),
    "validation": lambda: sc.validate(CONV).kernels[0],
    "proof": lambda: sc.prove(CONV, "gx = conv1d(gy, w)"),
    "counterexample": lambda: sc.prove(CONV, "gx = conv1d(gy, w)").counterexample,
}


class Balanced(HTMLParser):
    """Every tag that is opened is closed in its place."""

    VOID = {"br", "meta", "rect", "path", "line", "circle", "use"}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in self.VOID or tag == "rect":
            assert self.open.pop() == tag


@pytest.mark.parametrize("name", THINGS)
def test_everything_shows_itself(name):
    thing = THINGS[name]()
    assert len(repr(thing)) < 200 and "\n" not in repr(thing)
    if name not in {"operator", "proof", "counterexample"}:
        assert max(map(len, str(thing).splitlines())) <= 80
    shown = thing._repr_mimebundle_()
    html = shown["text/html"]
    assert shown["text/plain"] == str(thing)
    # xlink and xmlns are names, not places.
    assert "<script" not in html and not re.search(r'(src|href)="(?!#)', html) and "url(" not in html
    parser = Balanced()
    parser.feed(html)
    assert not parser.open


def test_formulas_are_drawn_and_given_as_latex():
    shown = THINGS["gradient"]()._repr_mimebundle_()
    assert shown["text/html"].count('<svg class="math"') > 10
    assert shown["text/latex"].startswith("$$\n\\begin{aligned}")


def test_a_wrong_claim_shows_both_sides_and_a_wrong_kernel_its_verdict():
    proof = THINGS["proof"]()._repr_mimebundle_()["text/html"]
    assert "badge bad" in proof and "claimed" in proof
    assert "badge good" in THINGS["verdict"]()._repr_mimebundle_()["text/html"]


def test_words_of_a_user_are_escaped():
    assert "<b>" not in CONV.renamed("<b>x</b>")._repr_mimebundle_()["text/html"]


def test_phases_are_still_a_tuple():
    phases = sc.derive(sc.conv2d(stride=(2, 3)), "x").phases
    assert [phase.modulus for phase in phases] == [2, 3] and str(phases).count("mod") == 0
    assert not sc.derive(sc.conv1d(), "x").phases


def test_steps_are_still_a_tuple_and_show_each_step_with_its_small_ones():
    gradient = sc.derive(CONV, "x")
    steps = gradient.steps
    assert [step.rule for step in steps] == ["state", "border", "differentiate", "transpose", "solve"]
    assert repr(steps) == "<steps: state, border, differentiate, transpose, solve>"
    assert steps[1:3] == tuple(steps)[1:3] and str(steps) in str(gradient)
    html = steps._repr_mimebundle_()["text/html"]
    assert "<details open><summary>5 steps, each checked" in html and "In 2 small steps, each checked" in html
    assert pickle.loads(pickle.dumps(steps))[-1].latex() == steps[-1].latex()


def test_a_step_says_in_a_line_what_it_comes_to():
    steps = sc.derive(CONV, "x").steps
    assert repr(steps[-1]).startswith("<step solve: gx[") and repr(steps[-1]).endswith("…>")
    assert [repr(step).split(":")[0] for step in steps] == [f"<step {step.rule}" for step in steps]
    small = [part for step in steps for part in step.parts]
    copied = sc.derive(sc.max_pool2d(3, 2, padding=1, border="reflect"), "x").steps
    for step in (*steps, *small, *copied):
        assert len(repr(step)) <= 80 and "\n" not in repr(step) and {"=", "≤"} & set(repr(step))
    assert (
        repr(sc.derive(sc.conv1d(), "x").steps[2])
        == "<step differentiate: ∂/∂x[n,c,i+p] (x[n,c,i+p]·w[f,c,p]) = w[f,c,p]>"
    )


def test_the_spelling_of_an_operator_tells_operators_apart():
    assert sc.conv1d(stride=2).spelled != sc.conv1d(stride=3).spelled
    assert repr(sc.conv1d()) == "<operator conv1d(): y from x, w>"


def test_steps_are_called_checked_where_they_are():
    """A border that reads a cell twice makes ties, about which the chain rule as it is written says nothing."""
    tied = sc.derive(sc.max_pool1d(3, stride=2, padding=1, border="reflect"), "x")
    (step,) = (step for step in tied.steps if step.rule == "transpose")
    assert [bool(part.check) for part in step.parts] == [True, False]
    html = step._repr_mimebundle_()["text/html"]
    assert "In 2 small steps, 1 of 2 checked" in html and "each checked" not in html
    html = sc.derive(CONV, "x")._repr_mimebundle_()["text/html"]
    assert "5 steps, each checked" in html and "In 2 small steps, each checked" in html
