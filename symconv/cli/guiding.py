"""Commands about the command line itself."""

from __future__ import annotations

import click

from symconv.cli.page import command
from symconv.commands.completing import topics
from symconv.commands.shells import SHELLS

__all__ = ["completion", "show_page"]


@command("help")
@click.argument("topics", nargs=-1, metavar="[COMMAND] [OP]", shell_complete=topics)
@click.pass_context
def show_page(ctx: click.Context, topics: tuple[str, ...]) -> int:
    """How a command is used, what an operator takes, or both.

    \b
    Examples:
      symconv help verify
      symconv help conv2d
      symconv help prove conv2d
      symconv help layer.py:forward
    """
    from symconv.commands.help import show_help

    top = ctx.find_root()
    assert isinstance(top.command, click.Group)
    return show_help(top.command, ctx, topics)


@command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the script that makes a shell complete.

    After a Tab it offers commands, operators, the options that the operator takes, and its tensors. In bash it is
    evaluated, as by `eval "$(symconv completion bash)"` in ~/.bashrc; in zsh it is kept as ~/.zfunc/_symconv, in fish
    as ~/.config/fish/completions/symconv.fish.

    \b
    Examples:
      symconv completion bash
      symconv completion zsh
    """
    from symconv.commands.shells import script

    print(script(ctx.find_root().command, shell))
    return 0
