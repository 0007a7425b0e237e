"""Names that are legal wherever a package prints them."""

from __future__ import annotations

import keyword
import sys

import pytest

import symconv as sc
from symconv.export.names import default_name, legal_name

AWKWARD = [
    *("class", "match", "None", "int", "operator", "json", "NumPy", "main", "3x3", "my layer", "größe", "слой", "層"),
    *("", "_", "__init__", "a-b", "a/b", "../up", "x" * 300, "conv2d(stride=2)", "a\n#", 'a"""b', "{{ x }}", "é(ä)"),
]


@pytest.mark.parametrize("name", AWKWARD)
def test_a_name_made_of_anything_is_legal(name):
    made = default_name(name)
    assert made.isascii() and made.isidentifier() and not keyword.iskeyword(made) and len(made) <= 60
    assert made not in sys.stdlib_module_names
    assert legal_name(made) == made


@pytest.mark.parametrize("name", AWKWARD)
def test_a_name_asked_for_is_taken_as_it_is_or_refused_with_one_that_does(name):
    with pytest.raises(sc.SpecError, match="is no name for a package") as refused:
        legal_name(name)
    suggestion = str(refused.value).rpartition("name='")[2].rstrip("'")
    assert legal_name(suggestion) == suggestion


@pytest.mark.parametrize("name", [None, 3, b"conv", ["conv"]])
def test_a_name_is_a_text(name):
    with pytest.raises(sc.SpecError, match="is a text"):
        legal_name(name)


@pytest.mark.parametrize("name", ["conv", "Conv2dS2", "my_layer", "a1"])
def test_usual_names_stay(name):
    assert legal_name(name) == default_name(name) == name
