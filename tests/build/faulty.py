"""Run as a script: asks the cache for one module, while one thing that the cache does goes wrong.

Arguments: what happens ("fail", "kill", "limit" or "nothing"), and at which of the things done, counted from 0 (for
"limit": the bytes that a file may have). Done are: writing a file, renaming, deleting, making a folder, changing a
mode, locking, starting a process. Half of a file is written before its writing goes wrong. Prints JSON.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

TEXT = "def answer():\n    return 42\n"
EVENTS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.utime", "fcntl.flock", "subprocess.Popen"}


class Faults:
    def __init__(self, what: str, at: int) -> None:
        self.what, self.at, self.done = what, at, 0
        self.armed = False
        self.names: list[str] = []

    def next(self, name: str) -> None:
        self.names.append(name)
        self.done += 1
        if self.done - 1 != self.at:
            return
        if self.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "fail":
            raise OSError(errno.ENOSPC, "No space left on device")

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        if event in EVENTS:
            self.next(event)
        elif event == "open":
            path, _, flags = arguments
            writing = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
            if writing and str(path).startswith(os.environ["SYMCONV_CACHE"]):
                self.next("open")

    def halving(self, real: Callable[[Path, bytes], None]) -> Callable[[Path, bytes], None]:
        def write(path: Path, content: bytes) -> None:
            if self.done == self.at and self.what in {"fail", "kill"}:
                self.armed = False
                real(path, content[: len(content) // 2])
                self.armed = True
            self.next("write")
            real(path, content)

        return write


def main(what: str, at: int) -> None:
    from symconv.build import Product, load, obtain
    from symconv.emit.source import Source
    from symconv.errors import SymconvError

    faults = Faults(what, at)
    if what == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (at, resource.RLIM_INFINITY))
    for name in ("folder", "cache", "compiler"):
        module = import_module(f"symconv.build.{name}")
        module.write_file = faults.halving(module.write_file)  # type: ignore[attr-defined]
    sys.addaudithook(faults.hook)
    said: dict[str, object] = {}
    try:
        faults.armed = True
        artifact = obtain("r1", lambda: Product(Source(TEXT, openmp=False), {"name": "asked"}), "native")
        faults.armed = False
        said["answer"] = load(artifact).answer()
    except SymconvError as error:
        said["refused"] = str(error)
    except BaseException as error:  # noqa: BLE001  (this is what the test looks for)
        said["crashed"] = repr(error)
    finally:
        faults.armed = False
    sys.stdout.write(json.dumps(said | {"done": faults.names}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
