from __future__ import annotations

import os
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest

from symconv.build import key as keys
from symconv.build.key import content_key, request_key, tree_version
from symconv.build.tools import Toolchain
from symconv.emit.source import Source
from symconv.options import Options, names

TOOLS = Toolchain(("/opt/cc",), "cc 12.1", ("-O3",), ("-march=native",), True, "3.1.0", "cpython-311", "a cpu")
SOURCE = Source("def f(): pass")


@pytest.mark.parametrize(
    "change",
    [
        {"command": ("/opt/other",)},
        {"version": "cc 12.2"},
        {"flags": ("-O2",)},
        {"native_flags": ("-march=znver4",)},
        {"openmp": False},
        {"cython": "3.1.1"},
        {"abi": "cpython-312"},
        {"cpu": "another cpu"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_content_key_depends_on_every_fact_of_the_toolchain(change: dict[str, object]) -> None:
    assert content_key(SOURCE, replace(TOOLS, **change)) != content_key(SOURCE, TOOLS)


@pytest.mark.parametrize(
    "other", [Source("def g(): pass"), Source(SOURCE.text, "portable"), Source(SOURCE.text, openmp=False)]
)
def test_content_key_depends_on_the_source(other: Source) -> None:
    assert content_key(other, TOOLS) != content_key(SOURCE, TOOLS)


def test_portable_content_key_ignores_the_cpu() -> None:
    portable = replace(SOURCE, target="portable")
    elsewhere = replace(TOOLS, cpu="another cpu", native_flags=("-march=armv9",))
    assert content_key(portable, TOOLS) == content_key(portable, elsewhere)
    baseline = replace(TOOLS, portable_flags=("-mcpu=baseline",))
    assert content_key(portable, TOOLS) != content_key(portable, baseline)
    assert content_key(SOURCE, TOOLS) == content_key(SOURCE, baseline)


def test_content_key_follows_numpy_only_where_it_is_cimported(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, differs in (
        ("cimport numpy as np", True),
        ("from numpy cimport ndarray", True),
        ("import numpy", False),
    ):
        before = content_key(Source(text), TOOLS)
        with monkeypatch.context() as patch:
            patch.setattr("importlib.metadata.version", lambda _: "0.0.1")
            assert (content_key(Source(text), TOOLS) != before) is differs


@pytest.mark.parametrize(
    "options",
    [
        Options(dtype="float64"),
        Options(sizes=()),
        Options(sizes=(("x", (1, 2)),)),
        Options(threads=1),
        Options(target="portable"),
        Options(accuracy="strict"),
    ],
)
def test_request_key_depends_on_every_option(options: Options) -> None:
    assert request_key("y[i] = x[i]", options, "cc") != request_key("y[i] = x[i]", Options(), "cc")


def test_every_field_is_an_option() -> None:
    assert {field.name for field in fields(Options)} == set(names())


def test_request_key_depends_on_operator_toolchain_and_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    base = request_key("y[i] = x[i]", Options(), "cc")
    assert base == request_key("y[i] = x[i]", Options(), "cc")
    assert base != request_key("y[i] = 2*x[i]", Options(), "cc")
    assert base != request_key("y[i] = x[i]", Options(), "other")
    monkeypatch.setattr(keys, "generator_version", lambda: "newer")
    assert base != request_key("y[i] = x[i]", Options(), "cc")


def _tree(root: Path) -> tuple[Path, Path]:
    package, templates = root / "package", root / "templates"
    (package / "emit").mkdir(parents=True)
    (package / "emit" / "a.py").write_text("a = 1\n")
    templates.mkdir()
    (templates / "k.pyx.j2").write_text("{{ a }}\n")
    return package, templates


@pytest.mark.parametrize("changed", ["package/emit/a.py", "templates/k.pyx.j2", "package/new.py", "templates/new.j2"])
def test_generator_version_follows_sources_and_templates(tmp_path: Path, changed: str) -> None:
    package, templates = _tree(tmp_path)
    before = tree_version(package, templates)
    (tmp_path / changed).write_text("b = 2\n\n")
    assert tree_version(package, templates) != before


def test_generator_version_is_of_contents_not_of_times_or_places(tmp_path: Path) -> None:
    package, templates = _tree(tmp_path / "one")
    before = tree_version(package, templates)
    os.utime(package / "emit" / "a.py", (1, 1))
    assert tree_version(package, templates) == before
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert tree_version(tmp_path / "two" / "package", tmp_path / "two" / "templates") == before


def test_generator_version_rereads_nothing_that_is_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, templates = _tree(tmp_path)
    before = tree_version(package, templates)
    read = Path.read_bytes

    def reading(path: Path) -> bytes:
        assert path.suffix == ".json", f"read again: {path}"
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", reading)
    assert tree_version(package, templates) == before


def test_templates_are_found_beside_the_package_and_inside_it(tmp_path: Path) -> None:
    package, templates = _tree(tmp_path)
    assert keys._templates(package) == templates
    (package / "_templates").mkdir()
    assert keys._templates(package) == package / "_templates"
