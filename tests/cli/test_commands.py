"""What each command does, on the smallest operators."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import symconv as sc
from symconv.commands.doctor import NEEDED
from symconv.verify.verdict import Check, Verdict

OPERATOR = ("conv1d", "--stride", "2", "--padding", "1")
NAME = "conv1d(stride=2, padding=1)"
FLOW = "y[n,i] = sum[p](x[n,2*i+p-1]*w[p])"


def test_list_has_a_line_for_every_operator(call):
    lines = call("list").output.splitlines()
    assert [name for line in lines if line[0] != " " for name in line.split()] == list(sc.ops())
    assert max(map(len, lines)) <= 80
    assert "sum[c,p](x[n,c,s*i+d*p-lo] * w[f,c,p])" in lines[2]


def test_derive_shows_every_gradient_or_the_one_asked_for(call):
    both, one = call("derive", *OPERATOR), call("derive", *OPERATOR, "--wrt", "w")
    assert both.exit_code == one.exit_code == 0
    assert str(sc.derive(sc.conv1d(stride=2, padding=1), "w")).strip() in one.output
    assert one.output.strip() in both.output
    assert len(one.output) < len(both.output)


def test_derive_speaks_latex(call):
    result = call("derive", *OPERATOR, "--format", "latex")
    for wrt in ("x", "w"):
        assert sc.derive(sc.conv1d(stride=2, padding=1), wrt).latex("6.5in") in result.output


def test_derive_writes_fragments_as_wide_as_asked_for(call, tmp_path):
    assert call("derive", *OPERATOR, "--width", "12cm", "-o", tmp_path / "f.tex").exit_code == 0
    text = (tmp_path / "f.tex").read_text(encoding="utf-8")
    assert sc.derive(sc.conv1d(stride=2, padding=1), "x").latex(width="12cm") in text
    assert "documentclass" not in text
    for wrong, words in ((("--width", "wide"), "6.5in"), (("--width", "6.5in", "--format", "json"), "--format latex")):
        refused = call("derive", *OPERATOR, *wrong, "-o", tmp_path / "g.tex")
        assert refused.exit_code == 2
        assert words in refused.output
        assert not (tmp_path / "g.tex").exists()


def test_derive_speaks_json(call, tmp_path):
    result = call("derive", FLOW, "--format", "json", "-o", tmp_path / "d.json")
    assert (result.exit_code, result.output) == (0, "")
    data = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    assert len(data) == 2


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_derive_speaks_code(library, call):
    result = call("derive", *OPERATOR, "--format", library)
    assert result.exit_code == 0
    compile(result.output, library, "exec")
    for wrt in ("x", "w"):
        assert sc.derive(sc.conv1d(stride=2, padding=1), wrt).code(library).partition("def ")[2] in f"{result.output}\n"
    assert "def conv1d(x, w):" in result.output
    assert result.output.count("\nimport") == 0


def test_generate_writes_what_the_library_generates(call, tmp_path):
    printed = call("generate", *OPERATOR).output
    assert call("generate", *OPERATOR, "-o", tmp_path / "k.pyx").output == ""
    assert (tmp_path / "k.pyx").read_text(encoding="utf-8") == printed
    assert "conv1d(stride=2, padding=1)" in printed
    assert call("generate", *OPERATOR, "--dtype", "float64").output != printed


def test_a_file_is_replaced_whole_and_nothing_is_left_behind(call, tmp_path):
    target, link = tmp_path / "k.pyx", tmp_path / "link.pyx"
    target.write_text("old")
    link.symlink_to(target)
    assert call("generate", "conv1d", "-o", link).exit_code == 0
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("# cython")
    assert call("generate", "conv1d", "-o", tmp_path).exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k.pyx", "link.pyx"]


def test_verify_judges_a_new_kernel(call):
    result = call("verify", *OPERATOR, "--wrt", "w", "--dtype", "float32")
    assert result.exit_code == 0
    assert result.stdout.startswith("conv1d(stride=2, padding=1) in float32: passed")
    assert "gradient by w" in result.stdout
    assert "gradient by x" not in result.stdout
    stages = result.stderr.splitlines()
    assert [line.rpartition(" (")[0] for line in stages] == [f"{word} {NAME}" for word in ("building", "verifying")]
    assert "(float32, native, every core, " in stages[0]


def test_verify_answers_in_json(call):
    result = call("verify", *OPERATOR, "--wrt", "w", "--dtype", "float32", "--format", "json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert (data["passed"], data["verdict"], data["unjudged"]) == (True, "passed", [])
    rows = {row["name"]: row for row in data["checks"]}
    assert rows["gradient by w, reals"]["mark"] == "ok"
    assert all((row["compared"] == 0) == (row["mark"] in {"not run", "not judged"}) for row in rows.values())


def test_verify_finds_a_wrong_kernel(call, tmp_path):
    turned = tmp_path / "turned.pyx"
    assert call("generate", *OPERATOR, "--flip", "-o", turned).exit_code == 0
    result = call("verify", *OPERATOR, "--dtype", "float32", "--source", turned)
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert " want " in result.stdout


def test_verify_says_why_a_source_does_not_compile(call, tmp_path):
    broken = tmp_path / "broken.pyx"
    broken.write_text("def broken(:\n")
    result = call("verify", *OPERATOR, "--source", broken)
    assert result.exit_code == 2
    assert "refused the generated source" in result.stderr


def test_declared_gradients_are_judged_as_declared(call, tmp_path):
    spec = tmp_path / "net.toml"
    spec.write_text('formula = "y[n,i] = sign(sum[p](x[n,i+p]*w[p]))"\nsurrogate = {sign = "1"}\n')
    result = call("verify", spec)
    assert result.exit_code == 0, result.output
    assert "surrogate: declared, not the derivative" in result.stdout
    assert "gradient by w" in result.stdout


def test_show_writes_a_page(call, tmp_path):
    result = call("show", *OPERATOR, "-o", tmp_path / "page.html")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path / "page.html")
    assert "<html" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def written(tmp_path_factory, cache) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run as a program of its own, seen by several tests."""
    import os
    import sys

    folder = tmp_path_factory.mktemp("run") / "deep" / "out"
    command = [sys.executable, "-m", "symconv.cli", "run", *OPERATOR, "-o", str(folder)]
    environment = {**os.environ, "SYMCONV_CACHE": str(cache)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False), folder


