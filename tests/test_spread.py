"""Sweeps: results in order, whatever the order of completion, and every one of them where workers die."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import symconv as sc
from symconv.spread import TRIES, Lost, spread

# Items: a file that something is said by, and the number to square.
FRAGILE = """
import os, signal, time
from pathlib import Path

def square(item):
    return item[1] * item[1]

def late(item):
    # The first item waits for the fifth.
    file, number = item
    if number == 5:
        Path(file).touch()
    while number == 0 and not Path(file).exists():
        time.sleep(0.01)
    return number * number

def dies_once(item):
    file, number = item
    if file and not Path(file).exists():
        Path(file).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(item)

def dies_always(item):
    if item[0]:
        with open(item[0], "a") as log:
            log.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return square(item)

def refuses(item):
    if item[0]:
        raise ValueError("no")
    return square(item)

def both_refuse(item):
    # The third waits until the fourth has refused.
    file, number = item
    if number == 4:
        Path(file).touch()
    while number == 3 and not Path(file).exists():
        time.sleep(0.01)
    if number >= 3:
        raise ValueError(f"no {number}")

def whose(item):
    return os.getpid()
"""


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Functions in a module that workers can import."""
    (tmp_path / "fragile.py").write_text(FRAGILE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    import importlib
    import sys

    yield importlib.import_module("fragile")
    sys.modules.pop("fragile")


def items(count: int, file: str = "", marked: int = 3) -> list[tuple[str, tuple[str, int]]]:
    """``marked`` has the file."""
    return [(f"item {k}", (file if k == marked else "", k)) for k in range(count)]


def test_results_are_in_the_order_of_the_items(fragile: Any, tmp_path: Path) -> None:
    told: list[str] = []
    mark = str(tmp_path / "fifth")
    found = spread(fragile.late, [(f"item {k}", (mark, k)) for k in range(9)], jobs=2, tell=told.append)
    assert found == tuple(k * k for k in range(9))
    assert told[0] == "1 of 9 done, item 1"
    assert told[-1].startswith("9 of 9 done")
    assert spread(fragile.square, items(9), jobs=1) == tuple(k * k for k in range(9))
    assert spread(fragile.whose, items(2), jobs=1) == (os.getpid(), os.getpid())
    assert spread(fragile.square, []) == ()


def test_a_killed_worker_loses_nothing(fragile: Any, tmp_path: Path) -> None:
    mark = tmp_path / "died"
    assert spread(fragile.dies_once, items(8, str(mark)), jobs=2) == tuple(k * k for k in range(8))
    assert mark.exists()


def test_what_kills_its_workers_is_named_and_the_rest_is_done(fragile: Any, tmp_path: Path) -> None:
    log = tmp_path / "deaths"
    found = spread(fragile.dies_always, items(6, str(log)), jobs=2)
    assert found == (0, 1, 4, Lost("item 3", TRIES), 16, 25)
    assert log.read_text() == "x" * TRIES
    assert "item 3: given up, its worker process died 3 times" in str(found[3])


def test_what_is_raised_names_its_item(fragile: Any) -> None:
    for jobs in (1, 2):
        with pytest.raises(ValueError, match="no") as caught:
            spread(fragile.refuses, items(5, "here"), jobs=jobs)
        assert caught.value.__notes__ == ["in item 3"]


def test_what_is_raised_is_the_first_of_the_items_whichever_came_first(fragile: Any, tmp_path: Path) -> None:
    mark = str(tmp_path / "fourth")
    with pytest.raises(ValueError, match="no 3"):
        spread(fragile.both_refuse, [(f"item {k}", (mark, k)) for k in range(7)], jobs=2)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"jobs": 0}, "jobs is how many items run at a time"),
        ({"jobs": "2"}, "jobs is how many items"),
        ({"on": "127.0.0.1:8786"}, "as in dask://127.0.0.1:8786"),
        ({"on": "dask://"}, "as in dask://127.0.0.1:8786"),
    ],
)
def test_what_cannot_be_meant_is_said(more: dict[str, Any], words: str) -> None:
    with pytest.raises(sc.SpecError, match=words):
        spread(len, [("a", "b")], **more)


def test_where_dask_is_missing_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(sc.SpecError, match=r"pip install 'symconv\[dask\]'"):
        spread(len, [("a", "b")], on="dask://127.0.0.1:1")


@pytest.fixture
def cluster(fragile: Any) -> Iterator[Any]:
    """Two workers on loopback."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, host="127.0.0.1", dashboard_address=None
    ) as made:
        yield made


def address(cluster: Any) -> str:
    return f"dask://{cluster.scheduler_address.partition('://')[2]}"


# What dask's own threads and loops leave behind is no matter of ours.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.full
def test_a_cluster_gives_the_same_and_a_killed_worker_loses_nothing(fragile: Any, cluster: Any, tmp_path: Path) -> None:
    want = tuple(k * k for k in range(12))
    assert spread(fragile.square, items(12), on=address(cluster)) == want
    mark = tmp_path / "died"
    assert spread(fragile.dies_once, items(12, str(mark)), on=address(cluster)) == want
    assert mark.exists()
    log = tmp_path / "deaths"
    found = spread(fragile.dies_always, items(6, str(log)), on=address(cluster), jobs=2)
    assert found == (0, 1, 4, Lost("item 3", 2), 16, 25)
    with pytest.raises(ValueError, match="no") as caught:
        spread(fragile.refuses, items(5, "here"), on=address(cluster))
    assert caught.value.__notes__[-1] == "in item 3"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.full
def test_where_no_cluster_answers_it_is_said() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(sc.SpecError, match=r"no dask scheduler answers at 127\.0\.0\.1:9"):
        spread(len, [("a", "b")], on="dask://127.0.0.1:9")
