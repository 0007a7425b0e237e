"""Source that is shown on a narrow terminal is the same program."""

from __future__ import annotations

import ast

import pytest

from symconv.commands.narrow import narrow

SOURCE = '''import torch


def layer(gy, x, w):
    """gw[f,c,p] = sum[n,i](gy[n,f,i] * x[n,c,2*i+p]) and more words that go on and on until the line is full
    x (N, C, L)
    """
    # Proved for all sizes: gw = swap(F.conv1d(swap(x, 0, 1), swap(gy, 0, 1)), 0, 1) and so on and on
    a = {"a long, (word": [x[:, 1:2, None], w[..., 0]], "another": (gy, x, w, gy, x, w, gy, x, w, gy, x)}
    return torch.nn.functional.conv1d(x.transpose(0, 1), gy.transpose(0, 1), stride=2).transpose(0, 1)
'''


def body(source: str) -> str:
    tree = ast.parse(source)
    tree.body[1].body.pop(0)
    return ast.dump(tree)


@pytest.mark.parametrize("width", [44, 60, 80, 90])
def test_it_is_the_same_program_in_fewer_columns(width):
    shown = narrow(SOURCE, width)
    assert max(map(len, shown.splitlines())) <= width
    assert body(shown) == body(SOURCE)
    words = "".join(shown.replace("# ", "").split())
    assert words == "".join(SOURCE.replace("# ", "").split())


def test_what_fits_stays_as_it_is():
    assert narrow(SOURCE, 200) == SOURCE


def test_what_cannot_be_broken_stays_whole():
    line = f"y = {'a' * 50} + {'b' * 50}\n"
    assert narrow(line, 60) == line


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_derive_shows_source_that_fits_and_writes_it_as_it_is(library, call, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "60")
    words = ("derive", "conv1d", "--padding", "1", "--wrt", "w", "--format", library)
    shown = call(*words).stdout
    call(*words, "-o", tmp_path / "code.py")
    written = (tmp_path / "code.py").read_text(encoding="utf-8")
    assert max(map(len, shown.splitlines())) <= 60 < max(map(len, written.splitlines()))
    assert [type(one) for one in ast.walk(ast.parse(shown))] == [type(one) for one in ast.walk(ast.parse(written))]
