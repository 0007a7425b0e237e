"""Which two functions of a text are forward and backward."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from difflib import get_close_matches

from symconv.code.source.contexts import with_context
from symconv.code.source.dicts import with_items, with_same_items
from symconv.code.source.filled import with_items_apart
from symconv.code.source.keyed import own_attribute
from symconv.code.source.losses import with_gradients_in_order
from symconv.code.source.program import Program
from symconv.code.source.signatures import parameters
from symconv.code.source.slices import part_for
from symconv.code.source.trained import loss_alone, with_loss
from symconv.code.source.unreturned import with_output
from symconv.code.source.vjps import with_rule
from symconv.errors import SpecError

__all__ = ["is_derivative", "is_loss", "loss_of", "pair_of"]

_FORWARD = ("forward", "fwd", "fprop", "call", "__call__")
_DERIVED = ("prime", "derivative", "deriv", "grad", "gradient", "der")
_BACKWARD = ("backward", "bwd", "bprop", "vjp", "grad", "backprop")


def pair_of(source: Program, name: str | None) -> tuple[Program, ast.FunctionDef, ast.FunctionDef]:
    """The forward and the backward function that are meant, and the text with the class they are of.

    Raises SpecError where there are none, or several.
    """
    if name is None and len(source.classes) == 1:
        name = next(iter(source.classes))
    if name is not None and name in source.classes:
        return _of_class(source, name)
    if (ruled := _of_rule(source, name)) is not None:
        return source, *ruled
    pairs = _by_stem(source)
    if name is not None:
        pairs |= _again(source, name)
        pairs = _named(pairs, name)
    nested = [two for known, node in source.functions.items()
              if name in (None, known) and (two := _nested(node)) is not None]  # fmt: skip
    if not pairs and len(nested) == 1:
        source.settled(nested[0][0])
        return source, *nested[0]
    losses = [node for known, node in source.functions.items()
              if name in (None, known) and with_gradients_in_order(node) is not None]  # fmt: skip
    if not pairs and not nested and len(losses) == 1:
        return source, *loss_of(source, source.settled(losses[0]))
    if not pairs and len(derived := list(_derivatives(source, name))) == 1:
        return source, source.settled(derived[0][0]), source.settled(derived[0][1])
    pairs = pairs or _beside(source, name)
    whole = [] if name is not None or pairs else [one for one, node in source.classes.items() if _is_whole(node)]
    if len(whole) == 1:
        return _of_class(source, whole[0])
    if len(pairs) != 1:
        raise _unmatched(source, name, "several match" if pairs or whole else "none match")
    both = next(iter(pairs.values()))
    forward, backward = source.settled(both["forward"]), source.settled(both["backward"])
    return source, with_items(source, forward), with_items_apart(with_same_items(source, forward, backward))


def _named(pairs: dict[str, dict[str, ast.FunctionDef]], name: str) -> dict[str, dict[str, ast.FunctionDef]]:
    """The pairs that a name means: all of what they have in common, one of both, or how one pair alone begins."""
    found = {s: b for s, b in pairs.items() if name.lower() == s or name in {b["forward"].name, b["backward"].name}}
    begun = {s: b for s, b in pairs.items() if s.startswith(f"{name.lower()}_")}
    return found or (begun if len(begun) == 1 else {})


def _beside(source: Program, name: str | None) -> dict[str, dict[str, ast.FunctionDef]]:
    """Functions beside those that go back through them: ``loss`` and ``loss_backward``, ``backward_loss``."""
    found: dict[str, dict[str, ast.FunctionDef]] = {}
    for known, forward in source.functions.items():
        called = [two for word in _BACKWARD for two in (f"{known}_{word}", f"{word}_{known}")]
        for backward in (source.functions[one] for one in called if one in source.functions):
            if name in {None, known, backward.name}:
                found.setdefault(known, {"forward": forward, "backward": backward})
    return found


def _derivatives(source: Program, name: str | None) -> Iterator[tuple[ast.FunctionDef, ast.FunctionDef]]:
    """Functions beside their derivatives: ``mse`` and ``mse_prime``, ``tanh`` and ``d_tanh``."""
    for known, forward in source.functions.items():
        called = (*(f"{known}_{word}" for word in _DERIVED), f"d_{known}", f"d{known}", f"grad_{known}", f"{known}_d")
        for backward in (source.functions[one] for one in called if one in source.functions):
            if name in {None, known, backward.name}:
                yield forward, backward


def is_derivative(forward: ast.FunctionDef, backward: ast.FunctionDef) -> bool:
    """Whether a function takes what the other one takes, and is called as its derivative."""
    taken = [parameters(one.args) for one in (forward, backward)]
    return taken[0] == taken[1] and backward.name != forward.name and not _means_backward(backward.name)


def _means_backward(name: str) -> bool:
    return bool({*name.lower().split("_")} & {*_BACKWARD} - {"grad"})


def _of_class(source: Program, name: str) -> tuple[Program, ast.FunctionDef, ast.FunctionDef]:
    methods = {n.name: n for n in source.classes[name].body if isinstance(n, ast.FunctionDef)}
    forward = next((methods[k] for k in _FORWARD if k in methods), None)
    backward = next((methods[k] for k in _BACKWARD if k in methods), None)
    losses = [one for one in methods.values() if with_gradients_in_order(one) is not None]
    if forward is None and backward is None and len(losses) == 1:
        return replace(source, owner=name), *loss_of(source, source.settled(losses[0], name))
    if (forward is None or backward is None) and (trained := with_loss(methods)) is not None:
        source.settled(trained, name)
        every = {one for part in ast.walk(source.classes[name]) if (one := own_attribute(part))}
        if (ordered := with_gradients_in_order(trained, every)) is not None:
            return replace(source, owner=name), loss_alone(ordered), ordered
    if forward is None or backward is None:
        raise SpecError(f"{source.name}: {name} has no forward and backward; it has {', '.join(methods) or 'nothing'}")
    forward, backward = source.settled(forward, name), source.settled(backward, name)
    if "setup_context" in methods and parameters(forward.args)[:1] != ["ctx"]:
        forward = with_context(forward, source.settled(methods["setup_context"], name))
    return replace(source, owner=name), with_output(forward), with_items_apart(backward)


def _is_whole(node: ast.ClassDef) -> bool:
    """Whether a class has a method forward and one for its gradients that do something."""
    there = {one.name for one in node.body if isinstance(one, ast.FunctionDef) and not _does_nothing(one)}
    return not there.isdisjoint(_FORWARD) and not there.isdisjoint(_BACKWARD)


def _does_nothing(node: ast.FunctionDef) -> bool:
    """Whether a method is only there for others to have it: ``pass``, ``raise NotImplementedError``."""
    said = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    return all(isinstance(one, ast.Pass | ast.Raise) for one in said)


def _of_rule(source: Program, name: str | None) -> tuple[ast.FunctionDef, ast.FunctionDef] | None:
    """What JAX's ``f.defvjp(fwd, bwd)`` makes of a function, by its name or by that of one of the two."""
    found = [rule for known, rule in source.rules.items()
             if name in {None, known, rule[2].name} or name == getattr(rule[1], "id", "")]  # fmt: skip
    if len(found) != 1:
        return None
    for one in found[0]:
        if isinstance(one, ast.FunctionDef):
            source.settled(one)
    try:
        return with_rule(found[0])
    except SpecError as problem:
        raise SpecError(f"{source.name}: {problem}") from None


