"""Patterns of axes, as einops writes them: ``rearrange(a, "b (c r) h -> b c (h r)", r=2)``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from symconv.prove.language.defined import Arguments, Defined, number, size
from symconv.prove.language.defined_places import product_of
from symconv.prove.language.syntax import Binary, Call, Node, Text, Tuple

__all__ = ["PATTERNS"]

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z_0-9]*|1|\(|\))")
Groups = list[list[str]]


def _read(given: Arguments, text: str) -> Groups:
    """The axes of one side of a pattern, each a list of names."""
    groups: Groups = []
    inside = False
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise given.wrong(f"{text[position:].strip()[0]!r} is no part of a pattern of names, 1 and parentheses")
        token = match.group(1)
        position = match.end()
        match token:
            case "(" if not inside:
                groups.append([])
                inside = True
            case ")" if inside:
                inside = False
            case "(" | ")":
                raise given.wrong("parentheses in a pattern do not nest, and are closed")
            case _:
                names = [] if token == "1" else [token]
                if inside:
                    groups[-1] += names
                else:
                    groups.append(names)
    names = [name for group in groups for name in group]
    if inside or len(set(names)) != len(names):
        raise given.wrong("a pattern names each axis once, and closes its parentheses")
    return groups


def _sides(given: Arguments) -> tuple[Groups, Groups]:
    pattern = given.given.get("pattern")
    if not isinstance(pattern, Text) or pattern.value.count("->") != 1:
        raise given.wrong('a pattern is wanted, as in "b (c r) h -> b c (h r)"')
    left, right = (_read(given, side) for side in pattern.value.split("->"))
    if len(left) != given.ranks[0]:
        raise given.wrong(f"the pattern has {len(left)} axes on its left; the array has {given.ranks[0]}")
    return left, right


def _lengths(given: Arguments, left: Groups) -> dict[str, Node]:
    """The length of every name: as stated, else what is left of its axis."""
    stated = {name: node for name, node in given.given.items() if name != "pattern"}
    found: dict[str, Node] = {}
    for axis, group in enumerate(left):
        whole = size(given.arrays[0], axis)
        open_ = [name for name in group if name not in stated]
        found |= {name: stated[name] for name in group if name in stated}
        if len(open_) > 1:
            raise given.wrong(f"say how long {open_[0]} is, as in {open_[0]}=2")
        if open_:
            rest = [stated[name] for name in group if name in stated]
            found[open_[0]] = Binary("//", whole, product_of(rest)) if rest else whole
    return found


def _reshaped(array: Node, groups: Sequence[Sequence[Node]]) -> Node:
    return Call("reshape", (array, Tuple(tuple(product_of(group) for group in groups))))


def _rearranged(given: Arguments) -> Node:
    left, right = _sides(given)
    before, after = ([name for group in side for name in group] for side in (left, right))
    if set(before) != set(after):
        lost = sorted(set(before) ^ set(after))
        raise given.wrong(f"{', '.join(lost)} stands on one side of the pattern alone")
    lengths = _lengths(given, left)
    split = _reshaped(given.arrays[0], [[lengths[name]] for name in before])
    order = Tuple(tuple(number(before.index(name)) for name in after))
    moved = Call("permute", (split, order)) if len(after) > 1 else split
    return _reshaped(moved, [[lengths[name] for name in group] for group in right])


def _reduced(given: Arguments) -> Node:
    """The axes that the right side leaves out are summed, or averaged."""
    left, right = _sides(given)
    kind = given.given.get("reduction")
    if kind not in {Text("sum"), Text("mean")}:
        raise given.wrong('the reduction is "sum" or "mean"')
    before, after = ([name for group in side for name in group] for side in (left, right))
    gone = [name for name in before if name not in after]
    if not set(after) <= set(before):
        raise given.wrong("the right side of the pattern names an axis that the left one has not")
    inner = replace(given, given={k: v for k, v in given.given.items() if k != "reduction"})
    lengths = _lengths(inner, left)
    node = _reshaped(given.arrays[0], [[lengths[name]] for name in before])
    if gone:
        axes = Tuple(tuple(number(before.index(name)) for name in gone))
        node = Call("sum" if kind == Text("sum") else "mean", (node, axes))
    kept = [name for name in before if name in after]
    if len(kept) > 1:
        node = Call("permute", (node, Tuple(tuple(number(kept.index(name)) for name in after))))
    return _reshaped(node, [[lengths[name] for name in group] for group in right])


PATTERNS = {
    "rearrange": Defined('rearrange(a, "b (c r) h -> b c (h r)", r=2)', 1, ("pattern", "**"), _rearranged),
    "reduce": Defined('reduce(a, "b c (h p) -> b c h", "sum", p=2)', 1, ("pattern", "reduction", "**"), _reduced),
}
