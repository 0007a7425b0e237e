"""``sc.show``: anything symconv hands out, as one offline HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symconv.errors import SpecError, shown

if TYPE_CHECKING:
    from symconv.api import Gradient
    from symconv.code.proofs import Proofs
    from symconv.family import Family
    from symconv.gather.derivation import Derivation
    from symconv.kernel import Kernel
    from symconv.notation.operator import Operator
    from symconv.prove.proof import Proof
    from symconv.verify.verdict import Verdict

__all__ = ["kernel_facts", "show"]


@dataclass(frozen=True, slots=True)
class _Page:
    title: str
    operator: Operator | None = None
    derivations: tuple[Derivation, ...] = ()
    source: str | None = None
    verdict: Verdict | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    proof: Proof | Proofs[Proof] | None = None


def show(anything: Operator | Gradient | Family | Kernel | Verdict | Proof | Proofs[Proof], path: str | Path,
         *, measured: str | Path | Mapping[str, Any] | None = None,
         params: Mapping[str, int] | None = None) -> Path:  # fmt: skip
    """Write one offline HTML page about an operator, a gradient, a kernel, a verdict or a proof; return its path.

    A path that ends with ``.tex`` or ``.pdf`` gets a handout of two pages about an operator, a gradient or a kernel; a
    PDF is compiled by the LaTeX of this machine, and where there is none a BuildError says how to get one.

    An operator is shown with the derivation of every gradient, a gradient with its own, a kernel also with its source.
    ``measured`` is a record of ``symconv bench --json``, or its path: figures are shown where they were measured.
    ``params`` are the whole numbers that a family leaves open.
    Raises SpecError for anything else, for a path that cannot be written, and for another record.

    >>> import pathlib, tempfile, symconv as sc
    >>> page = show(sc.derive(sc.conv1d(), "w"), pathlib.Path(tempfile.mkdtemp()) / "report.html")
    >>> "<html" in page.read_text(encoding="utf-8")
    True
    """
    page = _page(_opened(anything, params))
    if not isinstance(path, str | Path):
        raise SpecError(f"a path is wanted, as in sc.show(op, 'report.html'); given {shown(path)}")
    from symconv.views.measured import read_record
    from symconv.views.report import report_html, write_report
    from symconv.views.typeset.written import PAPER, write_handout

    record = None if measured is None else read_record(measured)
    place = Path(path)
    if place.suffix.lower() in PAPER:
        if page.operator is None or page.proof is not None:
            raise SpecError(f"{place.suffix} is for operators, gradients and kernels; write this one to a .html file")
        return write_handout(place, page.operator, page.derivations)
    facts = dict(page.facts)
    html = report_html(
        page.title, page.operator, page.derivations, page.source, page.verdict, facts, page.proof, record
    )
    write_report(place, html)
    return place


def _opened(anything: object, params: Mapping[str, int] | None) -> object:
    from symconv.asked import operator_of
    from symconv.family import Family

    left = isinstance(anything, Family) or params not in (None, {})
    return operator_of(anything, params) if left else anything


def _page(anything: object) -> _Page:
    from symconv.api import Gradient
    from symconv.code.proofs import Proofs
    from symconv.kernel import Kernel
    from symconv.notation.operator import Operator
    from symconv.prove.proof import Proof
    from symconv.verify.verdict import Verdict

    match anything:
        case Operator():
            return _Page(anything.name, anything, _derivations(anything))
        case Gradient():
            stated = anything.derivation.stated
            title = f"{stated.name}: {anything.operator.output.name}"
            return _Page(title, stated, (anything.derivation,))
        case Kernel():
            op = anything.operator
            return _Page(op.name, op, _derivations(op), anything.source, facts=kernel_facts(anything))
        case Proof():
            return _Page(f"{anything.operator.name}: {anything.claim}", anything.operator, proof=anything)
        case Proofs() if len(anything):
            return _Page(anything.name, next(iter(anything.values())).operator, proof=anything)
        case Verdict():
            return _Page(anything.operator, verdict=anything)
    given = type(anything).__name__
    raise SpecError(f"show takes an operator, a gradient, a kernel, a verdict or a proof; given {given}")


def _derivations(op: Operator) -> tuple[Derivation, ...]:
    from symconv import pipeline

    return tuple(pipeline.derive(op, name) for name in pipeline.gradients(op))


def kernel_facts(kernel: Kernel) -> dict[str, str]:
    """How a kernel was built, for people to read."""
    from symconv import __version__

    threads = kernel.options.threads
    return {
        "symconv": __version__,
        "dtype": kernel.options.dtype,
        "target": kernel.options.target,
        "threads": "every core" if threads is None else str(threads),
        "algorithm": kernel.algorithm,
        "compiled module": kernel.path.name,
    }
