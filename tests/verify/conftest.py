"""``mutation.py`` is a program that finds its neighbour by its own folder."""

from __future__ import annotations

collect_ignore = ["mutation.py"]
