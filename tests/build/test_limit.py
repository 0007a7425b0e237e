"""The cache stays below its size: those not used for longest go first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symconv.build import Product, compile_text, entries, load, obtain
from symconv.build.inventory import evict, size_limit
from symconv.emit.source import Source
from symconv.errors import BuildError


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 10**9), ("0", 0), ("1234", 1234), ("500M", 5 * 10**8), ("2G", 2 * 10**9), ("2 GB", 2 * 10**9), ("7kb", 7000)],
)
def test_sizes(text: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CACHE_LIMIT", text)
    assert size_limit() == size


@pytest.mark.parametrize("text", ["-1", "1.5G", "many", "G", "1X", "9" * 400, "٣M"])
def test_sizes_that_are_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CACHE_LIMIT", text)
    with pytest.raises(BuildError, match="SYMCONV_CACHE_LIMIT is a size such as 500M or 2G; given") as caught:
        compile_text(Source("x = 1\n", openmp=False))
    assert len(str(caught.value)) < 200


def _fake(root: Path, key: str, size: int, used: int) -> None:
    folder = root / "modules" / key
    folder.mkdir(parents=True, mode=0o700)
    (folder / "manifest.json").write_text("{}")
    (folder / "library").write_bytes(b"0" * (size - 2))
    (root / "requests").mkdir(exist_ok=True)
    (root / "requests" / f"r{key}.json").write_text(f'{{"content": "{key}", "meta": {{"name": "{key}"}}}}')
    os.utime(folder / "manifest.json", (used, used))


def test_the_oldest_go_first_and_their_requests_with_them(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        _fake(cache, f"k{number}", 1000, used=(number * 7) % 10 + 1)
    monkeypatch.setenv("SYMCONV_CACHE_LIMIT", "4500")
    evict("k0")  # k0 is the oldest of all
    left = {"k0", *(f"k{n}" for n in range(10) if (n * 7) % 10 + 1 > 7)}
    assert {path.name for path in (cache / "modules").iterdir()} == left
    assert {entry.name for entry in entries()} == left
    assert {path.stem for path in (cache / "requests").iterdir()} == {f"r{key}" for key in left}


def test_refused_sources_count_too(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMCONV_CACHE_LIMIT", "0")
    with pytest.raises(BuildError, match="Cython refused"):
        compile_text(Source("def f(): return undeclared\n", openmp=False))
    assert list((cache / "failed").iterdir())
    made = compile_text(Source("def answer(): return 7\n", openmp=False))
    assert load(made).answer() == 7
    assert list((cache / "failed").iterdir()) == []


def test_builds_stay_below_the_limit(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def get(number: int) -> bool:
        text = f"def answer():\n    return {number}\n"
        artifact = obtain(f"r{number}", lambda: Product(Source(text, openmp=False), {"name": str(number)}), "native")
        assert load(artifact).answer() == number
        return artifact.cached

    assert not get(0)
    size = entries()[0].size
    monkeypatch.setenv("SYMCONV_CACHE_LIMIT", str(int(size * 2.5)))
    assert not get(1)
    assert get(0)  # used later than 1
    assert not get(2)
    assert {entry.name for entry in entries()} == {"0", "2"}
    assert not get(1)
    assert {entry.name for entry in entries()} == {"1", "2"}
    assert sum(entry.size for entry in entries()) <= size_limit()
