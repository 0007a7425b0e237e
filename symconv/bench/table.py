"""A run's record as text of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

__all__ = ["conditions", "line", "table"]

Record = Mapping[str, Any]
_NAME = 25
_PLURAL = {"median": "medians", "minimum": "minima"}


def line(layer: Record) -> str:
    """One layer while the run goes on: both gradients together, torch's time, the ratio.

    >>> one = {"ms": 1.5, "torch": {"contiguous": {"ms": 3.0}}, "best": "contiguous", "ratio": 2.0}
    >>> line({"cls": "dense", "name": "a layer", "directions": {"backward": one}})
    'dense: a layer                                1.500 ms  torch    3.000 ms   2.00'
    """
    one = layer["directions"]["backward"]
    name = f"{layer['cls']}: {layer['name']}"
    text = f"{_cut(name, 42):<42}{_ms(one['ms']):>9} ms"
    if one["best"]:
        text += f"  torch {_ms(one['torch'][one['best']]['ms']):>8} ms {one['ratio']:>6.2f}"
    return text.rstrip()


def conditions(found: Record) -> Iterator[str]:
    """What was measured, where and how."""
    machine, protocol, ceilings = found["machine"], found["protocol"], found["ceilings"]
    kept = "MALLOC_TOP_PAD_" in protocol["environment"]
    limit = protocol["environment"].get("ONEDNN_MAX_CPU_ISA")
    torch = f"torch {machine['torch']}" if machine["torch"] else "torch is not installed"
    yield f"{machine['cpu']}, {machine['cores']} cores; {torch}{f', limited to {limit}' if limit else ''}"
    what = f"{found['dtype']}, target {found['target']}, threads: {found['threads']}, {protocol['sizes']} sizes"
    yield f"{what}; {_PLURAL[protocol['statistic']]} of samples in turns"
    yield f"outputs: {protocol['outputs']}"
    yield f"memory: {'kept by glibc between calls (MALLOC_* set)' if kept else 'default settings of the allocator'}"
    reads = ", ".join(f"{one['level']} {one['gbs']:.0f}" for one in ceilings["reads"])
    yield f"ceilings: {ceilings['gflops']:.0f} GFLOP/s; reads {reads} GB/s"


def table(found: Record, methods: bool = True) -> str:
    """The whole run: conditions, layers by class, geometric means; with ``methods``, each layer's algorithm and errors.

    A ratio is torch's time over ours; % is of the time that the nearest ceiling allows.
    """
    lines = [*conditions(found), ""]
    lines += [f"{'x+w':<{_NAME}}{'ms':>9}{'GFLOP/s':>8}{'%':>5}{'torch ms':>9} {'x+w':>5} {'x':>5} {'w':>5} {'fwd':>5}"]
    for cls in found["summary"]["classes"]:
        lines.append(cls)
        for layer in (one for one in found["layers"] if one["cls"] == cls):
            lines.append(_row(layer))
        lines.append(_means("  geometric mean", found["summary"]["classes"][cls]))
    lines += [_means("all without tiny", found["summary"]["overall"])]
    if worst := found["summary"]["worst"]:
        lines.append(f"least ratio {worst['ratio']:.2f}: {worst['name']}")
    lines += ["", *_methods(found["layers"])] if methods else []
    return "\n".join(one.rstrip() for one in lines)


def _row(layer: Record) -> str:
    one = layer["directions"]["backward"]
    name = "  " + _cut(layer["name"], _NAME - 3)
    text = f"{name:<{_NAME}}{_ms(one['ms']):>9}{one['gflops']:>8.1f}{one['percent']:>5.0f}"
    theirs = _ms(one["torch"][one["best"]]["ms"]) if one["best"] else "-"
    return f"{text}{theirs:>9}{_ratios({name: d['ratio'] for name, d in layer['directions'].items()})}"


def _means(title: str, ratios: Mapping[str, float]) -> str:
    return f"{title:<{_NAME + 31}}{_ratios(ratios)}" if ratios else title


def _ratios(ratios: Mapping[str, float | None]) -> str:
    found = (ratios.get(name) for name in ("backward", "x", "w", "forward"))
    return "".join(" " + ("    -" if ratio is None else _ratio(ratio)) for ratio in found)


def _ratio(value: float) -> str:
    return f"{value:5.2f}" if value < 100 else f"{value:5.0f}"


def _methods(layers: list[Record]) -> Iterator[str]:
    """Which algorithm each layer used, and its errors."""
    yield "algorithm; max|e|/max|reference| against float64, torch's in brackets"
    for layer in layers:
        yield from wrap(f"  {_cut(layer['name'], 40)}: {layer['algorithm']}", 80, subsequent_indent="    ")
        parts = [f"{name} {error:.0e}{_beside(layer, name)}" for name, error in layer["errors"].items()]
        yield f"    {', '.join(parts)}" if parts else "    no float64 reference"
        forms = layer["directions"]["backward"]["ratios"]
        if len(forms) > 1:
            yield f"    over torch's {', '.join(f'{form} {_ratio(ratio).strip()}' for form, ratio in forms.items())}"
        if ahead := layer["directions"].get("jvp"):
            beside = f", torch/ours {_ratio(ahead['ratio']).strip()}" if ahead["ratio"] else ""
            yield f"    directional derivative {_ms(ahead['ms'])} ms{beside}"
        if layer["alone"]:
            yield f"    no comparison: {layer['alone']}"


def _beside(layer: Record, name: str) -> str:
    error = layer["torch_errors"].get(name)
    return "" if error is None else f" ({error:.0e})"


def _ms(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}" if value < 100 else f"{value:.1f}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 2] + ".."
