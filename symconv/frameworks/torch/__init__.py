"""PyTorch on the CPU: operators as differentiable functions and modules, networks with their convolutions exchanged.

>>> from symconv.frameworks import torch as st
>>> st.__all__
['Comparison', 'Function', 'Module', 'as_function', 'as_module', 'check_module', 'replace_convs']
"""

from __future__ import annotations

from symconv.frameworks.torch.check import Comparison, check_module
from symconv.frameworks.torch.function import Function, as_function
from symconv.frameworks.torch.module import Module, as_module
from symconv.frameworks.torch.replace import replace_convs

__all__ = ["Comparison", "Function", "Module", "as_function", "as_module", "check_module", "replace_convs"]
