"""Independent items of work spread over processes of this machine, or over a dask cluster: the one way of every sweep.

Both are executors of ``concurrent.futures``. As many items as there are workers are under way at a time. When a worker
dies (killed for its memory, say), what was under way is run again, each item alone, so that a further death names who
causes it; an item whose worker died ``TRIES`` times is given up, and every other item has its result.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import Any, Generic, TypeVar, cast

from symconv.errors import SpecError, shown

__all__ = ["TRIES", "Lost", "spread"]

Item = TypeVar("Item")
Result = TypeVar("Result")

TRIES = 3
"""How often an item may lose its worker: once in company, then twice alone, where nobody else can be the cause."""

_one = threading.Lock()


@dataclass(frozen=True, slots=True)
class Lost:
    """What stands for the result of an item that was given up."""

    name: str
    times: int

    def __str__(self) -> str:
        return f"{self.name}: given up, its worker process died {self.times} times (killed, or out of memory)"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where work is done: how many items at a time, a way to open an executor, and what its worker's death raises."""

    width: int
    opened: Callable[[int], AbstractContextManager[Executor]]
    deaths: tuple[type[BaseException], ...] = (BrokenExecutor,)
    tries: int = TRIES


def spread(
    work: Callable[[Item], Result],
    items: Sequence[tuple[str, Item]],
    jobs: int | None = None,
    on: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Result | Lost, ...]:
    """The results of ``work`` for every item, in the order of the items, whatever order they are completed in.

    Parameters
    ----------
    work : a function at the top of a module; it and the items are pickled
    items : pairs of a name, for people, and what ``work`` is called with
    jobs : how many items at a time; None for as many as there are cores, or workers of the cluster; 1 without ``on``
        starts no process
    on : ``"dask://host:port"``, the scheduler of a dask cluster whose workers have this version of symconv
    tell : is told how far it is

    Processes import the script they are started from: there, call this under ``if __name__ == "__main__":``.
    What ``work`` raises for an item is raised here, with the item's name as a note. Raises SpecError where there is no
    cluster. In place of the result of an item that its workers do not survive stands a :class:`Lost`.

    >>> spread(len, [("a word", "abc"), ("none", "")], jobs=1)
    (3, 0)
    """
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise SpecError(f"jobs is how many items run at a time, from 1 on; given {shown(jobs)}")
    sweep = _Sweep(work, items, tell)
    if on is not None:
        with _cluster(on, jobs) as place:
            return sweep.done(place)
    wanted = min(jobs or _cores(), len(items))
    return sweep.done(_Place(wanted, _pool)) if wanted > 1 else sweep.here()


@dataclass
class _Sweep(Generic[Item, Result]):
    """What is known of a sweep while it runs."""

    work: Callable[[Item], Result]
    items: Sequence[tuple[str, Item]]
    tell: Callable[[str], None]
    results: dict[int, Result | Lost] = field(default_factory=dict)
    errors: dict[int, Exception] = field(default_factory=dict)

    def here(self) -> tuple[Result | Lost, ...]:
        """One item after the other, in this process."""
        for place, (name, item) in enumerate(self.items):
            self.tell(f"{place} of {len(self.items)} done, {name}")
            self.results[place] = self._named(name, lambda item=item: self.work(item))  # type: ignore[misc]
        return self._ordered()

    def done(self, place: _Place) -> tuple[Result | Lost, ...]:
        """All items; those that lose a worker again, each alone."""
        waiting, suspects = deque(range(len(self.items))), deque[int]()
        deaths = [0] * len(self.items)
        while waiting or suspects:
            queue, width = (suspects, 1) if suspects else (waiting, place.width)
            lost = self._round(place, queue, width)
            if self.errors:
                # Items start in order, so this is the first of all, whichever came first.
                raise self.errors[min(self.errors)]
            for number in lost:
                deaths[number] += 1
                if deaths[number] < place.tries:
                    suspects.append(number)
                else:
                    self._found(number, Lost(self.items[number][0], deaths[number]))
        return self._ordered()

    def _round(self, place: _Place, queue: deque[int], width: int) -> list[int]:
        """Work through the queue until it is empty or a worker dies; the items that were under way then."""
        under_way: dict[Future[Result], int] = {}
        lost: list[int] = []
        with place.opened(width) as executor:
            while under_way or (queue and not lost and not self.errors):
                while queue and not lost and not self.errors and len(under_way) < width:
                    lost += self._submitted(executor, place, queue.popleft(), under_way)
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in finished:
                    lost += self._taken(future, place, under_way.pop(future))
        return sorted(lost)

    def _submitted(
        self, executor: Executor, place: _Place, number: int, under_way: dict[Future[Result], int]
    ) -> list[int]:
        try:
            under_way[executor.submit(_called, self.work, self.items[number][1])] = number
        except place.deaths:  # a worker died between the last result and now
            return [number]
        return []

    def _taken(self, future: Future[Result], place: _Place, number: int) -> list[int]:
        try:
            self._found(number, self._named(self.items[number][0], future.result))
        except place.deaths:
            return [number]
        except CancelledError:
            raise SpecError(
                "the connection to the workers was lost: start the scheduler again, and the sweep"
            ) from None
        except Exception as error:  # noqa: BLE001 - raised again when what is under way has ended
            self.errors[number] = error
        return []

    def _found(self, number: int, result: Result | Lost) -> None:
        self.results[number] = result
        self.tell(f"{len(self.results)} of {len(self.items)} done, {self.items[number][0]}")

    def _named(self, name: str, call: Callable[[], Result]) -> Result:
        try:
            return call()
        except Exception as error:
            error.add_note(f"in {name}")
            raise

    def _ordered(self) -> tuple[Result | Lost, ...]:
        return tuple(self.results[number] for number in range(len(self.items)))


