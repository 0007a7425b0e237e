"""For every test and doctest of the repository: a cache of its own, and ``--full`` for the exhaustive ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

# Workers share the cores: threads that spin while they wait take them from each other.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

collect_ignore = [f"symconv/frameworks/{name}" for name in ("jax", "tensorflow", "torch") if find_spec(name) is None]
"""Adaptors of what is not installed have no doctests here."""

TOGETHER = frozenset(
    f"tests/{name}.py"
    for name in (
        "emit/test_packed_text",
        "emit/test_planned",
        "generated/test_generated",
        "loops/test_wide",
        "ops/test_jacobian",
        "packed/test_mutants",
        "packed/test_nonfinite",
        "test_api",
        "test_arrays",
        "test_entry",
        "views/test_artefacts",
        "views/test_report",
    )
)
"""Files whose tests share much of what was derived or compiled for them: one worker runs all of a file."""


@cache
def _together(file: str) -> bool:
    """Whether one worker runs all tests of a file, because fixtures of the module would be prepared twice.

    Exhaustive tests take longer than fixtures, and are dealt to all workers.
    """
    text = (Path(__file__).parent / file).read_text(encoding="utf-8") if file.startswith("tests/") else ""
    prepares = 'scope="module"' in text or "\n@cache\n" in text
    return file in TOGETHER or (prepares and "mark.full" not in text)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also run the exhaustive tests, those marked 'full'")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests one by one to whichever worker is free, files that share fixtures as a whole and first."""
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if _together(file) else nodeid

    return Sharing(config, log)


SAMPLED = ("build", "cli", "code", "derive", "export", "gather", "loops", "ops", "prove", "tune", "validate", "views")
"""Folders of grids: of their tests with many cases, a share runs each time, and all with ``--full``."""


def _every(cases: int) -> int:
    """Each which of so many cases of a test is run: more than a few of the same kind seldom say more than a sample."""
    return 1 if cases < 4 else 2 if cases < 16 else 3


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Exhaustive tests are skipped without ``--full``, and what grids have beyond their sample is exhaustive."""
    grids: dict[str, list[pytest.Item]] = {}
    for item in items:
        test, _, case = item.nodeid.partition("[")
        if case and test.startswith(tuple(f"tests/{folder}/" for folder in SAMPLED)):
            grids.setdefault(test, []).append(item)
    for cases in grids.values():
        run = [item for item in cases if not item.get_closest_marker("full")]
        for number, item in enumerate(run):
            if number % _every(len(run)):
                item.add_marker(pytest.mark.full)
    if not config.getoption("--full"):
        skip = pytest.mark.skip(reason="exhaustive: run with --full")
        for item in items:
            if item.get_closest_marker("full"):
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kernels are built into a folder of this session; workers of one session share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "symconv-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMCONV_CACHE", str(folder))
        yield folder
