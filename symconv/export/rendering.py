"""Templates of packages, rendered as a person would leave a file."""

from __future__ import annotations

import re
from typing import Any

from symconv.templates import environment

__all__ = ["rendered", "tidy"]


def rendered(template: str, **values: Any) -> str:
    """The text of ``templates/package/<template>``; an unknown name in it is an error."""
    return tidy(environment().get_template(f"package/{template}").render(**values))


def tidy(text: str) -> str:
    r"""No blanks at ends of lines, no more than two empty lines in a row, one line break at the end.

    >>> tidy("a \n\n\n\nb\n\n")
    'a\n\n\nb\n'
    """
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{4,}", "\n\n\n", lines).strip("\n") + "\n"