def test_run_writes_everything(written):
    ran, folder = written
    assert ran.returncode == 0, ran.stderr
    names = ["conv1d.pyx", "conv1d_gw.tex", "conv1d_gx.tex", "conv1d_y.tex", "report.html", "verdict.txt"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all(str(folder / name) in ran.stdout for name in names)
    verdict = (folder / "verdict.txt").read_text(encoding="utf-8")
    assert verdict.startswith("conv1d(stride=2, padding=1) in float32: passed")
    assert ran.stdout.startswith(verdict)


def test_run_tells_what_goes_on_line_by_line(written):
    ran, _ = written
    stages = [line.rpartition(" (")[0] for line in ran.stderr.splitlines()]
    gradients = ["deriving the gradient by x", "deriving the gradient by w"]
    assert stages == [*gradients, "proving the loop nests", f"compiling {NAME}", f"verifying {NAME}", "writing"]


def test_run_writes_the_formulas_and_the_source_of_the_kernel(written):
    _, folder = written
    op = sc.conv1d(stride=2, padding=1)
    assert sc.derive(op, "x").latex("6.5in") in (folder / "conv1d_gx.tex").read_text(encoding="utf-8")
    x, w = np.arange(9.0, dtype="f").reshape(1, 1, 9), np.ones((1, 1, 3), "f")
    kernel = sc.build(op)
    assert kernel.source == (folder / "conv1d.pyx").read_text(encoding="utf-8")
    assert kernel.forward(x, w)[0, 0].tolist() == [1.0, 6.0, 12.0, 18.0, 15.0]


def test_run_writes_the_files_of_a_wrong_kernel_too(call, tmp_path, monkeypatch):
    check = Check("forward", "made up", 1, 2.0, False)
    monkeypatch.setattr("symconv.commands.run.judged", lambda *_: Verdict(False, "conv1d", "float32", (check,)))
    result = call("run", *OPERATOR, "--wrt", "w", "-o", tmp_path)
    assert result.exit_code == 1
    assert "FAILED" in (tmp_path / "verdict.txt").read_text(encoding="utf-8")
    assert "FAILED" in result.stdout
    assert sorted(path.suffix for path in tmp_path.glob("conv1d_*")) == [".tex", ".tex"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SYMCONV_CACHE", "~nosuchuser/x"),
        ("SYMCONV_CACHE", b"/tmp/\xff".decode(errors="surrogateescape")),
        ("SYMCONV_CACHE_LIMIT", "much"),
    ],
)
@pytest.mark.parametrize("arguments", [("cache",), ("cache", "--clear"), ("verify", "conv1d")])
def test_a_cache_that_cannot_be_used_is_one_message(program, variable, value, arguments):
    if variable == "SYMCONV_CACHE_LIMIT" and arguments != ("cache",):
        return
    ran = program(*arguments, **{variable: value})
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert variable in ran.stderr


