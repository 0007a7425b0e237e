"""Derivations as data: JSON there and back, nothing lost."""

from __future__ import annotations

import json

import pytest
from grid import OPERATORS, derivations, second_order

from symconv.views.data import derivation_data
from symconv.views.latex import gather_latex


@pytest.mark.parametrize("name", OPERATORS)
def test_json_there_and_back(name):
    for derived in derivations(name):
        data = derivation_data(derived)
        assert json.loads(json.dumps(data)) == data


def test_what_it_holds():
    derived = derivations("conv1_s3d2")[1]
    data = derivation_data(derived)
    assert data["wrt"] == "x"
    assert data["formula"]["latex"] == gather_latex(derived.gather)
    assert [tensor["name"] for tensor in data["tensors"]] == ["gy", "x", "w"]
    assert data["output"] == {"name": "gx", "axes": [["N"], ["C"], ["L"]], "dtype": "real"}
    assert data["sizes"]["definitions"] == {"OL": "floor((-2*K + L + 5)/3) + 1"}
    (phase,) = data["phases"]
    assert (phase["modulus"], phase["gap"], phase["slope"], phase["divided"]) == (3, 1, 2, "u + 2")
    assert [c["first"] for c in phase["classes"]] == [0, 2, 1]
    assert [step["rule"] for step in data["steps"]] == [step.rule for step in derived.trace]
    assert all(step["latex"] and step["text"] and step["check"] for step in data["steps"])
    assert data["loops"][0]["owned"] is True
    assert data["formula"]["general_latex"]


def test_second_order_data():
    data = derivation_data(second_order("conv1_s2p1")[-1])
    assert [tensor["name"] for tensor in data["tensors"]] == ["ggx", "gy", "x", "w"]
