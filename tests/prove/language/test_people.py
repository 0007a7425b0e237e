"""The names and the calls of people: what each of them means, and the nearest word to what is not known."""

from __future__ import annotations

import pytest

import symconv as sc
from symconv.errors import SpecError

NAMES = [
    "dx = F.conv_transpose2d(dout, w, None, 1, 0)",
    "grad_x == torch.conv_transpose2d(grad_output, weight)",
    "grad_input := torch.nn.functional.conv_transpose2d(grad_out, kernel, stride=1)",
    "dL_dx = conv_transpose2d(dy, w)",
    "dL/dx = conv_transpose2d(dL/dy, w)",
    "∂L/∂x = conv_transpose2d(∂L/∂y, w)",
    "x.grad = F.conv_transpose2d(y.grad, w)",
    "d_x = conv_transpose2d(delta, filters)",
    "dw = swap(conv2d(swap(x,0,1), swap(dy,0,1)),0,1)",
    "grad_weight = F.conv2d(input.transpose(0,1), grad_output.transpose(0,1)).transpose(0,1)",
    "weight.grad = F.conv2d(X.transpose(0,1), out.grad.transpose(0,1)).transpose(0,1)",
    "db = grad_output.sum((0,2,3))",
    "grad_bias = dout.sum(dim=(0,2,3))",
    "out = F.conv2d(x, w, b)",
    "output = F.conv2d(input, weight, bias, 1, 0, 1, 1)",
    "dx[n,c,u,v] = sum[f,p,q](dout[n,f,u-p,v-q]*weight[f,c,p,q])",
    "dw[f,c,p,q] = sum[n,i,j](dout[n,f,i,j]*x[n,c,i+p,j+q])",
    "dx = conv_transpose2d(dout, w)[:, :, 0:H_out+HH-1, :]",
]


@pytest.mark.parametrize("text", NAMES)
def test_a_claim_in_other_names_is_the_same_claim(text: str) -> None:
    proof = sc.prove(sc.conv2d(bias=True), text)
    assert proof.holds, str(proof)
    assert proof.claim.side in {"gx", "gw", "gb", "y"}


def test_the_operators_own_names_go_first() -> None:
    op = sc.operator("y[n,i] = input[n,i]*dx[n,i]")
    assert sc.prove(op, "gdx = gy*input").holds
    assert sc.prove(op, "ginput = gy*dx").holds
    assert sc.prove(op, "grad_dx = dout*input").holds


def test_positional_arguments_stand_in_the_order_of_the_library() -> None:
    op = sc.conv2d(stride=2, padding=1, dilation=2, groups=2)
    assert sc.prove(op, "y = F.conv2d(x, w, None, 2, 1, 2, 2)").holds
    assert sc.prove(op, "dx = F.conv_transpose2d(dy, w, None, 2, 1, (H+2*p-d*(K-1)-1)%s, 2, 2)").holds
    assert not sc.prove(op, "dx = F.conv_transpose2d(dy, w, None, 2, 1, 0, 2, 2)", explain=False).holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dz = x", r"dz is not computed by conv2d\(\); did you mean d\w"),
        ("dx = douut", "no array of this operator; did you mean"),
        ("dx = conv2(dy, w)", r"did you mean 'conv'\? There are windows: conv"),
        ("dx = F.conv2d(x, w, None, 1, 0, 1, 1, 5)", "takes at most 7 arguments: input, weight, bias, stride"),
        ("dx = F.conv2d(x, w, None, 1, stride=2)", "stride is given twice"),
        ("dx = scipy.signal.convolve2d(x, w, 'full', 'wrap')", "boundary"),
        ("dx = conv2d(x, w, padding=padd)", r"padd is unknown"),
    ],
)
def test_what_is_not_known_is_answered_with_the_nearest(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        sc.prove(sc.conv2d(), text)
