"""Commands about this machine: how fast kernels are on it, and what of them is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from symconv.cli.page import command
from symconv.commands.parameters import (
    an_op,
    the_dtype,
    the_format,
    the_measurement,
    the_ops,
    the_output,
    the_settings,
    the_shapes,
    the_spread,
    the_target,
    the_threads,
)
from symconv.commands.values import Age

__all__ = ["bench", "cache", "doctor", "tune"]


@command()
@the_ops
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


@command()
@an_op
@the_settings
@the_dtype("float32")
@the_threads
@the_target
@the_shapes
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
      symconv tune conv2d --shape x=8,64,56,56 --shape w=64,64,3,3 -o plans.json
      symconv tune --suite devset --only depthwise --jobs 2
      symconv tune --use plans.json
    """
    from symconv.commands.sweep import Where
    from symconv.commands.tune import tune as work

    chosen = {"dtype": dtype, "threads": threads, "target": target}
    return work(op, settings, dict(shapes), chosen, (use, output), (suite, only), Where(jobs, on))


@command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--list", "every", is_flag=True, help="A line for each kernel, the last used first.")
@click.option("--clear", is_flag=True, help="Delete the kernels that are chosen: all, or by NAME and --older.")
@click.option("--older", type=Age(), help="Only what was not used for so long: 30d, 12h, 2w.")
@click.option("--name", "more", multiple=True, metavar="NAME", help="As the argument NAME; repeatable.")
@click.option("--dry-run", is_flag=True, help="With --clear: say what would go, and delete nothing.")
@the_format
def cache(
    names: tuple[str, ...],
    every: bool,
    clear: bool,
    older: float | None,
    more: tuple[str, ...],
    dry_run: bool,
    form: str,
) -> int:
    """The compiled kernels kept on disk.

    A summary by operator; NAME chooses kernels of operators that are called so, settings or not, and * and ? stand for
    letters. The key that --list shows is a NAME too. What was measured by `tune` is kept apart, and stays.

    \b
    Examples:
      symconv cache
      symconv cache --list conv2d
      symconv cache --clear --older 30d --dry-run
      symconv cache --clear 'conv*'
    """
    from symconv.commands.cache import Choice
    from symconv.commands.cache import cache as work

    return work(Choice((*names, *more), older), every, clear, dry_run, form)


@command()
@the_format
def doctor(form: str) -> int:
    """Whether kernels can be built on this machine.

    \b
    Example:
      symconv doctor
    """
    from symconv.commands.doctor import doctor as work

    return work(form)
