"""Sphinx configuration: every page is executed, a failing cell fails the build, and the site works offline."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version as installed_version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sphinx.ext.autodoc.mock import _MockObject

import symconv

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

# Pages are executed side by side: threads that wait busily for their turn would take it from those they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

project = "symconv"
author = "The symconv authors"
project_copyright = "2026, The symconv authors"
release = version = installed_version("symconv")

extensions = ["myst_nb", "sphinx.ext.autodoc", "side_by_side", "svg_math"]
exclude_patterns = ["_build"]
# A page that is not executed has no kernel that names the language of its cells.
suppress_warnings = ["mystnb.unknown_mime_type", "myst-nb.lexer"]

# Optional libraries: a page about one that is not installed is shown without its output.
libraries = {"pytorch": "torch", "jax": "jax", "tensorflow": "tensorflow"}


def every_module() -> list[str]:
    """The modules of symconv that are imported without a framework."""
    root = Path(symconv.__file__).parent
    files = (path.relative_to(root.parent) for path in sorted(root.rglob("*.py")))
    kept = (path for path in files if path.name != "__main__.py" and "frameworks" not in path.parts)
    return [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in kept]


nb_execution_mode = "force"
nb_execution_excludepatterns = [f"{page}.md" for page, library in libraries.items() if find_spec(library) is None]
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
# JAX and TensorFlow start threads when they are imported: their pages import them.
# What Cython loads when it translates, too: it would be loaded in each page that builds a kernel.
_CYTHON = [f"Cython.Compiler.{name}" for name in ("ParseTreeTransforms", "Optimize", "ModuleNode", "FlowControl")]
imported_first = ["Cython.Build", *_CYTHON, "nbformat", "torch", *every_module()]
# By the processor time that the log says of each, so that the pages that are executed last are short.
dearest_pages = [
    "training",
    "pytorch",
    "tutorial",
    "tensorflow",
    "notebook",
    "notation",
    "extending",
    "identities",
    "derivations",
    "start",
    "invent",
    "museum",
    "claims",
    "jax",
    "winograd",
    "c99",
    "sweeps",
]
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

# The reference of the adaptors needs none of the libraries, and importing them takes seconds. JAX's tables of rules
# are written to when its adaptor is imported; what stands in for them has to take that.
_MockObject.__setitem__ = lambda self, key, value: None
autodoc_mock_imports = [library for library in libraries.values() if library != "torch" or find_spec(library) is None]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"

html_theme = "furo"
html_math_renderer = "svg"
html_title = f"symconv {release}"
html_static_path = ["_static"]
html_copy_source = False
html_show_sourcelink = False

STAR = re.compile(r"(?<![\w*\\])\*(?=\w)")


def escaped(line: str) -> str:
    """A star before a name, as in ``(N, C, *spatial)``, is a star."""
    if line.lstrip().startswith((">>>", "...")):
        return line
    parts = re.split("(``.*?``)", line)
    return "".join(part if part.startswith("``") else STAR.sub(r"\\*", part) for part in parts)


def plain(app: object, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text; ``name : meaning`` lines below Parameters or Attributes become a list."""
    shown: list[str] = []
    listing = False
    for line in map(escaped, lines):
        if re.fullmatch("-{4,}", line.strip()) and shown and shown[-1] in {"Parameters", "Attributes"}:
            shown[-1:] = [f"**{shown[-1]}**", ""]
            listing = True
        elif listing and line.strip():
            names, colon, meaning = line.partition(" : ")
            shown.append(f"* ``{names}``: {meaning}" if colon and not line.startswith(" ") else f"  {line.strip()}")
        else:
            listing = False
            shown.append(line)
    lines[:] = shown


def made_once(app: Any, env: object, names: list[str]) -> None:
    """What most pages would do for a first time each, done before they are forked from this process.

    Fonts are read, templates and tables of SymPy and Cython made. No kernel is called: it would start threads, which
    forks do not have.
    """
    if app.config.nb_execution_mode != "force" or len(names) < 8:
        return
    op = symconv.conv2d(stride=2, padding=1)
    gradient = symconv.derive(op, "x")
    proof = symconv.prove(op, "gx = conv_transpose(gy, w, stride=2)")
    for shown in (op, gradient, gradient.phases, proof):
        shown._repr_mimebundle_()
        str(shown)
    symconv.picture(gradient)
    symconv.build(op, dtype="float64")


def setup(app: Any) -> None:
    """Register what is above; pages are read and written side by side, also where ``-j`` was not given."""
    app.connect("autodoc-process-docstring", plain)
    app.connect("env-before-read-docs", made_once, priority=400)
    if app.parallel < 2:
        app.parallel = os.cpu_count() or 1
