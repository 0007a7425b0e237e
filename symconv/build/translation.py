"""Cython's run on one file; as a program of its own it loads Cython first, then waits for the file's name."""

# This file imports nothing of the package: the program starts sooner.
from __future__ import annotations

import gc
import json
import sys
from typing import Any

__all__ = ["translated"]


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


def _serve() -> int:
    """Load what a translation loads, then do one, if there is one to do: 0 where it went well."""
    sys.path[:] = json.loads(sys.argv[1])
    gc.disable()
    from importlib import import_module

    for module in ("Main", "ParseTreeTransforms", "Optimize", "ModuleNode", "Pipeline", "FlowControl", "UtilityCode"):
        import_module(f"Cython.Compiler.{module}")
    asked = sys.stdin.readline()
    return 0 if asked and translated(*json.loads(asked)) else 1


if __name__ == "__main__":
    sys.exit(_serve())
