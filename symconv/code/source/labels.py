"""Which parameters of functions are labels: whole numbers that name elements, as ``y`` in ``x[np.arange(N), y]``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping

from symconv.code.source.keyed import own_attribute
from symconv.code.source.signatures import parameters, positional

__all__ = ["NO_CLASSES", "TARGETS", "USUAL_LABELS", "labels_in", "perhaps_rows"]

NO_CLASSES = "an axis that labels do not have"
"""Why ``t.argmax(axis=1)`` of a vector of labels raises an error."""

USUAL_LABELS = frozenset({"y", "labels", "label", "targets", "target", "y_true", "indices", "ids", "tokens", "classes",
                          "class_labels", "token_ids", "input_ids", "word_ids", "y_batch", "t", "idx"})  # fmt: skip
TARGETS = frozenset({
    "t", "target", "targets", "label", "labels", "y", "y_true", "ytrue", "truth", "ground_truth", "gt", "true",
    "onehot", "one_hot", "y_onehot", "y_one_hot", "onehot_labels", "one_hot_labels", "t_onehot", "labels_onehot",
    "y_hot", "yt", "tgt", "y_train", "expected", "teacher", "actual",
})  # fmt: skip
"""What the numbers that a loss compares with are called."""
_ARRAYS = frozenset({"x", "inputs", "input", "y", "labels", "targets", "target", "indices", "ids", "tokens", "classes",
                     "y_true", "token_ids", "input_ids", "word_ids", "y_batch", "class_labels"})  # fmt: skip
"""Names that arrays have, where nothing else says that it is not one number."""
_TAKING = {"one_hot": 0, "embedding": 0, "cross_entropy": 1, "nll_loss": 1, "take_along_axis": 1, "put_along_axis": 1,
           "gather": 2, "index_add": 2, "index_add_": 2, "index_select": 2, "scatter_add": 2, "scatter_add_": 2,
           "scatter": 2, "scatter_": 2, "take": 1, "embedding_lookup": 1}  # fmt: skip
"""Functions of arrays of labels, and which argument these are."""
_KEYWORDS = frozenset({"index", "indices", "target", "labels", "ids"})
_OF_ARRAYS = frozenset({"shape", "size", "astype", "long", "reshape", "view", "unsqueeze", "ravel", "flatten", "ndim",
                        "squeeze", "numel"})  # fmt: skip


def labels_in(
    *nodes: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef] | None = None, seen: Collection[str] = (),
    behind: Collection[ast.FunctionDef] = (),
) -> frozenset[str]:  # fmt: skip
    """The parameters of functions that name elements, and are arrays by how they are used or what they are called.

    What is handed to one of the ``functions`` of the text is used there; ``behind`` are functions that are handed what
    these keep, and show by ``np.add.at(dW, idx, dout)`` that it is an array.
    """
    known = {name for node in nodes for name in parameters(node.args)}
    elements = {name: whole for node in nodes for one in ast.walk(node) for name, whole in _elements(one)}
    naming = {name for node in nodes for one in ast.walk(node) for name in _naming(one)}
    naming = {elements.get(name, name) for name in naming} & known
    arrays = {name for node in nodes for one in ast.walk(node) for name in _of_array(one)} | {*elements.values()}
    arrays |= {name for node in behind for one in ast.walk(node) if isinstance(one, ast.Call) for name in _called(one)}
    # A layer is given many places at once.
    layers = any(parameters(node.args)[:1] in (["self"], ["ctx"]) for node in nodes)
    usual = _ARRAYS | {"idx", "index"} if layers else _ARRAYS
    found = {name for name in naming if name in arrays or name in usual}
    handed = {name for node in nodes for name in _handed(node, functions or {}, seen, labels_in)}
    return frozenset(found | (handed & known))


def perhaps_rows(
    node: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef] | None = None, seen: Collection[str] = ()
) -> frozenset[str]:
    """The names that may be labels as well as one-hot rows: ``t.argmax(axis=1)``, ``len(y_true.shape) == 2``."""
    found = {name for one in ast.walk(node) for name in _of_rows(one)}
    return frozenset(found | {*_handed(node, functions or {}, seen, perhaps_rows)})


def _of_rows(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(ast.Attribute(ast.Name(name), "argmax")) | ast.Call(
            ast.Attribute(_, "argmax"), [ast.Name(name), *_]
        ):
            yield name
        case ast.Compare(
            ast.Attribute(ast.Name(name), "ndim") | ast.Call(ast.Name("len"), [ast.Attribute(ast.Name(name), "shape")])
        ):
            yield name


def _handed(node: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef], seen: Collection[str],
            told: Callable[..., frozenset[str]]) -> Iterator[str]:  # fmt: skip
    """The names of what a function hands to others of the text, of which these are ``told`` something.

    What it keeps as an attribute has the name it had before.
    """
    kept = {attribute: value.id for one in ast.walk(node) if isinstance(one, ast.Assign)
            and isinstance(value := one.value, ast.Name) for target in one.targets
            if (attribute := own_attribute(target))}  # fmt: skip
    for one in ast.walk(node):
        match one:
            case ast.Call(ast.Name() | ast.Attribute(ast.Name("self"))) if (
                called := ast.unparse(one.func)
            ) in functions.keys() - {*seen}:
                inner = told(functions[called], functions=functions, seen=(*seen, called))
                taken = [name for name in positional(functions[called].args) if name != "self"]
                given = [*zip(taken, one.args, strict=False),
                         *((word.arg, word.value) for word in one.keywords)]  # fmt: skip
                for to, value in given:
                    if to in inner:
                        yield value.id if isinstance(value, ast.Name) else kept.get(own_attribute(value) or "", "")


def _naming(node: ast.AST) -> Iterator[str]:
    """Names of what names elements in a subscript or a call."""
    match node:
        case ast.Subscript(_, ast.Tuple(entries)):
            yield from (name for one in entries for name in _label(one))
        case ast.Subscript(_, entry):
            yield from _label(entry)
        case ast.Call():
            yield from _called(node)


def _called(node: ast.Call) -> Iterator[str]:
    word = ast.unparse(node.func).rpartition(".")[2]
    if ast.unparse(node.func).endswith("add.at") and len(node.args) > 1:
        index = node.args[1]
        yield from (name for one in (index.elts if isinstance(index, ast.Tuple) else [index]) for name in _label(one))
    elif word in _TAKING or word == "sparse_softmax_cross_entropy_with_logits":
        # As a method the array stands before the parentheses, or the axis is not said.
        first = _TAKING.get(word, -1)
        places = (first, first - 1) if first == 2 else (first,)
        for place in places:
            yield from _label(node.args[place]) if 0 <= place < len(node.args) else ()
        yield from (name for one in node.keywords if one.arg in _KEYWORDS
                    for name in _label(one.value))  # fmt: skip


def _label(entry: ast.expr) -> Iterator[str]:
    """The name of an entry of a subscript: itself, of another type or shape, or one of its elements."""
    match entry:
        case ast.Name(name):
            yield name
        case ast.Call(ast.Attribute(inner, word)) if word in _OF_ARRAYS:
            yield from _label(inner)
        case ast.Subscript(inner, _):
            yield from _label(inner)


def _elements(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Names of elements, with those of the arrays that they are of: ``ix = targets[b, t]``."""
    match node:
        case ast.Assign([ast.Name(name)], ast.Subscript(ast.Name(whole))):
            yield name, whole
        case ast.Assign([ast.Name(name)], ast.Call(ast.Name("int"), [ast.Subscript(ast.Name(whole))])):
            yield name, whole
        case ast.Assign([ast.Name(name)], ast.Call(ast.Attribute(ast.Subscript(ast.Name(whole)), "item"))):
            yield name, whole


def _of_array(node: ast.AST) -> Iterator[str]:
    """Names of what is an array by how it is used."""
    match node:
        case ast.Attribute(ast.Name(name), word) if word in _OF_ARRAYS:
            yield name
        case ast.Call(ast.Name("len"), [ast.Name(name)]):
            yield name
        case ast.Subscript(_, ast.Tuple(entries)) if any("range" in ast.unparse(one) for one in entries):
            yield from (name for one in entries for name in _label(one))
        case ast.Call():
            yield from _called(node)
