"""Claims as text: a small grammar of their own, nothing is ever evaluated as Python.

::

    claim      = equation { (";" | new line) equation }
    equation   = NAME [ "[" index { "," index } "]" ] ("=" | ":=" | "==") expression
    expression = either { ("<" | "<=" | ">" | ">=" | "==" | "!=") either }
    either     = both { "|" both }            both  = sum { "&" sum }
    sum        = product { ("+" | "-") product }
    product    = unary { ("*" | "/" | "//" | "%" | "@") unary }
    unary      = ("-" | "+") unary | postfix [ "**" unary ]
    postfix    = primary { "[" subscript "]" | "." NAME [ "(" arguments ")" ] }
    primary    = NUMBER | TEXT | NAME [ "(" arguments ")" ] | "(" expressions ")" | "[" expressions "]"
               | ("sum" | "mean" | "max" | "min") "[" runs [ ":" conditions ] "]" "(" expression ")"
"""

from __future__ import annotations

from fractions import Fraction

from symconv.errors import SpecError, shown
from symconv.limits import CLAIM_CHARACTERS
from symconv.prove.language.frameworks import foreign
from symconv.prove.language.lengths import is_list
from symconv.prove.language.libraries import arranged
from symconv.prove.language.parse_each import ARRAYS, EachGrammar, of_list
from symconv.prove.language.syntax import Call, Claim, Equation, Name, Node, Number, Pick, Sliced, Span, Text
from symconv.prove.language.syntax import Tuple as Several
from symconv.prove.language.tokens import Caret
from symconv.prove.language.vocabulary import METHODS, MODULES, REDUCTIONS, UNCHANGED, unknown_method
from symconv.prove.language.words import unknown_word

__all__ = ["Caret", "parse_claim"]

_SPELLINGS = {"kD": "KD", "kH": "KH", "kW": "KW"}


def parse_claim(source: str) -> Claim:
    """The claim a text states; raises SpecError with a caret under what is wrong.

    >>> str(parse_claim("gx = F.conv2d(gy, w.flip([2,3]), padding=1)"))
    'gx = conv2d(gy, flip(w, (2, 3)), padding=1)'
    >>> str(parse_claim("gx[n,c,u] := Σ[f,p](gy[n,f,u-p]*w[f,c,p])"))
    'gx[n,c,u] = sum[f, p](gy[n, f, u - p]*w[f, c, p])'
    """
    if not isinstance(source, str):
        raise SpecError(f"a claim is a text, as in 'gx = conv_transpose(gy, w)'; given {shown(source)}")
    if len(source) > CLAIM_CHARACTERS:
        raise SpecError(f"the claim has {len(source)} characters; at most {CLAIM_CHARACTERS} are read")
    return _Parser(source).claim()


