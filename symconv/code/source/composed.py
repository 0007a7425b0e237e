"""Words that are made of other words, said in the Python that is read: one definition for all sizes and for numbers."""

from __future__ import annotations

import ast

from symconv.code.source.definitions import elements, linear, losses, norms, others, pools

__all__ = ["COMPOSED", "composed_signatures"]

_LEADS = {"every": "", "own": "<own>."}
"""What stands before a name where it is not the library: no text can name what definitions share."""


def _functions() -> dict[str, ast.FunctionDef]:
    found: dict[str, ast.FunctionDef] = {}
    texts = (one.TEXT for one in (elements, linear, norms, losses, pools, others))
    for library in (node for text in texts for node in ast.parse(text).body):
        assert isinstance(library, ast.ClassDef)
        lead = _LEADS.get(library.name, f"{library.name}.")
        nodes = [node for node in library.body if isinstance(node, ast.FunctionDef)]
        found |= {lead + node.name.replace("__", "."): node for node in nodes}
    return found


COMPOSED = _functions()
"""The definition of each word, by the name that a signature has."""


def composed_signatures() -> dict[str, tuple[str, str]]:
    """The words with their arguments in order."""
    return {
        name: (f"composed {name}", " ".join([*(one.arg for one in node.args.args),
                                             *([f"*{node.args.vararg.arg}"] if node.args.vararg else [])]))
        for name, node in COMPOSED.items()
    }  # fmt: skip
