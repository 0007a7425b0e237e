"""What is said beside a formula: whole numbers by name, sizes that no tensor tells, and one spelling for both doors."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from click.testing import CliRunner

import symconv as sc
from symconv.cli import cli
from symconv.commands.request import requested
from symconv.verify import reference

FREE = "y[n,c,i] = max[p](x[n,c,2*i+p-1])"


def test_a_window_without_a_weight_has_a_size_of_its_own() -> None:
    op = sc.operator(FREE, extents={"p": "K"}, border="skip")
    assert op.tensors == ("x", "K")
    x = np.random.default_rng(0).integers(-9, 10, (2, 2, 9))
    with pytest.raises(sc.SpecError, match="no tap"):
        op.output_shape(x=x.shape, K=1)
    for taps in (2, 4):
        starts = [2 * i - 1 for i in range(op.output_shape(x=x.shape, K=taps)[2])]
        want = [[[max(row[u] for u in range(i, i + taps) if 0 <= u < 9) for i in starts] for row in im] for im in x]
        assert reference.evaluate(op, {"x": x, "K": np.zeros(taps, np.int32)}).tolist() == want
    with pytest.raises(sc.SymconvError, match="K is a size"):
        sc.derive(op, "K")
    proof = sc.prove(sc.operator("y[n,i] = sum[p<K](x[n,i+p])"), "gx[n,u] = sum[p<K](gy[n,u-p])", explain=False)
    assert proof.holds


@pytest.mark.full
def test_a_kernel_takes_the_size_as_a_number() -> None:
    op = sc.operator(FREE, extents={"p": "K"})
    kernel = sc.build(op, dtype="float64")
    x = np.random.default_rng(1).integers(-9, 10, (2, 2, 9)).astype(float)
    for taps in (2, 3):
        fixed = sc.build(sc.operator(FREE, extents={"p": taps}), dtype="float64")
        y = kernel.forward(x, taps)
        assert (y == fixed.forward(x)).all()
        assert (kernel(x, K=taps) == y).all()
        assert (kernel.backward(y, x, taps).x == fixed.backward(y, x).x).all()
    assert sc.build(op, sizes={"x": x.shape, "K": 3}, dtype="float64").forward(x, 3).shape == (2, 2, 5)
    for wrong in (0, True, 2.0, "3"):
        with pytest.raises(sc.SpecError, match="K is a whole number"):
            kernel.forward(x, wrong)
    assert sc.verify(op)


def test_whole_numbers_by_name_stand_in_indices_and_bounds() -> None:
    one = sc.operator("y[n,f,i] = sum[c,p](x[n,c,s*i+d*p-q]*w[f,c,p])", params={"s": 2, "d": 3, "q": 1})
    other = sc.operator("y[n,f,i] = sum[c,p](x[n,c,2*i+3*p-1]*w[f,c,p])")
    assert one.statements == other.statements
    assert sc.operator("y[i] = max[p<k](x[s*i+p])", params={"k": 3, "s": 2}).output_shape(x=(9,)) == (4,)
    with pytest.raises(sc.SpecError, match="s is 1/2"):
        sc.operator("y[i] = x[s*i]", params={"s": 0.5})
    with pytest.raises(sc.SpecError, match="a whole number that is given at build"):
        sc.build(sc.operator("y[i] = x[s*i]", params={"s": None}))
    with pytest.raises(sc.SpecError, match=r"params=\{'s': 2\}"):
        sc.operator("y[i] = x[s*i]")


def test_what_else_holds_of_sizes_is_said_of_several_equations_too() -> None:
    op = sc.operator("z[n,i] = x[n,2*i]; y[n,i] = sum[p](z[n,i+p]*w[p])", where={"K": "<= 2", "L": "> 2*K"})
    assert op.output_shape(x=(1, 9), w=(2,)) == (1, 4)
    for sizes in ({"x": (1, 9), "w": (3,)}, {"x": (1, 4), "w": (2,)}):
        with pytest.raises(sc.SpecError, match="the operator is stated for"):
            op.output_shape(**sizes)
    with pytest.raises(sc.SpecError, match="no axis has the size Q"):
        sc.operator("z[n,i] = x[n,2*i]; y[n,i] = sum[p](z[n,i+p]*w[p])", where={"Q": "<= 2"})


def test_a_tap_may_be_an_index_of_the_output() -> None:
    op = sc.operator("y[n,i,j,p,q] = x[n,2*i+p-1,j+q]", extents={"p": 3, "q": 2})
    x = np.arange(40).reshape(1, 5, 8)
    y = reference.evaluate(op, {"x": x})
    assert y.shape == (1, 3, 7, 3, 2)
    for _, i, j, p, q in np.ndindex(y.shape):
        row = 2 * i + p - 1
        assert y[0, i, j, p, q] == (x[0, row, j + q] if 0 <= row < 5 else 0)


def test_what_the_command_line_takes_python_takes_and_the_reverse(tmp_path) -> None:
    assert sc.operator("conv2d", stride=2) == requested("conv2d", {"stride": 2})
    file = tmp_path / "layer.py"
    file.write_text("def forward(x, w):\n    return x @ w\nraise SystemExit\n")
    assert sc.operator(f"{file}:forward") == requested(f"{file}:forward", {})
    spec = tmp_path / "layer.toml"
    spec.write_text('formula = "y[i] = x[i]**2"')
    assert sc.operator(str(spec)) == requested(str(spec), {})
    assert sc.operator("y[i] = a*x[i]", params={"a": "?"}).tensors == ("a", "x")
    source = "y[n,i] = sum[p<3](x[n,i+p-1]*v[n,i+p-1]) + t"
    options = ["--border", "x=reflect,v=0", "--params", "t=1/3", "--called", "layer", "--wrt", "x"]
    done = CliRunner().invoke(cli, ["derive", source, *options])
    assert done.exit_code == 0, done.output
    wanted = sc.operator(source, border={"x": "reflect", "v": 0}, params={"t": Fraction(1, 3)}, name="layer")
    assert str(sc.derive(wanted, "x")) in done.output
    for name, options, said in (
        ("y[n,i] = x[n,i]", {"stride": "s"}, "write it into the index"),
        ("conv2d", {"foo": 1}, "conv2d does not take foo"),
        ("max_pool2d", {}, "max_pool2d needs kernel"),
    ):
        with pytest.raises(sc.SpecError, match=said):
            sc.operator(name, **options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["y[i] = sum[p](x[i+p])"], "say --extents p=..."),
        (["y[i] = a*x[i]"], "--params a=..."),
        (["y[i] = x[i]", "--groups", "2"], "with --extents g=2"),
        (["y[i] = x[s*i]"], "--params s=2"),
        (["y[i] = x[s*i]", "--params", "s=?"], "--params s=2"),
        (["y[n,i] = sum[p](x[n,i-p]*w[p])"], "say --extents i=L (as long as the input, causal)"),
        (["y[n,i] = sum[p](x[n,i+p-1]*w[p])", "--padding", "same"], "--padding same chooses the low pad"),
    ],
)
def test_the_command_line_speaks_of_its_options(arguments, said) -> None:
    done = CliRunner().invoke(cli, ["derive", *arguments])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
