"""The page ``gallery.md``, from the registry of shipped operators: ``python docs/_ext/gallery.py`` writes it anew."""

from __future__ import annotations

import inspect
from pathlib import Path

from symconv.ops.registry import Entry, catalogue

PAGE = Path(__file__).resolve().parents[1] / "gallery.md"

# A geometry with residue classes and a border: what a gallery is looked at for.
WANTED = {"kernel": "3", "stride": "2", "padding": "1"}

HEAD = '''---
file_format: mystnb
kernelspec:
  name: python3
  display_name: Python 3
---

# Gallery of operators

Every operator that comes with symconv: its formula, its gradients as they are derived, a picture of the input's
gradient, the loops that compute it, and how fast the compiled kernel is. This page is made from the registry of
operators. `symconv list` is the same list on a terminal, the [reference](reference.md) has the arguments.

Formulas and loops are shown in one dimension and pictures in two, with a stride of 2 and one cell of padding. Each
operator is there in one, two and three. In a picture a colour is a residue class; a number counts the terms of a cell;
a dashed cell has none. The loops are those of [the package to take away](export.md), for one gradient; what `sc.build`
compiles has [register tiles](packed.md) besides.

The times are those of one layer of each, in two dimensions: float32, one thread, the processor time of that thread
(other work on the machine counts for neither side), the least of many calls. *backward* is all gradients. Beside it
stands what one writes for the layer in torch, with autograd for its gradients; *ratio* is torch's time over ours. Both
sides' results are compared before they are timed. torch's backward is given what its forward kept, such as the places
of maxima; symconv's is given the inputs alone. [Performance](performance.md) has the layers of published networks.
The CPU of all times on this page:

```{code-cell} ipython3
:tags: [hide-input]
import json
import re
from pathlib import Path

import symconv as sc
from symconv.export.exporting import packaged
from symconv.views.latex import operator_latex

record = Path(sc.__file__).resolve().parents[1] / "docs" / "measured" / "gallery" / "figures.json"
figures = json.loads(record.read_text(encoding="utf-8"))
print(figures["machine"]["cpu"], "- torch", figures["machine"]["torch"])


class formula:
    """The forward, or the gradient by a tensor, to look at."""

    def __init__(self, op, wrt=None):
        self.latex = operator_latex(op) if wrt is None else sc.derive(op, wrt).latex()

    def _repr_latex_(self):
        return f"$${self.latex}$$"


def loops(op, wrt):
    """The loops of one gradient, with the formula they compute."""
    (text,) = (file.text for file in packaged(op, dtype="float32", wrt=wrt).files if file.path.endswith(".pyx"))
    found = re.findall(rf"^cdef void \\w*{wrt}\\w*\\(.*?\\n\\n\\n", text, re.DOTALL | re.MULTILINE)
    assert found, op.name
    print("\\n\\n".join(found).rstrip())


def benchmark(name):
    """How its layer fared beside what is written for it in torch, on one thread of the CPU of the record."""
    layer = figures["layers"][name]
    shapes = ", ".join("x".join(map(str, shape)) for shape in layer["shapes"])
    print(f"{layer['operator'].partition(': ')[0]}, inputs {shapes}")
    for direction in ("forward", "backward"):
        mine, theirs = layer["ms"][direction], layer["ms"][f"torch {direction}"]
        print(f"    {direction:8} {mine:8.2f} ms    {layer['torch']} {theirs:8.2f} ms    ratio {theirs / mine:5.2f}")
```
'''

SECTION = """
## {title}

{line}: `{formula}`

```{{code-cell}} ipython3
op = sc.{one}
formula(op)
```
{gradients}
```{{code-cell}} ipython3
sc.picture(sc.derive(sc.{two}, "{first}"))
```

```{{code-cell}} ipython3
:tags: [hide-output]
loops(op, "{first}")
```

```{{code-cell}} ipython3
benchmark("{name}")
```
"""

GRADIENT = """
```{{code-cell}} ipython3
formula(op, "{name}")
```
"""


def page() -> str:
    """The text of the page."""
    families: dict[str, dict[int, tuple[str, Entry]]] = {}
    for name, entry in catalogue().items():
        families.setdefault(name[:-2], {})[int(name[-2])] = (name, entry)
    return HEAD + "".join(section(name, ranks) for name, ranks in families.items())


def section(name: str, ranks: dict[int, tuple[str, Entry]]) -> str:
    """One family of operators."""
    _, entry = ranks[1]
    line = entry.line.removeprefix("1-D ")
    inputs = [tensor.name for tensor in entry.make(**numbers(entry)).inputs if tensor.dtype == "real"]
    return SECTION.format(
        name=name,
        title=name.replace("_", " "),
        line=line[0].upper() + line[1:],
        formula=entry.formula,
        one=call(*ranks[1]),
        two=call(*ranks[2]),
        first=inputs[0],
        gradients="".join(GRADIENT.format(name=one) for one in inputs),
    )


def call(name: str, entry: Entry) -> str:
    """How the operator is made, as a user writes it."""
    return f"{name}({', '.join(f'{key}={value}' for key, value in numbers(entry).items())})"


def numbers(entry: Entry) -> dict[str, int]:
    """The arguments of ``WANTED`` that it takes."""
    return {key: int(value) for key, value in WANTED.items() if key in inspect.signature(entry.make).parameters}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
