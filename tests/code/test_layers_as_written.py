"""Pairs of functions as people write them: what the forward function leaves open makes no gradient wrong."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

import symconv as sc

PAIRS = {
    "relu": ("np.maximum(0, x)", "dout * (x > 0)", True),
    "relu_from_0": ("np.maximum(x, 0)", "dout * (x >= 0)", True),
    "relu_from_1": ("np.maximum(x, 0)", "dout * (x > 1)", False),
    "relu6": ("np.minimum(np.maximum(x, 0), 6)", "dout * (x > 0) * (x < 6)", True),
    "inside": ("np.clip(x, -1, 1)", "dout * (np.abs(x) < 1)", True),
    "up_to_the_ends": ("np.clip(x, -1, 1)", "dout * ((x >= -1) & (x <= 1))", True),
    "one_end_moved": ("np.clip(x, -1, 1)", "dout * ((x > -1) & (x <= 2))", False),
    "hinge": ("np.maximum(0, 1 - x)", "-dout * (x < 1)", True),
    "hinge_without_sign": ("np.maximum(0, 1 - x)", "dout * (x < 1)", False),
    "huber": ("np.where(np.abs(x) < 1, 0.5 * x * x, np.abs(x) - 0.5)",
              "dout * np.where(np.abs(x) < 1, x, np.sign(x))", True),
    "huber_without_sign": ("np.where(np.abs(x) < 1, 0.5 * x * x, np.abs(x) - 0.5)",
                           "dout * np.where(np.abs(x) < 1, x, 1)", False),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_functions_with_kinks(name: str) -> None:
    forward, backward, right = PAIRS[name]
    code = f"""
import numpy as np
def layer_forward(x):
    return {forward}, x
def layer_backward(dout, x):
    return {backward}
"""
    space: dict[str, object] = {}
    exec(compile(code, name, "exec"), space)  # noqa: S102
    x = np.arange(-9.5, 10, 0.25).reshape(2, 1, 3, 13) + 1 / 16
    run, back = space["layer_forward"], space["layer_backward"]
    assert callable(run)
    assert callable(back)
    slope = (run(x + 1e-6)[0] - run(x - 1e-6)[0]) / 2e-6
    assert np.allclose(back(np.ones_like(x), x), slope, atol=1e-6) == right
    found = sc.check(code)
    assert found.holds is True if right else found.holds is not True


def checked(text: str, name: str | None = None, **given: object) -> dict[str, bool | None]:
    found = sc.check("import numpy as np\nimport torch\n" + textwrap.dedent(text), name, **given)  # type: ignore[arg-type]
    return {tensor: proof.holds for tensor, proof in found.items()}


SCALE = """
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, s):
        ctx.save_for_backward(x, s)
        return x * s
    @staticmethod
    def backward(ctx, g):
        x, s = ctx.saved_tensors
        return g * s, (g * x).sum({axis})
