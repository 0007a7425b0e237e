"""The named tuples of gradients and outputs: a field for each tensor, whatever it is called."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.gradients import gradients_type


@pytest.mark.parametrize("names", [("x", "w"), ("_x", "w"), ("b", "__x"), ("_1", "_0", "count")])
def test_a_field_for_each_name(names) -> None:
    made = gradients_type(names)(*range(len(names)))
    for one in (made, pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert [getattr(one, name) for name in names] == list(one) == list(range(len(names)))
        assert (one._fields, type(one).__match_args__, one._asdict()) == (
            names,
            names,
            dict(zip(names, one, strict=True)),
        )
        assert repr(one) == f"Gradients({', '.join(f'{name}={k}' for k, name in enumerate(names))})"
        assert one._replace(**{names[1]: 7})[1] == 7
        with pytest.raises((ValueError, TypeError), match="unexpected field names"):
            one._replace(other=1)


def test_names_with_an_underscore_are_built() -> None:
    kernel = sc.build(sc.operator("_s[n] = sum[i](_x[n,i]); b[n] = 3*_x[n,0]"), dtype="float64")
    x = np.arange(6.0).reshape(2, 3)
    found = kernel.forward(x)
    assert (found._s.tolist(), found.b.tolist()) == ([3, 12], [0, 9])
    got = kernel.backward({"_s": np.array([1.0, 2.0]), "b": np.array([5.0, 7.0])}, x)._x
    assert got.tolist() == [[16, 1, 1], [23, 2, 2]]


@pytest.mark.parametrize("name", ["_fields", "_replace", "None", "lambda"])
def test_names_that_no_result_can_have(name) -> None:
    with pytest.raises(SpecError, match="reserved word"):
        sc.operator(f"y[n] = {name}[n]*x[n]")
