"""The lines of one array: how it starts, its loops, and what each adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symconv.notation.affine import Affine, affine, quotient, var
from symconv.notation.expr import Constraint, Range, Read, nonnegative, reads
from symconv.readable.arrays import Scene, order_of
from symconv.readable.body import lined, summand, value
from symconv.readable.dialects import Dialect
from symconv.readable.halos import Halo
from symconv.readable.statements import Task
from symconv.readable.sweeps import Place
from symconv.readable.words import Words, shape_text

__all__ = ["Block", "clips"]

_INDENT = "    "


def clips(where: Place, scene: Scene) -> list[str]:
    """Where each sliced index begins and ends: a form, or a name computed by one of the lines returned."""
    lines = []
    for one in scene.sweep.vectors:
        lows, highs = _ends(where, scene, one)
        lower, upper = lows[0], highs[0]
        inner = {r.name for r in scene.sweep.looped}
        if len(lows) > 1 or lower.names() & inner or not _is_plain(lower):
            lower = var(scene.words.local(f"{one.name}0"))
            lines.append(f"{scene.words.form(lower)} = {_extreme(scene.words, 'max', lows)}")
        ordered = all(where.holds(scene.sweep.looped, (), nonnegative(high - low)) for low in lows for high in highs)
        if not ordered or len(highs) > 1 or upper.names() & inner or not _is_plain(upper):
            upper = var(scene.words.local(f"{one.name}1"))
            end = _extreme(scene.words, "min", highs)
            # An empty slice from 3 to 1 would be another slice once a stride or a shift is applied.
            end = end if ordered else f"max({scene.words.form(lower)}, {end})"
            lines.append(f"{scene.words.form(upper)} = {end}")
        scene.bounds[one.name] = lower, upper
    return lines


def _ends(where: Place, scene: Scene, one: Range) -> tuple[list[Affine], list[Affine]]:
    """Where a sliced index may begin and end, of which the largest and the least count; idle ones left out."""
    lows, highs = [affine(0)], [one.extent]
    for limit in scene.sweep.limits(one.name):
        factor = limit.form.coefficient(one.name)
        rest = limit.form - factor * var(one.name)
        if factor > 0:
            lows.append(quotient(factor - 1 - rest, factor))
        else:
            highs.append(quotient(rest, -factor) + 1)
    loops = scene.sweep.looped

    def idle(end: Affine, others: list[Affine], sign: int) -> bool:
        return any(o != end and where.holds(loops, (), nonnegative((o - end) * sign)) for o in others)

    return _kept(lows, lambda end, others: idle(end, others, 1)), _kept(
        highs, lambda end, others: idle(end, others, -1)
    )


def _kept(ends: list[Affine], idle: Callable[[Affine, list[Affine]], bool]) -> list[Affine]:
    kept = list(dict.fromkeys(ends))
    for end in tuple(kept):
        if len(kept) > 1 and idle(end, [o for o in kept if o != end]):
            kept.remove(end)
    return kept


def _is_plain(form: Affine) -> bool:
    return all(isinstance(atom, str) for atom, _ in form.terms)


def _extreme(words: Words, word: str, ends: list[Affine]) -> str:
    return words.form(ends[0]) if len(ends) == 1 else f"{word}({', '.join(words.form(end) for end in ends)})"


@dataclass(slots=True)
class Block:
    """One array to compute, and what its pieces are called."""

    dialect: Dialect
    words: Words
    task: Task
    name: str
    halo: Halo | None
    like: str
    best: str = ""

    def whole(self, scene: Scene, inputs: frozenset[str], alone: bool) -> str | None:
        """What a sweep gives where that is every cell at once, without a loop."""
        if self.task.kind in ("argmax", "argmin") or self.halo is not None:
            return None
        result = scene.axes(scene.sweep.target)
        if scene.sweep.guards or scene.sweep.looped or scene.downward or self._cell(scene) != self.name:
            return None
        if not set(result) <= set(scene.sliced_by(scene.sweep.body)):
            return None
        if isinstance(body := scene.sweep.body, Read) and len(scene.sweep.vectors) == len(result):
            text = scene.cell(body.tensor, body.index, result)
            # What is added to later, or handed back, must not be a view of what was given.
            return text if alone and body.tensor not in inputs else self.dialect.copy.format(text)
        text, negative = self._value(scene)
        return text if not negative else f"-({text})" if " " in text else f"-{text}"

    def _cell(self, scene: Scene) -> str:
        return scene.cell(self.task.statement.target.name, scene.sweep.target)

    def _value(self, scene: Scene) -> tuple[str, bool]:
        """What a sweep contributes to its cells; and whether it is to be taken off."""
        body, result = scene.sweep.body, scene.axes(scene.sweep.target)
        added = [r.name for r in scene.sweep.vectors if r.name not in result]
        if self.task.kind == "sum":
            return summand(scene, body, result, added)
        inner = [n for n in scene.sliced_by(body) if n not in result]
        if not inner:
            return value(scene, body, result), False
        order = order_of(scene, body)
        axes = [str(order.index(n)) for n in inner]
        whole = value(scene, body, order, 5)
        text = self.dialect.extreme.format(whole, axes[0] if len(axes) == 1 else f"({', '.join(axes)})", self.task.kind)
        return lined(scene, text, [n for n in order if n not in inner], result), False

    def started(self) -> list[str]:
        """The array before anything is added."""
        sizes = self.task.statement.target.sizes
        if self.halo is not None:
            sizes = tuple(size + low + high for size, (low, high) in zip(sizes, self.halo.ends, strict=True))
        shape = shape_text(self.words, sizes)
        if self.task.kind == "sum":
            return [f"{self.name} = {self.dialect.zeros.format(shape, self.like)}"]
        if self.task.kind == "prod":
            return [f"{self.name} = {self.dialect.full.format(shape, '1', self.like)}"]
        least = "-" if self.task.kind.endswith("max") else ""
        full = self.dialect.full.format(shape, f"{least}{self.dialect.infinity}", self.like)
        if self.task.kind in ("max", "min"):
            return [f"{self.name} = {full}"]
        self.best = self.words.fresh("best")
        return [f"{self.best} = {full}", f"{self.name} = {self.dialect.whole.format(shape)} - 1"]

    def nest(self, scenes: list[tuple[Scene, list[str]]], alone: bool) -> list[str]:
        """The loops that some sweeps share, and what each does inside."""
        lines, indent = [], ""
        for one in scenes[0][0].sweep.looped:
            lines.append(f"{indent}for {one.name} in range({self.words.form(one.extent)}):")
            indent += _INDENT
        for scene, before in scenes:
            inner = indent
            if scene.sweep.guards:
                lines.append(f"{indent}if {' and '.join(self._condition(g) for g in scene.sweep.guards)}:")
                inner += _INDENT
            lines += [f"{inner}{line}" for line in (*before, *self._step(scene, alone))]
        return lines

    def _condition(self, guard: Constraint) -> str:
        """A constraint with what is taken off on the other side."""
        minus = {atom: -factor for atom, factor in guard.form.terms if factor < 0}
        right = sum((var(str(atom)) * factor for atom, factor in minus.items()), affine(max(-guard.form.constant, 0)))
        left = guard.form + right
        return f"{self.words.form(left)} {'==' if guard.equality else '>='} {self.words.form(right)}"

    def _step(self, scene: Scene, alone: bool) -> list[str]:
        cell = self._cell(scene)
        text, negative = self._value(scene)
        match self.task.kind:
            case "sum" if alone and cell != self.name and self._apart(scene):
                text = text if not negative else f"-({text})" if " " in text else f"-{text}"
                return [f"{cell} = {text}"]
            case "sum":
                return [f"{cell} {'-=' if negative else '+='} {text}"]
            case "prod":
                return [f"{cell} *= {text}"]
            case "max" | "min" as kind:
                words = self.dialect.elementwise if reads(scene.sweep.body) else self.dialect.functions
                return [f"{cell} = {words[kind].format(cell, text)}"]
        return self._positions(scene, cell, text)

    def _positions(self, scene: Scene, cell: str, text: str) -> list[str]:
        best = cell.replace(self.name, self.best, 1)
        at = ""
        for one in self.task.reductions[0].indices:
            at = f"({at}) * {self.words.factor(one.extent)} + {one.name}" if " " in at else (
                f"{at} * {self.words.factor(one.extent)} + {one.name}" if at else one.name)  # fmt: skip
        sign = ">" if self.task.kind == "argmax" else "<"
        a, better = self.words.local("a"), self.words.local("better")
        return [
            f"{a} = {text}",
            f"{better} = ({a} {sign} {best}) | ({cell} < 0)",
            f"{best} = {self.dialect.functions['where'].format(better, a, best)}",
            f"{cell} = {self.dialect.functions['where'].format(better, at, cell)}",
        ]

    def _apart(self, scene: Scene) -> bool:
        """Whether no cell is reached twice, so that sums need not be added to what is there."""
        return scene.sweep.loops <= {form.name for form in scene.sweep.target}
