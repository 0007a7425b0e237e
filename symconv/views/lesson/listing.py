"""The text of loop nests line by line, and the lines that a stored cell depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from symconv.emit.functions import Functions
from symconv.emit.statements import Statements
from symconv.loops.ir import Declare, For, If, Kernel, Let, Stmt, Update, Var
from symconv.loops.traverse import expressions
from symconv.views.lesson.tracing import Path

__all__ = ["Listing", "listing"]


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines of text, the place of the statement that each belongs to, and the statements by place.

    ``nests`` says which lines are those of a nest.
    """

    lines: tuple[str, ...]
    places: tuple[Path | None, ...]
    statements: Mapping[Path, Stmt]
    nests: tuple[range, ...]

    def lines_of(self, paths: Iterable[Path], followed: frozenset[str] = frozenset()) -> tuple[int, ...]:
        """The lines that stores depend on: their own, the loops around them, and what computes the names they use.

        ``followed`` are buffers of the way: where one is read, what stores into it belongs to it.
        """
        chosen: set[Path] = set()
        left = list(paths)
        while left:
            if (path := left.pop()) not in chosen:
                more = _slice(self.statements, path) - chosen
                chosen |= more
                read = {name for place in more for name in _buffers(self.statements.get(place))} & followed
                left += [place for place, one in self.statements.items() if getattr(one, "buffer", None) in read]
        return tuple(k for k, place in enumerate(self.places) if place in chosen)


def listing(kernel: Kernel) -> Listing:
    """The nests of a kernel as they are printed in its module."""
    lines: list[tuple[str, Path | None]] = []
    statements: dict[Path, Stmt] = {}
    nests: list[range] = []
    for number, nest in enumerate(kernel.nests):
        printer = Statements(kernel, functions=Functions())
        start = len(lines)
        lines.append((f"# {nest.comment}", None))
        lines.append((f"for {nest.var} in range({printer.expr(nest.extent)}):", (number,)))
        lines += _block(printer, nest.body, 1, (number,), statements)
        nests.append(range(start, len(lines)))
    return Listing(tuple(text for text, _ in lines), tuple(place for _, place in lines), statements, tuple(nests))


def _block(
    printer: Statements, body: tuple[Stmt, ...], depth: int, at: Path, statements: dict[Path, Stmt]
) -> Iterator[tuple[str, Path]]:
    for number, statement in enumerate(body):
        path = (*at, number)
        statements[path] = statement
        if isinstance(statement, For | If):
            yield from ((line, path) for line in printer.block((replace(statement, body=()),), depth))
            yield from _block(printer, statement.body, depth + 1, path, statements)
        else:
            yield from ((line, path) for line in printer.block((statement,), depth))


def _slice(statements: Mapping[Path, Stmt], path: Path) -> frozenset[Path]:
    """The places that a store depends on within its nest: loops and branches around, and what makes the names used."""
    named: dict[str, list[Path]] = {}
    for place, statement in statements.items():
        if place[0] == path[0] and isinstance(statement, Let | Declare | Update):
            named.setdefault(statement.name, []).append(place)
    done: set[Path] = set()
    left = [path]
    while left:
        if (place := left.pop()) in done:
            continue
        done.add(place)
        if len(place) > 1:
            left.append(place[:-1])
        for name in _used(statements.get(place)):
            left += _makers(statements, named.get(name, ()), place)
    return frozenset(done)


def _makers(statements: Mapping[Path, Stmt], places: Iterable[Path], site: Path) -> list[Path]:
    """Where a name used at ``site`` is declared, in the innermost block around that does so, and where updated."""
    kinds = (Let, Declare)
    seen = [at for at in places if isinstance(statements[at], kinds) and at[:-1] == site[: len(at) - 1] and at < site]
    if not seen:
        return []
    made = max(seen, key=lambda at: (len(at), at))
    block = made[:-1]
    changed = [at for at in places if isinstance(statements[at], Update) and at[: len(block)] == block and at < site]
    return [made, *(at for at in changed if at > made)]


def _buffers(statement: Stmt | None) -> frozenset[str]:
    """The buffers that a statement reads, the one it stores into aside."""
    if statement is None:
        return frozenset()
    bare = replace(statement, body=()) if isinstance(statement, For | If) else statement
    nodes = (node for node in expressions((bare,)) if node is not bare)
    return frozenset(name for node in nodes if isinstance(name := getattr(node, "buffer", None), str))


def _used(statement: Stmt | None) -> frozenset[str]:
    """The names that a statement uses by itself; the body of a loop or a branch is apart."""
    if statement is None:
        return frozenset()
    bare = replace(statement, body=()) if isinstance(statement, For | If) else statement
    nodes = tuple(expressions((bare,)))
    masks = {mask for node in nodes if isinstance(mask := getattr(node, "mask", ""), str) and mask}
    return frozenset({node.name for node in nodes if isinstance(node, Var)} | masks)
