"""Every test here gets a cache of its own, in which the compiler has already been probed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symconv.build import Product, obtain
from symconv.build.key import generator_version
from symconv.build.tools import toolchain
from symconv.emit.source import Source

Ask = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("probed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMCONV_CACHE", str(root))
        generator_version.cache_clear()
        generator_version()
        toolchain()
    return root


@pytest.fixture(autouse=True)
def cache(probed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "cache"
    shutil.copytree(probed / "facts", root / "facts")
    monkeypatch.setenv("SYMCONV_CACHE", str(root))
    yield root
    assert not list((root / "tmp").glob("*")), "a temporary folder was left behind"


@pytest.fixture(scope="session")
def answered(probed: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMCONV_CACHE", str(probed))
        text = "def answer():\n    return 42\n"
        obtain("r1", lambda: Product(Source(text, openmp=False), {"name": "answer"}), "native")
    return probed


@pytest.fixture
def prebuilt(answered: Path, cache: Path) -> Path:
    """The cache of this test, in which the request ``r1`` has already been built."""
    for kind in ("requests", "modules"):
        shutil.copytree(answered / kind, cache / kind)
    return cache


@pytest.fixture
def ask() -> Ask:
    """Starts :file:`asker.py` in a process of its own."""

    def start(request: str, log: Path, text: str, extra: str = "", **environment: str) -> subprocess.Popen[str]:
        here = Path(__file__)
        path = os.pathsep.join(filter(None, (str(here.parents[2]), os.environ.get("PYTHONPATH"))))
        return subprocess.Popen(
            [sys.executable, str(here.with_name("asker.py")), request, str(log), text, extra],
            env=os.environ | {"PYTHONPATH": path} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start
