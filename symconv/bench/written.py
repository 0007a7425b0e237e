"""torch on what is written of a formula: loops over taps, slices for the rest, and the automatic gradients of that."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from symconv import pipeline
from symconv.bench.rival import Rival
from symconv.notation.operator import Operator
from symconv.readable.dialects import TORCH
from symconv.readable.function import function_text, header

__all__ = ["outputs_of", "written"]

Array = np.ndarray[Any, Any]
_FORM = "autograd"


def outputs_of(op: Operator, found: Any) -> dict[str, Any]:
    """What a forward returned, by output; that of an operator of one is called ``y``."""
    return dict(zip(op.several, found, strict=True)) if op.several else {"y": found}


def written(op: Operator, arrays: Mapping[str, Array], cotangents: tuple[Array, ...], threads: int) -> Rival | None:
    """torch's functions by direction; the forward graph of a backward is made once and kept.

    None where autograd cannot follow what is written. Raises ImportError without torch.
    """
    import torch

    torch.set_num_threads(threads)
    forward = _loaded(op)
    leaves = {name: torch.from_numpy(array).clone().requires_grad_() for name, array in arrays.items()}
    along = tuple(map(torch.from_numpy, cotangents))
    made = _tuple(forward(*leaves.values()))

    def alone() -> Any:
        with torch.no_grad():
            return forward(*leaves.values())

    def back(names: tuple[str, ...]) -> Callable[[], Any]:
        wrt = tuple(leaves[name] for name in names)
        return lambda: torch.autograd.grad(made, wrt, along, retain_graph=True, materialize_grads=True)

    names = tuple(leaves)
    try:
        back(names)()
    except RuntimeError:
        return None
    directions = {"forward": alone, "backward": back(names), **{name: back((name,)) for name in names}}
    calls = {direction: {_FORM: call} for direction, call in directions.items()}

    def results() -> dict[str, Array]:
        found = [one.detach().numpy() for one in made]
        gradients = directions["backward"]()
        return {
            **outputs_of(op, found if op.several else found[0]),
            **{name: one.numpy() for name, one in zip(names, gradients, strict=True)},
        }

    return Rival(calls, results)


def _tuple(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


def _loaded(op: Operator) -> Callable[..., Any]:
    """The forward as a function of torch tensors, imported from a file: nothing of it is text of the user's."""
    derived = pipeline.forward(op.joined()).operator
    text = function_text(derived, TORCH, "forward", "The forward as it is stated.", several=op.several)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "written.py"
        path.write_text("\n\n".join((header([text], TORCH), text)), encoding="utf-8")
        spec = importlib.util.spec_from_file_location("symconv_written", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    found: Callable[..., Any] = module.forward
    return found
