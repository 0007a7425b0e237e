"""The arguments and options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from symconv.commands.completing import activations, borders, layouts, operators, shapes, tensors
from symconv.commands.values import BorderValue, Integer, Named, Pads, PerAxis, Real, Shape
from symconv.options import ACCURACIES, DTYPES, TARGETS

__all__ = [
    "SETTINGS",
    "an_op",
    "the_dtype",
    "the_format",
    "the_gradients",
    "the_measurement",
    "the_op",
    "the_ops",
    "the_output",
    "the_picture",
    "the_settings",
    "the_shapes",
    "the_spread",
    "the_target",
    "the_threads",
]

Command = TypeVar("Command", bound=Callable[..., Any])


def all_of(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _declared(options: Callable[[Any], Any]) -> list[click.Parameter]:
    def bare() -> None: ...

    return list(options(bare).__click_params__)


the_op = click.argument("op", shell_complete=operators)
an_op = click.argument("op", required=False, shell_complete=operators)
the_ops = click.argument("ops", nargs=-1, metavar="[OP]...", shell_complete=operators)
the_settings = all_of(
    click.option("--stride", type=PerAxis(), help="2, or per axis 2,1."),
    click.option("--padding", type=Pads(), help="1, per axis 1,2, low:high per axis 1:0,2:1, same, valid."),
    click.option("--dilation", type=PerAxis(), help="2, or per axis 2,1."),
    click.option("--groups", type=Integer(), help="Groups of channels."),
    click.option(
        "--border",
        type=BorderValue(),
        shell_complete=borders,
        help="zero, skip, reflect, symmetric, replicate, circular, or a number.",
    ),
    click.option("--empty", type=Real(), help="The value of a mean, max or min that has no tap; an error without."),
    click.option("--bias", is_flag=True, help="Add b[f]."),
    click.option("--flip", is_flag=True, help="True convolution: the kernel turned."),
    click.option(
        "--layout", metavar="NCHW|NHWC", shell_complete=layouts, help="The order of the arrays' axes, at any rank."
    ),
    click.option("--kernel", type=PerAxis(), help="The size of the window."),
    click.option("--output-padding", type=PerAxis(), help="Cells added at the high end."),
    click.option("--activation", metavar="NAME", shell_complete=activations, help="relu, tanh, ..."),
    click.option("--power", type=Integer(), help="The exponent."),
    click.option("--offset", type=Real(), help="What is added before the power."),
    click.option("--called", "name", metavar="TEXT", help="What messages and files call a formula: its name."),
    click.option(
        "--extents",
        type=Named("INDEX=SIZE", "an index and its extent", "i=(H+1)/2"),
        multiple=True,
        help="A formula's output extent, as in i=(H+1)/2; repeatable.",
    ),
    click.option(
        "--where",
        type=Named("SIZE=RELATION", "a size and what it is compared with", "'K=<= L'"),
        multiple=True,
        help="What else holds of a formula's sizes, as in 'K=<= L'; repeatable.",
    ),
    click.option(
        "--params",
        type=Named("NAME=NUMBER", "a name and a number", "t=0.5, or t=? for one given at run time", number=True),
        multiple=True,
        help="A number that a formula calls by name, as in t=0.5; t=? is given at run time; repeatable.",
    ),
    click.option(
        "--axes",
        type=Named("ARRAY=COUNT", "an array and how many axes it has", "x=2", number=True),
        multiple=True,
        help="How many axes an array of a FILE.py:FUNCTION has, as in x=2; repeatable.",
    ),
    click.option(
        "--outputs",
        metavar="NAMES",
        help="The equations of a formula that are returned, as in s,y; else the unread.",
    ),
    click.option(
        "--kinks",
        type=Named("FUNCTION=CHOICE", "a function and its convention", "max=share"),
        multiple=True,
        help="The derivative at a kink: max=share, min=share, relu=one, relu=half; repeatable.",
    ),
    click.option(
        "--surrogate",
        type=Named("TENSOR=SLOPE", "a tensor or a function and its derivative", "w=x-w"),
        multiple=True,
        help="Another derivative in place of the true one, as in 'w=x - w'; repeatable.",
    ),
)
SETTINGS = frozenset(option.name for option in _declared(the_settings))
"""The names of the operators' own options; what else a command takes is its own."""

