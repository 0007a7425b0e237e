"""Names at the top of a text: a value that other lines may change is never taken for the one that is written."""

from __future__ import annotations

import ast

import pytest

import symconv as sc
from symconv.code.reading.definitions import settled_default
from symconv.code.source.program import program
from symconv.code.source.trouble import Outside
from symconv.notation.affine import affine

OP = sc.operator("y[n,i] = x[n,i]*w[i]")
BACKWARD = """
import numpy as np
import torch
{top}

def backward(gy, x, w):
    {body}
    return gy * w * S[0], (gy * x).sum(0)
"""


def holds(top: str, body: str = "pass", result: str = "S[0]") -> bool | None:
    """Whether the gradient that reads S is proved."""
    code = BACKWARD.format(top=top, body=body).replace("* S[0], (gy", f"* {result}, (gy")
    return sc.prove(OP, code=code, name="backward", explain=False)["x"].holds


@pytest.mark.parametrize(
    "top",
    [
        "S = [1]\nT = S\nT[0] = 2", "S = [1]\ndef setup(p):\n    p[0] = 2\nsetup(S)", "S = np.ones(1)\nS.view()[0] = 2",
        "S = [1]\nfor T in [S]:\n    T[0] = 2", "S = np.ones(1)\nT = np.asarray(S)\nT += 1", "S = np.ones(1)\nS.fill(2)",
        "S = np.ones(1)\nnp.copyto(S, 2)", "S = np.ones(1)\nnp.add(S, 1, out=S)", "S = np.ones(1)\nnp.add(S, 1, S)",
        "S = np.ones(1)\nS.T[0] += 1", "S = {0: 1}\nS |= {0: 2}", "S = [1]\nlist(map(lambda s: s.append(1), [S]))",
        "S = [1]\ndef f(t=S):\n    t[0] = 2\nf()", "S = [1]\nif x:\n    S = [2]", "S = [1]\nfor S in [[2]]:\n    pass",
        "S = [1]\nfor k in [2]:\n    S[0] = k", "S = [1]\ndel S",
        "S = [1]\n(S := [2])", "S = [1]\nfrom mine import S", "from mine import S", "S = [1]\nclass S:\n    pass",
        "S = torch.ones(1)\nT = +S\nT += 1", "S = 1\nT = S\nS = 2", "S = 1\ndef h(s=S):\n    return s\nS = 2",
        "S = 1\ndef h():\n    return S\nT = h()\nS = 2", "S = 1\ntry:\n    pass\nexcept E as S:\n    pass",
        "S = 1\nmatch x:\n    case [S, *_]:\n        pass",
    ],
)  # fmt: skip
def test_what_other_lines_may_change_is_not_settled(top: str) -> None:
    assert "S" in program(BACKWARD.format(top=top, body="pass")).unsettled


@pytest.mark.parametrize("top", ["S = [1]\nT = S\nT[0] = 2", "S = np.ones(1)\nS.view()[0] = 2", "from mine import S"])
def test_what_is_not_settled_is_not_proved(top: str) -> None:
    assert holds(top) is None


@pytest.mark.parametrize(
    "body",
    [
        "T = S; T[0] = 2",
        "T = S[:].view(); T += 1",
        "S[0] = 2",
        "np.add(S, 1, S)",
        "t = (S,)",
        "T = S.reshape(1); T += 1",
    ],
)
def test_what_the_function_itself_may_change_is_not_proved(body: str) -> None:
    assert "S" in program(BACKWARD.format(top="S = np.ones(1)", body=body)).unsettled
    helper = ast.parse(f"def scaled(v, S=np.ones(1)):\n    {body}\n    return v * S[0]").body[0]
    assert isinstance(helper, ast.FunctionDef)
    with pytest.raises(Outside, match="the default of S may be changed"):
        settled_default(helper, "S", [[affine(1)]], 2)


def test_a_default_that_a_function_changes_is_not_proved() -> None:
    helper = "def scaled(v, S=[1]):\n    T = [S]\n    T[0][0] += 1\n    return v * S[0]"
    assert holds(helper, "gy = scaled(gy)", "1") is None
    kept = helper.replace("T[0][0] += 1", "v = v + 0 * S[0]").replace("T = [S]", "pass")
    assert holds(kept, "gy = scaled(gy)", "1") is True


