"""Functions that modules share: one text, one object, the same numbers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build import clear, compile_text, load
from symconv.build.common import declarations, set_apart
from symconv.build.parts import Parts, parted
from symconv.build.process import Children, Ran, run
from symconv.emit.source import Source
from symconv.options import Options

ATTRIBUTE = '__attribute__((visibility("hidden")))'


def function(name: str, parameters: str, line: str) -> str:
    return f"    static sc_nest {name}({parameters})\n    {{\n        {line}\n    }}\n\n"


def module(suffix: str, size: str) -> str:
    """Two kinds of functions and the nest that calls them; ``suffix`` and ``size`` are how this module names things."""
    return (
        function(f"sc_copy_{suffix}0", f"double *v_{size}", f"v_{size}[0] += {len(size)} - {len(size)};")
        + function(f"sc_tile_{suffix}1", f"Py_ssize_t v_{size}, double *v_x", f"v_x[0] *= v_{size} + sc_one;")
        + function(f"sc_tile_{suffix}2", f"Py_ssize_t v_n, double *v_{size}", f"v_{size}[0] -= v_n;")
        + function(
            f"u0_forward_{size}_0",
            "double *v_x",
            f"sc_copy_{suffix}0(v_x); sc_tile_{suffix}1(3, v_x); sc_tile_{suffix}2(1, v_x);",
        )
    )


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["symconv.build.common"], "_ENOUGH", 100)
    monkeypatch.setattr(sys.modules["symconv.build.parts"], "_ENOUGH", 100)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that the compiler reads, in a process that has compiled nothing."""
    found: list[str] = []
    real = run
    monkeypatch.setattr(sys.modules["symconv.build.objects"], "_KEPT", {})

    def noted(command: tuple[str, ...], folder: Path, children: Children | None = None) -> Ran:
        found.extend(word for word in command if word.endswith(".c"))
        return real(command, folder, children)

    monkeypatch.setattr(sys.modules["symconv.build.compiler"], "run", noted)
    return found


def test_two_modules_have_one_text_however_they_name_things(always: None) -> None:
    (left, common), (other, again) = (set_apart(module(*how), frozenset()) for how in (("1", "rows"), ("7", "q")))
    assert common == again
    assert [one.text.count("sc_nest") for one in common] == [1, 1], "two functions, in halves"
    assert "sc_copy_10" in left, "how operands are packed stays with the operator"
    assert "sc_copy_70" in other
    called = [name for one in common for name, _ in one.declared]
    assert all(f"{name}(" in left and f"{name}(" in other for name in called)
    assert declarations(left, common) == "".join(line for one in common for _, line in one.declared)
    assert declarations("sc_copy_10();", common) == ""


def test_what_computes_otherwise_has_another_text(always: None) -> None:
    text = module("1", "rows")
    before = {one.file for one in set_apart(text, frozenset())[1]}
    after = {one.file for one in set_apart(text.replace("+ sc_one", "- sc_one"), frozenset())[1]}
    assert len(before & after) == 1, "the half without the change"
    assert len(before | after) == 3


def test_names_that_change_places_are_told_apart(always: None) -> None:
    straight = function("sc_tile_1", "double *v_a, double *v_b", "v_a[0] -= v_b[0]; v_a[0] -= v_b[0];")
    crossed = function("sc_tile_1", "double *v_a, double *v_b", "v_b[0] -= v_a[0]; v_b[0] -= v_a[0];")
    nest = function("u0_forward_y_0", "double *v_x", "sc_tile_1(v_x, v_x + 1);")
    one, two = (set_apart(text + nest, frozenset())[1] for text in (straight, crossed))
    assert one
    assert one != two


def test_what_the_rest_of_a_module_calls_by_name_stays(always: None) -> None:
    left, common = set_apart(module("1", "rows"), frozenset(("sc_tile_11", "sc_tile_12")))
    assert (left, common) == (module("1", "rows"), ())


def test_what_calls_another_function_stays(always: None) -> None:
    outer = function("sc_tile_3", "double *v_x", "sc_tile_12(2, v_x);" + " " * 100)
    text = module("1", "rows").replace("    static sc_nest u0_", outer + "    static sc_nest u0_", 1)
    left, common = set_apart(text, frozenset())
    assert "static sc_nest sc_tile_3(" in left
    assert all("sc_tile_3(" not in one.text for one in common)