def _called(work: Callable[[Item], Result], item: Item) -> Result:
    # The workers of a cluster may have several threads, and isl's objects belong to one at a time.
    with _one:
        return work(item)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ------------------------------------------------------------------------------------------------- processes


@contextmanager
def _pool(width: int) -> Iterator[Executor]:
    """Processes of their own start: forks would inherit threads of OpenMP that do not exist in them."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(width, mp_context=context, initializer=_started) as executor:
        try:
            yield executor
        except BaseException:
            # Nobody waits for what is under way; leaving would.
            executor.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            raise


def _started() -> None:
    """A worker leaves keyboard and terminal to the process that people talk to."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr = _Log(os.fdopen(os.dup(2), "wb"), errors="backslashreplace", line_buffering=True)


class _Log(TextIOWrapper):
    """Lines that are written over belong on one terminal by one process."""

    def isatty(self) -> bool:
        return False


# ----------------------------------------------------------------------------------------------------- dask


@contextmanager
def _cluster(on: str, jobs: int | None) -> Iterator[_Place]:
    scheme, _, address = on.partition("://") if isinstance(on, str) else ("", "", "")
    if scheme != "dask" or not address:
        raise SpecError(f"--on is the scheduler of a dask cluster, as in dask://127.0.0.1:8786; given {shown(on)}")
    try:
        from distributed import Client, KilledWorker
    except ModuleNotFoundError:
        raise SpecError("--on dask://... needs dask.distributed: pip install 'symconv[dask]'") from None
    try:
        client = Client(f"tcp://{address}", timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SpecError(f"no dask scheduler answers at {address}: {error}") from error
    with client:
        workers = _workers(client, address)
        # A task that is sent again is another task.
        executor = cast(Executor, client.get_executor(pure=False))

        @contextmanager
        def opened(_: int) -> Iterator[Executor]:
            yield executor

        try:
            # The scheduler has tried a task on several workers before it gives up: twice is enough here.
            yield _Place(jobs or workers, opened, (KilledWorker, BrokenExecutor), tries=2)
        finally:
            executor.shutdown(wait=False)


def _workers(client: Any, address: str) -> int:
    """How many workers there are, each with this version of symconv: another would give other results."""
    from symconv import __version__

    try:
        found: dict[str, str] = client.run(_version)
    except ModuleNotFoundError as error:
        raise SpecError(
            f"the dask workers of {address} lack {error.name}: install symconv {__version__} there"
        ) from error
    if not found:
        raise SpecError(f"the dask scheduler at {address} has no workers: start some, as in `dask worker {address}`")
    for worker, version in sorted(found.items()):
        if version != __version__:
            raise SpecError(f"the dask worker {worker} has {version}, wanted symconv {__version__}: install it there")
    return len(found)


def _version() -> str:
    from symconv import __version__

    return __version__
