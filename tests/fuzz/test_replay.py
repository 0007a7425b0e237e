"""The stored corpora, replayed: every input is taken or refused by a SymconvError of moderate length, in bounded time."""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symconv as sc

FOLDER = Path(__file__).parent
PATIENCE = 20.0  # seconds of this process for one input, ten times what the slowest takes
LONGEST = 4000  # characters of an error


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOSTILE = _module("hostile")


def _stored(name: str) -> list[str]:
    texts: list[str] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return texts


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    faulthandler.dump_traceback_later(600, exit=False, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


def _outcome(function: Callable[..., Any], *arguments: object) -> Any:
    """What the call gives, or ``None`` when it is refused as it should be."""
    started = time.process_time()
    try:
        return function(*arguments)
    except sc.SymconvError as error:
        assert not isinstance(error, sc.InternalError), f"{arguments[-1]!r:.200}: {error}"
        assert 0 < len(str(error)) <= LONGEST, f"{arguments[-1]!r:.200}: {len(str(error))} characters"
        return None
    finally:
        assert time.process_time() - started < PATIENCE, f"{arguments[-1]!r:.200}"


def _load(folder: Path, text: str) -> sc.Operator:
    (folder / "spec.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    return sc.load(str(folder / "spec.toml"))


def test_the_corpora_are_what_make_writes(tmp_path: Path) -> None:
    make = _module("make")
    make.FOLDER = tmp_path
    make.main()
    for name in ("formulas", "claims", "specs"):
        assert (tmp_path / f"{name}.json").read_bytes() == (FOLDER / f"{name}.json").read_bytes()


@pytest.mark.parametrize("text", HOSTILE.FORMULAS, ids=range(len(HOSTILE.FORMULAS)))
def test_hostile_formulas(text: str) -> None:
    _outcome(sc.operator, text)


@pytest.mark.parametrize("text", HOSTILE.CLAIMS, ids=range(len(HOSTILE.CLAIMS)))
def test_hostile_claims(text: str) -> None:
    proof = _outcome(sc.prove, sc.conv1d(), text)
    assert proof is None or proof.holds is not True


@pytest.mark.parametrize("text", HOSTILE.SPECS, ids=range(len(HOSTILE.SPECS)))
def test_hostile_specs(text: str, tmp_path: Path) -> None:
    _outcome(_load, tmp_path, text)


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.full)])
def test_stored_formulas(step: int) -> None:
    taken = [text for text in _stored("formulas")[::step] if _outcome(sc.operator, text) is not None]
    assert len(taken) >= 100 // step


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.full)])
def test_stored_specs(step: int, tmp_path: Path) -> None:
    for text in _stored("specs")[::step]:
        _outcome(_load, tmp_path, text)


@pytest.mark.parametrize("step", [20, pytest.param(1, marks=pytest.mark.full)])
def test_stored_claims(step: int) -> None:
    op = sc.conv1d()
    for text in _stored("claims")[::step]:
        _outcome(sc.prove, op, text)


@pytest.mark.full
def test_stored_formulas_derive() -> None:
    for text in _stored("formulas")[:60]:
        op = _outcome(sc.operator, text)
        if op is not None:
            for tensor in op.tensors:
                _outcome(sc.derive, op, tensor)


X = np.arange(10.0).reshape(1, 2, 5)
W = np.arange(12.0).reshape(3, 2, 2)


class Sub(np.ndarray):  # type: ignore[type-arg]
    """A subclass, as libraries of units have one."""


ARRAYS: dict[str, tuple[Callable[[], Any], bool]] = {
    "as it is": (lambda: X, True),
    "Fortran order": (lambda: np.asfortranarray(X), True),
    "every other": (lambda: np.repeat(X, 2, axis=2)[:, :, ::2], True),
    "backwards": (lambda: X[:, :, ::-1].copy()[:, :, ::-1], True),
    "read-only": (lambda: np.broadcast_to(X, X.shape), True),
    "a subclass": (lambda: X.view(Sub), True),
    "a matrix of another rank": (lambda: X[0], False),
    "float32": (lambda: X.astype("float32"), False),
    "integers": (lambda: X.astype(int), False),
    "complex": (lambda: X.astype(complex), False),
    "objects": (lambda: X.astype(object), False),
    "other byte order": (lambda: X.astype(X.dtype.newbyteorder()), False),
    "masked": (lambda: np.ma.masked_equal(X, 3.0), False),
    "one channel": (lambda: X[:, :1], False),
    "no samples": (lambda: X[:0], True),
    "too short": (lambda: X[:, :, :1], False),
    "a string": (lambda: "x", False),
    "nothing": (lambda: None, False),
    "ragged": (lambda: [[1.0], [1.0, 2.0]], False),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays(kind: str, kernel: sc.Kernel) -> None:
    make, usable = ARRAYS[kind]
    given = make()
    made = _outcome(kernel.forward, given, W)
    if not usable:
        assert made is None or kind in {"other byte order", "ragged"}
        return
    plain = np.array(given, dtype=float, subok=False)
    want = [
        [[sum(plain[n, c, i + p] * W[f, c, p] for c in range(2) for p in range(2)) for i in range(4)] for f in range(3)]
        for n in range(len(plain))
    ]
    assert made.tolist() == want


@pytest.fixture(scope="module")
def kernel() -> sc.Kernel:
    return sc.build(sc.conv1d(), dtype="float64")
