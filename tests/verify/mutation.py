"""A process of its own: compiles one operator's mutants into one module, judges each in a fork, prints what came out
as JSON.

``python mutation.py NAME MOST`` with NAME a key of ``OPERATORS`` and at most MOST mutants of a kind per kernel.
"""

from __future__ import annotations

import json
import sys
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from mutants import isolated, mutants

import symconv as sc
from symconv import pipeline
from symconv.build.module import load
from symconv.emit.cython import Entry, Unit
from symconv.gather.derivation import Derivation
from symconv.loops.candidate import Candidate
from symconv.loops.directives import apply_all
from symconv.loops.ir import Kernel
from symconv.loops.presets import masked
from symconv.loops.schedule import HANDMADE
from symconv.loops.splitting import SplitReduction, splittable
from symconv.notation.operator import Operator
from symconv.options import Options
from symconv.validate.validation import validate
from symconv.verify.judge import judge

Array = np.ndarray[Any, Any]

OPERATORS = {
    "conv2d": lambda: sc.conv2d(stride=2, padding=1, dilation=2),
    "grouped": lambda: sc.conv2d(stride=(2, 3), padding=((1, 0), (0, 2)), dilation=(1, 2), groups=2),
    "flip": lambda: sc.conv1d(stride=3, padding=((2, 1),), dilation=2, flip=True, bias=True),
    "NHWC": lambda: sc.conv2d(stride=(3, 1), padding=((0, 1), (2, 1)), layout="NHWC"),
    "adder": lambda: sc.operator("y[n,f,i] = -sum[c,p](abs(x[n,c,2*i+p-1] - w[f,c,p]))"),
}
OPTIONS = Options(dtype="float64", threads=1)
SPLIT = "conv2d"
"""The operator whose sums are cut into parts for any volume, so that small arrays reach those nests."""


@dataclass(frozen=True)
class Stand:
    """The right module with one of its kernels replaced by another unit's."""

    module: Any
    operator: Operator
    unit: str = "u0"
    result: str = ""

    fills = True

    def forward(self, *arrays: Array, out: Array) -> Array:
        unit = "u0" if self.result != self.operator.output.name else self.unit
        self._done(getattr(self.module, f"{unit}_forward")(1, arrays, (out,), 1))
        return out

    def backward(self, gy: Array, *arrays: Array, out: Mapping[str, Array]) -> Any:
        names = pipeline.gradients(self.operator)
        mutated = self.result[1:] if self.result != self.operator.output.name else ""
        # The right module leaves the mutated result alone: what a mutant forgets to write must not be right already.
        if mask := sum(1 << at for at, name in enumerate(names) if name in out and name != mutated):
            self._done(self.module.u0_backward(mask, (gy, *arrays), tuple(out.get(name) for name in names), 1))
        if mutated in out:
            self._done(getattr(self.module, f"{self.unit}_backward")(1, (gy, *arrays), (out[mutated],), 1))
        return namedtuple("Gradients", names)(*(out.get(name) for name in names))

    @staticmethod
    def _done(answer: Any) -> None:
        if answer != 0:
            raise RuntimeError(f"the module answers {answer}")


def derivations(op: Operator) -> dict[str, Derivation]:
    return {
        op.output.name: pipeline.forward(op),
        **{f"g{n}": pipeline.derive(op, n) for n in pipeline.gradients(op)},
    }


def kernels(op: Operator, split: bool) -> dict[str, Kernel]:
    found = {}
    for name, derivation in derivations(op).items():
        kernel = masked(derivation.gather, name, None, 8)
        cuts = [SplitReduction(at, 3, volume=1) for at, nest in enumerate(kernel.nests) if splittable(nest)]
        found[name] = apply_all(kernel, tuple(reversed(cuts))) if split else kernel
    return found


def alone(derivation: Derivation, kernel: Kernel) -> tuple[Candidate, ...]:
    """The only way to compute an output."""
    return (Candidate(derivation.gather, HANDMADE, kernel),)


def main(name: str, most: int) -> None:
    op = OPERATORS[name]()
    derived, right = derivations(op), kernels(op, name == SPLIT)
    wrong = [(result, mutant) for result, kernel in right.items() for mutant in mutants(kernel, most)]
    output = op.output.name
    gradients = tuple(alone(derived[r], right[r]) for r in right if r != output)
    base = Unit("u0", (Entry("forward", (alone(derived[output], right[output]),)), Entry("backward", gradients)))
    units = [
        Unit(
            f"u{at}", (Entry("forward" if result == output else "backward", (alone(derived[result], mutant.kernel),)),)
        )
        for at, (result, mutant) in enumerate(wrong, 1)
    ]
    source = pipeline.generate((base, *units), OPTIONS)
    module = load(pipeline.build_text(source.text, OPTIONS))
    # Judged here, not in a fork, so that the forks find everything imported.
    report = [["none", output, "", "passed" if judge(op, Stand(module, op)) else "rejected"]]
    for at, (result, mutant) in enumerate(wrong, 1):
        verdict = _judged(op, Stand(module, op, f"u{at}", result), result)
        if verdict == "passed" and validate(derived[result], mutant.kernel):
            verdict = "equivalent"
        report.append([mutant.kind, result, mutant.place, verdict])
    print(json.dumps(report))


def _judged(op: Operator, stand: Stand, result: str) -> str:
    gradients = () if result == op.output.name else (result[1:],)
    return isolated(lambda: bool(judge(op, stand, gradients=gradients, count=8)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
