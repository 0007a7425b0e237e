"""``symconv prove``: its answers and their exit statuses."""

from __future__ import annotations

from itertools import product


def test_true_is_0(call):
    done = call("prove", "conv2d", "--claim", "gx = conv_transpose(gy, w)")
    assert done.exit_code == 0
    assert "true: gx = conv_transpose(gy, w)" in done.output


def test_false_is_1_with_the_condition(call, tmp_path):
    report = tmp_path / "proof.html"
    done = call("prove", "conv2d", "--padding", 1, "--claim", "gx = conv2d(gy, flip(w), padding=1)", "-o", report)
    assert done.exit_code == 1
    assert "fails when C ≥ 2 or F ≥ 2 or KH ≠ 3 or KW ≠ 3" in done.output
    assert "proved instead: gx = conv2d(gy, " in done.output
    assert "<svg" in report.read_text(encoding="utf-8")


def test_unusable_is_2(call):
    assert call("prove", "conv2d", "--claim", "gx = conv2d(gy").exit_code == 2
    assert call("prove", "conv2d").exit_code == 2
    assert call("prove", "conv2d", "--claim", "gx = gy", "--for", "stride").exit_code == 2
    assert call("prove", "conv2d", "--claim", "gx = gy", "--for", "stride=1..9999").exit_code == 2


def test_an_unusable_family_is_2_at_once(call):
    claim = ("prove", "conv2d", "--claim", "gx = conv_transpose(gy, w, stride=s, padding=p)")
    for family, words in {
        "stride=1..20000000": "20000000 cases",
        f"stride=1..{10**30}": "is not of the form",
        f"stride=1..{10**12}": "cases",
        "stride=0..3": "with stride 0 is valid",
        "stride=1..2,dilation=0..1": "with dilation 0 is valid",
        "stride=1..2,stride=3": "stride is given twice",
    }.items():
        done = call(*claim, "--for", family)
        assert done.exit_code == 2, done.output
        assert words in done.output + done.stderr
    assert call(*claim, "--for", "stride=1..2", "--stride", 2).exit_code == 2


def test_a_member_that_is_no_operator_is_a_row(call):
    claim = "gx = conv_transpose(gy, w, stride=s, padding=p, output_padding=0)"
    family = (
        "prove",
        "conv_transpose1d",
        "--claim",
        claim,
        "--stride",
        2,
        "--for",
        "output_padding=0..1,dilation=1..2",
    )
    assert call(*family).exit_code in {1, 3}


def test_undecided_is_3(call):
    done = call("prove", "y[i] = sin(x[i])", "--claim", "y = 2*sin(x/2)*cos(x/2)")
    assert done.exit_code == 3
    assert "undecided" in done.output


def test_a_family_is_a_table(call):
    family = "stride=1..2,padding=0..1"
    done = call("prove", "conv1d", "--claim", "gx = conv_transpose(gy, w, stride=s, padding=p)", "--for", family)
    assert done.exit_code == 1
    assert done.output.count(" yes ") == 2
    assert done.output.count("mod s ≠ 0") == 2
    assert "holds iff s = 1 or (L + 2p − d(K − 1) − 1) mod s = 0" in done.output
    assert (
        "proved instead in every case: gx = conv_transpose(gy, w, stride=s, padding=p, output_padding=" in done.output
    )
    assert "2 of 4" in done.output
    spread = call(
        "prove", "conv1d", "--claim", "gx = conv_transpose(gy, w, stride=s, padding=p)", "--for", family, "--jobs", 2
    )
    assert (spread.stdout, spread.exit_code) == (done.stdout, 1)
    assert call("prove", "conv1d", "--claim", "gx = gy", "--jobs", 2).exit_code == 2
    right = "gx = conv_transpose(gy, w, stride=s, padding=p, output_padding=(L+2*p-(K-1)-1)%s)"
    assert call("prove", "conv1d", "--claim", right, "--for", family).exit_code == 0


FUNCTION = """
import numpy as np
def forward(x, w, stride):
    y = np.zeros((x.shape[0], (x.shape[1] - len(w)) // stride + 1))
    for i in range(y.shape[1]):
        y[:, i] = x[:, i*stride:i*stride+len(w)] @ w
    return y
"""


def test_the_numbers_of_a_formula_a_spec_file_and_a_function_are_a_family(call, tmp_path):
    file, code = tmp_path / "layer.toml", tmp_path / "layer.py"
    file.write_text('formula = "y[n,i] = sum[p](x[n,stride*i+p]*w[p])"\nparams = { stride = "int" }\n')
    code.write_text(FUNCTION)
    claim = ("--claim", "gw[p] = sum[n,i](gy[n,i]*x[n,2*i+p])")
    for op, name in {
        str(file): "stride",
        f"{code}:forward": "stride",
        "y[n,i] = sum[p](x[n,stride*i+p]*w[p])": "stride",
        "y[n,i] = sum[p](x[n,where*i+p]*w[p])": "where",
    }.items():
        done = call("prove", op, *claim, "--for", f"{name}=1..3")
        assert done.exit_code == 1, (op, done.output, done.stderr)
        rows = [line.split()[:2] for line in done.output.splitlines() if line[:1].isdigit()]
        assert rows == [["1", "no"], ["2", "yes"], ["3", "no"]], op
    formula = "y[n,i] = sum[p](x[n,2*i+p]*w[p])"
    for op, family, words in (
        (str(file), "s=1..3", "s is none of the numbers that the file leaves open (stride)"),
        (formula, "z=1..3", "params names 'z', which the formula does not use"),
        (formula, "stride=1..3", "a formula does not take --stride: write it into the index"),
        (formula, "where=1..3", "--for gives whole numbers, and --where takes none"),
        ("conv1d", "bias=0..1", "bias is True or False; given 0"),
        ("conv1d", "s=1..2", "conv1d does not take --s"),
    ):
        done = call("prove", op, *claim, "--for", family)
        assert (done.exit_code, words in done.stderr) == (2, True), done.stderr


