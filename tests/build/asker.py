"""Run as a script: one process that asks the cache for one module, as a user's program would.

Arguments: request key, file that gets a line for every call of produce(), text of the module, what else.
Prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from symconv.build import Product, load, obtain
from symconv.emit.source import Source


def main(request: str, log: str, text: str, extra: str) -> None:
    spawned: list[str] = []
    sys.addaudithook(lambda event, _: spawned.append(event) if event == "subprocess.Popen" else None)

    def produce() -> Product:
        with Path(log).open("a", encoding="utf-8") as lines:
            lines.write("produced\n")
        return Product(Source(text, openmp=False), {"name": "asked"})

    started = time.perf_counter()
    artifact = obtain(request, produce, "native")
    module = load(artifact)
    seconds = time.perf_counter() - started
    if extra == "key":
        from symconv.build import fingerprint, request_key
        from symconv.options import Options

        request_key("y[i] = x[i]", Options(), fingerprint("native"))
    heavy = {"Cython", "sympy", "islpy", "jinja2", "numpy", "filelock", "setuptools"} & set(sys.modules)
    said = {
        "answer": module.answer(),
        "cached": artifact.cached,
        "heavy": sorted(heavy),
        "spawned": len(spawned),
        "seconds": seconds,
    }
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
