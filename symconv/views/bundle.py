"""What a notebook shows of any object: HTML without scripts or links, LaTeX where there is a formula, and text."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from symconv.api import Gradient
from symconv.errors import InternalError
from symconv.gather.derivation import Derivation
from symconv.handles import Phases, Steps, StepView
from symconv.kernel import Kernel
from symconv.notation.operator import Operator
from symconv.prove.concrete.counterexample import Counterexample
from symconv.prove.proof import Proof
from symconv.templates import environment
from symconv.validate.validation import Validation, Validations
from symconv.verify.verdict import Verdict
from symconv.views.claims import claim_latex, proof_html
from symconv.views.facts import checked_words
from symconv.views.latex import operator_latex, phases_latex
from symconv.views.report import verdict_data
from symconv.views.sections import Page, gradient_section, operator_section, phases_data, step_data, steps_data
from symconv.views.show import kernel_facts

__all__ = ["bundle"]

_EMPTY: dict[str, object] = dict.fromkeys(
    ("badge", "source", "lead", "formula", "tensors", "tables", "picture", "steps", "checked", "step", "verdict",
     "facts", "html", "words")
) | {"opened": False}  # fmt: skip
_ANSWERS = {True: ("good", "true for all sizes"), False: ("bad", "false"), None: ("soft", "undecided")}
_PROVED = {True: ("good", "proved for all sizes"), False: ("bad", "wrong"), None: ("soft", "undecided")}


def bundle(thing: object) -> dict[str, str]:
    """The MIME bundle of whatever symconv hands out.

    >>> import symconv as sc
    >>> shown = bundle(sc.derive(sc.conv1d(stride=2), "x").phases)
    >>> sorted(shown), "<script" in shown["text/html"], shown["text/html"].count("<table>")
    (['text/html', 'text/latex', 'text/plain'], False, 1)
    """
    page = Page()
    latex, title, parts = _parts(thing, page)
    html = environment().get_template("html/fragment.html.j2").render(
        _EMPTY | {"title": title, "glyphs": page.glyphs()} | parts
    )  # fmt: skip
    shown = {"text/plain": str(thing), "text/html": html}
    return {**shown, "text/latex": f"$$\n{latex}\n$$"} if latex else shown


def _parts(thing: object, page: Page) -> tuple[str, str, dict[str, Any]]:
    """LaTeX, title and what the template is given."""
    match thing:
        case Operator():
            return operator_latex(thing), thing.name, _operator(thing, page)
        case Gradient():
            return thing.latex(), *_gradient(thing.derivation, page)
        case StepView():
            return thing.latex(), thing.rule, {"step": step_data(thing.step, page, small=thing.small)}
        case Steps():
            found = thing.derivation
            parts = {"steps": steps_data(found, page), "checked": checked_words(found.trace), "opened": True}
            return thing.latex(), f"{found.operator.name}, step by step", parts
        case Phases():
            return (
                phases_latex(thing.gather),
                "Phases",
                {"tables": phases_data(thing.gather, page), "lead": "" if thing else str(thing)},
            )
        case Kernel():
            facts = tuple({**kernel_facts(thing), "schedule": str(thing.schedule)}.items())
            parts = _operator(thing.operator, page)
            return operator_latex(thing.operator), repr(thing).strip("<>"), {**parts, "tensors": None, "facts": facts}
        case Verdict():
            return "", f"{thing.operator} in {thing.dtype}", _verdict(thing)
        case Validations():
            rows = tuple((one.name, _said(one)) for one in thing.kernels)
            return "", "Validation of the loop nests", {"badge": _badge(_PROVED[thing.holds]), "facts": rows}
        case Validation():
            facts = ((thing.name, _said(thing)),)
            return "", f"Validation of {thing.name}", {"badge": _badge(_PROVED[thing.holds]), "facts": facts}
        case Proof():
            return claim_latex(thing), str(thing.claim), {"badge": _badge(_ANSWERS[thing.holds]),
                                                         "html": Markup(proof_html(thing))}  # fmt: skip
        case Counterexample():
            return "", "Counterexample", {"words": str(thing), "opened": True}
    raise InternalError(f"nothing says how to show a {type(thing).__name__}")


def _badge(known: tuple[str, str]) -> dict[str, str]:
    return {"kind": known[0], "word": known[1]}


def _operator(op: Operator, page: Page) -> dict[str, Any]:
    section = operator_section(op, page)
    pictures = Markup("").join(one["svg"] for one in section["pictures"][:1])
    return {"source": section["source"], "formula": section["formula"], "tensors": section["tensors"],
            "picture": pictures}  # fmt: skip


def _gradient(derivation: Derivation, page: Page) -> tuple[str, dict[str, Any]]:
    section = gradient_section(derivation, page)
    title = f"{derivation.stated.name}: {section['title'].lower()}"
    parts = {"lead": section["lead"], "formula": section["formula"], "tables": section["tables"]}
    return title, {**parts, "picture": section["plan"], "steps": section["steps"],
                   "checked": section["checked"]}  # fmt: skip


def _verdict(verdict: Verdict) -> dict[str, Any]:
    word = verdict_data(verdict)["word"]
    kind = "good" if verdict else "bad" if verdict.failure is not None else "soft"
    return {"badge": {"kind": kind, "word": f"{word}, {verdict.cases:,} comparisons"}, "verdict": verdict_data(verdict),
            "words": str(verdict), "opened": not verdict}  # fmt: skip


def _said(one: Validation) -> str:
    return "\n".join(str(one).splitlines()[1:]) if one.holds is not True else "; ".join((_PROVED[True][1], *one.lines))
