"""JAX on the CPU: operators as functions for ``jit``, ``grad``, ``jvp``, ``vmap`` and what is made of them.

>>> from symconv.frameworks import jax as sj
>>> sj.__all__
['Function', 'as_function']
"""

from __future__ import annotations

from symconv.frameworks.jax.function import Function, as_function

__all__ = ["Function", "as_function"]
