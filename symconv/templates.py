"""Where the templates are: beside the package in a checkout, inside it when installed from a wheel."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from symconv.errors import InternalError

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment

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

    folder = template_folder()
    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=None if sys.dont_write_bytecode else _kept(folder / "__pycache__"),
    )


def _kept(folder: Path) -> BytecodeCache | None:
    """Templates are kept in ``folder`` as Python, as Python keeps modules: to compile them is a third of a derivation.

    Nothing is kept where the folder cannot be written. What another text, Jinja, Python or version of this module has
    compiled is compiled again.
    """
    from hashlib import sha256
    from pickle import UnpicklingError

    import jinja2
    from jinja2.bccache import Bucket

    by = f"{jinja2.__version__} {sha256(Path(__file__).read_bytes()).hexdigest()} "

    class Kept(jinja2.FileSystemBytecodeCache):
        def get_source_checksum(self, source: str) -> str:
            return super().get_source_checksum(by + source)

        def load_bytecode(self, bucket: Bucket) -> None:
            try:
                super().load_bytecode(bucket)
            except (OSError, EOFError, UnpicklingError):
                bucket.reset()

        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):
                super().dump_bytecode(bucket)

    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        return Kept(str(folder), "%s.pyc")
    return None