@pytest.mark.parametrize(
    ("top", "body", "result"),
    [
        ("S = [1, 2]\nprint(S, len(S))", "for s in S: gy = gy * s / s", "S[0]"), ("S = [2]\nS = [1]", "pass", "S[0]"),
        ("S = np.ones(1)\nprint(S.sum())", "pass", "S[0]"), ("S = {'a': 1}", "pass", "S['a'] * S.get('a', 1)"),
        ("S = 1\nT = S", "pass", "S"), ("S = np.ones((1, 1))", "gy = gy + 0 * np.sum(S)", "S"),
        ("try:\n    import cupy as np\nexcept ImportError:\n    import numpy as np\nS = 1", "pass", "np.ones(1)[0]"),
        ("torch.backends.cudnn.benchmark = True\nS = 1", "pass", "torch.ones(1)[0]"),
        ("from six.moves import range\nS = [1]", "for k in range(2): gy = gy * S[0]", "S[0]"),
    ],
)  # fmt: skip
def test_what_stays_is_read(top: str, body: str, result: str) -> None:
    assert holds(top, body, result) is True


@pytest.mark.parametrize(
    "line",
    [
        "np.dot = np.inner", "setattr(np, 'dot', np.inner)", "m = np\nm.dot = np.inner", "np.__dict__['dot'] = np.inner",
        "def patch(m):\n    m.dot = np.inner\npatch(np)", "import mine as np", "def np(x):\n    return x\n",
        "class np:\n    dot = 1", "import sys\nsys.modules['numpy'].dot = np.inner", "np = None", "from mine import np",
    ],
)  # fmt: skip
def test_a_library_that_is_changed_is_not_read(line: str) -> None:
    code = f"def backward(gy, x, w):\n    return np.dot(gy, w.T), np.dot(x.T, gy)\n\nimport numpy as np\n{line}\n"
    op = sc.operator("y[n,f] = sum[c](x[n,c]*w[c,f])")
    try:
        assert sc.prove(op, code=code, name="backward", explain=False).holds is None
    except sc.SpecError:
        return


def test_functions_of_unknown_modules_are_not_those_of_their_names() -> None:
    code = "from mine import relu\n\ndef s_forward(x):\n    return relu(x)\n\ndef s_backward(gy, x):\n    return gy * (x > 0)\n"
    with pytest.raises(sc.SpecError, match="relu is imported from mine, which is not read"):
        sc.check(code, explain=False)
    assert sc.check(code.replace("mine", "torch"), explain=False).holds is True


PAIR = "def s_forward(x, w):\n    return x @ w\n\ndef s_backward(gy, x, w):\n    return gy @ w.T, x.T @ gy\n"
LAYER = (
    "class L:\n    def forward(self, x, w):\n        self.x, self.w = x, w\n        return x @ w\n\n"
    "    def backward(self, gy):\n        return gy @ self.w.T, self.x.T @ gy\n"
)


@pytest.mark.parametrize(
    "code",
    [
        PAIR + "s_backward = lambda gy, x, w: (gy, gy)\n", PAIR + "s_backward = twice(s_backward)\n",
        PAIR + "s_forward = lambda x, w: x\n", PAIR + "if True:\n    def s_backward(gy, x, w):\n        return gy, gy\n",
        PAIR + "s_backward, b = 1, 2\n", PAIR + "for s_backward in []:\n    pass\n",
        PAIR + "s_backward.__code__ = s_forward.__code__\n", PAIR + "globals()['s_backward'] = 3\n",
        PAIR + "from mine import s_backward\n", PAIR + "async def s_backward(gy, x, w):\n    return gy, gy\n", PAIR + "def f():\n    global s_backward\n    s_backward = 3\n",
        LAYER + "L.backward = lambda self, gy: (gy, gy)\n", LAYER + "    backward = None\n", "@twice\n" + LAYER,
        LAYER + "    if True:\n        def backward(self, gy):\n            return gy, gy\n", LAYER + "L = wrapped(L)\n",
        LAYER + "setattr(L, 'backward', 3)\n", "class M(type): pass\n" + LAYER.replace("L:", "L(metaclass=M):"),
    ],
)  # fmt: skip
def test_a_function_that_is_bound_anew_is_refused(code: str) -> None:
    with pytest.raises(sc.SpecError, match="has several values, or one that other lines change"):
        sc.check(code, "L" if "class L" in code else "s", explain=False)


