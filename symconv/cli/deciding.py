"""Commands that decide: kernels against oracles, claims and code against the derivation."""

from __future__ import annotations

from pathlib import Path

import click

from symconv.cli.page import command
from symconv.commands.parameters import (
    the_dtype,
    the_format,
    the_gradients,
    the_op,
    the_ops,
    the_output,
    the_settings,
    the_spread,
    the_target,
    the_threads,
)
from symconv.commands.values import Family

__all__ = ["check", "prove", "validate", "verify"]


@command()
@the_ops
@the_settings
@the_gradients
@the_dtype("float32")
@the_threads
@the_target
@click.option("--source", type=click.Path(path_type=Path), help="Judge this .pyx module instead of a new one.")
@the_format
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


@command()
@the_op
@the_settings
@click.option("--claim", help="What is said to hold, as in 'gx = conv_transpose(gy, w)'.")
@click.option("--code", help="Python code instead, as FILE.py:FUNCTION; it is parsed, never executed.")
@click.option("--arguments", help="What parameters of the code are, as in 'dout=gy, cache=(x, w, 2, 1)'.")
@click.option("--returns", help="Which gradients the code returns, in order, as in x,w.")
@click.option("--for", "family", type=Family(), default=(), help="Decide a family: stride=1..4,padding=0..3.")
@the_spread
@the_output("An HTML report to write as well.")
@the_format
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
    form: str,
    **settings: object,
) -> int:
    """Decide a hand-written formula, or code, for all sizes.

    Exit status 0 where it is true, 1 where it is false, 2 where it is unusable, 3 where it is undecided.

    \b
    Examples:
      symconv prove conv2d --padding 1 --claim 'gx = conv(gy, flip(w), padding=1)'
      symconv prove conv2d --stride 2 --code layers.py:conv_backward
      symconv prove conv1d --claim 'gx = conv(gy, flip(w))' --for padding=0..3
      symconv prove conv2d --code layers.py:conv_backward --for stride=1..4
    """
    from symconv.commands.prove import prove as work
    from symconv.commands.prove import prove_file
    from symconv.commands.sweep import Where

    where = Where(jobs, on)
    if code is not None:
        return prove_file(op, settings, claim, code, arguments, returns, family, output, where, form)
    return work(op, settings, claim or "", family, output, where, form)


@command()
@click.argument("layer", metavar="FILE:NAME")
@click.option("--arguments", help="Numbers of the forward function, as in 'stride=2, padding=1'.")
@click.option("--returns", help="Which gradients the backward function returns, in order, as in x,w.")
@the_format
def check(layer: str, arguments: str | None, returns: str | None, form: str) -> int:
    """Decide the gradients of a layer in a Python file, for all sizes.

    NAME is a torch.autograd.Function, or a pair of functions such as conv_forward and conv_backward. The file is
    parsed, never executed. Exit status 0 where all gradients are right, 1 where one is wrong, 2 where the file is
    unusable, 3 where one is undecided.

    \b
    Example:
      symconv check layer.py:MyConv
    """
    from symconv.commands.check import check as work

    return work(layer, arguments, returns, form)


@command()
@the_op
@the_settings
@the_dtype("float32")
@click.option("--every", is_flag=True, help="Judge also the kernels that are compiled when calls have enough work.")
@the_format
def validate(op: str, dtype: str, every: bool, form: str, **settings: object) -> int:
    """Prove that the loop nests do what was derived.

    Exit status 0 where all are proved for all sizes, 1 where one is wrong, 3 where one is undecided.

    \b
    Example:
      symconv validate conv2d --stride 2 --padding 1
    """
    from symconv.commands.validate import validate as work

    return work(op, settings, dtype, every, form)
