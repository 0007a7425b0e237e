"""What a text reads instead of the header of intrinsics is all that it needs, and computes the same."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.build import clear
from symconv.build.intrinsics import INCLUDED, definitions, header
from symconv.build.parts import parted
from symconv.build.process import run
from symconv.build.tools import toolchain
from symconv.options import Options

KNOWN = """\
typedef float __m256 __attribute__ ((__vector_size__ (32), __may_alias__));
typedef float __v8sf __attribute__ ((__vector_size__ (32)));
typedef unsigned char __mmask8;
extern __inline __m256 __attribute__((__gnu_inline__, __always_inline__))
_mm256_add_ps (__m256 __A, __m256 __B)
{
  return (__m256) ((__v8sf)__A + (__v8sf)__B);
}
#pragma GCC push_options
#pragma GCC target("avx512f")
#pragma GCC push_options
#pragma GCC target ("avx512cd")
#pragma GCC pop_options
extern __inline __mmask8
__attribute__ ((__gnu_inline__))
_mm512_wide (void)
{
  return 0;
}
#pragma GCC pop_options
"""


PLAIN = KNOWN.splitlines(keepends=True)


def test_a_text_gets_what_it_uses_and_what_that_uses_in_order() -> None:
    assert definitions("_mm256_add_ps(a, b)", KNOWN) == "".join((*PLAIN[:2], *PLAIN[3:8]))
    assert definitions("__mmask8 a;", KNOWN) == PLAIN[2]
    assert definitions("int a;", KNOWN) == ""


def test_the_instructions_that_a_function_is_for_are_asked_for() -> None:
    first, last = PLAIN.index("#pragma GCC push_options\n"), PLAIN.index('#pragma GCC target ("avx512cd")\n')
    asked, function = PLAIN[first : first + 2], PLAIN[last + 2 : -1]
    assert definitions("_mm512_wide()", KNOWN) == "".join((PLAIN[2], *asked, *function, PLAIN[-1]))


@pytest.mark.parametrize("text", ["_mm256_sub_ps(a, b)", "__m512 a;", "_MM_SHUFFLE(0, 1, 2, 3)", "_CMP_EQ_OQ"])
def test_what_is_not_there_is_said(text: str) -> None:
    assert definitions(text, KNOWN) is None
    assert definitions(text, "") is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v4"])
def test_nothing_is_missing(dtype: str, target: str, tmp_path: Path) -> None:
    tools, options = toolchain(), Options(dtype=dtype, target=target)
    source = pipeline.generate((pipeline.unit(sc.max_pool2d(3, stride=2), options, every=True),), options)
    found, flags = parted(source.text), tools.flags_for(source)
    known = header(tools.command, flags)
    if "clang" in tools.version or "_mm256_setzero_ps (" not in known:
        pytest.skip("only the header of gcc is read, where it has these instructions")
    assert found is not None
    used = definitions(found.shared, known)
    assert used
    assert len(used) < len(known) / 100
    (tmp_path / "one.c").write_text(found.alone[0].replace(INCLUDED, used))
    assert run((*tools.command, *flags, "-S", "one.c", "-o", "one.s"), tmp_path).status == 0
    assert not re.findall(r"call\s+_", (tmp_path / "one.s").read_text()), "intrinsics are no functions"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_numbers_are_the_same(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op = sc.max_pool2d(3, stride=2)
    x = np.random.default_rng(0).standard_normal((2, 3, 30, 41)).astype(dtype)
    found = []
    for read in (header, lambda *_: ""):
        clear()
        monkeypatch.setattr(sys.modules["symconv.build.compiler"], "header", read)
        kernel = sc.build(op, dtype=dtype)
        y = kernel.forward(x)
        found.append((y, kernel.backward(y, x).x))
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))