@pytest.mark.parametrize(
    "code",
    [
        LAYER + "\n    @property\n    def w(self):\n        return 2 * self.v\n",
        "class B:\n    @cached_property\n    def w(self):\n        return 2\n\n" + LAYER.replace("L:", "L(B):"),
        LAYER + "\n    def __getattr__(self, name):\n        return 2\n",
    ],
)
def test_attributes_that_methods_compute_are_refused(code: str) -> None:
    with pytest.raises(sc.SpecError, match=r"reads (w|attributes), which a method computes"):
        sc.check(code, "L", explain=False)
    assert (
        sc.check(code.replace("def w(", "def size(").replace("__getattr__", "extra"), "L", explain=False).holds is True
    )


CELL = """
import torch
x, gy = torch.randn(2, 3), torch.randn(2, 4)
w = torch.randn(3, 4, requires_grad=True)
s = 3
y = s * x @ w
{between}
gx = 3 * gy @ w.T
gw = 3 * x.T @ gy
{after}
"""


@pytest.mark.parametrize(
    ("between", "after", "why"),
    [
        ("", "gx *= 2", "line 10, which may change gx"), ("", "gx[0] = 2", "line 10, which may change gx"),
        ("", "gx.mul_(2)", "line 10, which may change gx"), ("", "t = gx.T; t += 1", "line 10, which may change gx"),
        ("", "for k in x: gw = gw + 1", "line 10, which binds gw"), ("w *= 2", "", "line 7, which may change w"),
        ("s = 2", "", "which binds s"), ("torch.add(x, x, out=x)", "", "line 7, which may change x"),
    ],
)  # fmt: skip
def test_a_cell_whose_lines_change_what_others_read_is_refused(between: str, after: str, why: str) -> None:
    with pytest.raises(sc.SpecError, match=why):
        sc.check(CELL.format(between=between, after=after), explain=False)


def test_a_cell_that_checks_and_trains_is_read() -> None:
    after = "assert torch.allclose(gw, w.grad)\nwith torch.no_grad():\n    w -= 0.1 * gw\n    w.grad.zero_()"
    assert sc.check(CELL.format(between="y.backward(gy)", after=after), explain=False).holds is True
    assert sc.check(CELL.format(between="y.backward(gy)", after=after).replace("gx = 3", "gx = 2")).holds is False


def test_a_demonstration_beside_functions_hides_no_change() -> None:
    demo = "x, w, gy = np.ones((2, 3)), np.ones((3, 4)), np.ones((2, 4))\ngx, gw = s_backward(gy, x, w)\ndw = gw * 1\n"
    assert sc.check(PAIR + demo, "s", explain=False).holds is True
    with pytest.raises(sc.SpecError, match="s_backward has several values"):
        sc.check(PAIR + "s_backward = twice(s_backward)\n" + demo, "s", explain=False)


def test_what_files_usually_hold_is_no_change() -> None:
    around = (
        "import argparse, os, sys\nimport numpy as np\nimport torch\nfrom .utils import *\nfrom torch.autograd import gradcheck\n"
        "sys.path.append('..')\nsys.stdout = open('log')\nos.environ['X'] = '1'\nnp.random.seed(0)\n"
        "torch.backends.cudnn.benchmark = True\n{0}\n\nargs = argparse.ArgumentParser().parse_args()\n"
        "if __name__ == '__main__':\n    x, w = np.ones((2, 3)), np.ones((3, 4))\n    y = s_forward(x, w)\n    y.name = 'y'\n"
        "    for name, test in globals().items():\n        print(name, s_backward(y, x, w))\n"
    )
    code = around.format(PAIR.replace("x @ w", "np.dot(x, w)"))
    assert sc.check(code, "s", explain=False).holds is True
    with pytest.raises(sc.SpecError, match="has several values"):
        sc.check(code + "globals().update(s_backward=3)\n", "s", explain=False)


def test_of_two_definitions_the_last_one_counts() -> None:
    wrong = PAIR.replace("gy @ w.T", "2 * gy @ w.T").partition("\n\n")[2]
    assert sc.check(PAIR + wrong, explain=False).holds is False
    again = LAYER.replace("gy @ self", "2 * gy @ self").partition("\n\n")[2]
    assert sc.check(LAYER + again, explain=False).holds is False
    assert sc.check(LAYER, explain=False).holds is True
