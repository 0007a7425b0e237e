"""The build options are one table: the signatures of all public functions that take them are equal to it."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import fields
from inspect import Parameter, signature

import pytest

import symconv as sc
from symconv.options import Options, options

TABLE = signature(options).parameters


FUNCTIONS = (
    "build",
    "torch.as_function",
    "torch.as_module",
    "torch.replace_convs",
    "jax.as_function",
    "tensorflow.as_function",
    "tensorflow.as_module",
)


def found(path):
    framework, _, name = path.rpartition(".")
    if not framework:
        return sc.build
    pytest.importorskip(framework)
    return getattr(importlib.import_module(f"symconv.frameworks.{framework}"), name)


@pytest.mark.parametrize("path", FUNCTIONS)
def test_the_signature_is_the_table(path):
    function = found(path)
    parameters = dict(list(signature(function).parameters.items())[1:])
    if path == "build":
        # What a family leaves open is no option: it says which operator is built.
        assert parameters.pop("params").default is None
    shapes = [one for one in parameters.values() if one.kind is Parameter.VAR_KEYWORD]
    assert [one.name for one in shapes] == (["shapes"] if path.endswith("as_module") else [])
    assert [(one.name, one.default, one.annotation) for one in parameters.values() if one not in shapes] == [
        (one.name, one.default, one.annotation) for one in TABLE.values()
    ]
    documented = function.__doc__.partition("Parameters")[2]
    assert all(option in documented for option in TABLE)


def test_the_table_is_what_a_kernel_is_built_by():
    assert {field.name: field.default for field in fields(Options)} == {
        name: one.default for name, one in TABLE.items()
    }


def test_no_public_function_hides_its_options():
    for name in sc.__all__:
        if inspect.isfunction(getattr(sc, name)):
            variable = [
                one.name
                for one in signature(getattr(sc, name)).parameters.values()
                if one.kind is Parameter.VAR_KEYWORD
            ]
            assert set(variable) <= {"shapes"}, name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"thread": 2}, "build has no option 'thread'; did you mean threads?"),
        ({"foo": 2}, "build has no option 'foo'; its options are dtype, sizes"),
        ({"dtype": "float16"}, "dtype is one of float32, float64"),
        ({"tune": 1}, "tune is True or False"),
    ],
)
def test_what_is_no_option_is_said(given, words):
    with pytest.raises(sc.SpecError, match=words.replace("?", r"\?")):
        sc.build(sc.conv1d(), **given)