the_gradients = click.option(
    "--wrt", multiple=True, metavar="TENSOR", shell_complete=tensors, help="Only this gradient; repeatable."
)
the_picture = all_of(
    click.option("--picture", is_flag=True, help="An SVG of one gradient instead of the page."),
    click.option(
        "--wrt",
        metavar="TENSOR",
        shell_complete=tensors,
        help="With --picture: the gradient by this tensor, or the output by name. Also for a handout.",
    ),
    click.option("--cell", metavar="INDEX", help="With --picture: what feeds this cell, as in 0,0,2,3; default: all."),
    click.option(
        "--at",
        metavar="NAME=K",
        multiple=True,
        help="With --picture: the plane at an index, as in f=1; may be repeated.",
    ),
    click.option("--frames", is_flag=True, help="With --picture: cell after cell, side by side."),
    click.option("--animate", is_flag=True, help="With --picture: cell after cell, in turn."),
)
the_threads = click.option("--threads", type=Integer(1, 4096), help="At most so many threads; default every core.")
the_target = click.option(
    "--target", type=click.Choice(TARGETS), default="native", show_default=True, help="For this machine, or for any."
)


the_spread = all_of(
    click.option("--jobs", type=Integer(1, 4096), help="So many processes; default every core."),
    click.option("--on", metavar="dask://HOST:PORT", help="The workers of a dask cluster, by its scheduler."),
)


the_format = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="json: one object for programs, and nothing else on stdout.",
)


def the_dtype(default: str) -> Callable[[Command], Command]:
    """The number type, whose default depends on the command."""
    return click.option(
        "--dtype", type=click.Choice(DTYPES), default=default, show_default=True, help="The type of the numbers."
    )


def the_output(what: str, default: str | None = None) -> Callable[[Command], Command]:
    """Where to write."""
    return click.option(
        "-o", "--output", type=click.Path(path_type=Path), default=default, show_default=True, help=what
    )


the_shapes = click.option(
    "--shape",
    "shapes",
    type=Shape(),
    multiple=True,
    shell_complete=shapes,
    help="A tensor's shape; one --shape for each tensor.",
)
the_measurement = all_of(
    the_shapes,
    click.option(
        "--suite", metavar="FILE.json", help="Layers from a file, or from a suite of symconv: devset, bodies."
    ),
    click.option(
        "--only", multiple=True, metavar="WORD", help="Layers of this class or with this in their names; repeatable."
    ),
    click.option("--threads", type=Integer(1, 4096), default=1, show_default=True),
    click.option(
        "--accuracy",
        type=click.Choice(ACCURACIES),
        default="default",
        show_default=True,
        help="strict: direct sums only.",
    ),
    click.option("--tune", is_flag=True, help="Measure schedules first and use the best."),
    click.option("--fixed", is_flag=True, help="Specialise kernels to the sizes; without, sizes are run-time values."),
    click.option("--given", is_flag=True, help="Give symconv its outputs (out=) and a workspace."),
    click.option("--jvp", is_flag=True, help="The directional derivative as well, along tangents of all tensors."),
    click.option("--seconds", type=Real(), default=2.0, show_default=True, help="Time for each layer."),
    click.option(
        "--repeat", type=Integer(1, 10000), default=5, show_default=True, help="Samples of each function at least."
    ),
    click.option(
        "--json", "record", type=click.Path(path_type=Path), help="Where to write everything that was measured."
    ),
    click.option("--svg", type=click.Path(path_type=Path), help="Where to draw the ratios and the roofline."),
)
