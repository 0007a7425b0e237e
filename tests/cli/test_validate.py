"""``symconv validate``: what is proved of the loop nests, and the exit status."""

from __future__ import annotations


def test_the_kernels_are_proved(call) -> None:
    done = call("validate", "conv2d", "--stride", 2, "--padding", 1)
    assert done.exit_code == 0
    for name in ("y", "gx", "gw"):
        assert f"{name}: proved for all sizes" in done.output
    assert "no two threads write one cell" in done.output


def test_a_formula(call) -> None:
    done = call("validate", "y[n,i] = max[p](x[n,2*i+p-1]*w[p])", "--dtype", "float64")
    assert done.exit_code == 0
    assert "gw: proved for all sizes" in done.output


def test_an_unusable_request(call) -> None:
    assert call("validate", "conv9d").exit_code == 2
