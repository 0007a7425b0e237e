"""Sphinx configuration: every page is executed, a failing cell fails the build, and the site works offline."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

project = "symconv"
author = "The symconv authors"
project_copyright = "2026, The symconv authors"
release = version = installed_version("symconv")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "svg_math"]
exclude_patterns = ["_build"]
suppress_warnings = ["mystnb.unknown_mime_type"]

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = False

html_theme = "furo"
html_math_renderer = "svg"
html_title = f"symconv {release}"
html_static_path = ["_static"]
html_copy_source = False
html_show_sourcelink = False
