"""What a package can be written in; this module imports nothing, so that the command line starts at once."""

__all__ = ["BACKENDS"]

BACKENDS = {"cython": "symconv.export.cython", "c": "symconv.export.c99", "numpy": "symconv.export.numpy"}
"""The name of a backend, and the module whose ``package(layer)`` makes the package; imported when asked for."""
