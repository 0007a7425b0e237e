"""Small edits of calls of a library's convolutions, each with the mistake it undoes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

from symconv.notation.affine import Affine
from symconv.notation.operator import Operator
from symconv.prove.language.facts import facts_of

__all__ = ["calls", "options", "parsed", "word_of_call"]

_CONVOLUTIONS = tuple(
    word.replace("?", str(rank))
    for rank in (1, 2, 3)
    for word in ("conv?d", "conv_transpose?d", "conv?d_input", "conv?d_weight")
)


def parsed(text: str) -> ast.expr:
    """An expression, which is of no line until it has a place."""
    node = ast.parse(text, mode="eval").body
    for one in ast.walk(node):
        for name in one._attributes:
            if hasattr(one, name):
                delattr(one, name)
    return node


def word_of_call(node: ast.Call) -> str:
    """The name of what is called, that of its library or array apart."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """The calls in a function."""
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def options(
    op: Operator, function: ast.FunctionDef, names: Mapping[str, str]
) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """Options of convolutions that are missing, exchanged or do not belong there."""
    facts = facts_of(op)
    values: dict[str, list[int | None]] = {
        "stride": [one.stride for one in facts.axes], "dilation": [one.dilation for one in facts.axes],
        "padding": [_number(one.pads) for one in facts.axes],
    }  # fmt: skip
    for call in calls(function):
        word = word_of_call(call)
        if word not in _CONVOLUTIONS:
            continue
        if word.startswith("conv_transpose"):
            yield from _output_padding(op, call, names)
        for key, other in (("stride", "dilation"), ("dilation", "stride")):
            found = _keyword(call, key)
            if found is not None and _keyword(call, other) is None:
                yield call, _with(call, {key: None, other: found}), f"{key} and {other} are exchanged"
        for key, held in values.items():
            if None not in held:
                text = _tuple([str(one) for one in held])
                yield call, _with(call, {key: parsed(text)}), f"{key} {text} is missing"
            if _keyword(call, key) is not None:
                yield call, _with(call, {key: None}), f"{key} does not belong there"
        yield from _full(op, call)
        yield from _exchanged(call)


def _number(pads: tuple[Affine, Affine] | None) -> int | None:
    if pads is not None and pads[0] == pads[1] and pads[0].is_constant:
        return pads[0].constant
    return None


def _tuple(items: Sequence[str]) -> str:
    return items[0] if len(set(items)) == 1 else f"({', '.join(items)})"


def _output_padding(op: Operator, call: ast.Call, names: Mapping[str, str]) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    axes, x = facts_of(op).axes, names.get("x")
    filters = next((names[n] for n in facts_of(op).filters if n in names), None)
    if x is None or filters is None or _keyword(call, "output_padding") is not None or len(call.args) > 5:
        return
    parts = []
    for k, one in enumerate(axes):
        if one.stride is None or one.dilation is None or one.pads is None:
            return
        pads = one.pads[0] + one.pads[1]
        room = f"{x}.shape[{k + 2}]" + (f" + {pads}" if str(pads) != "0" else "")
        taps = f"{filters}.shape[{k + 2}]"
        taps = taps if one.dilation == 1 else f"{one.dilation}*({taps} - 1) - 1"
        parts.append(f"({room} - {taps}) % {one.stride}")
    text = f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    yield (
        call,
        _with(call, {"output_padding": parsed(text)}),
        "output_padding is missing: the sizes that stride leaves over",
    )


def _full(op: Operator, call: ast.Call) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    if len(call.args) >= 2 and word_of_call(call).startswith("conv") and "transpose" not in word_of_call(call):
        axes = facts_of(op).axes
        weight = ast.unparse(call.args[1])
        pads = [_number(one.pads) for one in axes]
        if None not in pads:
            text = _tuple([f"{weight}.shape[{k + 2}] - 1 - {p}" for k, p in enumerate(pads)])
            yield call, _with(call, {"padding": parsed(text)}), "the padding of the full convolution, K - 1 - p"


def _exchanged(call: ast.Call) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    if len(call.args) >= 2:
        new = deepcopy(call)
        new.args[0], new.args[1] = new.args[1], new.args[0]
        yield call, new, "the two arrays are exchanged"
    for k in range(min(2, len(call.args))):
        new = deepcopy(call)
        text = ast.unparse(call.args[k])
        new.args[k] = parsed(f"({text}).transpose(0, 1)")
        yield call, new, "batch and channels are exchanged"
    if len(call.args) >= 2:
        new = deepcopy(call)
        for k in range(2):
            new.args[k] = parsed(f"({ast.unparse(call.args[k])}).transpose(0, 1)")
        yield (
            call,
            ast.Call(ast.Attribute(new, "transpose", ast.Load()), [ast.Constant(0), ast.Constant(1)], []),
            ("batch and channels are exchanged"),
        )


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def _with(call: ast.Call, changed: Mapping[str, ast.expr | None]) -> ast.Call:
    new = deepcopy(call)
    new.keywords = [one for one in new.keywords if one.arg not in changed]
    new.keywords += [ast.keyword(key, deepcopy(value)) for key, value in changed.items() if value is not None]
    return new
