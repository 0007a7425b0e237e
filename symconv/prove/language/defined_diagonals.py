"""Defined words about diagonals: matrices that have elements there alone, the elements there, their sum."""

from __future__ import annotations

from symconv.prove.language.defined import Arguments, Defined, number, size
from symconv.prove.language.syntax import Binary, Call, Node, Pick, Sliced, Span, Text, Tuple

__all__ = ["DIAGONALS"]


def _on_it(array: Node) -> Node:
    """A matrix with zeros beside the diagonal."""
    return Call("tril", (Call("triu", (array,)),))


def _eye(given: Arguments) -> Node:
    rows = given.given.get("N") or given.given.get("n")
    if rows is None:
        raise given.wrong("how many rows it has is wanted, as in eye(N)")
    return _on_it(Call("ones", (Tuple((rows, given.given.get("M", rows))),)))


def _elements(given: Arguments) -> Node:
    """The elements on the diagonal of a matrix, as many as the shorter of its axes has."""
    (array,), (rank,) = given.arrays, given.ranks
    if rank != 2:
        raise given.wrong(f"a matrix is wanted; given an array of {rank} axes")
    rows, columns = size(array, 0), size(array, 1)
    shorter = Span(None, Call("minimum", (rows, columns)))
    return Call("einsum", (Text("aa->a"), Sliced(array, (shorter, shorter))))


def _diagonal(given: Arguments) -> Node:
    """A matrix with the elements of a vector on its diagonal, or those on the diagonal of a matrix."""
    (array,), (rank,) = given.arrays, given.ranks
    if given.given.get("k", given.given.get("diagonal", number(0))) != number(0):
        raise given.wrong("the main diagonal is known, without k")
    if rank != 1:
        return _elements(given)
    row = Call("ones", (Tuple((number(1), size(array, 0))),))
    return _on_it(Binary("*", Sliced(array, (Span(), Pick("new"))), row))


DIAGONALS = {
    "diag": Defined("diag(a)", 1, ("k", "diagonal"), _diagonal),
    "diagonal": Defined("diagonal(a)", 1, (), _elements),
    "trace": Defined("trace(a)", 1, (), lambda given: Call("sum", (_elements(given),))),
    "eye": Defined("eye(N)", 0, ("N", "M", "n"), _eye),
    "identity": Defined("identity(N)", 0, ("N", "n"), _eye),
}
