"""The LaTeX of this machine: found, and run in a folder of its own without shell, with a limit of time."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from symconv.errors import BuildError

__all__ = ["pdf"]

_ENGINES = {
    "pdflatex": ("-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error"),
    "lualatex": ("--no-shell-escape", "--interaction=nonstopmode", "--halt-on-error"),
    "tectonic": ("--untrusted", "--chatter", "minimal"),
}
_SECONDS = 120.0
"""A handout takes two; a first run that makes fonts may take a minute."""
_ADVICE = (
    "On Debian and Ubuntu: apt-get install texlive-latex-recommended texlive-latex-extra texlive-pictures; "
    "elsewhere TeX Live, MiKTeX or tectonic. Without one, write the text with -o handout.tex and compile it elsewhere"
)


def pdf(text: str) -> bytes:
    """A document compiled; raises BuildError, in words, where there is no LaTeX or it cannot compile this."""
    name = next((name for name in _ENGINES if shutil.which(name)), None)
    if name is None:
        raise BuildError(f"a PDF needs {', '.join(_ENGINES)}, and none of them is on the PATH. {_ADVICE}")
    with tempfile.TemporaryDirectory(prefix="symconv-tex-") as folder:
        place = Path(folder)
        (place / "handout.tex").write_text(text, encoding="utf-8")
        said = _run(name, place)
        made = place / "handout.pdf"
        if not made.is_file():
            raise BuildError(f"{name} did not compile the handout: {_reason(said)}. {_ADVICE}")
        return made.read_bytes()


def _run(name: str, folder: Path) -> str:
    # Paranoid: the document may neither read nor write outside its folder.
    safe = {**os.environ, "openin_any": "p", "openout_any": "p", "max_print_line": "1000"}
    command = [name, *_ENGINES[name], "handout.tex"]
    try:
        done = subprocess.run(command, cwd=folder, env=safe, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=_SECONDS, check=False)  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{name} was stopped after {_SECONDS:.0f} seconds. {_ADVICE}") from error
    except OSError as error:
        raise BuildError(f"{name} cannot be run: {error.strerror or error}. {_ADVICE}") from error
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines()]
    found = [line.removeprefix("! ") for line in lines if line.startswith(("!", "error:"))]
    return " ".join((found or [line for line in lines if line][-1:] or ["it said nothing"])[0].split())[:300]