def test_three_parameters_have_a_rule_that_is_true_of_each_case(call):
    claim = "gx = conv_transpose(gy, w, stride=s, padding=p)"
    done = call("prove", "conv1d", "--claim", claim, "--for", "stride=1..3,padding=0..1,dilation=1..2")
    assert "holds iff (s = 1 or (L + 2p − d(K − 1) − 1) mod s = 0) and (d = 1 or K = 1)" in done.stdout
    for s, p, d in product((1, 2, 3), (0, 1), (1, 2)):
        for length, taps in product(range(1, 9), range(1, 4)):
            reach = d * (taps - 1) + 1
            if length + 2 * p < reach:
                continue
            outputs = (length + 2 * p - reach) // s + 1
            # The claim puts the tap k of window i at s*i + k - p, the gradient has it at s*i + d*k - p.
            size = (outputs - 1) * s + taps - 2 * p
            claimed = {(s * i + k - p, i, k) for i in range(outputs) for k in range(taps) if 0 <= s * i + k - p < size}
            real = {(s * i + d * k - p, i, k) for i in range(outputs) for k in range(taps)}
            right = size == length and claimed == {one for one in real if 0 <= one[0] < length}
            said = (s == 1 or (length + 2 * p - d * (taps - 1) - 1) % s == 0) and (d == 1 or taps == 1)
            assert said == right, (s, p, d, length, taps)


BACKWARD = """
import numpy as np
def backward(dy, x, w, stride=1, often=1):
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(dy.shape[1]):
        for p in range(len(w)):
            dx[:, i*often + p] += dy[:, i] * w[p]
            dw[p] += (dy[:, i] * x[:, i*stride + p]).sum()
    return dx, dw


def both(gs, gy, x, w, k):
    s = np.zeros_like(gy)
    for i in range(gy.shape[1]):
        for p in range(len(w)):
            s[:, i] += x[:, i*k + p] * w[p]
    g = gs + gy * 2 * s
    dx = np.zeros_like(x)
    for i in range(gy.shape[1]):
        for p in range(len(w)):
            dx[:, i*STEP + p] += g[:, i] * w[p]
    return dx
"""


def rows(said):
    return [line.split()[:2] for line in said.splitlines() if line[:1].isdigit()]


def test_code_is_decided_for_each_member_of_a_family(call, tmp_path):
    file = tmp_path / "layer.py"
    file.write_text(BACKWARD.replace("STEP", "k"))
    formula = "y[n,i] = sum[p](x[n,k*i+p]*w[p])"
    words = ("prove", formula, "--code", f"{file}:backward", "--arguments", "stride=k", "--for", "k=1..3")
    done = call(*words)
    assert done.exit_code == 1, done.stderr
    x, w = done.stdout.split("gw = backward(...)")
    assert rows(x) == [["1", "yes"], ["2", "no"], ["3", "no"]]
    assert rows(w) == [["1", "yes"], ["2", "yes"], ["3", "yes"]]
    assert "gx = backward(...)" in x and "holds for all sizes in 1 of 3 cases" in x and "holds iff" in x
    assert "holds for all sizes in 3 of 3 cases" in w
    right = call(*words[:-3], "stride=k, often=k", *words[-2:])
    assert right.exit_code == 0, right.output


def test_code_of_several_outputs_is_decided_for_a_family(call, tmp_path):
    file, formula = tmp_path / "layer.py", "s[n,i] = sum[p](x[n,k*i+p]*w[p]); y[n,i] = s[n,i]**2"
    for step, wanted in (("k", ["yes", "yes"]), ("1", ["yes", "no"])):
        file.write_text(BACKWARD.replace("STEP", step))
        done = call("prove", formula, "--outputs", "s,y", "--code", f"{file}:both", "--returns", "x", "--for", "k=1..2")
        assert [verdict for _, verdict in rows(done.stdout)] == wanted, done.output
        assert done.exit_code == ("no" in wanted)


def test_code_for_a_family_of_an_operator_by_name(call, tmp_path):
    file = tmp_path / "layer.py"
    file.write_text("def backward(dy, x, w, b):\n    return dy.sum((0, 2))\n")
    words = ("prove", "conv1d", "--bias", "--code", f"{file}:backward", "--returns", "b", "--for", "stride=1..2")
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert rows(done.stdout) == [["1", "yes"], ["2", "yes"]]
    assert call(*words, "--claim", "gb = gy").exit_code == 2
