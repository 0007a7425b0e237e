"""Index notation in claims: what is computed by its indices, sums over indices with bounds, comparisons."""

from __future__ import annotations

from fractions import Fraction

from symconv.errors import SpecError
from symconv.limits import INDEX_OPERATIONS
from symconv.notation.grammar import COMPARISONS, Grammar
from symconv.notation.lexer import Token
from symconv.prove.language.syntax import Binary, Name, Node, Number, Reduction
from symconv.prove.language.syntax import Tuple as Several
from symconv.prove.language.tokens import Caret, tokens

__all__ = ["IndexGrammar"]


class IndexGrammar(Grammar[Node]):
    """Operators, comparisons and reductions of the claim language; what stands between them is left open."""

    levels = (("|",), ("&",), ("+", "-"), ("*", "/", "//", "%", "@"))
    most_depth = 60

    def __init__(self, source: str) -> None:
        self.caret = Caret(source)
        super().__init__(source, tokens(source, self.caret))
        self.operations = 0

    def error(self, column: int, message: str) -> SpecError:
        return self.caret.error(column, f"the claim is {message}" if message.startswith("nested") else message)

    def expect(self, text: str, what: str) -> None:
        if not self.accept(text):
            raise self.wrong(f"{text!r} is wanted {what}")

    def wrong(self, message: str) -> SpecError:
        text, at = self.here.text, self.here.column
        return self.caret.error(at, f"{message}; found {text!r}" if text else f"{message}; the claim ends here")

    def count(self, at: int) -> None:
        """One more operation, which is one more level of the tree at most."""
        self.operations += 1
        if self.operations > INDEX_OPERATIONS:
            raise self.caret.error(at, f"the claim has more than {INDEX_OPERATIONS} operations")

    def joined(self, operator: Token, left: Node, right: Node) -> Node:
        self.count(operator.column)
        match operator.text:
            case "&":
                return Binary("*", left, right, operator.column)
            case "|":
                both = Binary("*", left, right, operator.column)
                return Binary("-", Binary("+", left, right, operator.column), both, operator.column)
        return Binary(operator.text, left, right, operator.column)

    def negated(self, operator: Token, operand: Node) -> Node:
        self.count(operator.column)
        at = operator.column
        return Number(-operand.value, at) if isinstance(operand, Number) else Binary(
            "-", Number(Fraction(0), at), operand, at
        )  # fmt: skip

    def both(self, left: Node, right: Node) -> Node:
        return Binary("*", left, right, right.at)

    def target(self) -> tuple[tuple[Node, ...], tuple[tuple[str, Node], ...]]:
        """The indices of a side: names, each once, or several in parentheses for a merged axis; and stated lengths."""
        items: list[Node] = []
        lengths: list[tuple[str, Node]] = []
        while not self.accept("]"):
            if items:
                self.expect(",", "between indices, or ']'")
            item = self.condition()
            if isinstance(item, Binary) and item.op == "<" and isinstance(item.left, Name):
                lengths.append((item.left.name, item.right))
                item = item.left
            items.append(item)
        seen: set[str] = set()
        for item in (one for node in items for one in (node.items if isinstance(node, Several) else (node,))):
            if not isinstance(item, Name) or item.name in seen:
                raise self.caret.error(item.at, "what is computed is indexed by names, each once, as in gx[n,c,u,v]")
            seen.add(item.name)
        return tuple(items), tuple(lengths)

    def reduction(self, kind: str, at: int) -> Node:
        self.expect("[", f"after {kind}")
        self.count(at)
        indices: list[str] = []
        where: list[Node] = []
        while not self.at(":", "]"):
            if indices:
                self.expect(",", "between indices, or ']'")
            self.run(indices, where)
        if self.accept(":"):
            where += self.conditions()
            while self.accept(","):
                where += self.conditions()
        self.expect("]", "to end the indices")
        if not indices:
            raise self.caret.error(at, f"{kind}[...] runs over indices, as in {kind}[p](x[n,i+p])")
        self.expect("(", f"after {kind}[{','.join(indices)}]")
        body = self.condition()
        self.expect(")", "to end the summand")
        return Reduction(kind, tuple(indices), tuple(where), body, at)

    def run(self, indices: list[str], where: list[Node]) -> None:
        """An index of a sum: its name, or with bounds (``p<3``, ``0<=p<K``), or ``p=0..2``."""
        start = self.here.column
        name = self.here.text
        if self.here.kind == "name" and self.tokens[self.position + 1].text == "=":
            self.position += 2
            where += self.interval(Name(name, start))
        else:
            conditions = self.conditions(least=0)
            sides = [side for one in conditions for side in _sides(one)]
            name = next((side.name for side in sides if isinstance(side, Name) and side.name.islower()), "")
            where += [one for one in conditions if isinstance(one, Binary)]
        if not name or name in indices:
            message = "an index of a sum is a name in small letters, each once, as in sum[p] or sum[p<3]"
            raise self.caret.error(start, message)
        indices.append(name)

    def interval(self, name: Name) -> list[Node]:
        """``0..K-1``, both ends included."""
        first = self.binary()
        if not self.accept("..", "..."):
            raise self.wrong("'..' is wanted, as in sum[p=0..2]")
        last = self.binary()
        return [Binary("<=", first, name, name.at), Binary("<=", name, last, name.at)]

    def conditions(self, least: int = 1) -> list[Node]:
        """One condition, a chain of comparisons as several; with ``least`` 0 a name alone stands for none."""
        first, found = self.compared()
        if not found and (least or not isinstance(first, Name)):
            raise self.wrong(f"a comparison is wanted, one of {' '.join(COMPARISONS)}")
        return [self.joined(*one) for one in found] or [first]


def _sides(node: Node) -> tuple[Node, ...]:
    return (node.left, node.right) if isinstance(node, Binary) else (node,)