class _Parser(EachGrammar):
    def claim(self) -> Claim:
        equations = self.equations_of(self.equation)
        if self.here.kind != "end":
            joined = self.here.kind in {"name", "number"} or self.at("(")
            hint = "; a product is written with *" if joined else ""
            message = f"an operator or the end is wanted; found {self.here.text!r}{hint}"
            raise self.caret.error(self.here.column, message)
        *earlier, last = equations
        for name, _ in last.lengths:
            known = f"how far the index {name} runs is known from {last.name}"
            raise self.caret.error(last.at, f"{known}: leave it out; intermediates state lengths")
        return Claim(last.name, last.body, self.source, last.indices, tuple(earlier))

    def equation(self) -> Equation:
        side, at = self.here.text, self.here.column
        if self.here.kind != "name":
            raise self.wrong("a claim begins with what it computes, as in 'gx = ...'")
        self.take()
        if self.at(".") and self.tokens[self.position + 1].text == "grad":
            self.position += 2
            side = f"{side}.grad"
        indices, lengths = self.target() if self.accept("[") else (None, ())
        if not self.accept("=", ":=", "=="):
            raise self.wrong(f"'=' is wanted after {side}, as in '{side} = conv(...)'")
        self.indexed = indices is not None
        return Equation(side, indices, self.condition(), at, lengths)

    def operand(self) -> Node:
        node = self.primary()
        while True:
            at = self.here.column
            if self.at("[", "."):
                self.count(at)
            if self.accept("["):
                node = Sliced(node, self.subscript(), at)
            elif self.accept("."):
                node = self.method(node)
            else:
                return node

    def method(self, node: Node) -> Node:
        token = self.take()
        name, at = token.text, token.column
        if token.kind == "name":
            match name:
                case "T":
                    return Call("permute", (node,), (), at)
                case "mT":
                    return Call("swap", (node, Number(Fraction(-1)), Number(Fraction(-2))), (), at)
                case "grad" if isinstance(node, Name):
                    return Name(f"{node.name}.grad", node.at)
                case "shape" if self.accept("["):
                    return self.shape_of(node, at)
                case "shape":
                    return Call("shape", (node,), (), at)
        if token.kind != "name" or name not in METHODS:
            raise self.caret.error(at, unknown_method(name))
        if name == "size" and not self.at("("):
            # NumPy's count of elements; PyTorch's method has arguments.
            return Call("numel", (node,), (), at)
        self.expect("(", f"after .{name}")
        if name in UNCHANGED:
            self.expect(")", f"after .{name}(")
            return node
        if name == "size" and self.accept(")"):
            return Call("shape", (node,), (), at)
        return arranged(self.caret, "method", self.call(name, at, (node,)))

    def shape_of(self, node: Node, at: int) -> Node:
        """``x.shape[2]`` is a length, ``x.shape[2:]`` a list of them."""
        items = self.subscript()
        match items:
            case (Pick("index", axis),) if axis is not None:
                return Call("size", (node, axis), (), at)
            case (Span(),):
                return Sliced(Call("shape", (node,), (), at), items, at)
        raise self.caret.error(at, "a shape is indexed by one number or one span, as in x.shape[2]")

    def primary(self) -> Node:
        token = self.take()
        match token.kind:
            case "number":
                return Number(Fraction(token.text), token.column)
            case "text":
                return Text(token.text[1:-1], token.column)
            case "name":
                return self.named(token.text, token.column)
        if token.text in {"(", "["}:
            return self.parenthesised(")" if token.text == "(" else "]", token.column)
        self.position -= 1
        raise self.wrong("a tensor, a size, a number or a function is wanted")

    def parenthesised(self, closing: str, at: int) -> Node:
        items: list[Node] = []
        several = closing == "]"
        while not self.accept(closing):
            if items and not (several := self.accept(",") or several):
                raise self.wrong(f"',' or {closing!r} is wanted")
            if several and self.accept(closing):
                break
            if items and self.tokens[self.position - 1].text != ",":
                raise self.wrong(f"',' or {closing!r} is wanted")
            items.append(self.starred())
            if closing == "]" and len(items) == 1 and (made := self.each(items[0])) is not items[0]:
                self.expect("]", "behind range(...)")
                return made
        if not items and closing == ")":
            return Several((), at)
        return Several(tuple(items), at) if several else items[0]

    def named(self, name: str, at: int) -> Node:
        path: list[str] = []
        while name in MODULES and self.at(".") and self.tokens[self.position + 1].kind == "name":
            self.take()
            path.append(name)
            token = self.take()
            name, at = token.text, token.column
        if name in REDUCTIONS and not path and self.at("["):
            return self.reduction(name, at)
        if not self.accept("("):
            return Name(_SPELLINGS.get(name, name), at)
        read = foreign(".".join(path), name)
        if read is None and (message := unknown_word(name)) is not None and name not in ARRAYS:
            raise self.caret.error(at, message)
        call = self.call(name, at, ())
        if (made := of_list(self.caret, ".".join(path), call, self.indexed)) is not None:
            return made
        if name in ARRAYS:
            raise self.caret.error(at, f"{name} is read of a list for each number: {name}([... for k in range(K)])")
        return read(self.caret, call) if read is not None else arranged(self.caret, ".".join(path), call)

    def call(self, name: str, at: int, before: tuple[Node, ...]) -> Call:
        arguments: list[Node] = list(before)
        named: dict[str, Node] = {}
        while not self.accept(")"):
            if len(arguments) + len(named) > len(before):
                self.expect(",", "between arguments, or ')'")
                if self.accept(")"):
                    break
            key, column = self.here.text, self.here.column
            if self.here.kind == "name" and self.tokens[self.position + 1].text == "=":
                self.position += 2
                if key in named:
                    raise self.caret.error(column, f"{key} is given twice")
                named[key] = self.condition()
            elif named:
                raise self.caret.error(column, "a positional argument stands before the named ones")
            else:
                arguments.append(self.each(self.starred()))
        return Call(name, tuple(arguments), tuple(named.items()), at)

    def starred(self) -> Node:
        """An expression, or ``*x.shape``: a list among others is as if its lengths stood there."""
        star, at = self.accept("*"), self.here.column
        node = self.condition()
        if star and not is_list(node):
            raise self.caret.error(at, "a star is read before a list of lengths, as in (*x.shape[:2], 1)")
        return node

    def subscript(self) -> tuple[Span | Pick, ...]:
        items: list[Span | Pick] = []
        while not self.accept("]"):
            if items:
                self.expect(",", "between the axes of a subscript, or ']'")
                if self.accept("]"):
                    break
            items.append(self.item())
        if not items:
            raise self.wrong("an empty subscript")
        return tuple(items)

    def item(self) -> Span | Pick:
        if self.accept("..."):
            return Pick("...")
        at = self.position
        while self.tokens[at].text in MODULES and self.tokens[at + 1].text == ".":
            at += 2
        if self.tokens[at].text in {"None", "newaxis"} and self.tokens[at + 1].text in {",", "]"}:
            self.position = at + 1
            return Pick("new")
        start = None if self.at(":") else self.condition()
        if not self.accept(":"):
            return Pick("index", start)
        stop = None if self.at(":", ",", "]") else self.condition()
        step = None
        if self.accept(":") and not self.at(",", "]"):
            step = self.condition()
        return Span(start, stop, step)
