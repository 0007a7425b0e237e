"""Pages are executed before Sphinx reads them: each in a process of its own, forked from one that imported the package.

A Jupyter kernel for each page would start Python and import SymPy, isl and torch thirty times, which takes as long as
all the pages do. Pages run as many at a time as there are cores, the dearest first. Where a process cannot be forked,
myst-nb's kernels are used.
"""

from __future__ import annotations

import base64
import gc
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from contextlib import chdir, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from jupyter_cache.executors.utils import ExecutionResult
from myst_nb.core.execute import direct
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from sphinx.util.logging import getLogger
from traitlets import Any as Anything
from traitlets.config import Config

LOG = getLogger("side_by_side")
FORK = multiprocessing.get_context("fork") if hasattr(os, "fork") else None


@dataclass
class Ran:
    """What a page's cells answered, in order; ``error`` is a traceback, and the cell it came from."""

    outputs: list[list[dict[str, Any]]] = field(default_factory=list)
    error: str = ""
    kind: str = ""
    seconds: float = 0.0
    processor: float = 0.0
    """Seconds of the page's process and of those it waited for, compilers among them."""


DONE: dict[tuple[str, ...], Ran] = {}
"""By the code of the page."""


def code_of(notebook: NotebookNode) -> tuple[str, ...]:
    """The sources of the cells that are executed."""
    return tuple(cell.source for cell in notebook.cells if cell.cell_type == "code")


class Stream(io.TextIOBase):
    """Text that goes between what is displayed, in the order in which it came."""

    def __init__(self, name: str, outputs: list[dict[str, Any]]) -> None:
        super().__init__()
        self.name, self.outputs = name, outputs

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last["name"] == self.name:
            last["text"] += text
        elif text:
            self.outputs.append(new_output("stream", name=self.name, text=text))
        return len(text)


def portable(data: dict[str, Any]) -> dict[str, Any]:
    """A bundle as notebooks hold it: bytes of pictures are base64."""
    return {kind: base64.b64encode(one).decode() if isinstance(one, bytes) else one for kind, one in data.items()}


class Publisher(DisplayPublisher):
    """``display(...)``."""

    outputs = Anything()

    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, **_: Any) -> None:
        self.outputs.append(new_output("display_data", portable(data), metadata=metadata or {}))


