"""Several outputs on torch tensors against torch's own operations: cotangents that are missing, and every mode."""

from __future__ import annotations

import pickle

import pytest

import symconv as sc
from symconv.errors import SpecError

torch = pytest.importorskip("torch")

from symconv.frameworks import torch as st  # noqa: E402

# torch's own transforms still use what torch deprecates.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:.*torch\.jit:DeprecationWarning", "ignore:.*is deprecated:FutureWarning"
)

SOURCE = """
s[n,f,i] = sum[c,p](x[n,c,2*i+p-1]*w[f,c,p])
y[n,f,i] = max(s[n,f,i], 0)
t[n,f] = sum[i](s[n,f,i]**2*v[f])
"""


@pytest.fixture(scope="module")
def function():
    return st.as_function(sc.operator(SOURCE, outputs=("s", "y", "t"), name="three"))


@pytest.fixture
def tensors():
    torch.manual_seed(0)
    shapes = ((2, 3, 8), (4, 3, 3), (4,))
    return tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)


def by_torch(x, w, v):
    s = torch.nn.functional.conv1d(x, w, None, 2, 1)
    return s, torch.relu(s), (s**2).sum(dim=2) * v


LOSSES = {
    "all": lambda s, y, t: s.sin().sum() + (y**3).sum() + (t * t.detach()).sum(),
    "one": lambda s, y, t: (y**3).sum(),
    "two": lambda s, y, t: s.sum() + (3 * t).sum(),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_outputs_and_gradients(function, tensors, loss) -> None:
    found, wanted = function(*tensors), by_torch(*tensors)
    assert found._fields == ("s", "y", "t")
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted, strict=True))
    mine = torch.autograd.grad(LOSSES[loss](*found), tensors)
    theirs = torch.autograd.grad(LOSSES[loss](*wanted), tensors, allow_unused=True)
    for a, b in zip(mine, theirs, strict=True):
        assert torch.allclose(a, torch.zeros_like(a) if b is None else b)


def test_what_is_not_differentiated_and_what_does_not_fit(function, tensors) -> None:
    x, w, v = tensors
    with torch.no_grad():
        assert not function(x, w=w, v=v).t.requires_grad
    assert torch.equal(pickle.loads(pickle.dumps(function))(x, w, v).s, function(x, w, v).s)
    with pytest.raises(SpecError, match="takes 3 tensors"):
        function(x, w)
    with pytest.raises(SpecError, match="has several outputs"):
        _ = function.op


@pytest.mark.full
def test_every_order_and_every_mode(function, tensors) -> None:
    x, w, v = tensors
    # Away from the kink of y.
    smooth = st.as_function(sc.operator(SOURCE.replace("max(s[n,f,i], 0)", "tanh(s[n,f,i])"), outputs="s,y,t"))
    assert torch.autograd.gradcheck(smooth, tensors)
    assert torch.autograd.gradgradcheck(smooth, tensors)
    w, v, many = w.detach(), v.detach(), torch.randn(3, 2, 3, 8, dtype=torch.float64)
    mine = torch.func.vmap(lambda x: tuple(function(x, w, v)))(many)
    assert all(
        torch.allclose(a, b) for a, b in zip(mine, torch.func.vmap(lambda x: by_torch(x, w, v))(many), strict=True)
    )
    along = (torch.ones_like(x),)
    _, mine = torch.func.jvp(lambda x: tuple(function(x, w, v)), (x.detach(),), along)
    _, theirs = torch.func.jvp(lambda x: by_torch(x, w, v), (x.detach(),), along)
    assert all(torch.allclose(a, b) for a, b in zip(mine, theirs, strict=True))
    layer = st.as_module(function.operator, dtype="float64", w=(4, 3, 3), v=(4,))
    assert [tuple(one.shape) for one in layer(x)] == [(2, 4, 4), (2, 4, 4), (2, 4)]
