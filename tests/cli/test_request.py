"""What cannot be asked for: status 2 and one message that says what to do."""

from __future__ import annotations

import pytest

from symconv.commands.request import requested
from symconv.ops.registry import conv1d, conv2d, max_pool1d, operator

FORMULA = "y[n,f,i] = sum[c,p](x[n,c,i+p-1]*w[f,c,p])"

WRONG = [
    (["derive", "conv7d"], "there is no operator 'conv7d'; did you mean conv"),
    (["derive", "blah"], "there is no operator 'blah'; OP is a name"),
    (["derive", "missing.toml"], "'missing.toml': the spec file cannot be read"),
    (["derive", "conv1d", "--wrt", "q"], "--wrt is one of x, w"),
    (["derive", "conv1d", "--stride", "0"], "stride is an integer from 1"),
    (["derive", "conv1d", "--stride", "2,1"], "stride names 2 axes, wanted 1"),
    (["derive", "conv1d", "--groups", "0"], "groups is an integer from 1"),
    (["derive", "conv1d", "--extents", "i=3"], "conv1d does not take --extents; it takes --stride, --padding"),
    (["derive", "conv1d", "--border", "reflct"], "did you mean 'reflect'?"),
    (["derive", "conv1d", "--border", "nan"], "border is a finite number"),
    (["derive", "conv1d", "--layout", "NWHC"], "layout is one of NCHW, NHWC"),
    (["derive", "conv1d", "--padding", "1:2:3"], "is none of 1, 1,2 (per axis), 1:0,2:1"),
    (["derive", "conv1d", "--stride", "two"], "'two' is not an integer"),
    (["derive", FORMULA, "--stride", "2"], "a formula does not take --stride: write it into the index"),
    (["derive", FORMULA, "--dilation", "2"], "a formula does not take --dilation: write it into the index"),
    (["derive", FORMULA, "--groups", "2"], "a formula does not take --groups: write a group index"),
    (["derive", FORMULA, "--bias"], "a formula does not take --bias: add the term"),
    (["derive", FORMULA, "--flip"], "a formula does not take --flip"),
    (["derive", FORMULA, "--layout", "NHWC"], "a formula does not take --layout"),
    (["derive", FORMULA, "--extents", "i"], "is not an index and its extent"),
    (["derive", FORMULA, "--kinks", "max"], "'max' is not a function and its convention, as in max=share"),
    (["derive", FORMULA, "--kinks", "max=both"], "at the kink of max one can choose first, share; given 'both'"),
    (["derive", FORMULA, "--params", "t=much"], "'t=much' is not a name and a number, as in t=0.5"),
    (["derive", "conv1d", "--kinks", "max=share"], "conv1d does not take --kinks"),
    (["derive", "y[n,i] = sum[p](x[n,i+p]*w[p)"], "expected ']' to close '['"),
    (["derive", "max_pool1d"], "max_pool1d needs --kernel"),
    (["run", "conv1d", "--dtype", "float16"], "'float16' is not one of 'float32', 'float64'"),
    (["run", "conv1d", "--threads", "0"], "threads"),
    (["run"], "Missing argument 'OP'"),
    (["frobnicate"], "No such command 'frobnicate'"),
    (["derive", "conv1d", "--strid", "2"], "No such option"),
    (["generate"], "OP is wanted, or --all"),
    (["generate", "conv1d", "--check"], "--check goes with --all"),
    (["generate", "conv1d", "--all"], "--all takes no OP"),
    (["bench"], "OP is wanted"),
    (["bench", "conv1d"], "--shape is wanted for x, w"),
    (["bench", "conv1d", "--shape", "x=1,2"], "--shape is wanted for w"),
    (["bench", "conv1d", "--shape", "x=1,b"], "is not a tensor and its shape"),
    (["bench", "conv1d", "--suite", "devset"], "leave out OP, --shape"),
    (["verify", "conv1d", "--source", "missing.pyx"], "cannot read the kernel 'missing.pyx'"),
    (["run", "conv1d", "-o", "/dev/null/folder"], "cannot create the folder '/dev/null/folder'"),
    (["generate", "conv1d", "-o", "/dev/null/file.pyx"], "cannot write '/dev/null/file.pyx'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(a)[:40] for a, _ in WRONG])
def test_what_cannot_be_done_is_said(arguments, message, call):
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith("symconv: ")


def test_a_caret_stays_under_what_is_wrong(call):
    formula, caret = call("derive", "y[n,i] = foo(x[n,i])").stderr.splitlines()[1:3]
    assert formula[caret.index("^") :].startswith("foo")


def test_options_reach_the_operator():
    assert requested("conv1d", {"stride": 2, "padding": "same", "bias": True}) == conv1d(
        stride=2, padding="same", bias=True
    )
    settings = {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "groups": 2, "border": -1.5, "layout": "NHWC"}
    assert requested("conv2d", settings) == conv2d(**settings)
    assert requested(FORMULA, {"extents": (("i", "L"),), "border": "circular"}).output_shape(
        x=(1, 2, 5), w=(3, 2, 3)
    ) == (1, 3, 5)


def test_what_is_said_by_name_reaches_the_operator(call):
    assert requested("max_pool1d", {"kernel": 2, "kinks": (("max", "share"),)}) == max_pool1d(2, kinks={"max": "share"})
    settings = {"kinks": (("relu", "half"),), "params": (("t", 0.5),), "surrogate": (("w", "x - w"),)}
    formula = "y[n,f,i] = sum[c,p](relu(t*x[n,c,i+p]*w[f,c,p]))"
    assert requested(formula, settings) == operator(formula, **{name: dict(said) for name, said in settings.items()})
    derived = call("derive", formula, "--wrt", "w", "--params", "t=0.5", "--surrogate", "w=x - w").stdout
    assert "surrogate" in derived


def test_a_spec_file_says_everything_itself(tmp_path, call):
    spec = tmp_path / "adder.toml"
    spec.write_text('formula = "y[n,f,i] = -sum[c,p](abs(x[n,c,i+p-1] - w[f,c,p]))"')
    assert requested(str(spec), {}).name == "adder"
    result = call("derive", spec, "--padding", "1")
    assert result.exit_code == 2
    assert "a spec file does not take --padding" in result.stderr
