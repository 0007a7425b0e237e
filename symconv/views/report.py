"""One offline HTML page: an operator, its gradients with every step, the generated source and the verdict."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from symconv.code.proofs import Proofs
from symconv.errors import SpecError, shown
from symconv.gather.derivation import Derivation
from symconv.notation.operator import Operator
from symconv.prove.proof import Proof
from symconv.templates import environment
from symconv.views.claims import proof_html
from symconv.views.compact import compact
from symconv.views.general import LABEL
from symconv.views.lesson.page import embedded, lesson_data
from symconv.views.measured import measured_data
from symconv.views.nests import kernel_data
from symconv.views.sections import Page, gradient_section, operator_section

__all__ = ["report_html", "verdict_data", "write_report"]


def report_html(
    title: str,
    operator: Operator | None,
    derivations: tuple[Derivation, ...] = (),
    source: str | None = None,
    verdict: Any = None,
    facts: Mapping[str, str] | None = None,
    proof: Proof | Proofs[Proof] | None = None,
    measured: Mapping[str, Any] | None = None,
) -> str:
    """The page as text: no network, every word of a user escaped; all of it can be read without its script.

    What is None or empty has no section; ``verdict`` is what ``verify`` answers, ``measured`` a benchmark record. The
    script, which lets a reader go through the cells of the gradients, is the only one that the page allows to run.

    >>> import symconv as sc
    >>> op = sc.conv1d(stride=2)
    >>> page = report_html("a <b>", op, (sc.derive(op, "x").derivation,))
    >>> "<b>" in page, "a &lt;b&gt;" in page, page.count("<svg") > 10
    (False, True, True)
    """
    from markupsafe import Markup

    page = Page(numbered=True)
    opened = operator_section(operator, page) if operator is not None else None
    gradients = tuple(gradient_section(derivation, page) for derivation in derivations)
    lessons = [
        {**lesson_data(derivation, source), **{key: section[key] for key in ("anchor", "title", "formula")}}
        for derivation, section in zip(derivations, gradients, strict=True)
    ]
    told = [one["script"] for one in lessons if one["script"]]
    shown = None if source is None else kernel_data(source, operator, derivations, page)
    return compact(
        environment()
        .get_template("html/report.html.j2")
        .render(
            title=title,
            operator=opened,
            gradients=gradients,
            lessons=lessons,
            lesson_data=embedded(told) if told else None,
            script=_script(),
            label=LABEL,
            source=shown,
            verdict=None if verdict is None else verdict_data(verdict),
            measured=None if measured is None else measured_data(measured, operator),
            facts=tuple((facts or {}).items()),
            proof=None if proof is None else Markup(proof_html(proof)),
            glyphs=page.glyphs(),
        )
    )


def _script() -> dict[str, Any]:
    """The page's script, and the digest by which a browser knows it."""
    from markupsafe import Markup

    text = environment().get_template("html/lesson.js.j2").render()
    return {"text": Markup(text), "digest": b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")}


def verdict_data(verdict: Any) -> dict[str, Any]:
    """A verdict for the template: its checks as rows."""
    checks = [
        {
            "name": check.name,
            "what": check.what,
            "cases": f"{check.cases:,}",
            "worst": check.ratio,
            "mark": {"ok": "passed", "FAILED": "failed"}.get(check.mark, check.mark),
            "kind": {"ok": "good", "FAILED": "bad"}.get(check.mark, "soft"),
            "detail": check.remark,
        }
        for check in verdict.checks
    ]
    word = {"FAILED": "failed", "NOT JUDGED": "not judged"}.get(verdict.word, verdict.word)
    return {"passed": bool(verdict), "word": word, "text": str(verdict), "checks": checks}


def write_report(path: str | Path, page: str | bytes) -> Path:
    """Put a page at ``path`` in one step, so that a reader finds the old page or the new one, and return the path.

    Raises SpecError when the place cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(Path(folder) / "page.html", "<p>").read_text()
    '<p>'
    """
    try:
        place = Path(path).resolve()
        draft = place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            draft.write_bytes(page if isinstance(page, bytes) else page.encode())
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: a path with a null character, or no name; RuntimeError: links that lead to themselves.
        reason = getattr(error, "strerror", None) or error
        raise SpecError(f"cannot write {shown(str(path))}: {reason}") from error
    return Path(path)
