"""Formulas drawn by a second process while this one proves and verifies: drawing takes as long as compiling."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from symconv.views.mathsvg import drawn, remember

__all__ = ["Drawing", "main"]

# Longer than any page has taken by far; without an answer the page draws its formulas itself.
_PATIENCE = 120.0


class Drawing:
    """A process that draws formulas from when this is made until ``finish`` is called.

    It is a convenience: whatever it does not deliver is drawn when the page is written.

    >>> drawing = Drawing([r"x_{n}"])
    >>> drawing.finish()
    1
    """

    def __init__(self, formulas: list[str]) -> None:
        self._formulas = list(dict.fromkeys(formulas))
        self._answer: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        home = str(Path(__file__).resolve().parents[2])
        places = os.pathsep.join(p for p in (home, os.environ.get("PYTHONPATH", "")) if p)
        try:
            self._answer = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
            with tempfile.TemporaryFile() as asked:
                asked.write(json.dumps(self._formulas).encode())
                asked.seek(0)
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", f"from {__name__} import main; main()"],
                    stdin=asked,
                    stdout=self._answer,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": places},
                )
        except OSError:
            self.close()

    def finish(self) -> int:
        """Wait for the drawings and keep them for the page; answers how many there are."""
        if self._process is None or self._answer is None:
            return 0
        try:
            if self._process.wait(_PATIENCE) != 0:
                return 0
            self._answer.seek(0)
            found = json.loads(self._answer.read())
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return 0
        finally:
            self.close()
        remember({text: None if one is None else (one[0], one[1]) for text, one in found.items()})
        return len(found)

    def close(self) -> None:
        """End the process, if it still runs; nothing is left behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._answer is not None:
            self._answer.close()


def main() -> None:
    """Draw what stdin asks for, a JSON list of LaTeX; stdout gets a JSON object from each to its drawing."""
    print(json.dumps({text: drawn(text) for text in json.load(sys.stdin)}))
