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
    from symconv.api import Gradient, build, derive, jvp, verify
    from symconv.claims import Proof, Proofs, check, prove, validate
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
    from symconv.export.exporting import export
    from symconv.forwards import operator
    from symconv.kernel import Kernel
    from symconv.notation.operator import Operator
    from symconv.ops.registry import (
        adder1d,
        adder2d,
        adder3d,
        avg_pool1d,
        avg_pool2d,
        avg_pool3d,
        conv1d,
        conv2d,
        conv3d,
        conv_bias_act1d,
        conv_bias_act2d,
        conv_bias_act3d,
        conv_transpose1d,
        conv_transpose2d,
        conv_transpose3d,
        dynamic_filter1d,
        dynamic_filter2d,
        dynamic_filter3d,
        kervolution1d,
        kervolution2d,
        kervolution3d,
        load,
        locally_connected1d,
        locally_connected2d,
        locally_connected3d,
        max_plus1d,
        max_plus2d,
        max_plus3d,
        max_pool1d,
        max_pool2d,
        max_pool3d,
        min_plus1d,
        min_plus2d,
        min_plus3d,
        ops,
        squared_distance1d,
        squared_distance2d,
        squared_distance3d,
    )
    from symconv.tune.memory import export_plans, import_plans
    from symconv.views.picture import picture
    from symconv.views.show import show
    from symconv.views.terms import terms

__version__ = "0.1.0"

_HOMES = {
    "symconv.api": ("Gradient", "build", "derive", "jvp", "verify"),
    "symconv.kernel": ("Kernel",),
    "symconv.forwards": ("operator",),
    "symconv.tune.memory": ("export_plans", "import_plans"),
    "symconv.claims": ("Proof", "Proofs", "check", "prove", "validate"),
    "symconv.export.exporting": ("export",),
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
    "symconv.ops.registry": (
        "adder1d",
        "adder2d",
        "adder3d",
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_bias_act1d",
        "conv_bias_act2d",
        "conv_bias_act3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "dynamic_filter1d",
        "dynamic_filter2d",
        "dynamic_filter3d",
        "kervolution1d",
        "kervolution2d",
        "kervolution3d",
        "load",
        "locally_connected1d",
        "locally_connected2d",
        "locally_connected3d",
        "max_plus1d",
        "max_plus2d",
        "max_plus3d",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "min_plus1d",
        "min_plus2d",
        "min_plus3d",
        "ops",
        "squared_distance1d",
        "squared_distance2d",
        "squared_distance3d",
    ),
    "symconv.views.show": ("show",),
    "symconv.views.picture": ("picture",),
    "symconv.views.terms": ("terms",),
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
    "Proof",
    "Proofs",
    "ScheduleError",
    "SpecError",
    "SymconvError",
    "VerificationError",
    "adder1d",
    "adder2d",
    "adder3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "build",
    "check",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_bias_act1d",
    "conv_bias_act2d",
    "conv_bias_act3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "derive",
    "dynamic_filter1d",
    "dynamic_filter2d",
    "dynamic_filter3d",
    "export",
    "export_plans",
    "import_plans",
    "jvp",
    "kervolution1d",
    "kervolution2d",
    "kervolution3d",
    "load",
    "locally_connected1d",
    "locally_connected2d",
    "locally_connected3d",
    "max_plus1d",
    "max_plus2d",
    "max_plus3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "min_plus1d",
    "min_plus2d",
    "min_plus3d",
    "operator",
    "ops",
    "picture",
    "prove",
    "show",
    "squared_distance1d",
    "squared_distance2d",
    "squared_distance3d",
    "terms",
    "validate",
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
