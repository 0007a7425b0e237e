"""How a command ends: its exit status, and the one message that says why."""

from __future__ import annotations

import errno
import os
import platform
import shlex
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from symconv.commands.terminal import say
from symconv.errors import InternalError, SymconvError, VerificationError, shortened

__all__ = ["FAILED", "INTERNAL", "INTERRUPTED", "PIPE_CLOSED", "RIGHT", "UNDECIDED", "UNUSABLE", "Door", "status"]

RIGHT, FAILED, UNUSABLE, UNDECIDED, INTERNAL, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 70, 130, 141


class OutputLost(Exception):  # noqa: N818
    """What reads our output has gone or is full; left to click, a closed pipe would be status 1: a failed check."""


class Door(click.Group):
    """The one place where errors become an exit status and a message."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command line and leave the process."""
        extra["standalone_mode"] = False
        sys.exit(status(lambda: super(Door, self).main(*args, **extra)))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; its output is flushed here, so that a closed pipe or a full disk shows here."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except OSError as error:
            if error.filename is not None or error.errno not in (errno.EPIPE, errno.ENOSPC):
                raise
            raise OutputLost(error.errno) from error
        return result


def status(work: Callable[[], object]) -> int:
    """Run ``work``; its status, or that of how it failed, told on stderr.

    >>> status(lambda: 1)
    1
    """
    try:
        result = work()
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (click.Abort, KeyboardInterrupt):
        _tell("interrupted")
        return INTERRUPTED
    except OutputLost as lost:
        return _hush(lost.args[0])
    except click.UsageError as error:
        return _misused(error)
    except click.ClickException as error:
        _tell(shortened(error.format_message()))
        return UNUSABLE
    except MemoryError as error:
        _tell(f"not enough memory{f': {error}' if str(error) else ''}")
        return UNUSABLE
    except SymconvError as error:
        return _refused(error)
    except Exception as error:  # noqa: BLE001 - the last door: whatever comes here is a bug, reported as one
        return _internal(error)
    return result if isinstance(result, int) else RIGHT


def _misused(error: click.UsageError) -> int:
    message = shortened(error.format_message())
    if message.startswith("Usage:"):  # nothing was asked for: click's message is the help
        say(message, sys.stderr)
    else:
        _tell(f"{message}\n  see `{error.ctx.command_path if error.ctx else 'symconv'} --help`")
    return UNUSABLE


def _refused(error: SymconvError) -> int:
    if isinstance(error, InternalError):
        return _internal(error)
    _tell("\n  ".join((error.spoken, *getattr(error, "__notes__", ()))))
    return FAILED if isinstance(error, VerificationError) else UNUSABLE


def _internal(error: Exception) -> int:
    from symconv import __version__

    report = "\n".join(
        (
            f"symconv {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: {shlex.join(sys.argv)}",
            "",
            "".join(traceback.format_exception(error)),
        )
    )
    _tell(
        f"internal error, {type(error).__name__}: {error}\n"
        "  this is a bug in symconv, not in what you asked for; please report it together with\n"
        f"  {_kept(report)}"
    )
    return INTERNAL


def _kept(report: str) -> str:
    import tempfile  # a slow import, for a failure alone

    try:
        handle, name = tempfile.mkstemp(prefix="symconv-error-", suffix=".txt", text=True)
        os.close(handle)
        Path(name).write_text(report, encoding="utf-8")
    except OSError:
        return f"this:\n{report}"
    return f"the file {name}, which holds the version, the command line and the traceback"


def _tell(message: str) -> None:
    say(f"symconv: {message}", sys.stderr)


def _hush(number: int) -> int:
    # What is still buffered must not be flushed into the lost output when Python ends.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    if number == errno.EPIPE:
        return PIPE_CLOSED
    _tell(f"cannot write: {os.strerror(number)}")
    return UNUSABLE
