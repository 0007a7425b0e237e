"""What steps read of arrays with a row for each step, as the state before the step and the row of the step."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Mapping

from symconv.code.source.below import changed_below
from symconv.code.source.loops_in_time import Refused
from symconv.code.source.plain_loops import Plain, behind_first
from symconv.code.source.rows import Rows, place_of

__all__ = ["InBackward", "InForward"]


class _Rows(ast.NodeTransformer, ABC):
    """Subscripts of arrays with rows, in whose place others are put; ``rows`` are the arrays by their names here."""

    def __init__(self, rows: Mapping[str, Rows], index: str) -> None:
        self.rows = rows
        self.index = index

    def changed(self, node: ast.stmt) -> ast.stmt:
        """The statement with others."""
        made = self.visit(node)
        assert isinstance(made, ast.stmt)
        return ast.fix_missing_locations(made)

    @abstractmethod
    def before(self, row: Rows, chosen: ast.expr | None, node: ast.expr) -> ast.expr:
        """The state before a step; ``chosen`` is what is taken in the first step in place of the row."""

    def array(self, name: str) -> str:
        """What an array is called afterwards."""
        return name

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """``h[:, t - 1] if t > 0 else h0``."""
        two = behind_first(node, self.index)
        if two is None:
            return changed_below(self, node)
        match two[0]:
            case ast.Subscript(ast.Name(name), at) if name in self.rows:
                row = self.rows[name]
                if not row.late and place_of(at) == (row.axis, row.places(self.index)[0]):
                    return self.before(row, two[1], node)
        raise Refused

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """A row."""
        match node:
            case ast.Subscript(ast.Name(name), at) if name in self.rows:
                row = self.rows[name]
                before, own = row.places(self.index)
                if place_of(at) == (row.axis, own):
                    made = ast.copy_location(ast.Name(self.index, ast.Load()), node)
                    if isinstance(at, ast.Tuple):
                        at.elts[row.axis] = made
                    else:
                        node.slice = made
                    node.value = ast.copy_location(ast.Name(self.array(name), ast.Load()), node)
                    return node
                if place_of(at) == (row.axis, before) and isinstance(node.ctx, ast.Load):
                    return self.before(row, None, node)
                raise Refused
            case ast.Subscript(ast.Attribute(ast.Name(name), "shape"), ast.Constant(int() as place)) if (
                name in self.rows and self.array(name) == name and 0 <= place != self.rows[name].axis
            ):
                return node
        return changed_below(self, node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """An array as a whole, which has a row more than there are steps, or whose name is that of the state now."""
        if node.id in self.rows and (self.rows[node.id].extra or self.array(node.id) != node.id):
            raise Refused
        return node


class InForward(_Rows):
    """Statements of a forward function."""

    def array(self, name: str) -> str:
        """Beside a state that has its name."""
        return self.rows[name].array

    def before(self, row: Rows, chosen: ast.expr | None, node: ast.expr) -> ast.expr:
        """With what states begin has been looked at before."""
        del chosen
        if row.state != row.name:
            raise Refused
        return ast.copy_location(ast.Name(row.before, ast.Load()), node)


class InBackward(_Rows):
    """Statements of a backward function; ``called`` are the names of the forward one for what is kept.

    ``starts`` are the parameters that states begin with, and ``read`` the arrays of which a state before a step is
    read.
    """

    def __init__(self, rows: Mapping[str, Rows], index: str, called: Mapping[str, str], starts: set[str]) -> None:
        super().__init__(rows, index)
        self.called = called
        self.starts = starts
        self.read: dict[str, Rows] = {}

    def all(self, back: Plain, given: str) -> None:
        """Changes the statements of the function, but not the one that takes apart what is ``given``."""
        apart = [isinstance(one, ast.Assign) and ast.unparse(one.value) == given for one in back.before]
        back.before = [one if own else self.changed(one) for one, own in zip(back.before, apart, strict=True)]
        back.loop.body = [self.changed(one) for one in back.loop.body]
        back.after = [self.changed(one) for one in back.after]
        result = self.changed(back.result)
        assert isinstance(result, ast.Return)
        back.result = result

    def before(self, row: Rows, chosen: ast.expr | None, node: ast.expr) -> ast.expr:
        """In the first step it has to be what the states begin with."""
        if not row.state:
            raise Refused
        if chosen is None:
            right = row.first == row.start
        else:
            right = isinstance(chosen, ast.Name) and bool(row.start) and self.called.get(chosen.id) == row.start
        if not right:
            raise Refused
        self.read[row.name] = row
        return ast.copy_location(ast.Name(row.before, ast.Load()), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """The shape of what a state begins with."""
        if node.attr == "shape" and isinstance(node.value, ast.Name) and self.called.get(node.value.id) in self.starts:
            return node
        return changed_below(self, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """``np.zeros_like(h0)``, and ``np.zeros(x.shape)`` as one like ``x``."""
        match node:
            case ast.Call(ast.Attribute(_, "zeros_like"), [ast.Name(name)], []) if self.called.get(name) in self.starts:
                return node
            case ast.Call(ast.Attribute(module, "zeros"), [ast.Attribute(ast.Name() as like, "shape")], []):
                made = ast.copy_location(ast.Attribute(module, "zeros_like", ast.Load()), node)
                return self.visit_Call(ast.copy_location(ast.Call(made, [like], []), node))
        return changed_below(self, node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """What a state begins with is another one in later steps."""
        if self.called.get(node.id) in self.starts:
            raise Refused
        return super().visit_Name(node)
