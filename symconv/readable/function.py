"""The whole text: module, signature, docstring, sizes from shapes, the program, the result."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace

from symconv.notation.affine import Affine, affine
from symconv.notation.expr import Expr, Read, transform, walk
from symconv.notation.operator import Operator, Tensor
from symconv.readable.copies import Copied
from symconv.readable.dialects import Dialect
from symconv.readable.program import lines_of
from symconv.readable.sweeps import place
from symconv.readable.words import Words
from symconv.relation.sets import context_of

__all__ = ["function_text", "header", "name_of"]


_WIDTH = 96


def name_of(op: Operator) -> str:
    """What a function is called: the layer's name, and what it is a gradient or derivative of.

    >>> import symconv as sc
    >>> name_of(sc.derive(sc.conv2d(stride=2), "x").operator)
    'conv2d_grad_x'
    """
    # Names are grad_x(conv2d(stride=2)): what stands before settings, or alone, is a word of the name.
    match = re.match(r"((?:\w+\()*)(\w*)", op.name)
    assert match is not None
    words = [word for word in match[1].split("(") if word]
    if match[2] and op.name[match.end() :].strip(")") == "":
        words.append(match[2])
    if not words:
        return re.sub(r"\W+", "_", op.name).strip("_") or "operator"
    return "_".join((words[-1], *reversed(words[:-1])))


def header(texts: list[str], dialect: Dialect) -> str:
    """The imports that some functions need."""
    first = "import math\n\n" if any("math." in text for text in texts) else ""
    return f"{first}{dialect.header}\n"


def function_text(
    op: Operator,
    dialect: Dialect,
    name: str,
    doc: str,
    copies: tuple[Copied, ...] = (),
    taps: frozenset[str] = frozenset(),
    several: tuple[str, ...] = (),
) -> str:
    """One function over whole arrays that computes an operator whose borders are resolved.

    It returns those of the arrays that it computes that ``several`` names, or the output.
    """
    places = [at for at, s in enumerate(op.statements) if s.target.name in several] or [-1]
    op, copies = _apart(op, copies)
    results = [op.statements[at].target for at in places]
    index = {n for s in op.statements for n in s.indices}
    index |= {r.name for s in op.statements for node in walk(s.expr) if hasattr(node, "indices") for r in node.indices}
    context = context_of(op)
    tensors = {*op.tensors, *(s.target.name for s in op.statements)}
    words = Words(
        {*index, *tensors, *context.sizes, "math", "range", "max", "min", dialect.module}, frozenset(context.sizes)
    )
    returned = tuple(one.name for one in results)
    body = lines_of(op, place(op, context, taps), dialect, words, copies, returned)
    used = {r.tensor for s in op.statements for r in walk(s.expr) if isinstance(r, Read)}
    merged = [t for t in op.inputs if t.name in used and any(len(axis) > 1 for axis in t.axes)]
    views = [f"{t.name} = {t.name}.reshape({', '.join(words.form(s) for s in t.sizes)})" for t in merged]
    last = f"return {', '.join(_returned(one, words) for one in results)}"
    lines = [*_sizes(op, words), *views, *_shorter(body, last)]
    doc = f'"""{doc}\n"""' if "\n" in doc else f'"""{doc}"""'
    return f"def {name}({', '.join(op.tensors)}):\n" + textwrap.indent("\n".join((doc, *lines)), "    ") + "\n"


def call_text(op: Operator, name: str, doc: str, claim: str, call: str) -> str:
    """One function that is one expression, with the claim that was proved of it."""
    sizes = frozenset(context_of(op).sizes)
    words = Words(set(op.tensors), sizes)
    words.used = dict.fromkeys(word for word in re.findall(r"[A-Za-z_]\w*", call) if word in sizes)
    doc = f'"""{doc}\n"""' if "\n" in doc else f'"""{doc}"""'
    proved = textwrap.wrap(f"Proved for all sizes: {op.output.name} = {claim}", _WIDTH - 2, break_on_hyphens=False)
    lines = [doc, *_sizes(op, words), *_nothing(op, call), *(f"# {line}" for line in proved), f"return {call}"]
    return f"def {name}({', '.join(op.tensors)}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"


def _nothing(op: Operator, call: str) -> list[str]:
    """Where a batch is summed by a window function, which takes no empty one: the answer for that."""
    batch = next(((t.name, at) for t in op.inputs for at, axis in enumerate(t.axes) if str(axis[0]) == op.batch), None)
    same = next((t.name for t in op.inputs if t.axes == op.output.axes), None)
    if (
        batch is None
        or same is None
        or "functional.conv" not in call
        or any(str(axis[0]) == op.batch for axis in op.output.axes)
    ):
        return []
    return [f"if {batch[0]}.shape[{batch[1]}] == 0:", f"    return torch.zeros_like({same})"]


def _apart(op: Operator, copies: tuple[Copied, ...]) -> tuple[Operator, tuple[Copied, ...]]:
    """The operator with other names for tensors called like a module or a size; no formula's name ends with _."""
    names = {*op.tensors, *(s.target.name for s in op.statements)} & {"np", "torch", "math", *context_of(op).sizes}
    if not names:
        return op, copies

    def shown(name: str) -> str:
        return f"{name}_" if name in names else name

    def rule(node: Expr) -> Expr | None:
        return replace(node, tensor=shown(node.tensor)) if isinstance(node, Read) else None

    inputs = tuple(replace(t, name=shown(t.name)) for t in op.inputs)
    statements = tuple(
        replace(s, target=replace(s.target, name=shown(s.target.name)), expr=transform(s.expr, rule))
        for s in op.statements
    )
    others = tuple(replace(one, tensor=shown(one.tensor)) for one in copies)
    return replace(op, inputs=inputs, statements=statements), others


