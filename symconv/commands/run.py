"""``symconv run``: the main job: derive, generate, compile, verify, and write down all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from symconv import pipeline
from symconv.api import built
from symconv.commands.answer import answer, word
from symconv.commands.files import folder, write
from symconv.commands.outcome import FAILED
from symconv.commands.progress import stage
from symconv.commands.request import gradient_names, requested, titled
from symconv.commands.terminal import say
from symconv.commands.verify import outcome
from symconv.gather.derivation import Derivation
from symconv.judged import judged
from symconv.kernel import Kernel
from symconv.notation.operator import Operator
from symconv.options import Options, options
from symconv.validate.validation import Validations, validate_all
from symconv.verify.verdict import Verdict
from symconv.views.data import verdict_data
from symconv.views.drawing import Drawing
from symconv.views.sections import formulas

__all__ = ["run", "stem"]


@dataclass(frozen=True, slots=True)
class _Job:
    operator: Operator
    derivations: tuple[Derivation, ...]
    kernel: Kernel
    verdict: Verdict
    nests: Validations


def run(
    op: str,
    settings: Mapping[str, object],
    wrt: tuple[str, ...],
    dtype: str,
    threads: int | None,
    target: str,
    output: Path,
    form: str = "text",
) -> int:
    """Do everything for one operator; prints the verdict and the files written. 1 when the kernel is wrong."""
    operator = requested(op, settings)
    gradients = gradient_names(operator, wrt)
    chosen = options(dtype=dtype, threads=threads, target=target)
    place = folder(output)
    job = _work(operator, gradients, chosen)
    with stage("writing"):
        files = _written(job, place)
    status = FAILED if job.nests.holds is False else outcome(job.verdict)
    if form == "json":
        return answer("run", status, _data(job, files))
    say(_said(job))
    say("\n".join(("written:", *(f"  {file}" for file in files))))
    return status


def _data(job: _Job, files: list[Path]) -> dict[str, object]:
    nests = {one.name: word(one.holds) for one in job.nests.kernels}
    return {"operator": job.operator.name, "dtype": job.kernel.options.dtype, "verdict": verdict_data(job.verdict),
            "loop_nests": nests, "files": [str(file) for file in files]}  # fmt: skip


def _work(operator: Operator, gradients: tuple[str, ...], chosen: Options) -> _Job:
    derivations = []
    for name in gradients:
        with stage(f"deriving the gradient by {name}"):
            derivations.append(pipeline.derive(operator, name))
    drawing = Drawing(formulas(operator, tuple(derivations)))
    try:
        kernel, nests = _compiled_and_proved(operator, chosen)
        with stage(f"verifying {titled(operator)}") as tell:
            verdict = judged(operator, kernel, chosen.dtype, gradients, tell)
        drawing.finish()
    finally:
        drawing.close()
    return _Job(operator, tuple(derivations), kernel, verdict, nests)


def _compiled_and_proved(operator: Operator, chosen: Options) -> tuple[Kernel, Validations]:
    """The C compiler is a process of its own: while it works the nests are proved here."""
    with ThreadPoolExecutor(1) as elsewhere:
        with stage("proving the loop nests") as tell:
            candidates = pipeline.unit(operator, chosen).candidates
            kernel = elsewhere.submit(built, operator, chosen)
            # Kernels with numbers of a plan take seconds each: `symconv validate` proves those.
            nests = validate_all((one for one in candidates if not one.kernel.parameters), tell)
        with stage(f"compiling {titled(operator)}", chosen.words):
            return kernel.result(), nests


def _written(job: _Job, place: Path) -> list[Path]:
    from symconv.views.report import report_html
    from symconv.views.show import kernel_facts
    from symconv.views.typeset.fragment import derivation_fragment, fragments, operator_fragment

    name = stem(job.operator)
    formulas = {"_".join(one.name for one in job.operator.outputs): operator_fragment(job.operator)}
    formulas |= {d.operator.output.name: derivation_fragment(d) for d in job.derivations}
    page = report_html(
        job.operator.name,
        job.operator,
        job.derivations,
        source=job.kernel.source,
        verdict=job.verdict,
        facts={**kernel_facts(job.kernel), "loop nests": job.nests.line},
    )
    texts = {f"{name}_{tensor}.tex": fragments([text], (str(job.operator),)) for tensor, text in formulas.items()}
    texts |= {f"{name}.pyx": job.kernel.source, "report.html": page, "verdict.txt": f"{_said(job)}\n"}
    return [write(place / file, text) for file, text in texts.items()]


def _said(job: _Job) -> str:
    return f"{job.verdict}\nloop nests against the derivation: {job.nests.line}"


def stem(operator: Operator) -> str:
    """What the files of an operator are called: its name without its settings.

    >>> import symconv as sc
    >>> stem(sc.conv2d(stride=2))
    'conv2d'
    """
    return re.sub(r"\W+", "_", operator.name.partition("(")[0]).strip("_") or "operator"
