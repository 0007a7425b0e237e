"""Scripts that make shells ask ``symconv`` what could come next."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

__all__ = ["SHELLS", "VARIABLE", "script"]

VARIABLE = "_SYMCONV_COMPLETE"
"""The variable by which a shell asks."""

_BASH = """\
_symconv_completion() {
    local IFS=$'\\n' reply type value
    COMPREPLY=()
    reply=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _SYMCONV_COMPLETE=bash_complete "$1" 2>/dev/null)
    for reply in $reply; do
        type=${reply%%,*} value=${reply#*,}
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                # What is asked for goes on after the sign.
                [[ $value == *= ]] && compopt -o nospace ;;
        esac
    done
    return 0
}
complete -o nosort -F _symconv_completion symconv
"""


class _Bash(BashComplete):
    """Click's, without its start of a second shell, and with values that go on."""

    source_template = _BASH

    def source(self) -> str:
        """The script."""
        return _BASH


_SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete}
SHELLS = tuple(_SHELLS)


def script(top: click.Command, shell: str) -> str:
    """The text to evaluate, or to keep where the shell looks for completions.

    >>> import click
    >>> "complete -o nosort" in script(click.Command("symconv"), "bash")
    True
    """
    return _SHELLS[shell](top, {}, "symconv", VARIABLE).source().rstrip("\n")