"""


def test_a_saved_tensor_is_no_number_whatever_it_is_called() -> None:
    assert checked(SCALE.format(axis="0")) == {"x": True, "s": True}
    assert checked(SCALE.format(axis="1")) == {"x": True, "s": False}
    with pytest.raises(sc.SpecError, match="s was taken for a number, and line"):
        checked(SCALE.format(axis="0").replace("save_for_backward(x, s)", "save_for_backward(x)"))


def test_the_number_of_axes_is_read_from_the_docstring() -> None:
    text = '''
    def scale_forward(x, s):
        """Scale rows.

        - x: Input of shape (N, D)
        - s: Factors, of shape (D,)
        """
        return x * s, (x, s)
    def scale_backward(dout, cache):
        x, s = cache
        ds = dout * x
        return dout * s, {ds}
    '''
    assert checked(text.replace("{ds}", "ds.sum(axis=0)")) == {"x": True, "s": True}
    assert checked(text.replace("{ds}", "ds")) == {"x": True, "s": False}


def test_attention_is_scaled_by_roots_of_sizes() -> None:
    text = """
    def scores_forward(q, k):
        return torch.einsum("bid,bjd->bij", q, k) / q.shape[-1] ** 0.5, (q, k)
    def scores_backward(g, cache):
        q, k = cache
        s = q.shape[-1] ** -0.5
        return torch.bmm(g, k) * s, torch.bmm(g.transpose(1, 2), q) {by} s
    """
    assert checked(text.replace("{by}", "*")) == {"q": True, "k": True}
    assert checked(text.replace("{by}", "/")) == {"q": True, "k": False}


def test_layers_made_of_layers() -> None:
    text = """
    def affine_forward(x, w, b):
        return x.reshape(x.shape[0], -1).dot(w) + b, (x, w, b)
    def affine_backward(dout, cache):
        x, w, b = cache
        return dout.dot(w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T.dot(dout), dout.sum(axis=0)
    def relu_forward(x):
        return np.maximum(0, x), x
    def relu_backward(dout, cache):
        return dout * (cache > 0)
    def affine_relu_forward(x, w, b):
        a, fc_cache = affine_forward(x, w, b)
        out, relu_cache = relu_forward(a)
        return out, (fc_cache, relu_cache)
    def affine_relu_backward(dout, cache):
        fc_cache, relu_cache = cache
        return affine_backward({da}, fc_cache)
    """
    right = text.replace("{da}", "relu_backward(dout, relu_cache)")
    assert checked(right, "affine_relu") == {"x": True, "w": True, "b": True}
    assert True not in checked(text.replace("{da}", "dout"), "affine_relu").values()


def test_a_bias_is_a_vector_even_where_its_gradient_is_not() -> None:
    text = """
    def shift_forward(x, b):
        return x + b, None
    def shift_backward(dout, cache):
        return dout, {db}
    """
    assert checked(text.replace("{db}", "dout.sum(axis=0)")) == {"x": True, "b": True}
    assert checked(text.replace("{db}", "dout"))["b"] is False


def test_attention_and_recurrent_cells() -> None:
    text = """
    def attention_forward(q, k, v):
        s = q @ k.T / np.sqrt(q.shape[-1])
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        return p @ v, (q, k, v, p)
    def attention_backward(dout, cache):
        q, k, v, p = cache
        d = q.shape[-1]
        dp = dout @ v.T
        ds = p * (dp - (dp * p).sum(axis=1, keepdims=True))
        return ds @ k / np.sqrt(d), ds.T @ q{root}, p.T @ dout
    """
    assert checked(text.replace("{root}", " / np.sqrt(d)")) == {"q": True, "k": True, "v": True}
    assert checked(text.replace("{root}", "")) == {"q": True, "k": False, "v": True}
    text = """
    def step_forward(x, h, wx, wh, b):
        nh = np.tanh(x.dot(wx) + h.dot(wh) + b)
        return nh, (x, h, wx, wh, nh)
    def step_backward(dnext_h, cache):
        x, h, wx, wh, nh = cache
        d = dnext_h * (1 - {kept} * nh)
        return d.dot(wx.T), d.dot(wh.T), x.T.dot(d), h.T.dot(d), d.sum(axis=0)
    """
    assert checked(text.replace("{kept}", "nh")) == dict.fromkeys(("x", "h", "wx", "wh", "b"), True)
    assert not any(checked(text.replace("{kept} * ", "")).values())


@pytest.mark.parametrize(("axis", "right"), [(1, True), (0, False)])
def test_a_softmax_that_subtracts_its_maximum_is_one(axis: int, right: bool) -> None:
    text = """
    def softmax_forward(x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return p, p
    def softmax_backward(dout, p):
        return p * (dout - (dout * p).sum(axis={axis}, keepdims=True))
    """
    assert checked(text.replace("{axis}", str(axis))) == {"x": right}


@pytest.mark.parametrize(("op", "right"), [("/", True), ("*", False)])
def test_a_logarithm_of_a_sum_of_exponentials(op: str, right: bool) -> None:
    text = """
    def lse_forward(x):
        m = x.max(axis=1, keepdims=True)
        s = np.exp(x - m).sum(axis=1, keepdims=True)
        return np.log(s) + m, (x, m, s)
    def lse_backward(dout, cache):
        x, m, s = cache
        return dout * np.exp(x - m) {op} s
    """
    assert checked(text.replace("{op}", op)) == {"x": right}


def test_the_largest_of_sums_is_refused_in_words() -> None:
    with pytest.raises(sc.SpecError, match="max of sums"):
        checked("""
    def top_forward(q, k):
        s = q @ k.T
        return s - s.max(axis=1, keepdims=True), (q, k)
    def top_backward(dout, cache):
        q, k = cache
        return dout @ k, dout.T @ q
    """)


def test_masked_elements_are_scaled() -> None:
    text = """
    def leaky_forward(x):
        return np.where(x > 0, x, 0.1 * x), x
    def leaky_backward(dout, x):
        dx = dout.copy()
        dx[x <= 0] {op}= 0.1
        return dx
    """
    assert checked(text.replace("{op}", "*")) == {"x": True}
    assert checked(text.replace("{op}", "/")) == {"x": False}


@pytest.mark.parametrize(("place", "holds"), [("n - 1 - i", False), ("i", True)])
@pytest.mark.parametrize("added", ["i", "np.exp(i)", "i * i"])
def test_the_index_of_a_loop_differs_from_cell_to_cell(added: str, place: str, holds: bool) -> None:
    found = sc.prove(sc.operator("y[i] = 2*x[i]"), code=f"""
import numpy as np
def backward(dy):
    n = dy.shape[0]
    dx = 2 * dy
    for i in range(n):
        dx[i] += {added}
    for i in range(n):
        dx[{place}] -= {added}
    return dx
""")  # fmt: skip
    assert found.holds is holds


def test_numbers_that_a_layer_does_not_take_are_said() -> None:
    found = sc.check("""
import numpy as np
def pick_forward(x, stride):
    if stride > 1:
        return np.sort(x), stride
    return 2 * x, stride
def pick_backward(dout, stride):
    return 2 * dout
""")
    assert found.holds is True
    assert found.unread
    assert "not decided: with stride = 2" in found.text()


AUTOGRAD = """
class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x * w
    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        dx, dw = g * w, g * x
        {ends}
"""


@pytest.mark.parametrize(("ends", "right"), [
    ("return dx, dw", True), ("return dw, dx", False), ("out = dx, dw; return out", True),
    ("out = dw, dx; return out", False), ("return pair(dx, dw)", True), ("return pair(dw, dx)", False),
])  # fmt: skip
def test_gradients_of_an_autograd_function_are_told_by_position(ends: str, right: bool) -> None:
    helper = """
def pair(dw, dx):
    return dw, dx
"""
    assert set(checked(helper + textwrap.dedent(AUTOGRAD).replace("{ends}", ends), "Product").values()) == {right}


@pytest.mark.parametrize(("axis", "right"), [(1, True), (0, False)])
def test_the_one_gradient_of_an_autograd_function_may_be_any_expression(axis: int, right: bool) -> None:
    text = """
    class Flip(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch.flip(x, [1])
        @staticmethod
        def backward(ctx, g):
            return torch.flip(g, [{axis}])
    """
    assert checked(text.replace("{axis}", str(axis))) == {"x": right}


def test_outputs_of_an_autograd_function_are_no_cache() -> None:
    text = """
    class Two(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3
        @staticmethod
        def backward(ctx, g1, g2):
            return 2 * g1
    """
    assert checked(text) == {"x": False}
    assert checked(text.replace("2 * g1", "2 * g1 + 3 * g2")) == {"x": True}


PAIR = """
def pair_forward(x, w):
    s = x @ w
    y = np.tanh(s)
    return {returned}
def pair_backward({taken}):
    d = {first} + {second} * (1 - np.tanh(x @ w) ** 2)
    return d @ w.T, x.T @ d
"""


@pytest.mark.parametrize(("returned", "first", "second"), [
    ("s, y", "gs", "gy"), ("s, y", "dout1", "dout2"), ("[s, y]", "grad_s", "grad_y"),
])  # fmt: skip
def test_what_has_a_cotangent_is_no_cache(returned: str, first: str, second: str) -> None:
    text = PAIR.format(returned=returned, taken=f"{first}, {second}, x, w", first=first, second=second)
    assert checked(text) == {"x": True, "w": True}


def test_outputs_that_cannot_be_told_are_asked_for() -> None:
    text = PAIR.format(returned="(s, y), None", taken="ds, dy, x, w", first="ds", second="dy")
    with pytest.raises(sc.SpecError, match="several outputs, and which they are cannot be told"):
        checked(text)


def test_what_has_no_cotangent_is_kept() -> None:
    text = """
    def pair_forward(x, w):
        y = np.tanh(x @ w)
        return y, y
    def pair_backward(dy, y, x, w):
        d = dy * (1 - y ** 2)
        return d @ w.T, x.T @ d
    """
    assert checked(text) == {"x": True, "w": True}


def test_words_in_parentheses_are_no_shape() -> None:
    text = '''
    def shift_forward(x, b):
        """Adds a bias.

        Args:
            x (Tensor): the input.
            b (Tensor, optional): the bias.
        """
        return x + b, None
    def shift_backward(dout, cache):
        return dout, dout
    '''
    assert checked(text)["b"] is False
    assert checked(text.replace("(Tensor, optional)", "(N, D)").replace("(Tensor)", "(N, D)"))["b"] is True


def test_what_a_layer_returns_counts_beside_what_it_keeps() -> None:
    text = """
    class Twice:
        def forward(self, x):
            return x * 2
        def backward(self, dout):
            self.dx = dout * 2
            return {value}
    """
    assert checked(text.replace("{value}", "self.dx")) == {"x": True}
    assert checked(text.replace("{value}", "self.dx * 2")) == {"x": False}


def test_outputs_among_the_parameters_are_no_cotangents() -> None:
    op = sc.operator("y[n,i] = exp(x[n,i]); z[n,i] = 2*x[n,i]", outputs=("y", "z"))
    for parameters in ("y, z, dy, dz, x", "dy, dz, y, x"):
        try:
            found = sc.prove(op, code=f"def backward({parameters}):\n    return dy*y + 2*dz\n", returns=("x",))
        except sc.SpecError:
            continue
        assert found.holds is True
