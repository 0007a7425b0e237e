"""``symconv tune``: plans measured on this machine, kept for later calls, and carried to other machines in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from symconv.api import built
from symconv.arrays import default_threads
from symconv.commands.outcome import RIGHT
from symconv.commands.progress import Tell, stage
from symconv.commands.request import completed, misnamed, requested, titled
from symconv.commands.sweep import Where, one_only
from symconv.commands.terminal import say
from symconv.errors import SpecError
from symconv.notation.operator import Operator
from symconv.options import Options, options
from symconv.tune.memory import export_plans, import_plans

__all__ = ["measured", "tune"]


def tune(
    op: str | None,
    settings: Mapping[str, object],
    shapes: Mapping[str, tuple[int, ...]],
    chosen: Mapping[str, Any],
    files: tuple[Path | None, Path | None],
    many: tuple[str | None, tuple[str, ...]] = (None, ()),
    where: Where = Where(),  # noqa: B008 - frozen
) -> int:
    """Take the plans of the first of ``files``, measure, write every plan to the second.

    What is measured is an operator at ``shapes``, or the layers of a suite that have one of some words: ``many``.
    """
    taken, written = files
    suite, only = many
    if suite is None:
        one_only(where, "--suite")
        if only:
            raise SpecError("--only chooses layers of a suite: it goes with --suite")
    if op is None and suite is None and taken is None and written is None:
        raise SpecError("say what to measure, as in `symconv tune conv2d --shape x=8,64,56,56 --shape w=64,64,3,3`")
    if taken is not None:
        say(f"took {_plans(import_plans(taken))} from {taken}")
    if suite is not None and (op is not None or shapes or any(v not in (None, False, ()) for v in settings.values())):
        raise SpecError("a suite says everything about its layers: leave out OP, --shape and the operator's options")
    if op is not None:
        say(_measured(op, settings, shapes, chosen))
    status = RIGHT if suite is None else _suite(suite, only, chosen, where)
    if written is not None:
        say(f"wrote {_plans(export_plans(written))} to {written}")
    return status


def _suite(suite: str, only: tuple[str, ...], chosen: Mapping[str, Any], where: Where) -> int:
    from symconv.bench.suite import chosen_layers
    from symconv.commands.tune_many import tune_many

    # Plans are for a number of threads: every worker measures with as many as this process would have.
    threads = chosen["threads"] or default_threads()
    return tune_many(chosen_layers(suite, only), options(**{**chosen, "threads": threads, "tune": True}), where)


def _measured(
    op: str, settings: Mapping[str, object], shapes: Mapping[str, tuple[int, ...]], chosen: Mapping[str, Any]
) -> str:
    operator = requested(op, settings)
    shapes = completed(shapes, operator)
    if set(shapes) != set(operator.tensors):
        wanted = " ".join(f"--shape {name}=..." for name in operator.tensors)
        raise SpecError(
            f"{operator.name} is measured at shapes of all its tensors: {wanted}{misnamed(shapes, operator)}"
        )
    operator.output_shapes(**shapes)
    given = options(**{**chosen, "tune": True})
    with stage(f"building and measuring {titled(operator)}", given.words) as tell:
        return measured(operator, shapes, given, nullcontext, tell)


def measured(
    operator: Operator,
    shapes: Mapping[str, tuple[int, ...]],
    given: Options,
    alone: Callable[[], AbstractContextManager[None]],
    tell: Tell = lambda _: None,
) -> str:
    """The schedule of an operator with its plans for these shapes, measured while ``alone()`` is entered."""
    kernel = built(operator, given, tell)
    rng = np.random.default_rng(0)
    kinds = {tensor.name: tensor.dtype for tensor in operator.inputs}
    arrays = [
        rng.standard_normal(shapes[name]).astype(given.dtype)
        if kinds[name] == "real"
        else np.zeros(shapes[name], np.int32)
        for name in operator.tensors
    ]
    wanted = operator.output_shapes(**shapes).values()
    along = [rng.standard_normal(shape).astype(given.dtype) for shape in wanted]
    tell("measuring")
    with alone():
        kernel.forward(*arrays)
        kernel.backward(*along, *arrays)
    return str(kernel.schedule)


def _plans(count: int) -> str:
    return f"{count} plan{'' if count == 1 else 's'}"
