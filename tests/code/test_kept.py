"""``check`` of pairs that keep values: a parameter of backward gets what forward returned, not what it was given."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symconv as sc

FILE = Path(__file__).parent / "corpus" / "kept.py"
SHAPES: dict[str, tuple[tuple[int, ...], ...]] = {
    "padded": ((2, 6), (3,)), "scaled": ((2, 3), (2, 3)), "twice": ((2, 3), (2, 3)), "alone": ((2, 3),),
    "single": ((2, 3), (2, 3)),
}  # fmt: skip


def corpus() -> Any:
    spec = importlib.util.spec_from_file_location("kept_corpus", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SHAPES)
def test_pairs_are_decided_as_they_run(name: str) -> None:
    proofs = sc.check(FILE, f"{name}_forward", explain=False)
    module, rng = corpus(), np.random.default_rng(0)
    forward, backward = getattr(module, f"{name}_forward"), getattr(module, f"{name}_backward")
    arrays = [rng.normal(size=shape) for shape in SHAPES[name]]
    y, *kept = forward(*arrays)
    dy = rng.normal(size=y.shape)
    # As a caller passes it on: all that was kept, after the arguments that are no part of it.
    got = backward(dy, arrays[1], *kept) if name == "single" else backward(dy, *kept)
    for at, (proof, one) in enumerate(zip(proofs.values(), got if isinstance(got, tuple) else (got,), strict=True)):
        direction = rng.normal(size=arrays[at].shape)
        ends = [[a + side * 1e-6 * direction if k == at else a for k, a in enumerate(arrays)] for side in (1, -1)]
        slope = sum(side * np.sum(dy * forward(*end)[0]) for side, end in zip((1, -1), ends, strict=True)) / 2e-6
        assert proof.holds is bool(np.isclose(slope, np.sum(one * direction), rtol=1e-5))
