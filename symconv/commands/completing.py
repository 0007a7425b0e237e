"""What shells offer after a Tab: operators, tensors of the operator that was typed, and values of its options."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

__all__ = [
    "activations",
    "borders",
    "layouts",
    "operator_given",
    "operators",
    "remember",
    "shapes",
    "tensors",
    "topics",
]

_TYPED = "symconv.typed"
_LAYOUTS = ("NCHW", "NHWC")


def operators(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Shipped operators; where none begins so, files, for specs."""
    from symconv.commands.operators import names

    found = _named(names(), incomplete)
    return found or [CompletionItem(incomplete, type="file")]


def topics(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What there is help on: commands and operators."""
    from symconv.commands.operators import names

    top = ctx.find_root().command
    return _named((*(top.commands if isinstance(top, click.Group) else ()), *names()), incomplete)


def tensors(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The tensors that the operator can be differentiated by."""
    return _named(_tensors(ctx), incomplete)


def shapes(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The tensors whose shapes were not given yet."""
    given = {name for name, _ in _settings(ctx).get("shapes") or ()}
    return _named([f"{name}=" for name in _tensors(ctx) if name not in given], incomplete)


def borders(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The rules of borders."""
    from symconv.notation.front import BORDERS

    return _named(BORDERS, incomplete)


def layouts(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The orders of axes."""
    return _named(_LAYOUTS, incomplete)


def activations(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The functions of one number."""
    from symconv.ops.activated import ACTIVATIONS

    return _named(ACTIVATIONS, incomplete)


def _named(known: Any, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


def operator_given(ctx: click.Context) -> str | None:
    """The operator among what was typed, whether or not the rest of it can be used; None without one."""
    typed = _typed(ctx)
    parameters = ctx.command.get_params(ctx)
    if not {"op", "ops"} & {one.name for one in parameters if isinstance(one, click.Argument)}:
        return None
    from symconv.commands.operators import taken

    options = [one for one in parameters if isinstance(one, click.Option)]
    valued = {name for one in options if not one.is_flag for name in one.opts}
    befores = zip(("", *typed), typed, strict=False)
    words = [word for before, word in befores if before not in valued and word[:1] != "-"]
    return next((word for word in words if taken(word) is not None), None)


def remember(ctx: click.Context, typed: list[str]) -> None:
    """Keep what was typed: a line that does not parse still says which operator is meant."""
    ctx.meta[_TYPED] = tuple(typed)


def _typed(ctx: click.Context) -> tuple[str, ...]:
    return tuple(ctx.meta.get(_TYPED, ()))


def _settings(ctx: click.Context) -> dict[str, Any]:
    """What was typed so far, without an option at the end whose value is still to come."""
    words = list(_typed(ctx))
    while words and words[-1].startswith("-") and "=" not in words[-1]:
        words.pop()
    flags = [word for word in _typed(ctx)[len(words) :] if word in _flags(ctx)]
    return ctx.command.make_context(ctx.info_name, words + flags, ctx.parent, resilient_parsing=True).params


def _flags(ctx: click.Context) -> set[str]:
    options = (one for one in ctx.command.get_params(ctx) if isinstance(one, click.Option))
    return {name for one in options if one.is_flag for name in one.opts}


def _tensors(ctx: click.Context) -> tuple[str, ...]:
    from symconv.commands.operators import made, taken

    op = operator_given(ctx)
    own = taken(op)
    if own is None or op is None:
        return ()
    settings = {name: value for name, value in _settings(ctx).items() if name in own and value is not None}
    found = made(op, settings) or made(op)
    return () if found is None else found.tensors
