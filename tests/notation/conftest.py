"""Tests of this folder share ``definition.py``."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from definition import Judge


@pytest.fixture(scope="session")
def judge(lowered: Callable[..., Any], interpreted: Callable[..., list[Any]]) -> Judge:
    """Compares an operator's interpreted kernels with loops."""
    return Judge(lowered, interpreted)
