"""Where the templates are: beside the package in a checkout, inside it when installed from a wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from symconv.errors import InternalError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "template_folder"]

_MARKER = ".symconv-templates"


def template_folder() -> Path:
    """The folder of templates; raises InternalError when the installation lacks it."""
    here = Path(__file__).resolve().parent
    for folder in (here / "_templates", here.parent / "templates"):
        if (folder / _MARKER).is_file():
            return folder
    raise InternalError(
        f"the templates are missing beside {here}: the installation is incomplete, install symconv again"
    )


@cache
def environment() -> Environment:
    """The one Jinja environment: an unknown name in a template is an error, HTML is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(template_folder()),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
