"""An operator in relation form as the text of one function over whole arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Const, reads
from symconv.notation.operator import Operator
from symconv.readable.arrays import Scene
from symconv.readable.blocks import Block, clips
from symconv.readable.copies import Copied, calls_of
from symconv.readable.dialects import Dialect
from symconv.readable.halos import Halo, Halos, absorbed
from symconv.readable.statements import Task, tasks
from symconv.readable.sweeps import Place, Sweep, sliced, solved
from symconv.readable.words import Words

__all__ = ["lines_of"]


@dataclass(slots=True)
class Program:
    """A function while it is printed."""

    op: Operator
    where: Place
    dialect: Dialect
    words: Words
    same: dict[str, Affine]
    like: str
    sizes: dict[str, tuple[Affine, ...]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    padded: dict[tuple[str, Halo], str] = field(default_factory=dict)


def lines_of(
    op: Operator,
    where: Place,
    dialect: Dialect,
    words: Words,
    copies: tuple[Copied, ...] = (),
    returned: tuple[str, ...] = (),
) -> list[str]:
    """The statements of the function's body; ``copies`` are made by one call where the library has it.

    ``returned`` names the arrays that are wanted, where it is not the output alone.
    """
    calls = calls_of(where, copies, dialect, words)
    live = _live(op, {one.name: one.tensor for one in copies if one.name in calls}, returned or (op.output.name,))
    same = {d.name: d.form for d in op.definitions}
    like = next((t.name for t in op.inputs if t.dtype == "real"), "")
    program = Program(op, where, dialect, words, same, like)
    program.sizes = {t.name: t.sizes for t in (*op.inputs, *(s.target for s in op.statements))}
    for task in tasks(tuple(s for s in op.statements if s.target.name in live), words):
        target = task.statement.target
        program.sizes[target.name] = target.sizes
        if target.name in calls:
            program.lines.append(f"{target.name} = {calls[target.name]}")
        else:
            _computed(program, task)
    return program.lines


def _live(op: Operator, called: dict[str, str], returned: tuple[str, ...]) -> set[str]:
    """The statements that the results need: copies made by one call need no steps on the way to them."""
    live = set(returned)
    for statement in reversed(op.statements):
        name = statement.target.name
        if name in live:
            live |= {called[name]} if name in called else {r.tensor for r in reads(statement.expr)}
    return live


def _computed(program: Program, task: Task) -> None:
    target = task.statement.target
    sweeps, halos = _sweeps(program, task)
    scenes = [_scene(program, sweep, halo) for sweep, halo in zip(sweeps, halos, strict=True)]
    outer = _joined([h[target.name] for h in halos if target.name in h])
    block = Block(program.dialect, program.words, task, target.name, outer, program.like)
    inputs = frozenset(op_input.name for op_input in program.op.inputs)
    if scenes and (whole := block.whole(scenes[0][0], inputs, len(scenes) == 1)) is not None:
        program.lines += [*scenes[0][1], f"{target.name} = {whole}"]
        scenes = scenes[1:]
        _added(program, block, scenes, False)
        return
    if outer is not None:
        block.name = program.words.fresh(f"{target.name}p")
        for scene, _ in scenes:
            scene.arrays[target.name] = block.name
            scene.halos[target.name] = outer
    program.lines += block.started()
    _added(program, block, scenes, len(scenes) == 1)
    if outer is not None:
        program.lines.append(f"{target.name} = {block.name}[{_cropped(program, target.sizes, outer)}]")


def _added(program: Program, block: Block, scenes: list[tuple[Scene, list[str]]], alone: bool) -> None:
    """What each sweep adds; neighbours with the same loops share them."""
    at = 0
    while at < len(scenes):
        end = at + 1
        while end < len(scenes) and scenes[end][0].sweep.looped == scenes[at][0].sweep.looped:
            end += 1
        program.lines += block.nest(scenes[at:end], alone)
        at = end


def _cropped(program: Program, sizes: tuple[Affine, ...], halo: Halo) -> str:
    parts = []
    for size, (low, high) in zip(sizes, halo.ends, strict=True):
        left = "" if low == affine(0) else program.words.form(low)
        parts.append(":" if low == high == affine(0) else f"{left}:{program.words.form(low + size)}")
    return ", ".join(parts)


def _sweeps(program: Program, task: Task) -> tuple[list[Sweep], list[Halos]]:
    """Every piece as a sweep; those of the place of an extreme share their loops, in the order of the taps."""
    found: list[tuple[Sweep, Halos]] = []
    name = task.statement.target.name
    for node in task.reductions:
        for piece in node.pieces:
            if task.kind == "sum" and piece.body == Const(Fraction(0)):
                continue
            whole = solved(program.where, task.statement, task.kind, node.indices, piece)
            if any(c.form.is_constant and not c.equality and c.form.constant < 0 for c in whole.kept):
                continue
            found.append(absorbed(program.where, whole, name, program.sizes))
    forced: frozenset[str] = frozenset()
    if task.kind in ("argmax", "argmin", "prod"):
        forced = frozenset(r.name for r in task.reductions[0].indices)
        while True:
            more = forced.union(*(sliced(program.where, s, forced).loops for s, _ in found))
            if more == forced:
                break
            forced = more
    return [sliced(program.where, sweep, forced) for sweep, _ in found], [halo for _, halo in found]


def _joined(several: list[Halo]) -> Halo | None:
    whole = several[0] if several else None
    for other in several[1:]:
        assert whole is not None
        whole = whole.joined(other)
    return whole


def _scene(program: Program, sweep: Sweep, halos: Halos) -> tuple[Scene, list[str]]:
    """A sweep with the arrays it reads, the padded ones made first; and the lines that bound its slices."""
    scene = Scene(program.dialect, program.words, sweep, program.sizes, same=program.same, like=program.like)
    for read in reads(sweep.body):
        halo = halos.get(read.tensor)
        if halo is not None:
            scene.arrays[read.tensor] = _padded(program, read.tensor, halo)
            scene.halos[read.tensor] = halo
    return scene, clips(program.where, scene)


def _padded(program: Program, tensor: str, halo: Halo) -> str:
    if (tensor, halo) not in program.padded:
        name = program.words.fresh(f"{tensor}p")
        program.padded[tensor, halo] = name
        ends = [(program.words.form(low), program.words.form(high)) for low, high in halo.ends]
        program.lines.append(f"{name} = {program.dialect.pad(tensor, ends, halo.fill)}")
    return program.padded[tensor, halo]
