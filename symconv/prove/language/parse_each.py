"""Lists for each number of a range, as Python writes them: ``sum(gy[:, k:k+1]*w[k] for k in range(F))``."""

from __future__ import annotations

from fractions import Fraction

from symconv.prove.language.parse_index import IndexGrammar
from symconv.prove.language.syntax import Binary, Call, Each, Name, Node, Number, Reduction, Sliced
from symconv.prove.language.tokens import Caret
from symconv.prove.language.vocabulary import canonical

__all__ = ["ARRAYS", "EachGrammar", "of_list"]

ARRAYS = frozenset({"array", "asarray"})
"""What makes an array of a list."""
_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


class EachGrammar(IndexGrammar):
    """What stands behind the first expression of a list, or of a call."""

    indexed = False
    """Whether the side of the equation that is read is indexed."""

    def word(self, text: str) -> bool:
        """Read a word of Python if it comes next."""
        found = self.here.kind == "name" and self.here.text == text
        self.position += found
        return found

    def each(self, body: Node) -> Node:
        """The body, or the list of it where ``for k in range(K)`` follows; a later range makes it longer."""
        at = self.here.column
        if not self.word("for"):
            return body
        self.count(at)
        name = self.here.text
        if self.take().kind != "name" or not self.word("in") or not self.word("range"):
            raise self.caret.error(at, "a list is read for each number of a range: for k in range(K)")
        self.expect("(", "after range")
        ends = [self.condition()]
        while self.accept(","):
            ends.append(self.condition())
        self.expect(")", "behind the ends of a range")
        if len(ends) > 3:
            raise self.caret.error(at, f"range takes one number, two or three; given {len(ends)}")
        start, stop, step = (*ends, _ONE)[:3] if len(ends) > 1 else (_ZERO, *ends, _ONE)
        inner = self.each(body)
        where = self.conditions() if inner is body and self.word("if") else []
        found = Each(inner, name, start, stop, step, tuple(where), at)
        return found if inner is body else Call("flatten", (found, _ZERO, _ONE), (), at)


def of_list(caret: Caret, path: str, call: Call, indexed: bool) -> Node | None:
    """A call whose first argument is such a list, an array with an axis for the numbers; None for other calls.

    In index notation a sum for each number is one over an index.
    """
    if not call.arguments or not _is_list(call.arguments[0]):
        return None
    word, (items, *rest) = canonical(call.function), call.arguments
    axes = [value for key, value in call.named if key in {"axis", "dim"}]
    if indexed:
        if word == "sum" and not path and not (rest or axes) and (loops := _loops(items)):
            return _summed(caret, loops)
        raise caret.error(call.at, "where the side is indexed, a list is read in sum(... for k in range(K))")
    axis = (*rest, *axes, _ZERO)[0]
    match word:
        case "array" | "asarray":
            return items
        case "sum" if not path and not axes:
            return Call("sum", (items, _ZERO), (), call.at)
        case "stack":
            return Call("moveaxis", (items, _ZERO, axis), (), call.at)
        case "concatenate" if isinstance(axis, Number):
            # Beside the axis that each array brings along.
            before = axis.value if axis.value >= 0 else axis.value - 1
            ends = (Number(before), Number(before + 1))
            return Call("flatten", (Call("moveaxis", (items, _ZERO, ends[0]), (), call.at), *ends), (), call.at)
    return None


def _is_list(node: Node) -> bool:
    """Whether an expression is a list, or a part of one."""
    return bool(_loops(node)) or (isinstance(node, Sliced) and _is_list(node.value))


def _loops(node: Node) -> list[Each]:
    """The ranges of a list, the last of which is inside."""
    match node:
        case Each():
            return [node]
        case Call("flatten", (Each(body) as first, *_)) if inner := _loops(body):
            return [first, *inner]
    return []


def _summed(caret: Caret, loops: list[Each]) -> Node:
    limits: list[Node] = []
    for one in loops:
        if one.step != _ONE:
            raise caret.error(one.at, f"in index notation a range has no step: take a multiple of {one.name} instead")
        name = Name(one.name, one.at)
        limits += [Binary("<=", one.start, name, one.at), Binary("<", name, one.stop, one.at), *one.where]
    return Reduction("sum", tuple(one.name for one in loops), tuple(limits), loops[-1].body, loops[0].at)
