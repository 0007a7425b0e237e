"""Functions that return a loss and its gradients, in a tuple or in a dict: ``return loss, {"W": dW, "b": db}``."""

from __future__ import annotations

import ast
from collections.abc import Collection
from copy import deepcopy

from symconv.code.source.filled import Apart, begins, item_keys
from symconv.code.source.keyed import own_attribute
from symconv.code.source.signatures import parameters

__all__ = ["with_gradients_in_order"]

_GRADIENTS = ("d", "grad_", "d_", "g", "grad")


def with_gradients_in_order(node: ast.FunctionDef, more: Collection[str] = ()) -> ast.FunctionDef | None:
    """A function that returns its loss and then each gradient; None where it is none of a loss and gradients.

    Of a dict that is filled by constant keys each item becomes a variable; every use of it has to be one of these.
    There are ``more`` tensors that the gradients may be of.
    """
    tensors = {*parameters(node.args), *more} - {"self"} | {a for one in ast.walk(node) if (a := own_attribute(one))}
    match node.body[-1] if node.body else None:
        case ast.Return(ast.Tuple([_, ast.Name(name)])) if any(begins(one, name) is not None for one in ast.walk(node)):
            return _apart(node, name, tensors)
        case ast.Return(ast.Tuple([value, ast.Dict() as items])) as last:
            new = deepcopy(node)
            place = ast.Assign([ast.Name("grads", ast.Store())], items)
            back = ast.Return(ast.Tuple([value, ast.Name("grads", ast.Load())], ast.Load()))
            new.body[-1:] = [ast.fix_missing_locations(ast.copy_location(one, last)) for one in (place, back)]
            used = any(isinstance(one, ast.Name) and one.id == "grads" for one in ast.walk(node))
            return None if used else _apart(new, "grads", tensors)
        case ast.Return(ast.Tuple([_, *rest])) if rest:
            gradients = {f"{lead}{name.lower()}" for name in tensors for lead in _GRADIENTS}
            gradients |= {"grad", "gradient", "dx", "dw"}
            named = ({n.id.lower() for n in ast.walk(one) if isinstance(n, ast.Name)} for one in rest)
            return node if all(names & gradients for names in named) else None
    return None


def _apart(node: ast.FunctionDef, name: str, tensors: Collection[str]) -> ast.FunctionDef | None:
    every = item_keys(node, name)
    if not every:
        return None
    taken = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    names = {key: variable for key in every if (variable := _variable(key, tensors, taken))}
    if len(names) < len(every) or len({*names.values()}) < len(every):
        return None
    new = deepcopy(node)
    last = new.body[-1]
    assert isinstance(last, ast.Return) and isinstance(last.value, ast.Tuple)
    last.value.elts[1:] = [ast.copy_location(ast.Name(names[key], ast.Load()), last) for key in every]
    Apart(name, names).visit(new)
    return ast.fix_missing_locations(new)


def _variable(key: str, tensors: Collection[str], taken: Collection[str]) -> str | None:
    """A name that says whose gradient the item is."""
    low = {name.lower() for name in tensors}
    if key in tensors:
        plain = f"d{key}"
    elif any(f"{lead}{name}" == key.lower() or f"{name}_grad" == key.lower() for name in low for lead in _GRADIENTS):
        plain = key
    else:
        return None
    if not plain.isidentifier():
        return None
    return plain if plain not in taken else f"{plain}_hand" if f"{plain}_hand" not in taken else None
