"""Integers of a nest by names that nothing shadows, so that what a name stands for may take its place anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symconv.loops.ir import Expr, For, If, Let, Nest, Stmt, Var
from symconv.loops.traverse import substitute

__all__ = ["told_apart"]


def told_apart(nest: Nest) -> Nest:
    """The nest in which no name is given again where it has a meaning already.

    >>> from symconv.loops.arith import const
    >>> twice = Nest("z", const(1), (Let("a", const(1)), Let("a", const(2)), Let("b", Var("a"))))
    >>> [statement.name for statement in told_apart(twice).body], told_apart(twice).body[2].value
    (['a', 'a_1_', 'b'], Var(name='a_1_'))
    """
    return replace(nest, body=_block(nest.body, {}, {nest.var: 1}))


def _block(body: Sequence[Stmt], names: Mapping[str, Expr], bound: Mapping[str, int]) -> tuple[Stmt, ...]:
    """``names`` are those that have been given other names, ``bound`` says how often each has been given around."""
    names, bound = dict(names), dict(bound)
    found: list[Stmt] = []
    for statement in body:
        match statement:
            case Let(name, value):
                new = substitute(value, names)
                found.append(Let(_given(name, names, bound), new))
            case For(var, lower, upper, inner):
                lower, upper = substitute(lower, names), substitute(upper, names)
                own, around = dict(names), dict(bound)
                new_var = _given(var, own, around)
                made = _block(inner, own, around)
                found.append(replace(statement, var=new_var, lower=lower, upper=upper, body=made))
            case If(test, inner):
                found.append(If(substitute(test, names), _block(inner, names, bound)))
            case _:
                found.append(substitute(statement, names))
    return tuple(found)


def _given(name: str, names: dict[str, Expr], bound: dict[str, int]) -> str:
    """A name given here: by how often it has been given before, so that equal blocks stay equal."""
    times = bound.get(name, 0)
    bound[name] = times + 1
    if not times:
        return name
    names[name] = Var(f"{name}_{times}_")
    return f"{name}_{times}_"
