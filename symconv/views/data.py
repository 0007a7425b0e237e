"""Derivations and verdicts as plain data: what ``--format json`` prints and other programs read."""

from __future__ import annotations

from math import isfinite
from typing import Any

from symconv.gather.derivation import Derivation
from symconv.gather.small import small_steps
from symconv.gather.solution import Solution
from symconv.notation.operator import Operator, Tensor
from symconv.notation.trace import Step
from symconv.verify.verdict import Verdict
from symconv.views.latex import derivation_latex, general_latex, operator_latex, phases_latex, step_latex
from symconv.views.names import Names, names_of
from symconv.views.phases import PhaseTable, phase_tables
from symconv.views.text import gather_text, operator_text, step_text

__all__ = ["derivation_data", "verdict_data"]

Data = dict[str, Any]


def derivation_data(derivation: Derivation) -> Data:
    """Everything about a derivation in dicts, lists, strings and numbers.

    >>> import json, symconv as sc
    >>> data = derivation_data(sc.derive(sc.conv1d(stride=2), "x").derivation)
    >>> json.loads(json.dumps(data)) == data
    True
    >>> data["phases"][0]["classes"][1]["tap"]
    '2*p_ + 1'
    """
    op, stated = derivation.operator, derivation.stated
    names = names_of(op)
    return {
        "operator": {"name": stated.name, "source": stated.source, "tensors": list(stated.tensors),
                     "latex": operator_latex(stated), "text": operator_text(stated)},
        "wrt": derivation.wrt,
        "name": op.name,
        "tensors": [_tensor(tensor) for tensor in op.inputs],
        "output": _tensor(op.output),
        "sizes": _sizes(op),
        "formula": {"latex": derivation_latex(derivation), "text": gather_text(derivation.gather),
                    "relation_latex": operator_latex(op), "general_latex": _general(derivation)},
        "phases": [_phase(table) for table in phase_tables(derivation.gather)],
        "phases_latex": phases_latex(derivation.gather),
        "loops": [
            {"target": solved.statement.target.name, "indices": list(solved.statement.indices), **_loops(solution)}
            for solved in derivation.gather.statements
            for _, solutions in solved.reductions
            for solution in solutions
        ],
        "steps": [
            {**_step(step, names), "parts": [_step(part, names) for part in small]}
            for step, small in zip(derivation.trace, small_steps(derivation), strict=True)
        ],
    }  # fmt: skip


def verdict_data(verdict: Verdict) -> Data:
    """Everything about a verdict in dicts, lists, strings and numbers; ``worst`` is None where there is no number.

    >>> from symconv.verify.verdict import Check
    >>> row = Check("forward, reals", "the definition", 0, 0.0, True, unbounded=4)
    >>> data = verdict_data(Verdict(False, "formula", "float64", (row,), unjudged=("y",)))
    >>> data["verdict"], data["checks"][0]["mark"], data["checks"][0]["remark"]
    ('NOT JUDGED', 'not judged', 'no bound: not judged')
    """
    return {
        "operator": verdict.operator, "dtype": verdict.dtype, "passed": bool(verdict), "verdict": verdict.word,
        "cases": verdict.cases, "unjudged": list(verdict.unjudged),
        "checks": [
            {"name": c.name, "oracle": c.what, "geometries": c.geometries, "compared": c.cases,
             "unbounded": c.unbounded, "worst": c.worst if c.cases and isfinite(c.worst) else None, "mark": c.mark,
             "remark": c.remark, "failure": None if c.failure is None else str(c.failure)}
            for c in verdict.checks
        ],
        "geometries": [{name: list(shape) for name, shape in place} for place in verdict.geometries],
    }  # fmt: skip


def _general(derivation: Derivation) -> str | None:
    if derivation.wrt not in derivation.stated.tensors:
        return None
    return general_latex(derivation.stated, derivation.wrt)


def _tensor(tensor: Tensor) -> Data:
    axes = [[str(size) for size in axis] for axis in tensor.axes]
    return {"name": tensor.name, "axes": axes, "dtype": tensor.dtype}


def _sizes(op: Operator) -> Data:
    return {
        "definitions": {d.name: str(d.form) for d in op.definitions},
        "extents": [d.name for d in op.definitions if d.extent],
        "assumptions": [{"constraint": str(a.constraint), "sentence": a.sentence} for a in op.assumptions],
        "batch": op.batch,
    }


def _phase(table: PhaseTable) -> Data:
    phase = table.phase
    return {
        "target": phase.target,
        "modulus": phase.modulus,
        "gap": phase.gap,
        "slope": phase.slope,
        "divided": str(table.form),
        "loop": table.loop,
        "names": {"residue": phase.residue, "first": phase.first, "shift": phase.shift},
        "classes": [
            {
                "residue": row.residue,
                "first": row.first,
                "shift": row.shift,
                "tap": str(row.tap),
                "output": str(row.output),
            }
            for row in table.rows
        ],
    }


def _loops(solution: Solution) -> Data:
    return {
        "cells": list(solution.cells),
        "steps": list(solution.steps),
        "cell": [str(form) for form in solution.target],
        "values": {name: str(form) for name, form in solution.values},
        "bounds": [str(bound) for bound in solution.bounds],
        "owned": solution.owned,
    }


def _step(step: Step, names: Names) -> Data:
    return {
        "rule": step.rule,
        "check": step.check,
        "note": step.note,
        "latex": step_latex(step, names),
        "text": step_text(step),
    }
