"""TensorFlow on the CPU: operators as differentiable functions and modules.

>>> from symconv.frameworks import tensorflow as sf
>>> sf.__all__
['Function', 'Module', 'as_function', 'as_module']
"""

from __future__ import annotations

from symconv.frameworks.tensorflow.function import Function, as_function
from symconv.frameworks.tensorflow.module import Module, as_module

__all__ = ["Function", "Module", "as_function", "as_module"]