def test_one_long_function_is_not_halved(always: None) -> None:
    text = function("sc_tile_1", "double *v_x", "v_x[0] = 1;" * 30) + function("u0_forward_y_0", "", "sc_tile_1(0);")
    assert [one.text.count("sc_nest") for one in set_apart(text, frozenset())[1]] == [1]


def test_few_functions_stay() -> None:
    assert set_apart(module("1", "rows"), frozenset()) == (module("1", "rows"), ())


DEFINED = re.compile(
    r"^    (?:static|__attribute__\(\(visibility\(\"hidden\"\)\)\)) \w+ (\w+)\([^;{]*\n    \{", re.MULTILINE
)
"""The functions that a text defines, not those that it declares."""


def _parts(op: sc.Operator, entries: tuple[str, ...], target: str = "portable") -> Parts:
    chosen = Options(target=target)
    found = parted(pipeline.generate((pipeline.unit(op, chosen, entries=entries, every=True),), chosen).text)
    assert found is not None
    return found


def test_a_convolution_and_its_gradient_run_the_same_functions() -> None:
    forward = _parts(sc.conv2d(padding=1), ("forward",))
    texts = dict(forward.again)
    assert len(texts) == 2
    defined = [name for text in forward.alone for name in DEFINED.findall(text)]
    assert defined
    assert all(name.startswith(("u0_forward_", "sc_copy_")) for name in defined), "nests and packing alone are left"
    assert all(name.startswith("sc_") for text in texts.values() for name in DEFINED.findall(text))
    for other in (_parts(sc.conv2d(padding=1), ("backward",)), _parts(sc.conv2d(padding=0), ("forward",))):
        assert texts.items() <= dict(other.again).items()


def test_they_are_compiled_once_and_compute_the_same(compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clear()
    op = sc.conv2d(padding=1)
    pipeline.build(op, Options(), entries=("forward",), every=True)
    before = {file for file in compiled if file.startswith("common")}
    assert len(before) == 2
    compiled.clear()
    first = pipeline.build(op, Options(), entries=("backward",), every=True)
    assert not before & set(compiled)
    text = first.source_path.read_text()
    made = first.module_path.read_bytes()
    clear()
    monkeypatch.setattr(sys.modules["symconv.build.objects"], "_KEPT", {})
    compiled.clear()
    second = pipeline.build(op, Options(), entries=("backward",), every=True)
    assert before <= set(compiled)
    assert (second.source_path.read_text(), second.module_path.read_bytes()) == (text, made), "to the last byte"


def test_every_method_agrees_with_the_definition(compiled: list[str]) -> None:
    clear()
    k = sc.build(sc.conv2d(padding=1), dtype="float64")
    generator = np.random.default_rng(3)
    x, w, gy = (generator.integers(-3, 4, s).astype(float) for s in ((2, 9, 21, 19), (10, 9, 3, 3), (2, 10, 21, 19)))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    assert np.allclose(k.forward(x, w), np.einsum("nchwpq,fcpq->nfhw", windows, w), atol=1e-9)
    gradients = k.backward(gy, x, w)
    assert np.allclose(gradients.w, np.einsum("nchwpq,nfhw->fcpq", windows, gy), atol=1e-9)
    back = np.lib.stride_tricks.sliding_window_view(np.pad(gy, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    assert np.allclose(gradients.x, np.einsum("nfhwpq,fcpq->nchw", back, w[:, :, ::-1, ::-1]), atol=1e-9)
    assert any(file.startswith("common") for file in compiled)


def test_what_the_compiler_refuses_is_said(always: None) -> None:
    text = 'cdef extern from *:\n    """\n    #define sc_nest void\n' + module("1", "rows").rstrip() + '\n    """\n'
    text += "    void u0_forward_rows_0(double*) noexcept nogil\n\n\ndef run(double x):\n    u0_forward_rows_0(&x)\n"
    with pytest.raises(sc.BuildError, match=r"common_\w+\.c(.|\n)*sc_one"):
        compile_text(Source(text))
    clear()
    artifact = compile_text(
        Source(text.replace("#define sc_nest void", "#define sc_nest void\n    #define sc_one 4", 1) + "    return x\n")
    )
    assert load(artifact).run(9.0) == 9 * (3 + 4) - 1
