"""``symconv cache``: a summary, a list, and what of it is deleted."""

from __future__ import annotations

import json
import os
import time

import pytest

DAY = 86400


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A cache with kernels of three operators, used 0, 10, 40 and 45 days ago; a name may have several lines."""
    monkeypatch.setenv("SYMCONV_CACHE", str(tmp_path))
    names = ["conv2d(stride=2)", "conv2d()", "max_pool1d(2): x", "layer: a\n  b\n  c"]
    for number, (name, days) in enumerate(zip(names, (0, 40, 10, 45), strict=True)):
        key = f"{number:064d}"
        folder = tmp_path / "modules" / key
        folder.mkdir(parents=True)
        (folder / "library").write_bytes(b"0" * 1000 * (number + 1))
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps({"created": time.time() - 50 * DAY}))
        os.utime(manifest, (time.time() - days * DAY - 5,) * 2)
        (tmp_path / "requests").mkdir(exist_ok=True)
        (tmp_path / "requests" / f"r{number}.json").write_text(json.dumps({"content": key, "meta": {"name": name}}))
    return tmp_path


def left(folder):
    requests = sorted(path.stem for path in (folder / "requests").iterdir())
    modules = [int(path.name) for path in sorted((folder / "modules").iterdir())]
    assert requests == [f"r{number}" for number in modules]
    return modules


def test_a_summary_has_a_row_for_each_operator(call, kept):
    said = call("cache").stdout
    lines = said.splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["operator", "kernels"], ["layer:", "a"], ["conv2d", "2"], ["max_pool1d", "1"],
    ]  # fmt: skip
    assert "now" in lines[2]
    assert "10 days ago" in lines[3]
    assert "50 days ago" in lines[3]
    assert " ".join(said.split()).endswith(f" 4 kernels, 10.1 kB of at most 1.0 GB, in {kept}")


def test_a_large_cache_stays_a_short_summary(call, tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCONV_CACHE", str(tmp_path))
    (tmp_path / "requests").mkdir()
    for number in range(200):
        key = f"{number:064d}"
        (tmp_path / "modules" / key).mkdir(parents=True)
        (tmp_path / "modules" / key / "library").write_bytes(b"0" * 1000)
        (tmp_path / "requests" / f"{number}.json").write_text(
            json.dumps({"content": key, "meta": {"name": f"op{number}()"}})
        )
    monkeypatch.setenv("COLUMNS", "200")
    lines = call("cache").stdout.splitlines()
    assert len(lines) == 14
    assert lines[-2].split()[:3] == ["189", "others", "189"]
    assert len(call("cache", "--list").stdout.splitlines()) == 202


def test_a_list_has_a_line_for_each_kernel_the_last_used_first(call, kept, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lines = call("cache", "--list").stdout.splitlines()
    assert [line.split("ago")[-1].split("  ")[-1].strip() for line in lines[1:5]] == [
        "conv2d(stride=2)", "max_pool1d(2): x", "conv2d()", "layer: a b c",
    ]  # fmt: skip
    chosen = call("cache", "--list", "conv2d", "--older", "30d").stdout.splitlines()
    assert [line.split()[-1] for line in chosen[1:-1]] == ["conv2d()"]
    assert chosen[-1].startswith("1 (2.0 kB) of 4 kernels")


@pytest.mark.parametrize(
    ("chosen", "stays"),
    [
        (("--older", "30d"), [0, 2]),
        (("--older", "60d"), [0, 1, 2, 3]),
        (("--older", "1w"), [0]),
        (("conv2d",), [2, 3]),
        (("conv2d(stride=2)",), [1, 2, 3]),
        (("--name", "conv*", "--name", "max*"), [3]),
        (("conv2d", "--older", "30d"), [0, 2, 3]),
    ],
)
def test_what_is_chosen_goes_and_nothing_else(call, kept, chosen, stays):
    would = call("cache", "--clear", "--dry-run", *chosen)
    assert left(kept) == [0, 1, 2, 3]
    done = call("cache", "--clear", *chosen)
    assert (would.exit_code, done.exit_code) == (0, 0)
    assert left(kept) == stays
    count = 4 - len(stays)
    assert f"would remove {count} kernel" in would.stdout
    assert done.stdout.startswith(f"removed {count} kernel")


def keep(folder, key, name):
    """One more kernel in a cache."""
    (folder / "modules" / key).mkdir(parents=True)
    (folder / "modules" / key / "library").write_bytes(b"0")
    (folder / "requests").mkdir(exist_ok=True)
    (folder / "requests" / f"{key}.json").write_text(json.dumps({"content": key, "meta": {"name": name}}))


def test_the_key_that_is_listed_and_a_formula_are_names(call, tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCONV_CACHE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    names = {"0123456789abcdef" * 4: "y[n,i] = 3*x[n,i]", "0123456789abcdff" * 4: "y[n,i] = 5*x[n,i]",
             "fedcba9876543210" * 4: "conv1d()"}  # fmt: skip
    for key, name in names.items():
        keep(tmp_path, key, name)

    def chosen(*words):
        return sorted(one["name"] for one in json.loads(call("cache", *words, "--format", "json").stdout)["kernels"])

    shown = call("cache", "--list", "conv1d").stdout.splitlines()[1].split()[0]
    assert shown == "fedcba987654"
    assert chosen(shown) == chosen("fedcba98") == ["conv1d()"]
    assert chosen("0123456789ab") == sorted(name for name in names.values() if "x" in name)
    assert chosen("0123456789abcdef") == ["y[n,i] = 3*x[n,i]"]
    assert chosen("y[n,i] = 5*x[n,i]") == ["y[n,i] = 5*x[n,i]"]
    for short in ("fedcba9", "edcba9876543"):
        assert call("cache", short).exit_code == 2
    assert call("cache", "--clear", shown).stdout.startswith("removed 1 kernel, ")
    assert sorted(path.name for path in (tmp_path / "modules").iterdir()) == sorted(names)[:2]


def test_all_of_it_goes_where_nothing_is_chosen(call, kept):
    assert call("cache", "--clear").stdout.startswith("removed 4 kernels, ")
    assert left(kept) == []


def test_an_empty_cache_and_its_limit(call, tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCONV_CACHE", str(tmp_path / "none"))
    assert call("cache").stdout.split() == f"0 kernels, 0 B of at most 1.0 GB, in {tmp_path / 'none'}".split()
    monkeypatch.setenv("SYMCONV_CACHE_LIMIT", "250M")
    assert "of at most 250.0 MB" in " ".join(call("cache").stdout.split())
    assert call("cache", "--clear").stdout.split()[:5] == ["removed", "0", "kernels,", "0", "B,"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--clear", "conv3d"), "no kernel called 'conv3d'; did you mean conv2d?"),
        (("--dry-run",), "--dry-run says what --clear would delete"),
        (("--list", "--clear"), "--list shows and --clear deletes"),
        (("--older", "month"), "'month' is not an age, as in 30d"),
        (("--older", "-3d"), "'-3d' is not an age"),
        (("--older", "nand"), "'nand' is not an age"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_goes(call, kept, arguments, words):
    result = call("cache", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in " ".join(result.stderr.split())
    assert left(kept) == [0, 1, 2, 3]