def _again(source: Program, name: str) -> dict[str, dict[str, ast.FunctionDef]]:
    """A further backward function of a pair: ``norm_backward_alt`` beside ``norm_forward`` and ``norm_backward``."""
    for backward in _BACKWARD:
        start, word, rest = name.partition(f"_{backward}_")
        forward = next((one for k in _FORWARD if (one := source.functions.get(f"{start}_{k}")) is not None), None)
        if word and rest and forward is not None and name in source.functions:
            return {name.lower(): {"forward": forward, "backward": source.functions[name]}}
    return {}


def _by_stem(source: Program) -> dict[str, dict[str, ast.FunctionDef]]:
    """Functions called forward and backward that have the rest of their names in common, by that rest."""
    stems: dict[str, dict[str, ast.FunctionDef]] = {}
    for known, node in source.functions.items():
        for kind, words in (("forward", _FORWARD), ("backward", _BACKWARD)):
            for word in words:
                if word in known.lower().split("_") or known.lower() == word:
                    stem = known.lower().replace(word, "").replace("__", "_").strip("_")
                    stems.setdefault(stem, {}).setdefault(kind, node)
    return {stem: both for stem, both in stems.items() if len(both) == 2}


def _unmatched(source: Program, name: str | None, found: str) -> SpecError:
    there = (*source.classes, *source.functions)
    known_ = ", ".join(there) or "nothing"
    near = get_close_matches(name or "", there, 1)
    if near and name not in there:
        return SpecError(f"{source.name} has no {name!r}; did you mean {near[0]!r}? There are {known_}")
    return SpecError(
        f"{source.name}: a class with forward and backward is wanted, two functions such as conv_forward and "
        f"conv_backward, or one that returns a loss and gradients (return loss, dx, or return loss, {{'x': dx}}); "
        f"{found}; there are {known_}" + ("; say which one is meant, by its name" if found == "several match" else "")
    )


def is_loss(forward: ast.FunctionDef, backward: ast.FunctionDef) -> bool:
    """Whether both are one function, which returns a loss and its gradients."""
    return forward.name == backward.name


def loss_of(source: Program, node: ast.FunctionDef) -> tuple[ast.FunctionDef, ast.FunctionDef]:
    """What a function computes its loss by, and the function itself."""
    both = with_gradients_in_order(node)
    assert both is not None
    loss = part_for(both, 0, (), source)
    if ast.get_docstring(both, clean=False) is not None:
        loss.body = [both.body[0], *loss.body]  # it says shapes
    return loss, both


def _nested(node: ast.FunctionDef) -> tuple[ast.FunctionDef, ast.FunctionDef] | None:
    """``def f(x, w): ...; def grad(dy): ...; return y, grad`` as two functions, the second with the names of both."""
    inner = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
    match node.body[-1]:
        case ast.Return(ast.Tuple([value, ast.Name(name)])) if name in inner:
            pass
        case _:
            return None
    others = [one for one in node.body[:-1] if one is not inner[name]]
    forward, backward = copy(node), copy(inner[name])
    forward.body = [*others, ast.copy_location(ast.Return(value), node.body[-1])]
    backward.args = copy(backward.args)
    backward.args.args = [*backward.args.args, *node.args.args]
    backward.args.defaults = [*backward.args.defaults, *node.args.defaults]
    if len(backward.args.defaults) > len(node.args.defaults):
        return None
    backward.body = [*others, *backward.body]
    return forward, backward