def _shorter(body: list[str], last: str) -> list[str]:
    """The lines with the last array returned as it is computed, where that is one expression."""
    name = last.removeprefix("return ")
    if body and name.isidentifier() and (found := re.fullmatch(rf"{name} = (.*)", body[-1])):
        return [*body[:-1], f"return {found[1]}"]
    return [*body, last]


def _returned(out: Tensor, words: Words) -> str:
    if all(len(axis) == 1 for axis in out.axes):
        return out.name
    shape = [_physical(words, axis) for axis in out.axes]
    return f"{out.name}.reshape({', '.join(shape)})"


def _physical(words: Words, axis: tuple[Affine, ...]) -> str:
    if len(axis) == 1:
        return words.form(axis[0])
    return " * ".join(words.factor(size) for size in axis if size != affine(1)) or "1"


def _sizes(op: Operator, words: Words) -> list[str]:
    """Every size that is used, from the shapes of the arrays or from other sizes."""
    lines: list[str] = []
    known: set[str] = set()
    lone = {str(a[0].name) for t in op.inputs for a in t.axes if len(a) == 1 and a[0].name}
    defined = {d.name: d.form for d in op.definitions}
    wanted = _closed(op, words, set(words.used), lone, defined)
    for tensor in op.inputs:
        names = [axis[0].name if len(axis) == 1 else None for axis in tensor.axes]
        new = [n if n in wanted and n not in known and names.index(n) == at else None for at, n in enumerate(names)]
        found = [n for n in new if n]
        if len(found) == 1:
            lines.append(f"{found[0]} = {tensor.name}.shape[{new.index(found[0])}]")
        elif found:
            left = ", ".join(n or "_" for n in new)
            lines.append(f"{left} = {tensor.name}.shape")
        known |= set(found)
    for tensor in op.inputs:
        lines += _merged(tensor, words, wanted, known)
    for name, form in defined.items():
        if name in wanted and name not in known:
            lines.append(f"{name} = {words.form(form)}")
            known.add(name)
    return lines


def _merged(tensor: Tensor, words: Words, wanted: set[str], known: set[str]) -> list[str]:
    lines = []
    for at, axis in enumerate(tensor.axes):
        open_ = [size for size in axis if size.name in wanted and size.name not in known]
        rest = [size for size in axis if size not in open_]
        if len(axis) > 1 and len(open_) == 1 and all(size.names() <= known for size in rest):
            below = " // ".join(words.factor(size) for size in rest)
            lines.append(f"{open_[0].name} = {tensor.name}.shape[{at}] // {below}")
            known.add(str(open_[0].name))
    return lines


def _closed(op: Operator, words: Words, wanted: set[str], lone: set[str], defined: dict[str, Affine]) -> set[str]:
    """The sizes that must be known for some to be."""
    pending = list(wanted)
    while pending:
        name = pending.pop()
        more = set(defined[name].names()) if name in defined and name not in lone else set()
        if name not in defined and name not in lone:
            more |= {
                n for t in op.inputs for a in t.axes if any(s.name == name for s in a) for s in a for n in s.names()
            }
        pending += sorted(more - wanted)
        wanted |= more
    return wanted
