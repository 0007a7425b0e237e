"""Cycles of the masked nests, the schedule every operator has: nothing is packed, ragged lanes are masked off."""

from __future__ import annotations

import numpy as np

from symconv.tune.counts import Counts, Parts, rate
from symconv.tune.machine import Machine

__all__ = ["cycles"]

_TERM = 6.5
"""Cycles of one vector of terms, loads and masks included; where rows share what is loaded it is less, but there packed
kernels are far ahead anyway."""
_CELL = 50.0
"""Cycles of one vector of results beside its terms: loops over taps start and end."""
_APART = 1.5
"""Lanes that do not lie side by side in memory take longer to load."""
_START = 150.0
"""One loop nest."""


def cycles(n: Counts, machine: Machine) -> Parts:
    """What the nests cost; they have no numbers to choose."""
    extent = n.axes[-1].extent if n.axes else 1
    full = (-(-extent // machine.lanes) * machine.lanes) / max(extent, 1)
    apart = n.axes and n.axes[-1].operand >= 1.5 * max(extent, 1)
    terms, cells = n.flops / 2 / machine.lanes * full, n.writes / machine.lanes * full
    far = float(rate(float((n.reads + n.writes) * machine.itemsize), machine))
    parts = {
        "multiply": terms * _TERM * n.facts.operations * (_APART if apart else 1.0),
        "cells": cells * _CELL,
        "memory": (n.reads + n.writes) * machine.itemsize * far,
        "start": _START,
    }
    return {name: np.array([float(part)]) for name, part in parts.items()}
