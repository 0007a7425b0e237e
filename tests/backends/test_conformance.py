"""Built-in backends conform, and one that is wrong does not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest

import symconv as sc
from symconv import pipeline
from symconv.backends.c99 import C99
from symconv.backends.cython import Cython
from symconv.options import Options
from symconv.testing import conforms, operators

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
FEW = {"maxima": operators()["maxima"]}


def test_a_library_in_c_conforms():
    found = conforms(C99(), FEW, count=2)
    assert found, str(found)


@pytest.mark.full
@pytest.mark.parametrize(
    "backend", [Cython(), C99(), C99(flags=("-O1", "-DU0_PLAIN"))], ids=["cython", "c", "one lane"]
)
def test_built_in_backends_conform_for_every_operator(backend):
    found = conforms(backend)
    assert found, str(found)


@dataclass(frozen=True)
class Altered(C99):
    """A backend whose text is not what it should be."""

    before: str = ""
    after: str = ""

    def emit(self, units, options):
        made = super().emit(units, options)
        assert self.before in made.text
        return replace(made, text=made.text.replace(self.before, self.after))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("sc_vadd(a", "sc_vsub(a", "FAILED"),
        ("#include <math.h>", "#include <no such header>", "BuildError"),
        ("int u0_forward", "int another", "FAILED"),
    ],
)
def test_a_wrong_backend_does_not_conform(before, after, words):
    simple = {"a sum": sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p])")}
    found = conforms(Altered(before=before, after=after), simple, count=2)
    assert not found
    assert words in str(found)


def test_a_library_says_what_it_cannot_use():
    op, chosen = sc.operator("y[n,i] = sum[p](x[n,i+p]*w[p])"), Options(dtype="float64", target="portable")
    backend = C99()
    built = backend.compile(backend.emit((pipeline.unit(op, chosen).direct,), chosen))
    layer = backend.load(built, op, chosen)
    x, w, out = np.arange(10.0).reshape(2, 5), np.ones(2), np.empty((2, 4))
    assert layer.forward(x, w, out=out) is out
    assert out.tolist() == [[1, 3, 5, 7], [11, 13, 15, 17]]
    assert layer.forward(x[:, ::-1], w).tolist() == [[7, 5, 3, 1], [17, 15, 13, 11]]
    for given in ((x, w, w), (x.astype("float32"), w), (x, np.ones(9)), (x, "w")):
        with pytest.raises(sc.SymconvError):
            layer.forward(*given)
    with pytest.raises(sc.SymconvError, match="overlaps"):
        layer.forward(x, w, out=x.reshape(-1)[:8].reshape(2, 4))
    with pytest.raises(sc.SymconvError, match="gy has shape"):
        layer.backward(np.ones((2, 5)), x, w)
