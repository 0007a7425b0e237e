"""For every test and doctest of the repository: a cache of its own, and ``--full`` for the exhaustive ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import combinations
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
def _together(file: str, full: bool) -> bool:
    """Whether one worker runs all tests of a file, because fixtures of the module would be prepared twice.

    Exhaustive tests take longer than fixtures, and are dealt to all workers where they are run.
    """
    text = (Path(__file__).parent / file).read_text(encoding="utf-8") if file.startswith("tests/") else ""
    prepares = 'scope="module"' in text or "\n@cache\n" in text
    return file in TOGETHER or (prepares and not (full and "mark.full" in text))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also run the exhaustive tests, those marked 'full'")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests one by one to whichever worker is free, files that share fixtures as a whole and first."""
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if _together(file, config.getoption("--full")) else nodeid

        def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
            # What is done is forgotten: each answer of a worker has the scheduler count all that it holds.
            scope = self._split_scope(self.registered_collections[node][item_index])
            super().mark_test_complete(node, item_index, duration)
            if all(self.assigned_work[node].get(scope, {"": False}).values()):
                del self.assigned_work[node][scope]

    return Sharing(config, log)


GRIDS = ("algorithms", "build", "cli", "code", "derive", "emit", "export", "gather", "generated", "loops", "ops",
         "packed", "prove", "readable", "tune", "validate", "verify", "views")  # fmt: skip
"""Folders of grids, every value of a parameter with every value of others: a sample of each grid runs each time."""
SAMPLED = tuple(folder for folder in GRIDS if folder not in {"emit", "readable", "verify"})
"""Folders whose tests have lists of many cases: a share of each runs each time."""


def _every(cases: int) -> int:
    """Each which of so many cases of a test is run: more than a few of the same kind seldom say more than a sample."""
    return 1 if cases < 3 else 2 if cases < 8 else 3 if cases < 24 else 4


def _sample(cases: list[pytest.Item], listed: bool) -> list[pytest.Item]:
    """The cases of a test that run each time: a share of a list, and of a grid what shows all that there is in it.

    Of a grid of two parameters that is every value of each, of a larger one every pair of values.
    """
    share = cases[:: _every(len(cases))] if listed else cases
    values = [_values(case) for case in cases]
    varied = [key for key in values[0] if len({repr(row[key]) for row in values}) > 1] if len(cases) > 3 else []
    if len(varied) < 2:
        return share
    shown = [set(combinations([(key, row[key]) for key in varied], min(2, len(varied) - 1))) for row in values]
    missing, kept = set().union(*shown), list[pytest.Item]()
    while missing and len(kept) < len(share):
        best = max(range(len(cases)), key=lambda number: (len(missing & shown[number]), -number))
        missing -= shown[best]
        kept.append(cases[best])
    return share if missing or 2 * len(kept) > len(cases) else kept


def _values(case: pytest.Item) -> dict[str, object]:
    """The parameters of a case; those that cannot be compared are told apart by their place in memory."""
    given: dict[str, object] = getattr(case, "callspec").params  # noqa: B009
    return {key: repr(one) if isinstance(one, int | float | str | None) else id(one) for key, one in given.items()}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Exhaustive tests are left out without ``--full``, and what grids have beyond their sample is exhaustive."""
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        test = item.nodeid.partition("[")[0]
        if hasattr(item, "callspec") and test.split("/")[1] in GRIDS and not item.get_closest_marker("full"):
            tests.setdefault(test, []).append(item)
    for test, cases in tests.items():
        for item in set(cases).difference(_sample(cases, test.split("/")[1] in SAMPLED)):
            item.add_marker(pytest.mark.full)
    if not config.getoption("--full"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Workers do not tell how many tests they left out."""
    if not config.getoption("--full"):
        terminalreporter.write_line("without what is exhaustive: --full runs it as well")


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kernels are built into a folder of this session; workers of one session share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "symconv-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMCONV_CACHE", str(folder))
        yield folder
