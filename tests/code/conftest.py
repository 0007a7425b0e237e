"""The corpus of code lies beside these tests."""

from __future__ import annotations

import sys
from pathlib import Path

collect_ignore_glob = ["corpus/*"]

sys.path.insert(0, str(Path(__file__).parent))
