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
gradient, and the loops that compute it. This page is made from the registry of operators. `symconv list` is the same
list on a terminal, the [reference](reference.md) has the arguments.

Formulas and loops are shown in one dimension and pictures in two, with a stride of 2 and one cell of padding. Each
operator is there in one, two and three. In a picture a colour is a residue class; a number counts the terms of a cell;
a dashed cell has none. The loops are those of [the package to take away](export.md), for one gradient; what `sc.build`
compiles has [register tiles](packed.md) besides.

```{code-cell} ipython3
:tags: [hide-input]
import json
import math
import re
from pathlib import Path

import symconv as sc
from symconv.export.exporting import packaged
from symconv.views.latex import operator_latex

measured = Path(sc.__file__).resolve().parents[1] / "docs" / "measured"
records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(measured.glob("*.json"))]


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


def benchmarks(name):
    """How its layers fared in the records that are kept: geometric means of torch's time over ours."""
    for record in records:
        layers = [one for one in record["layers"] if re.match(rf"{name}[123]d\\(", one["operator"])]
        ratios = {}
        for one in layers:
            for direction in ("forward", "backward"):
                if one["cls"] != "tiny" and one["directions"].get(direction, {}).get("ratio"):
                    ratios.setdefault(direction, []).append(one["directions"][direction]["ratio"])
        mean = {key: round(math.prod(found) ** (1 / len(found)), 2) for key, found in ratios.items()}
        print(f"{record['machine']['cpu']}, {record['target']}, {record['dtype']}, threads: {record['threads']}")
        print(f"    {len(layers)} layers: {', '.join(f'{key} {value}' for key, value in mean.items())}")
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
"""

GRADIENT = """
```{{code-cell}} ipython3
formula(op, "{name}")
```
"""

MEASURED = """
torch's time over ours, geometric means over the layers of published networks in [the records](performance.md), on the
CPU that each names:

```{{code-cell}} ipython3
benchmarks("{name}")
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
    text = SECTION.format(
        title=name.replace("_", " "),
        line=line[0].upper() + line[1:],
        formula=entry.formula,
        one=call(*ranks[1]),
        two=call(*ranks[2]),
        first=inputs[0],
        gradients="".join(GRADIENT.format(name=one) for one in inputs),
    )
    return text + (MEASURED.format(name=name) if name in recorded() else "")


def call(name: str, entry: Entry) -> str:
    """How the operator is made, as a user writes it."""
    return f"{name}({', '.join(f'{key}={value}' for key, value in numbers(entry).items())})"


def numbers(entry: Entry) -> dict[str, int]:
    """The arguments of ``WANTED`` that it takes."""
    return {key: int(value) for key, value in WANTED.items() if key in inspect.signature(entry.make).parameters}


def recorded() -> set[str]:
    """The families that records of measurements are kept of."""
    folder = PAGE.parent / "measured"
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.json")]
    return {name[:-2] for name in catalogue() if any(f'"operator":"{name}(' in text for text in texts)}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
