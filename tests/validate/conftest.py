"""Mutants of kernels lie beside the tests of ``verify``, kernels written by hand beside these."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
sys.path.insert(0, str(Path(__file__).parent))
