"""Cython's run on one file; as a program of its own it loads Cython first, then waits for names of files."""

# This file imports nothing of the package: the program starts sooner.
from __future__ import annotations

import gc
import json
import os
import select
import sys
from typing import Any

__all__ = ["translated"]

_PATIENCE = 60.0
"""Seconds: forward and backward are first called with much work soon after an operator was built, or much later."""


def translated(pyx: str, c_name: str, name: str) -> bool:
    """Translate the module ``name`` to C: whether Cython had no complaint. What it says is in a file beside ``pyx``.

    Raises :class:`ImportError` where Cython is not installed, :class:`RecursionError` where the text is nested too
    deeply.
    """
    from Cython.Compiler.Main import CompilationOptions, compile, default_options  # noqa: A004

    options = CompilationOptions(
        default_options,
        output_file=c_name,
        language_level=3,
        annotate=False,
        use_listing_file=1,  # its errors go to a file of ours instead of the process's stderr
        errors_to_stderr=0,
    )
    result: Any = compile(pyx, options, full_module_name=name)
    return int(result.num_errors) == 0


def _done(pyx: str, c_name: str, name: str) -> bool:
    """Whether a process that ends with it has translated a module: what waits for the next one stays small."""
    worker = os.fork()
    if worker == 0:
        done = False
        try:
            # Cython writes a file's name as seen from the working folder, which may be above.
            os.chdir(os.path.dirname(pyx))  # noqa: PTH120  (pathlib is one more thing to load)
            done = translated(pyx, c_name, name)
        finally:
            os._exit(0 if done else 1)
    return os.waitpid(worker, 0)[1] == 0


def _serve() -> None:
    """Load what a translation loads, then do what is asked for, as long as it goes well and somebody asks."""
    sys.path[:] = json.loads(sys.argv[1])
    gc.disable()
    from importlib import import_module

    for module in ("Main", "ParseTreeTransforms", "Optimize", "ModuleNode", "Pipeline", "FlowControl", "UtilityCode"):
        import_module(f"Cython.Compiler.{module}")
    gc.freeze()
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever Cython says is no answer
        while select.select((0,), (), (), _PATIENCE)[0]:
            asked = sys.stdin.readline()
            if not asked or not _done(*json.loads(asked)):
                return
            answers.write(b"done\n")


if __name__ == "__main__":
    _serve()
