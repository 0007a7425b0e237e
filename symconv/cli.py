"""The command line: parsing only. What a command does is in ``symconv.commands``, imported when it runs."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from symconv import __version__
from symconv.commands.outcome import Door
from symconv.commands.parameters import (
    an_op,
    the_dtype,
    the_gradients,
    the_measurement,
    the_op,
    the_output,
    the_picture,
    the_settings,
    the_spread,
    the_target,
    the_threads,
)
from symconv.commands.values import Family, Shape
from symconv.export.backends import BACKENDS
from symconv.options import DTYPES

__all__ = ["cli", "main"]


@click.group("symconv", cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="symconv %(version)s")
def cli() -> None:
    """From one forward formula to derived, compiled, verified and readable gradients.

    \b
    Example:
      symconv run conv2d --stride 2 --padding 1 -o out/

    OP is the name of an operator (`symconv list`), a formula in quotes, or a .toml spec file.

    \b
    Exit status: 0 right, 1 a check failed, 2 the request or the environment is not usable,
    3 undecided, 70 an internal error.
    """


@cli.command()
@the_op
@the_settings
@the_gradients
@the_dtype("float32")
@the_threads
@the_target
@the_output("The folder to write into; created.", "symconv-out")
def run(
    op: str, wrt: tuple[str, ...], dtype: str, threads: int | None, target: str, output: Path, **settings: object
) -> int:
    """Do everything for one operator.

    Derive, generate, compile and verify; write formulas, kernel, report and verdict.

    \b
    Examples:
      symconv run conv2d --stride 2 --padding 1 -o out/
      symconv run 'y[n,f,i] = -sum[c,p](abs(x[n,c,i+p-1] - w[f,c,p]))' --wrt w
    """
    from symconv.commands.run import run as work

    return work(op, settings, wrt, dtype, threads, target, output)


@cli.command("list")
def list_operators() -> int:
    """The operators that come with symconv.

    \b
    Example:
      symconv list
    """
    from symconv.commands.listing import listing

    return listing()


@cli.command()
@the_op
@the_settings
@the_gradients
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "latex", "json", "numpy", "torch")),
    default="text",
    show_default=True,
    help="numpy and torch: readable functions, the forward first",
)
@the_output("The file to write; default stdout.")
def derive(op: str, wrt: tuple[str, ...], form: str, output: Path | None, **settings: object) -> int:
    """Derive gradients, step by step.

    \b
    Examples:
      symconv derive conv2d --stride 2 --padding 1 --wrt x
      symconv derive 'y[n,i] = sum[p](x[n,2*i+p]*w[p])' --format latex
    """
    from symconv.commands.derive import derive as work

    return work(op, settings, wrt, form, output)


@cli.command()
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


@cli.command()
@click.argument("ops", nargs=-1, metavar="[OP]...")
@the_settings
@the_gradients
@the_dtype("float64")
@the_threads
@the_target
@click.option("--source", type=click.Path(path_type=Path), help="Judge this .pyx module instead of a new one.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Every shipped operator, with the options that it takes.")
@the_spread
def verify(
    ops: tuple[str, ...],
    wrt: tuple[str, ...],
    source: Path | None,
    form: str,
    everything: bool,
    jobs: int | None,
    on: str | None,
    dtype: str,
    threads: int | None,
    target: str,
    **settings: object,
) -> int:
    """Judge the kernels against oracles.

    The oracles share no code with the derivation. Exit status 3: nothing is known to be wrong, but a result has no
    number with a finite error bound, so nothing judged it. Several operators are judged in processes side by side.

    \b
    Examples:
      symconv verify conv2d --stride 2 --padding 1 --dtype float32
      symconv verify conv1d --source mine.pyx
      symconv verify --all --jobs 8
    """
    from symconv.commands.verify import verify as work

    chosen = {"dtype": dtype, "threads": threads, "target": target}
    return work(ops, settings, wrt, chosen, source, form, everything, (jobs, on))


@cli.command()
@the_op
@the_settings
@click.option("--claim", help="What is said to hold, as in 'gx = conv_transpose(gy, w)'.")
@click.option("--code", help="Python code instead, as FILE.py:FUNCTION; it is parsed, never executed.")
@click.option("--arguments", help="What parameters of the code are, as in 'dout=gy, cache=(x, w, 2, 1)'.")
@click.option("--returns", help="Which gradients the code returns, in order, as in x,w.")
@click.option("--for", "family", type=Family(), default=(), help="Decide a family: stride=1..4,padding=0..3.")
@the_spread
@the_output("An HTML report to write as well.")
def prove(
    op: str,
    claim: str | None,
    code: str | None,
    arguments: str | None,
    returns: str | None,
    family: tuple[tuple[str, range], ...],
    output: Path | None,
    jobs: int | None,
    on: str | None,
    **settings: object,
) -> int:
    """Decide a hand-written formula, or code, for all sizes.

    Exit status 0 where it is true, 1 where it is false, 2 where it is unusable, 3 where it is undecided.

    \b
    Examples:
      symconv prove conv2d --padding 1 --claim 'gx = conv2d(gy, flip(w), padding=1)'
      symconv prove conv2d --stride 2 --code layers.py:conv_backward
      symconv prove conv2d --claim 'gx = conv_transpose(gy, w, stride=s, padding=p)' --for stride=1..3,padding=0..2
    """
    from symconv.commands.prove import prove as work
    from symconv.commands.prove import prove_file
    from symconv.commands.sweep import Where

    where = Where(jobs, on)
    if code is not None:
        return prove_file(op, settings, claim, code, arguments, returns, family, output, where)
    return work(op, settings, claim or "", family, output, where)


@cli.command()
@click.argument("layer", metavar="FILE:NAME")
@click.option("--arguments", help="Numbers of the forward function, as in 'stride=2, padding=1'.")
@click.option("--returns", help="Which gradients the backward function returns, in order, as in x,w.")
def check(layer: str, arguments: str | None, returns: str | None) -> int:
    """Decide the gradients of a layer in a Python file, for all sizes.

    NAME is a torch.autograd.Function, or a pair of functions such as conv_forward and conv_backward. The file is
    parsed, never executed. Exit status 0 where all gradients are right, 1 where one is wrong, 2 where the file is
    unusable, 3 where one is undecided.

    \b
    Example:
      symconv check layer.py:MyConv
    """
    from symconv.commands.check import check as work

    return work(layer, arguments, returns)


@cli.command()
@the_op
@the_settings
@the_dtype("float32")
@click.option("--every", is_flag=True, help="Judge also the kernels that are compiled when calls have enough work.")
def validate(op: str, dtype: str, every: bool, **settings: object) -> int:
    """Prove that the loop nests do what was derived.

    Exit status 0 where all are proved for all sizes, 1 where one is wrong, 3 where one is undecided.

    \b
    Example:
      symconv validate conv2d --stride 2 --padding 1
    """
    from symconv.commands.validate import validate as work

    return work(op, settings, dtype, every)


@cli.command()
@the_op
@the_settings
@the_output("The file to write; default report.html or picture.svg.")
@the_picture
def show(op: str, output: Path | None, picture: bool, wrt: str | None, cell: str | None, **settings: object) -> int:
    """Write one HTML page of the derivations, or a picture of one gradient.

    \b
    Examples:
      symconv show conv2d --stride 2 --padding 1 -o report.html
      symconv show conv2d --stride 2 --padding 1 --picture --wrt x -o x.svg
      symconv show conv2d --stride 2 --padding 1 --picture --cell 0,0,2,3
    """
    from symconv.commands.show import show as work

    return work(op, settings, output, picture, wrt, cell)


@cli.command()
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


@cli.command()
@click.argument("ops", nargs=-1, metavar="[OP]...")
@the_settings
@the_dtype("float32")
@the_target
@the_measurement
@click.pass_obj
def bench(
    real: bool | None,
    /,
    ops: tuple[str, ...],
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    suite: str | None,
    only: tuple[str, ...],
    record: Path | None,
    svg: Path | None,
    **options: Any,
) -> int:
    """Time kernels at concrete sizes, beside torch.

    Forward and gradients, together and apart, in turns with torch where it has the operator; percent of what this
    machine can do at most, and errors against float64.

    \b
    Examples:
      symconv bench conv2d --padding 1 --shape x=8,64,56,56 --shape w=64,64,3,3
      symconv bench --suite devset --only depthwise --json out.json --svg out.svg
    """
    from symconv.commands.bench import bench as work
    from symconv.commands.bench import how, restart_alike

    if real:
        restart_alike(options["target"], options["threads"])
    chosen, settings = how(options)
    return work(ops, settings, dict(shapes), suite, only, chosen, (record, svg))


@cli.command()
@click.argument("op", required=False)
@the_settings
@the_dtype("float32")
@the_threads
@the_target
@click.option("--shape", "shapes", type=Shape(), multiple=True, help="A tensor's shape; one --shape for each tensor.")
@click.option("--use", type=click.Path(path_type=Path), help="Take the plans of a file that `tune -o` wrote.")
@click.option("--suite", metavar="FILE.json", help="The layers of a file, or of a suite of symconv: devset, bodies.")
@click.option("--only", multiple=True, metavar="WORD", help="Layers of this class or with this in their names.")
@the_spread
@the_output("Write every measured plan that is kept here to this file.")
def tune(
    op: str | None,
    dtype: str,
    threads: int | None,
    target: str,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    use: Path | None,
    suite: str | None,
    only: tuple[str, ...],
    jobs: int | None,
    on: str | None,
    output: Path | None,
    **settings: object,
) -> int:
    """Measure plans on this machine, once for all calls.

    What is measured is kept beside the compiled kernels, for this CPU, target, number type, number of threads and
    these sizes; kernels built with tune=True use it. A file carries plans to machines of the same kind.

    \b
    Examples:
      symconv tune conv2d --padding 1 --shape x=8,64,56,56 --shape w=64,64,3,3 -o plans.json
      symconv tune --suite devset --only depthwise --jobs 2
      symconv tune --use plans.json
    """
    from symconv.commands.sweep import Where
    from symconv.commands.tune import tune as work

    chosen = {"dtype": dtype, "threads": threads, "target": target}
    return work(op, settings, dict(shapes), chosen, (use, output), (suite, only), Where(jobs, on))


@cli.command()
@click.option("--clear", is_flag=True, help="Empty the cache.")
def cache(clear: bool) -> int:
    """The compiled kernels kept on disk.

    \b
    Examples:
      symconv cache
      symconv cache --clear
    """
    from symconv.commands.cache import cache as work

    return work(clear)


@cli.command()
def doctor() -> int:
    """Whether kernels can be built on this machine.

    \b
    Example:
      symconv doctor
    """
    from symconv.commands.doctor import doctor as work

    return work()


def main() -> None:
    """The ``symconv`` program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Σ and · on a terminal that cannot show them are no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    cli.main(prog_name="symconv", obj=True)


if __name__ == "__main__":
    main()
