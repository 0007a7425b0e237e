"""A command whose help and completion know the operator that is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from inspect import Parameter, cleandoc
from typing import Any

import click
from click.shell_completion import CompletionItem

from symconv.commands.completing import operator_given, remember
from symconv.commands.outcome import Door
from symconv.commands.parameters import SETTINGS
from symconv.commands.terminal import coloured, columns, painted

__all__ = ["Group", "Page", "command"]

WIDEST = 110  # columns of help: longer lines are harder to read


class Page(click.Command):
    """A command: its help shows what the operator takes that stands before ``--help``, and nothing else."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """As click does, with our width and colours, remembering what was typed."""
        return super().make_context(info_name, args, parent, **_looks(), **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an option that is none is answered with those that the operator takes."""
        remember(ctx, args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _unknown(error, self, ctx) from None

    def get_help(self, ctx: click.Context) -> str:
        """The page, in colour where it is read in colours."""
        text = super().get_help(ctx)
        return painted(text) if ctx.color else text

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What the command does; of an operator what it is, and an example of its own."""
        op = operator_given(ctx)
        if op is None:
            super().format_help_text(ctx, formatter)
            return
        from symconv.commands.help import about

        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(cleandoc(self.help or "").partition("\b\nExample")[0].strip())
            formatter.write_paragraph()
            for line in about(op, self.name or ""):
                formatter.write(f"{'':{formatter.current_indent}}{line}\n" if line else "\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the operator apart from those of the command."""
        op = operator_given(ctx)
        own = [record for name, record in self._records(ctx) if name not in SETTINGS]
        settings = [(name, record) for name, record in self._records(ctx) if name in SETTINGS]
        if settings and op is None:
            with formatter.section("Options of the operator"):
                flags = ", ".join(record[0].split()[0] for _, record in settings)
                formatter.write_text(f"{flags}. `symconv help OP` says which of them OP takes, and how.")
        elif settings:
            from symconv.commands.operators import defaults

            taken = defaults(op or "") or {}
            found = dict(settings)
            shown = [(found[name][0], _with_default(found[name][1], one)) for name, one in taken.items()]
            with formatter.section(f"Options of {_title(op or '')}"):
                formatter.write_dl(shown) if shown else formatter.write_text("none: the file says everything")
        with formatter.section("Options"):
            formatter.write_dl(own)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click does, without options that the operator does not take."""
        from symconv.commands.operators import flag, taken

        allowed = taken(operator_given(ctx))
        refused = set() if allowed is None else {flag(name) for name in SETTINGS if name not in allowed}
        return [item for item in super().shell_complete(ctx, incomplete) if item.value not in refused]

    def _records(self, ctx: click.Context) -> Iterator[tuple[str, tuple[str, str]]]:
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None:
                yield parameter.name or "", record


class Group(Door):
    """All commands: what is none of them is answered with the one that was probably meant."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """As click does, with our width and colours."""
        return super().make_context(info_name, args, parent, **_looks(), **extra)

    def get_help(self, ctx: click.Context) -> str:
        """The page, in colour where it is read in colours."""
        text = super().get_help(ctx)
        return painted(text) if ctx.color else text

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; raises UsageError with a hint."""
        word = args[0]
        if self.get_command(ctx, word) is not None or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from symconv.commands.operators import is_code, is_spec, names, near

        if word in names() or "[" in word or is_spec(word) or is_code(word):
            raise click.UsageError(f"{word!r} is an operator: say what to do with it, as in `symconv run {word}`", ctx)
        if meant := near(word, self.list_commands(ctx)):
            hint = f"; did you mean {meant!r}?"
        else:
            hint = f"; did you mean `symconv run {meant}`?" if (meant := near(word, names())) else ""
        raise click.UsageError(f"No such command {word!r}{hint}", ctx)


def command(name: str | None = None) -> Callable[[Callable[..., Any]], Page]:
    """The decorator of a command: ``click.command`` with these pages."""
    return click.command(name, cls=Page, context_settings={"help_option_names": ["-h", "--help"]})


def _looks() -> dict[str, Any]:
    # click leaves two columns free.
    width = min(columns(), WIDEST)
    return {"max_content_width": width, "terminal_width": width, "color": coloured(sys.stdout)}


def _with_default(text: str, default: object) -> str:
    if default is Parameter.empty:
        return f"{text}  [required]"
    return text if default is None or default is False else f"{text}  [default: {default}]"


def _title(op: str) -> str:
    return "a formula" if "[" in op else op


def _unknown(error: click.NoSuchOption, page: Page, ctx: click.Context) -> click.UsageError:
    from symconv.commands.operators import flag, near, taken

    op = operator_given(ctx)
    allowed = taken(op)
    options = [one for one in page.get_params(ctx) if isinstance(one, click.Option)]
    names = {name: one.name or "" for one in options for name in one.opts if name.startswith("--")}
    own = [name for name, one in names.items() if allowed is None or one not in SETTINGS or one in allowed]
    meant, all_meant = near(error.option_name, own), near(error.option_name, names)
    if op is not None and allowed is not None and all_meant != meant and names.get(all_meant) in SETTINGS:
        said = f"{_title(op)} does not take {all_meant}; it takes {', '.join(flag(name) for name in taken(op) or ())}"
        return click.UsageError(said, ctx)
    return click.UsageError(f"No such option: {error.option_name}{f'; did you mean {meant}?' if meant else ''}", ctx)
