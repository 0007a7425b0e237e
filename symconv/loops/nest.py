"""One solution as a loop nest: loops in a chosen order, each with the bounds that its outer loops make exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from symconv.errors import InternalError
from symconv.gather.solution import Phase, Solution
from symconv.loops.arith import add, ceildiv, const, floordiv, largest, mul, smallest, sub, total
from symconv.loops.ir import Binary, Compare, Const, Expr, FloorDiv, For, If, Let, Mod, Nest, Stmt, Var
from symconv.loops.projection import projected
from symconv.loops.scalars import integer
from symconv.notation.affine import Affine, var
from symconv.notation.expr import Constraint

__all__ = ["Order", "bounds_of", "guarded", "level", "merged", "nest", "place"]

Item = str | Phase


@dataclass(frozen=True, slots=True)
class Order:
    """``parallel`` loops are merged into one that threads may cut; ``inner`` loops and phases follow, outermost
    first."""

    parallel: tuple[str, ...]
    inner: tuple[Item, ...]


def nest(
    solution: Solution,
    order: Order,
    leaf: Callable[[], tuple[Stmt, ...]],
    *,
    wrap_at: int,
    wrap: Callable[[tuple[Stmt, ...]], tuple[Stmt, ...]],
    comment: str,
) -> Nest:
    """Build the nest; ``wrap`` gets the loops from position ``wrap_at`` of ``order.inner`` on, for an accumulator."""
    placed = place(solution, order)

    def build(position: int) -> tuple[Stmt, ...]:
        last = position == len(order.inner)
        body = leaf() if last else level(placed, order.inner[position], build(position + 1))
        return wrap(body) if position == wrap_at else body

    body = guarded(placed.get("", []), build(0))
    return merged(placed, order.parallel, body, comment)


def place(solution: Solution, order: Order) -> dict[str, list[Constraint]]:
    """The bounds of every loop: each constraint goes to the innermost loop or phase it speaks of."""
    position: dict[str, int] = {}
    owner: dict[int, str] = {}
    for depth, item in enumerate((*order.parallel, *order.inner)):
        for name in item.names if isinstance(item, Phase) else (item,):
            position[name] = depth
        owner[depth] = item.residue if isinstance(item, Phase) else item
    placed: dict[str, list[Constraint]] = {}
    for constraint in solution.bounds:
        depths = [position[name] for name in constraint.form.names() if name in position]
        placed.setdefault(owner[max(depths)] if depths else "", []).append(constraint)
    for name in order.parallel:
        own = placed.get(name, [])
        placed[name] = [c for c in own if _alone(c, name, position)]
        # Loops merged into one cannot bound each other: what ties them is a guard inside.
        placed.setdefault("", []).extend(c for c in own if not _alone(c, name, position))
    left = projected(solution.bounds, [n for n in order.inner if isinstance(n, str) and n in solution.steps])
    for item in (*order.parallel, *order.inner):
        if isinstance(item, str):
            placed[item] = _completed(placed.get(item, []), solution.limits, item, position)
            placed[item] += [c for c in left.get(item, ()) if _known(c, item, position)]
        if item in solution.cells:
            # Inner loops may imply that a cell lies in its tensor; the cell is written even where they are empty.
            placed[item] = list(dict.fromkeys((*placed[item], *_ranges(solution, order, item, position))))
    return placed


def _ranges(solution: Solution, order: Order, name: str, position: dict[str, int]) -> Iterator[Constraint]:
    """What keeps a coordinate of the cell in its tensor, as far as it speaks of this loop and those around it."""
    for limit in solution.limits:
        if not limit.form.coefficient(name) or limit not in solution.ranges:
            continue
        around = name not in order.parallel and _known(limit, name, position)
        sides = (side for form in solution.target for side in (limit.form - form, limit.form + form))
        if _alone(limit, name, position) or (around and any(not side.names() & position.keys() for side in sides)):
            yield limit


def _known(constraint: Constraint, name: str, position: dict[str, int]) -> bool:
    """Whether everything a bound of a loop speaks of is fixed there."""
    return all(position.get(n, -1) <= position[name] for n in constraint.form.names())


def _alone(constraint: Constraint, name: str, position: dict[str, int]) -> bool:
    return not any(n in position and n != name for n in constraint.form.names())


def _completed(
    own: list[Constraint], limits: tuple[Constraint, ...], name: str, position: dict[str, int]
) -> list[Constraint]:
    """A loop whose bound was dropped because inner loops imply it still needs one to run."""
    result = list(own)
    for sign in (1, -1):
        if not any(c.form.coefficient(name) * sign > 0 or c.equality for c in own):
            spare = [c for c in limits if c.form.coefficient(name) * sign > 0 and _known(c, name, position)]
            if not spare:
                raise InternalError(f"loop {name} has no {'lower' if sign > 0 else 'upper'} bound")
            result.append(spare[0])
    return result


def bounds_of(constraints: list[Constraint], name: str) -> tuple[Expr, Expr]:
    """``lower <= name < upper`` from constraints in which ``name`` occurs."""
    lower: list[Expr] = []
    upper: list[Expr] = []
    for constraint in constraints:
        factor = constraint.form.coefficient(name)
        rest = constraint.form - factor * var(name)
        if factor > 0 or constraint.equality:
            positive = rest if factor > 0 else -rest
            lower.append(_ceil(-positive, abs(factor)))
        if factor < 0 or constraint.equality:
            positive = rest if factor < 0 else -rest
            upper.append(add(_floor(positive, abs(factor)), const(1)))
    return largest(lower), smallest(upper)


def _floor(form: Affine, divisor: int) -> Expr:
    return floordiv(integer(form), divisor)


def _ceil(form: Affine, divisor: int) -> Expr:
    return ceildiv(integer(form), divisor)


def level(placed: dict[str, list[Constraint]], item: Item, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """One loop, or one phase, around a body."""
    if isinstance(item, str):
        lower, upper = bounds_of(placed[item], item)
        return (For(item, lower, upper, body),)
    quotient = FloorDiv(Var(item.residue), item.gap)
    modulus = item.modulus // item.gap
    first = Mod(mul(quotient, const(item.inverse)), modulus)
    shift = FloorDiv(sub(quotient, mul(const(item.slope), Var(item.first))), modulus)
    inner = (Let(item.first, first), Let(item.shift, shift), *guarded(placed.get(item.residue, []), body))
    last = item.table[-1][0]
    return (For(item.residue, const(0), const(last + 1), inner, step=item.gap, mode="phase"),)


def guarded(constraints: list[Constraint], body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """The body under constraints on sizes and phases."""
    for constraint in constraints:
        op = "==" if constraint.equality else ">="
        body = (If(Compare(op, integer(constraint.form), const(0)), body),)
    return body


def merged(
    placed: dict[str, list[Constraint]],
    names: tuple[str, ...],
    body: tuple[Stmt, ...],
    comment: str,
    tiles: Mapping[str, tuple[int, bool]] | None = None,
) -> Nest:
    """The parallel loops as one: ``z_`` counts their cells in row-major order.

    A loop in ``tiles`` goes in whole steps of its factor, or (where the flag says so) over the remainder one by one.
    """
    spans = [_span(name, placed, (tiles or {}).get(name, (1, False))) for name in names]
    if not spans:
        return Nest("z_", const(1), body, comment, parallel=False)
    name, lower, length, step = spans[0]
    if len(spans) == 1 and lower == const(0) and step == 1:
        return Nest(name, length, body, comment)
    lets: list[Stmt] = []
    rest: Expr = Var("z_")
    for k, (name, lower, _, step) in enumerate(spans):
        below = total(tuple(length for _, _, length, _ in spans[k + 1 :]))
        if k + 1 == len(spans):
            lets.append(Let(name, add(lower, mul(const(step), rest))))
            break
        count = _quotient(rest, below)
        if step != 1 or lower != const(0):
            lets.append(Let(f"{name}b_", count))
            lets.append(Let(name, add(lower, mul(const(step), Var(f"{name}b_")))))
            count = Var(f"{name}b_")
        else:
            lets.append(Let(name, count))
            count = Var(name)
        lets.append(Let(f"{name}z_", sub(rest, mul(count, below))))
        rest = Var(f"{name}z_")
    return Nest("z_", total(tuple(length for _, _, length, _ in spans)), (*lets, *body), comment)


def _span(name: str, placed: dict[str, list[Constraint]], tile: tuple[int, bool]) -> tuple[str, Expr, Expr, int]:
    """Where a merged loop starts, how often it runs, and its step."""
    lower, upper = bounds_of(placed[name], name)
    # A plain extent is known not to be negative; a computed length may be.
    plain = lower == const(0) and isinstance(upper, Var | Const)
    length = upper if plain else largest([const(0), sub(upper, lower)])
    factor, tail = tile
    if factor == 1:
        return name, lower, length, 1
    whole = floordiv(length, factor)
    if tail:
        done = mul(const(factor), whole)
        return name, add(lower, done), sub(length, done), 1
    return name, lower, whole, factor


def _quotient(value: Expr, divisor: Expr) -> Expr:
    if divisor == const(1):
        return value
    if isinstance(divisor, Const):
        return FloorDiv(value, int(divisor.value))
    return Binary("//", value, divisor)
