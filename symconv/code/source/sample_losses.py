"""Losses of each sample whose backward method takes what is predicted: ``loss.backward(output, y)``.

``forward`` gives a loss for each sample, another method of the class takes their mean, and
``backward(dvalues, y_true)`` reads nothing that forward kept: ``dvalues`` is the prediction.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy

from symconv.code.source.keyed import lineage, own_attribute
from symconv.code.source.signatures import parameters
from symconv.code.source.unreturned import own_statements

__all__ = ["of_prediction"]

_MEANS = frozenset({"mean", "average"})
_INPUTS = frozenset({"dinputs", "dinput", "dx", "grad_input", "grad_inputs", "d_inputs", "dL_dinputs", "dy_pred"})


def of_prediction(classes: Mapping[str, ast.ClassDef], owner: str, forward: ast.FunctionDef,
                  backward: ast.FunctionDef) -> tuple[ast.FunctionDef, ast.FunctionDef, str]:  # fmt: skip
    """A loss whose backward method takes what forward is given, or leaves as its output, as its first parameter.

    The two methods as functions of the prediction, and words that say so; others as they are.
    """
    return _predicted(classes, owner, forward, backward) or (forward, backward, "")


def _predicted(classes: Mapping[str, ast.ClassDef], owner: str, forward: ast.FunctionDef,
               backward: ast.FunctionDef) -> tuple[ast.FunctionDef, ast.FunctionDef, str] | None:  # fmt: skip
    taken, given = parameters(backward.args), parameters(forward.args)
    if taken[:1] != ["self"] or given[:1] != ["self"] or not len(taken) == len(given) > 2 or taken[2:] != given[2:]:
        return None
    returned = [one for one in own_statements(forward) if isinstance(one, ast.Return)]
    if any(one.value is None for one in returned) or not returned:
        return None
    stored, read = _attributes(forward, ast.Store), _attributes(backward, ast.Load)
    mine = _attributes(backward, ast.Store)
    if (read - mine) & stored:
        return None
    first, prediction = taken[1], given[1]
    if "output" in stored and own_attribute(returned[-1].value or ast.Constant(None)) != "output":
        prediction = "self.output"
    if first != prediction and any(isinstance(one, ast.Name) and one.id == prediction for one in ast.walk(backward)):
        return None
    line = lineage(classes[owner], classes) if owner in classes else []
    mean = next((call for one in line for call in _means(one)), None)
    if prediction != "self.output" and mean is None:
        return None
    renamed = _bound(backward, first, prediction)
    named = dict.fromkeys(mine & _INPUTS, f"d{given[1]}") if len(mine) == 1 else {}
    said = [] if first == prediction else [f"{first} is {prediction}"]
    if prediction == "self.output":
        whole = forward
    else:
        assert mean is not None
        whole = deepcopy(forward)
        whole.body = [one if isinstance(one, ast.FunctionDef) else _Averaged(mean).visit(one) for one in whole.body]
        said.append(f"the loss is the mean of what {forward.name} returns")
    return ast.fix_missing_locations(whole), _Attributes(named).visit(renamed), ", and ".join(said)


def _attributes(node: ast.FunctionDef, kind: type[ast.expr_context]) -> set[str]:
    own = [one for one in ast.walk(node) if isinstance(one, ast.Attribute) and isinstance(one.ctx, kind)]
    return {name for one in own if (name := own_attribute(one))}


def _means(node: ast.ClassDef) -> Iterator[ast.expr]:
    """``np.mean`` where a method takes it of what ``self.forward`` returns."""
    for method in (one for one in node.body if isinstance(one, ast.FunctionDef)):
        losses = {target.id for one in ast.walk(method) if isinstance(one, ast.Assign) and _forward(one.value)
                  for target in one.targets if isinstance(target, ast.Name)}  # fmt: skip
        for one in ast.walk(method):
            match one:
                case ast.Call(ast.Attribute(ast.Name(), word) as function, [value], []) if word in _MEANS:
                    if _forward(value) or (isinstance(value, ast.Name) and value.id in losses):
                        yield function


def _forward(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and own_attribute(node.func) in {"forward", "__call__"}


def _bound(backward: ast.FunctionDef, first: str, prediction: str) -> ast.FunctionDef:
    """The method of what forward takes; its first parameter is that, or the output that forward leaves."""
    new = deepcopy(backward)
    if prediction == "self.output":
        new.args.args = [one for one in new.args.args if one.arg != first]
        value = ast.Attribute(ast.Name("self", ast.Load()), "output", ast.Load())
        new.body.insert(0, ast.copy_location(ast.Assign([ast.Name(first, ast.Store())], value), new.body[0]))
    else:
        for one in ast.walk(new):
            match one:
                case ast.arg(name) if name == first:
                    one.arg = prediction
                case ast.Name(name) if name == first:
                    one.id = prediction
    return ast.fix_missing_locations(new)


class _Averaged(ast.NodeTransformer):
    """The mean of what is returned."""

    def __init__(self, mean: ast.expr) -> None:
        self.mean = mean

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        value = ast.Call(deepcopy(self.mean), [node.value or ast.Constant(None)], [])
        return ast.copy_location(ast.Return(ast.copy_location(value, node)), node)


class _Attributes(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        name = own_attribute(node) or ""
        if name not in self.names:
            return node
        return ast.copy_location(ast.Attribute(node.value, self.names[name], node.ctx), node)
