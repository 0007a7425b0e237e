"""The files in generated/ are what symconv generates, and the kernels in them compute what their operators mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from symconv import pipeline
from symconv.options import options
from symconv.build.cache import compile_text
from symconv.build.module import load
from symconv.cli import cli
from symconv.commands.reference_set import REFERENCES, rendered, stated, unit
from symconv.verify.judge import judge

FOLDER = Path(__file__).resolve().parents[2] / "generated"
NAMES = [reference.name for reference in REFERENCES]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMCONV_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def modules(cache, collected) -> dict[str, ModuleType]:
    """The kernels of the set that are run, compiled: one module for each dtype."""
    made = {}
    run = collected("reference")
    for dtype in dict.fromkeys(reference.dtype for reference in run):
        units = tuple(unit(reference, reference.name) for reference in run if reference.dtype == dtype)
        source = pipeline.generate(units, options(dtype=dtype, target="portable"))
        made[dtype] = load(compile_text(source))
    return made


@dataclass(frozen=True)
class Compiled:
    """The functions of one reference, called as the contract calls a kernel."""

    run: Callable[..., Any]
    back: Callable[..., Any] | None
    names: tuple[str, ...]

    def forward(self, *arrays):
        (result,) = self.run(1, arrays, None, 1)
        return result

    def backward(self, gy, *arrays):
        results = self.back((1 << len(self.names)) - 1, (gy, *arrays), None, 1)
        return SimpleNamespace(**dict(zip(self.names, results, strict=True)))


def compiled(reference, module: ModuleType) -> Compiled:
    back = getattr(module, f"{reference.name}_backward", None)
    return Compiled(getattr(module, f"{reference.name}_forward"), back, pipeline.gradients(stated(reference)))


def test_every_file_is_fresh():
    result = CliRunner().invoke(cli, ["generate", "--all", "--check"])
    assert result.exit_code == 0, result.output


def test_a_file_that_differs_is_found(tmp_path):
    place = ["-o", str(tmp_path)]
    assert CliRunner().invoke(cli, ["generate", "--all", *place]).exit_code == 0
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in FOLDER.iterdir()} - {"README.md"}
    (tmp_path / "conv1d.pyx").write_bytes((tmp_path / "conv1d.pyx").read_bytes() + b"\n")
    (tmp_path / "conv2d.tex").unlink()
    (tmp_path / "extra.pyx").write_text("")
    (tmp_path / "note.txt").write_text("not ours")
    result = CliRunner().invoke(cli, ["generate", "--all", "--check", *place])
    assert result.exit_code == 1
    for complaint in ("differs: {}/conv1d.pyx", "missing: {}/conv2d.tex", "extra: {}/extra.pyx"):
        assert complaint.format(tmp_path) in result.stdout
    assert "note.txt" not in result.stdout
    assert CliRunner().invoke(cli, ["generate", "--all", *place]).exit_code == 0
    assert not (tmp_path / "extra.pyx").exists()
    assert CliRunner().invoke(cli, ["generate", "--all", "--check", *place]).exit_code == 0


def test_names_are_unique_and_explained():
    assert len(set(NAMES)) == len(NAMES) >= 12
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("reference", REFERENCES, ids=NAMES)
def test_a_file_says_how_it_was_written(reference):
    for text in rendered(reference).values():
        assert "symconv generate --all" in text.splitlines()[0]


@pytest.mark.parametrize("reference", REFERENCES, ids=NAMES)
def test_a_kernel_computes_its_operator(reference, modules):
    op = stated(reference)
    kernel = compiled(reference, modules[reference.dtype])
    gradients = () if reference.derived else None
    verdict = judge(op, kernel, reference.dtype, gradients=gradients, count=6)
    assert verdict, str(verdict)
    assert verdict.cases > 50


def test_a_file_compiles_as_it_is():
    text = (FOLDER / "conv1d.pyx").read_text(encoding="utf-8")
    module = load(pipeline.build_text(text, options(target="portable")))
    x, w = np.arange(5, dtype="f").reshape(1, 1, 5), np.ones((1, 1, 2), "f")
    assert module.u0_forward(1, (x, w), None, 1)[0].tolist() == [[[1.0, 3.0, 5.0, 7.0]]]
