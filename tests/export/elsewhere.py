"""Packages compiled and judged where there is no symconv."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["compiled", "environment", "judged", "mutants"]


def environment(source: Path | None = None) -> dict[str, str]:
    """Nothing of this process's Python; what lies in ``source`` can be imported."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "COV_"))}
    return kept | ({"PYTHONPATH": str(source)} if source else {})


def compiled(folder: Path, python: str = sys.executable) -> None:
    """Compile a package where it lies."""
    command = [python, "setup.py", "-q", "build_ext", "--inplace", "--force"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def judged(folder: Path, python: str = sys.executable, installed: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the package's own tests; warnings are errors."""
    command = [python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-W", "error", "tests"]
    env = environment(None if installed else folder / "src")
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def mutants(text: str) -> list[tuple[str, str]]:
    """Loops that compute something else: in each function another bound, sign or index of the last nest."""
    found = []
    for match in re.finditer(r"^cdef void (\w+)_loops\(.*?(?=^def )", text, re.MULTILINE | re.DOTALL):
        name, body = match[1], match[0]
        # An epilogue may only copy what it has; a change of it need not show.
        last = max(m.start() for m in re.finditer(r"\n    # (?![^\n]*epilogue)[^\n]*\n    for ", body))
        for what, old, new in (
            ("index", r"\b([a-z]_?)\]", r"\1 * 0]"),
            ("sum", r"(sum\d*_|\]) \+ ", r"\1 - "),
            ("bound", r"in range\(0, (\w+)\):", r"in range(1, \1):"),
        ):
            changed, count = re.subn(old, new, body[last:], count=1)
            if count:
                found.append((f"{name}: {what}", text.replace(body, body[:last] + changed)))
    return found