def test_doctor_knows_what_is_needed(call):
    result = call("doctor")
    assert result.exit_code == 0
    for what in NEEDED:
        assert f"  {what} " in result.output
    assert result.output.endswith("kernels can be built here\n")


def test_doctor_misses_a_compiler(program, tmp_path):
    ran = program("doctor", SYMCONV_CC="no-such-compiler", SYMCONV_CACHE=str(tmp_path))
    assert ran.returncode == 2
    assert "MISSING  C compiler" in ran.stdout
    assert "kernels cannot be built: C compiler missing" in ran.stdout


@pytest.mark.full
def test_several_operators_are_a_table(call):
    first, second = "y[i] = 3*x[i]", "y[n,i] = sum[p](x[n,2*i+p]*w[p])"
    result = call("verify", first, second, "--jobs", 1)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0].split() == ["operator", "verdict", "comparisons"]
    assert "2 of 2 passed" in result.stdout
    spread = call("verify", first, second, "--jobs", 2, "--format", "json")
    assert [one["passed"] for one in json.loads(spread.stdout)["verdicts"]] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say what to verify"),
        (("--all", "conv1d"), "--all takes no OP"),
        (("conv1d", "--jobs", 2), "they go with several OPs, or --all"),
        (("conv1d", "conv9d"), "did you mean conv1d"),
        (("conv1d", "conv2d", "--source", "a.pyx"), "give one OP"),
        (("conv1d", "conv2d", "--on", "here"), "as in dask://127.0.0.1:8786"),
        (("--all", "--extents", "i=3"), "no shipped operator takes --extents"),
    ],
)
def test_what_cannot_be_verified_is_said(call, arguments, words):
    result = call("verify", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_show_writes_a_handout_and_pictures_in_turn(call, tmp_path):
    assert call("show", *OPERATOR, "--wrt", "w", "-o", tmp_path / "h.tex").exit_code == 0
    assert "The gradient by w, step by step" in (tmp_path / "h.tex").read_text(encoding="utf-8")
    assert call("show", *OPERATOR, "--picture", "--animate", "-o", tmp_path / "a.svg").exit_code == 0
    assert "@keyframes" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert call("show", *OPERATOR, "--picture", "--at", "c=1", "-o", tmp_path / "c.svg").exit_code == 0
    assert "gx at n=0, c=1" in (tmp_path / "c.svg").read_text(encoding="utf-8")
    wrongs = (("--animate",), ("--at", "c=1"), ("--frames", "-o", tmp_path / "x.tex"), ("--picture", "--at", "c"),
              ("--picture", "--frames", "--animate"))  # fmt: skip
    for wrong in wrongs:
        refused = call("show", *OPERATOR, *wrong)
        assert refused.exit_code == 2
        assert any(words in refused.output for words in ("--picture", "one of them", "--at f=1"))


@pytest.mark.parametrize(
    ("arguments", "name", "words"),
    [
        (("--picture",), "x.pdf", "a picture is SVG, -o x.svg; 'x.pdf' is called .pdf; leave out --picture for"),
        (("--picture", "--wrt", "w"), "x.TEX", "a picture is SVG"),
        (("--picture",), "x.png", "a picture is SVG"),
        ((), "x.svg", "x.pdf or x.tex; 'x.svg' is called .svg; add --picture"),
        ((), "x.md", "a page is HTML, -o x.html"),
    ],
)
def test_show_writes_nothing_into_a_file_of_another_kind(call, tmp_path, arguments, name, words):
    (tmp_path / name).write_text("mine")
    refused = call("show", *OPERATOR, *arguments, "-o", tmp_path / name)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert words in refused.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_show_without_latex_says_how_to_get_it_and_writes_nothing(call, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = call("show", *OPERATOR, "-o", tmp_path / "h.pdf")
    assert refused.exit_code == 2
    assert "texlive-pictures" in refused.output
    assert not list(tmp_path.iterdir())
