"""The whole way on one page: each stage is a pure function from one frozen type to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from symconv.build.cache import Artifact, Product, compile_text, obtain
from symconv.build.key import request_key
from symconv.build.tools import fingerprint
from symconv.errors import SymconvError
from symconv.notation.operator import Operator
from symconv.notation.shapes import check_told
from symconv.options import Options

if TYPE_CHECKING:
    from symconv.algorithms.joining import Joined
    from symconv.emit.source import Source
    from symconv.emit.units import Entry, Unit
    from symconv.gather.derivation import Derivation
    from symconv.gather.solution import Gather
    from symconv.loops.candidate import Candidate
    from symconv.packed import Halo

__all__ = ["build", "build_text", "candidates", "derive", "generate", "jvp", "source", "unit"]

Progress = Callable[[str], None]
Wanted = tuple[Operator, str]
"""What an entry computes: an operator's output (""), or its gradient with respect to a tensor."""


def derive(op: Operator, wrt: str) -> Derivation:
    """Operator -> gradient: borders, scalar derivative, transposed relation, gather form, proofs."""
    from symconv.gather.derivation import derivation

    try:
        return derivation(op, wrt)
    except SymconvError as error:
        error.add_note(f"while deriving the gradient of {op} with respect to {wrt}")
        raise


def forward(op: Operator) -> Derivation:
    """Operator -> its own gather form."""
    from symconv.gather.derivation import forward as solve

    try:
        return solve(op)
    except SymconvError as error:
        error.add_note(f"while solving {op}")
        raise


def jvp(op: Operator, wrt: tuple[str, ...]) -> Derivation:
    """Operator -> its directional derivative."""
    from symconv.gather.derivation import forward_mode

    return forward_mode(op, wrt)


def direct(derived: Derivation, name: str, options: Options) -> Candidate:
    """Gather form -> masked loop nests, which need no plan and are always legal."""
    return _direct(derived.gather, name, _sizes(derived, options), options)


def _sizes(derived: Derivation, options: Options) -> dict[str, int] | None:
    return derived.operator.sizes(**dict(options.sizes)) if options.sizes is not None else None


def _direct(gather: Gather, name: str, sizes: dict[str, int] | None, options: Options) -> Candidate:
    from symconv.loops.presets import direct as preset
    from symconv.packed import exchanged, packed_masked

    if sizes is None and (turned := exchanged(gather, name)) is not None:
        return turned
    itemsize = 4 if options.dtype == "float32" else 8
    return replace(preset(gather, name, sizes, itemsize), facts=packed_masked(gather))


def candidates(derived: Derivation, name: str, options: Options) -> tuple[Candidate, ...]:
    """Gather form -> every way to compute it: first the masked nests, then what is faster for some sizes.

    Where sums are to be direct, methods that state an error are left out.
    """
    return _candidates(derived.gather, name, _sizes(derived, options), options)


def _candidates(gather: Gather, name: str, sizes: dict[str, int] | None, options: Options) -> tuple[Candidate, ...]:
    from symconv.build.cpu import cpu_flags
    from symconv.isa import isa
    from symconv.packed import packed_candidates, pointwise

    if sizes is None and (flat := pointwise(gather, name)) is not None:
        return (flat,)
    others = packed_candidates(gather, name, isa(options.target, cpu_flags()))
    others = tuple(one for one in others if options.accuracy == "default" or one.bound is None)
    return (_direct(gather, name, sizes, options), *others)


def _entry(op: Operator, name: str, wanted: tuple[Wanted, ...], options: Options, every: bool) -> Entry:
    """The outputs of one entry, with ``every`` candidate or the first ones alone."""
    from symconv.emit.units import Entry
    from symconv.staging import haloed, magnified, near_enough, staged, work

    named = tuple((f"g{t}" if t else of.output.name, derive(of, t) if t else forward(of)) for of, t in wanted)
    if not every:
        first = tuple((direct(derived, output, options),) for output, derived in named)
        told = work(op, tuple(derived.gather for _, derived in named))
        return Entry(name, first, told, joined=_joined(op, options))
    sizes = next((_sizes(derived, options) for _, derived in named), None)
    forms, lasts = staged(wanted)
    near = magnified(forms, lasts)
    halos = (*(None for _ in forms), *(haloed(of, t) for of, t in wanted))
    made = tuple(
        near_enough(_ways(form, halo, sizes, options), form.operator.output.name in near)
        for form, halo in zip((*forms, *lasts), halos, strict=True)
    )
    return Entry(name, made[len(forms) :], None, made[: len(forms)], joined=_joined(op, options))


