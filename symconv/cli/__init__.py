"""The command line: parsing only. What a command does is in ``symconv.commands``, imported when it runs."""

from __future__ import annotations

import gc
import sys
from io import TextIOWrapper

import click

from symconv import __version__
from symconv.cli.deciding import check, prove, validate, verify
from symconv.cli.guiding import completion, show_page
from symconv.cli.making import derive, export, generate, list_operators, run, show
from symconv.cli.page import Group
from symconv.cli.running import bench, cache, doctor, tune

__all__ = ["cli", "main"]

_COLLECTED = 50_000
"""New objects after which cycles are looked for: a command ends soon, and hardly makes any."""


@click.group("symconv", cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="symconv %(version)s")
def cli() -> None:
    """From one forward formula to derived, compiled, verified and readable gradients.

    \b
    Example:
      symconv run conv2d --stride 2 --padding 1 -o out/

    OP is the name of an operator (`symconv list`), a formula in quotes, a .toml spec file, or a function of a Python
    file or notebook, FILE.py:FUNCTION. `symconv help OP` says which options it takes.

    Exit status: 0 right, 1 a check failed, 2 the request or the environment is not usable, 3 undecided, 70 an internal
    error.
    """


for command in (
    run, list_operators, derive, generate, verify, prove, check, validate, show, export, bench, tune, cache, doctor,
    completion, show_page,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """The ``symconv`` program."""
    gc.set_threshold(_COLLECTED)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Σ and · on a terminal that cannot show them are no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    cli.main(prog_name="symconv", obj=True)
