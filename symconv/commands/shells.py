"""Scripts that make shells ask ``symconv`` what could come next."""

from __future__ import annotations

import os

import click
from click.shell_completion import FishComplete, ShellComplete, ZshComplete, add_completion_class, split_arg_string

__all__ = ["SHELLS", "VARIABLE", "script"]

VARIABLE = "_SYMCONV_COMPLETE"
"""The variable by which a shell asks."""

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' reply type value
    COMPREPLY=()
    reply=$(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORD="${COMP_WORDS[COMP_CWORD]}" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
    for reply in $reply; do
        type=${reply%%%%,*} value=${reply#*,}
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
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(ShellComplete):
    """Click's goes by the words that bash makes, which end at ``=`` and ``:`` as well; this one goes by the line."""

    name = "bash"
    source_template = _BASH

    def complete(self) -> str:
        """What could come next, without what stands before the part of the word that bash puts it in the place of."""
        line, part = os.environ["COMP_LINE"], os.environ["COMP_WORD"]
        (_, *words), begun = _split(line)
        # The part may go on behind the cursor; a sign alone is where bash starts a new one.
        size = max(k for k in range(len(part) + 1) if line.endswith(part[:k])) if part.strip("=:") else 0
        _, kept = _split(line[: len(line) - size])
        option = begun[: begun.index("=") + 1] if begun.startswith("--") and "=" in begun else ""
        offered = ((item.type, f"{option}{item.value}") for item in self.get_completions(words, begun))
        return "\n".join(f"{kind},{value.removeprefix(kept)}" for kind, value in offered)


def _split(line: str) -> tuple[list[str], str]:
    """The words of a line, and the one that the cursor is in, or that it would begin."""
    *words, last = split_arg_string(f"{line}x")
    return words, last[:-1]


# What bash asks by is a name that click knows its own class by.
add_completion_class(_Bash)

_SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete}
SHELLS = tuple(_SHELLS)


def script(top: click.Command, shell: str) -> str:
    """The text to evaluate, or to keep where the shell looks for completions.

    >>> import click
    >>> "complete -o nosort" in script(click.Command("symconv"), "bash")
    True
    """
    return _SHELLS[shell](top, {}, "symconv", VARIABLE).source().rstrip("\n")