class Hook(DisplayHook):
    """The value of a cell's last line."""

    outputs = Anything()

    def start_displayhook(self) -> None:
        pass

    def write_output_prompt(self) -> None:
        pass

    def finish_displayhook(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        count = self.shell.execution_count
        shown = new_output("execute_result", portable(format_dict), metadata=md_dict or {}, execution_count=count)
        self.outputs.append(shown)


class Shell(InteractiveShell):
    """Executes cells; a traceback is handed back instead of printed."""

    def _showtraceback(self, *_: Any) -> None:
        pass


def execute(code: tuple[str, ...], folder: str, answer: str) -> None:
    """The body of a page's process: runs the cells in ``folder`` and writes what they answered as JSON."""
    import resource  # where there is no fork, there is none of it either

    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(dir=Path(answer).parent)
    os.environ["IPYTHONDIR"] = tempfile.mkdtemp()
    sys.path.insert(0, "")
    quiet = Config({"HistoryManager": {"enabled": False}})
    shell = Shell.instance(config=quiet, display_pub_class=Publisher, displayhook_class=Hook)
    ran = Ran()
    with chdir(folder), tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as below:
        os.dup2(below.fileno(), 1)
        os.dup2(below.fileno(), 2)
        for cell in code:
            outputs: list[dict[str, Any]] = []
            shell.display_pub.outputs = shell.displayhook.outputs = outputs
            sys.stdout, sys.stderr = Stream("stdout", outputs), Stream("stderr", outputs)
            result = shell.run_cell(cell, store_history=True)
            below.seek(0)
            sys.stdout.write(below.read())  # what was written past Python
            below.seek(0)
            below.truncate()
            ran.outputs.append(outputs)
            fault = result.error_before_exec or result.error_in_exec
            if fault is not None:
                ran.kind, ran.error = type(fault).__name__, "".join(traceback.format_exception(fault))
                break
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ran.processor = sum(one.ru_utime + one.ru_stime for one in spent)
    Path(answer).write_text(json.dumps(vars(ran)), encoding="utf-8")


def run(pages: Iterable[tuple[str, ...]], *, jobs: int, timeout: float) -> None:
    """Fill ``DONE``: ``jobs`` pages at a time, each in a folder of its own that is deleted afterwards."""
    waiting = list(pages)[::-1]
    going: dict[Any, tuple[Any, tuple[str, ...], tempfile.TemporaryDirectory[str], float]] = {}
    while waiting or going:
        while waiting and len(going) < jobs:
            code, folder = waiting.pop(), tempfile.TemporaryDirectory()
            place = Path(folder.name) / "page"
            place.mkdir()
            process = FORK.Process(target=execute, args=(code, str(place), f"{folder.name}/answer.json"))
            process.start()
            going[process.sentinel] = process, code, folder, time.monotonic()
        for sentinel in [*wait(list(going), timeout=1)]:
            process, code, folder, started = going.pop(sentinel)
            DONE[code] = answered(process, Path(folder.name, "answer.json"), time.monotonic() - started)
            folder.cleanup()
        for process, _, _, started in going.values():
            if time.monotonic() - started > timeout:
                process.kill()


def answered(process: Any, path: Path, seconds: float) -> Ran:
    """What a process left behind."""
    process.join()
    with suppress(FileNotFoundError, json.JSONDecodeError):
        ran = Ran(**json.loads(path.read_text(encoding="utf-8")))
        ran.seconds = seconds
        return ran
    died = f"the page's process ended with status {process.exitcode} after {seconds:.0f} s"
    return Ran(error=died, kind="TimeoutError" if process.exitcode == -9 else "ProcessDied", seconds=seconds)


def filled(notebook: NotebookNode, cwd: str | None, timeout: int | None, **_: Any) -> ExecutionResult:
    """What ``single_nb_execution`` of jupyter-cache does, with the outputs that are there already."""
    code = code_of(notebook)
    if code not in DONE:
        run([code], jobs=1, timeout=timeout or 300)
    ran, count = DONE[code], 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and count < len(ran.outputs):
            cell.outputs = [NotebookNode(one) for one in ran.outputs[count]]
            count += 1
            cell.execution_count = count
    notebook.metadata.setdefault("language_info", NotebookNode(name="python", pygments_lexer="ipython3"))
    fault = None
    if ran.error:
        late = ran.kind == "TimeoutError"
        fault = CellTimeoutError(ran.error) if late else CellExecutionError(ran.error, ran.kind, "")
    return ExecutionResult(notebook, cwd, ran.seconds, fault, ran.error or None)


def ahead(app: Any, env: Any, names: list[str]) -> None:
    """Before Sphinx reads its pages: execute those that are notebooks and are not left out."""
    if app.config.nb_execution_mode != "force":
        return
    left_out = {pattern.removesuffix(".md") for pattern in app.config.nb_execution_excludepatterns}
    pages = {}
    for name in names:
        text = Path(env.doc2path(name)).read_text(encoding="utf-8")
        if name not in left_out and is_myst_markdown_notebook(text):
            pages[name] = code_of(read_myst_markdown_notebook(text, path=env.doc2path(name)))
    for module in app.config.imported_first:
        with suppress(ImportError):
            import_module(module)
    dearest = {name: place for place, name in enumerate(app.config.dearest_pages)}
    order = sorted(pages, key=lambda name: dearest.get(name, len(dearest)))
    # Page by page, collections would go through (and so copy) all that the processes share with this one.
    gc.collect()
    gc.freeze()
    run([pages[name] for name in order], jobs=os.cpu_count() or 1, timeout=app.config.nb_execution_timeout)
    gc.unfreeze()
    for name in order:
        ran = DONE[pages[name]]
        LOG.info("%s: %.1f s, %.1f s of processor time", name, ran.seconds, ran.processor)
        if ran.error:
            LOG.error("%s: %s", name, ran.error)


def setup(app: Any) -> dict[str, bool]:
    """Register it, where processes can be forked."""
    app.add_config_value("imported_first", [], "env")
    app.add_config_value("dearest_pages", [], "env")
    if FORK is not None:
        direct.single_nb_execution = partial(filled)
        app.connect("env-before-read-docs", ahead)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
