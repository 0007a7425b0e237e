"""``symconv help``: a page per command, and one per operator with what it takes and an example that runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from symconv.commands.operators import example, is_spec, made, names, near, taken
from symconv.commands.outcome import RIGHT
from symconv.commands.terminal import columns, folded
from symconv.errors import SpecError, SymconvError

if TYPE_CHECKING:
    from symconv.notation.operator import Operator

__all__ = ["about", "show_help", "tensors"]


def show_help(top: click.Group, ctx: click.Context, words: tuple[str, ...]) -> int:
    """Print the page of a command, of an operator, or of a command for an operator; without words that of symconv."""
    commands = [word for word in words if word in top.commands]
    operators = [word for word in words if word not in top.commands]
    for word in operators:
        if taken(word) is None:
            hint = near(word, (*top.commands, *names()))
            raise SpecError(
                f"there is no help on {word!r}{f'; did you mean {hint}?' if hint else ''}\n"
                "  help is on a command or an operator: `symconv --help` and `symconv list` show them"
            )
    if len(commands) > 1 or len(operators) > 1:
        raise SpecError("help is on a command, an operator, or both, as in `symconv help run conv2d`")
    if not words:
        click.echo((ctx.parent or ctx).get_help(), color=ctx.color)
        return RIGHT
    page = top.commands[commands[0] if commands else "run"]
    # The page itself says the rest: it reads the operator off what was typed.
    page.main([*operators, "--help"], prog_name=f"symconv {page.name}", standalone_mode=False)
    return RIGHT


def about(op: str, command: str) -> Iterator[str]:
    """Lines on an operator: what it is, its formula, its tensors, and an example of the command that runs."""
    from symconv.ops.registry import catalogue

    width = columns() - 4
    if entry := catalogue().get(op):
        yield from folded(f"{op}: {entry.line}", width).split("\n")
    found = None if is_spec(op) else made(op)
    if found is not None:
        yield from folded(f"  {found.source}", width).split("\n") if found.source else ()
        yield ""
        yield "Tensors:"
        for name, axes in tensors(op, found):
            yield f"  {name} {axes}"
    yield ""
    yield "Example:"
    yield from (f"  {line}" for line in _example(op, command, found))


def tensors(op: str, found: Operator) -> Iterator[tuple[str, str]]:
    """The tensors of an operator with their axes, those that an option adds too; the output last.

    >>> from symconv.commands.operators import made
    >>> dict(tensors("conv1d", made("conv1d")))["b"]
    '(F)  with --bias'
    """
    biased = made(op, {"bias": True}) if "bias" in (taken(op) or ()) else None
    for tensor in (*(biased or found).inputs, found.output):
        axes = ", ".join("·".join(map(str, axis)) if axis else "1" for axis in tensor.axes)
        added = "" if tensor.name in (*found.tensors, found.output.name) else "  with --bias"
        yield tensor.name, f"({axes}){'' if tensor.dtype == 'real' else ' of integers'}{added}"


def _example(op: str, command: str, found: Operator | None) -> Iterator[str]:
    """The command at work on the operator, a line for each option that would not fit in the first."""
    more: list[str] = []
    match command:
        case "run" | "export":
            more = ["-o out/"]
        case "prove" if found is not None and found.source:
            more = [f"--claim '{found.source}'"]
        case "bench" | "tune" if found is not None:
            more = [f"--shape {name}={','.join(map(str, shape))}" for name, shape in _shapes(found).items()]
    line = f"symconv {command} {example(op)}"
    for part in more:
        if len(line) + len(part) + 1 > columns() - 8:
            yield f"{line} \\"
            line = f"    {part}"
        else:
            line = f"{line} {part}"
    yield line


def _shapes(found: Operator) -> dict[str, tuple[int, ...]]:
    """Shapes of a small layer, by the letters that sizes have; none where sizes follow from others."""
    usual = {"N": 2, "K": 3, "D": 12, "H": 28, "W": 28, "L": 100}
    letters = {name for tensor in found.inputs for size in tensor.sizes for name, _ in size.terms}
    sizes = {name: usual.get(name[0], 16) for name in letters if isinstance(name, str)}
    if len(sizes) < len(letters):
        return {}
    shapes = {tensor.name: tensor.shape(sizes) for tensor in found.inputs}
    try:
        found.output_shapes(**shapes)
    except SymconvError:
        return {}
    return shapes
