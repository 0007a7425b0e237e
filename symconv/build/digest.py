"""One way to turn facts into a key."""

from __future__ import annotations

import hashlib
import json

__all__ = ["digest"]


def digest(facts: object) -> str:
    """The sha256, in hexadecimal, of any JSON-able value: tuples count as lists, dicts have no order.

    >>> digest({"a": 1, "b": (2, 3)}) == digest({"b": [2, 3], "a": 1})
    True
    >>> digest(["ab", "c"]) == digest(["a", "bc"])
    False
    """
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
