"""From one forward formula to derived, compiled, verified and readable gradients of any sliding-window operator.

>>> import symconv as sc
>>> op = sc.conv2d(stride=2, padding=1)
>>> op.output_shape(x=(1, 3, 8, 9), w=(4, 3, 3, 3))
(1, 4, 4, 5)
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symconv.api import Gradient, Kernel, build, derive, jvp, verify
    from symconv.errors import (
        BuildError,
        DerivationError,
        GatherError,
        InternalError,
        ScheduleError,
        SpecError,
        SymconvError,
        VerificationError,
    )
    from symconv.notation.operator import Operator
    from symconv.ops.registry import conv1d, conv2d, conv3d, operator, ops
    from symconv.views.show import show

__version__ = "0.1.0"

_HOMES = {
    "symconv.api": ("Gradient", "Kernel", "build", "derive", "jvp", "verify"),
    "symconv.errors": (
        "BuildError",
        "DerivationError",
        "GatherError",
        "InternalError",
        "ScheduleError",
        "SpecError",
        "SymconvError",
        "VerificationError",
    ),
    "symconv.notation.operator": ("Operator",),
    "symconv.ops.registry": ("conv1d", "conv2d", "conv3d", "operator", "ops"),
    "symconv.views.show": ("show",),
}
_PUBLIC = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BuildError",
    "DerivationError",
    "GatherError",
    "Gradient",
    "InternalError",
    "Kernel",
    "Operator",
    "ScheduleError",
    "SpecError",
    "SymconvError",
    "VerificationError",
    "build",
    "conv1d",
    "conv2d",
    "conv3d",
    "derive",
    "jvp",
    "operator",
    "ops",
    "show",
    "verify",
]


class _Package(ModuleType):
    """Public names are found when first asked for; a stage's folder of the same name never shadows one."""

    def __getattr__(self, name: str) -> object:
        if name not in _PUBLIC:
            raise AttributeError(f"module 'symconv' has no attribute {name!r}")
        value = getattr(import_module(_PUBLIC[name]), name)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: object) -> None:
        # importlib binds a subpackage on its parent: symconv.build stays the function.
        if not (isinstance(value, ModuleType) and name in _PUBLIC):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *_PUBLIC})


sys.modules[__name__].__class__ = _Package
