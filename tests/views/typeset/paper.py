"""Real LaTeX for the tests of what is written for it: what it complains about, and how many pages it makes."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None,
    reason="LaTeX is not installed: apt-get install texlive-latex-recommended texlive-latex-extra texlive-pictures",
)


@dataclass(frozen=True, slots=True)
class Printed:
    """What a run of pdflatex said."""

    log: str
    errors: tuple[str, ...]
    overfull: tuple[str, ...]
    pages: int


def document(body: str, options: str = "10pt", width: str = "6.5in", preamble: str = "") -> str:
    """A document with amsmath alone around a body."""
    return (
        rf"\documentclass[{options}]{{article}}\usepackage{{amsmath}}{preamble}"
        rf"\setlength{{\textwidth}}{{{width}}}\setlength{{\hoffset}}{{-0.5in}}\allowdisplaybreaks"
        "\n\\begin{document}\n" + body + "\n\\end{document}\n"
    )


def printed(folder: Path, text: str, runs: int = 1) -> Printed:
    """Compile a document in a folder and read the log."""
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "paper.tex"]
    for _ in range(runs):
        subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    log = (folder / "paper.log").read_text(encoding="utf-8", errors="replace")
    pages = re.search(r"\((\d+) pages?", log.replace("\n", ""))
    return Printed(
        log,
        tuple(re.findall(r"^! .*$", log, re.MULTILINE)),
        tuple(re.findall(r"^Overfull \\hbox.*$", log, re.MULTILINE)),
        int(pages[1]) if pages else 0,
    )
