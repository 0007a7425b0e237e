"""Messages as the command line says them: settings by name are options."""

from __future__ import annotations

import re

__all__ = ["spoken"]

_BY_NAME = re.compile(r"\b(extents|params|kinks|where|surrogate|border)=\{'(\w+)': ('[^']*'|[^{}]*)\}")
_PLAIN = re.compile(r"\b(empty|padding|stride|output_padding)=(-?[\w.]+)")


def spoken(message: str) -> str:
    """The message with ``extents={'p': 3}`` as ``--extents p=3``.

    >>> spoken("say extents={'p': ...}, or params={'s': 2}, as in empty=0")
    'say --extents p=..., or --params s=2, as in --empty 0'
    """

    def option(found: re.Match[str]) -> str:
        what, name, value = found.groups()
        value = value.strip("'")
        said = f"{name}={'?' if value == 'None' else value}"
        return f"--{what} {said if ' ' not in said else repr(said)}"

    plain = _BY_NAME.sub(option, message)
    return _PLAIN.sub(lambda m: f"--{m[1].replace('_', '-')} {m[2]}", plain)