def _joined(op: Operator, options: Options) -> tuple[Joined, ...]:
    """Axes that a call takes as one; where sizes are fixed, kernels know them."""
    from symconv.algorithms.joining import joined, stacked

    return (*joined(op), *stacked(op)) if options.sizes is None else ()


def _ways(gather: Gather, halo: Halo | None, sizes: dict[str, int] | None, options: Options) -> tuple[Candidate, ...]:
    """The candidates of a form, where a border cuts its sum in pieces those over an operand in its halo."""
    from symconv.build.cpu import cpu_flags
    from symconv.isa import isa
    from symconv.packed import bordered_candidates, bordered_masked

    name = gather.operator.output.name
    if halo is None:
        return _candidates(gather, name, sizes, options)
    first = replace(_direct(gather, name, sizes, options), facts=bordered_masked(gather, halo))
    return (first, *bordered_candidates(gather, name, isa(options.target, cpu_flags()), halo))


@lru_cache(maxsize=8)
def unit(
    op: Operator,
    options: Options,
    name: str = "u0",
    entries: tuple[str, ...] = ("forward", "backward"),
    every: bool = False,
) -> Unit:
    """Operator -> the kernels a module holds for it; a few are kept for who builds one and proves or prints it.

    A module has the first candidate of each output, which compiles in a moment, or ``every`` one. Raises SpecError
    where no shape tells a size.
    """
    from symconv.emit.units import Unit

    check_told(op)
    parts = []
    if "forward" in entries:
        parts.append(_entry(op, "forward", tuple((op.only(one.name), "") for one in op.outputs), options, every))
    if "backward" in entries:
        chosen = options if options.sizes is None else _with_cotangents(options, op)
        parts.append(_entry(op, "backward", tuple((op, name) for name in gradients(op)), chosen, every))
    return Unit(name, tuple(parts), (str(op),))


def gradients(op: Operator) -> tuple[str, ...]:
    """The inputs that have a gradient."""
    return tuple(tensor.name for tensor in op.inputs if tensor.dtype == "real")


def _with_cotangents(options: Options, op: Operator) -> Options:
    given = options.sizes or ()
    shapes = op.output_shapes(**dict(given))
    return replace(options, sizes=(*given, *((f"g{name}", shape) for name, shape in shapes.items())))


def generate(units: tuple[Unit, ...], options: Options) -> Source:
    """Loop nests -> the text of a module."""
    from symconv.emit.cython import emit

    return emit(units, options)


def source(op: Operator, options: Options, entries: tuple[str, ...] = ("forward", "backward")) -> Source:
    """Operator -> the text of its module."""
    return generate((unit(op, options, entries=entries),), options)


def build(
    op: Operator,
    options: Options,
    entries: tuple[str, ...] = ("forward", "backward"),
    progress: Progress | None = None,
    every: bool = False,
) -> Artifact:
    """Operator -> compiled module on disk; a warm call imports neither SymPy nor isl nor Cython."""
    text = repr((op.spelled, entries, every))

    def produce() -> Product:
        if progress is not None:
            progress("deriving, proving and generating")
        made = unit(op, options, entries=entries, every=every)
        return Product(generate((made,), options), {"name": op.name, **_facts(made, options)})

    # Measuring and threads choose among what a module holds: all share one.
    request = request_key(text, replace(options, tune=False, threads=None), fingerprint(options.target))
    return obtain(request, produce, options.target, progress)


def _facts(made: Unit, options: Options) -> dict[str, object]:
    from symconv.loops.workspace import workspace_bytes
    from symconv.manifest import described

    return {
        "workspace": workspace_bytes(tuple(candidate.kernel for candidate in made.candidates), options.dtype),
        "entries": {entry.name: described(entry) for entry in made.entries},
    }


def build_text(text: str, options: Options) -> Artifact:
    """A module someone else wrote or changed -> compiled module on disk."""
    from symconv.emit.source import Source

    return compile_text(Source(text, options.target))
