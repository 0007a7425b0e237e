"""Source to imported module: Cython and a C compiler behind a cache that many processes may share."""

from symconv.build.artifact import Artifact
from symconv.build.cache import Product, compile_text, obtain
from symconv.build.folder import cache_folder
from symconv.build.inventory import Entry, clear, entries
from symconv.build.key import content_key, generator_version, request_key
from symconv.build.module import load
from symconv.build.tools import Toolchain, fingerprint, toolchain

__all__ = [
    "Artifact",
    "Entry",
    "Product",
    "Toolchain",
    "cache_folder",
    "clear",
    "compile_text",
    "content_key",
    "entries",
    "fingerprint",
    "generator_version",
    "load",
    "obtain",
    "request_key",
    "toolchain",
]
