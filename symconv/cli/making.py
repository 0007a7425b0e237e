"""Commands that make something of an operator: formulas, kernels, pages, packages."""

from __future__ import annotations

from pathlib import Path

import click

from symconv.cli.page import command
from symconv.commands.parameters import (
    an_op,
    the_dtype,
    the_format,
    the_gradients,
    the_op,
    the_output,
    the_picture,
    the_settings,
    the_target,
    the_threads,
)
from symconv.export.backends import BACKENDS
from symconv.options import DTYPES

__all__ = ["derive", "export", "generate", "list_operators", "run", "show"]


@command()
@the_op
@the_settings
@the_gradients
@the_dtype("float32")
@the_threads
@the_target
@the_output("The folder to write into; created.", "symconv-out")
@the_format
def run(
    op: str,
    wrt: tuple[str, ...],
    dtype: str,
    threads: int | None,
    target: str,
    output: Path,
    form: str,
    **settings: object,
) -> int:
    """Do everything for one operator.

    Derive, generate, compile and verify; write formulas, kernel, report and verdict.

    \b
    Examples:
      symconv run conv2d --stride 2 --padding 1 -o out/
      symconv run 'y[n,f,i] = -sum[c,p](abs(x[n,c,i+p-1] - w[f,c,p]))' --wrt w
    """
    from symconv.commands.run import run as work

    return work(op, settings, wrt, dtype, threads, target, output, form)


@command("list")
@the_format
def list_operators(form: str) -> int:
    """The operators that come with symconv.

    \b
    Example:
      symconv list
    """
    from symconv.commands.listing import listing

    return listing(form)


@command()
@the_op
@the_settings
@the_gradients
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "latex", "json", "numpy", "torch")),
    help="Default text, or latex where -o is a .tex file. latex: fragments for \\input. numpy and torch: functions.",
)
@click.option("--width", metavar="LENGTH", help="LaTeX: no line is wider, as in 6.5in (the default), 12cm or 345pt.")
@the_output("The file to write; default stdout.")
def derive(
    op: str, wrt: tuple[str, ...], form: str | None, width: str | None, output: Path | None, **settings: object
) -> int:
    """Derive gradients, step by step.

    \b
    Examples:
      symconv derive conv2d --stride 2 --padding 1 --wrt x
      symconv derive 'y[n,i] = sum[p](x[n,2*i+p]*w[p])' --width 12cm -o f.tex
    """
    from symconv.commands.derive import derive as work

    return work(op, settings, wrt, form, output, width)


@command()
@an_op
@the_settings
@the_dtype("float32")
@the_threads
@the_target
@click.option("--all", "everything", is_flag=True, help="The reference kernels of the checkout's generated/ folder.")
@click.option("--check", is_flag=True, help="With --all: write nothing, exit 1 where a file is not what it should be.")
@the_output("The file to write (default stdout); with --all the folder.")
def generate(
    op: str | None,
    dtype: str,
    threads: int | None,
    target: str,
    everything: bool,
    check: bool,
    output: Path | None,
    **settings: object,
) -> int:
    """Write the Cython source of the kernels.

    One operator's module, or with --all the reference kernels.

    \b
    Examples:
      symconv generate conv2d --stride 2 -o conv2d.pyx
      symconv generate --all --check
    """
    from symconv.commands.generate import generate as one
    from symconv.commands.generate import generate_all

    if not everything:
        if op is None or check:
            raise click.UsageError("--check goes with --all" if op else "OP is wanted, or --all")
        return one(op, settings, dtype, threads, target, output)
    if op is not None:
        raise click.UsageError("--all takes no OP")
    return generate_all(check, output)


@command()
@the_op
@the_settings
@the_output("The file to write; default report.html or picture.svg. A .tex or .pdf is a handout of two pages.")
@the_picture
def show(
    op: str,
    output: Path | None,
    picture: bool,
    wrt: str | None,
    cell: str | None,
    at: tuple[str, ...],
    frames: bool,
    animate: bool,
    **settings: object,
) -> int:
    """Write a page of the derivations, a handout, or a picture.

    \b
    Examples:
      symconv show conv2d --stride 2 --padding 1 -o report.html
      symconv show conv2d --stride 2 --padding 1 --picture --wrt x -o x.svg
      symconv show conv2d --stride 2 --padding 1 --picture --cell 0,0,2,3
      symconv show conv2d --stride 2 --padding 1 --picture --animate -o x.svg
      symconv show conv2d --stride 2 --padding 1 -o handout.pdf
    """
    from symconv.commands.show import show as work

    return work(op, settings, output, picture, wrt, cell, at, (frames, animate))


@command()
@the_op
@the_settings
@the_gradients
@click.option(
    "--dtype", "dtypes", type=click.Choice(DTYPES), multiple=True, help="Only this number type; default both."
)
@click.option(
    "--backend",
    type=click.Choice(tuple(BACKENDS)),
    default="cython",
    show_default=True,
    help="What it is written in.",
)
@click.option("--name", "package", help="What the package is called; default the operator's name.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder to write; new or empty."
)
def export(
    op: str,
    wrt: tuple[str, ...],
    dtypes: tuple[str, ...],
    backend: str,
    package: str | None,
    output: Path,
    **settings: object,
) -> int:
    """Write a package to take away.

    It needs NumPy and nothing of symconv: kernels, a Python face, tests, formulas.

    \b
    Examples:
      symconv export conv2d --stride 2 --padding 1 -o mylayer/
      symconv export adder2d --name adder --dtype float32 -o adder/
    """
    from symconv.commands.export import export as work

    return work(op, settings, wrt, dtypes, backend, package, output)
