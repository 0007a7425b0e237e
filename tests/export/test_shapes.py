"""What a package says of shapes, against what symconv says of them."""

from __future__ import annotations

import random

import pytest

import symconv as sc
from symconv.asked import operator_of
from symconv.export.exporting import packaged
from symconv.verify.geometry import geometries


def output_shape(package):
    space, text = {}, package.text("src/sample/_shapes.py")
    exec(compile(text, "_shapes", "exec"), space)  # noqa: S102
    return space.get("output_shapes") or space["output_shape"]


def test_everyare_taken_and_refused_as_symconv_does(op):
    stated, rng = operator_of(op), random.Random(0)
    found = output_shape(packaged(op, name="sample", wrt=()))
    taken = refused = 0
    for shapes in geometries(stated, 12):
        drawn = [dict(shapes)]
        for _ in range(12):
            other = dict(shapes)
            for _ in range(rng.choice((1, 1, 2))):
                name = rng.choice([name for name in other if other[name]])
                axis = rng.randrange(len(other[name]))
                length = rng.choice((0, 1, other[name][axis] + 1, max(0, other[name][axis] - 1), 9))
                other[name] = (*other[name][:axis], length, *other[name][axis + 1 :])
            drawn.append(other)
        for one in drawn:
            try:
                every = tuple(stated.output_shapes(**one).values())
                right = every if stated.several else every[0]
            except sc.SpecError:
                refused += 1
                with pytest.raises(ValueError, match="sample: "):
                    found(*(one[name] for name in stated.tensors))
            else:
                taken += 1
                assert found(*(one[name] for name in stated.tensors)) == right
    assert taken >= 12
    assert refused


@pytest.mark.parametrize(
    ("op", "shapes", "words"),
    [
        (sc.conv1d(), ((1, 2, 3), (1, 2, 5)), "the output would be empty: OL = .* = -1"),
        (sc.conv1d(), ((1, 2, 3), (1, 3, 2)), r"w has shape \(1, 3, 2\), wanted \(1, 2, 2\)"),
        (sc.conv1d(groups=2), ((1, 3, 3), (2, 1, 2)), "has length 3, which must be divisible by 2"),
        (sc.conv1d(), ((1, 0, 3), (1, 0, 2)), "size C is 0, wanted 1 or more; only the batch may be empty"),
        (sc.conv1d(border="reflect", padding=2), ((1, 1, 2), (1, 1, 2)), "reflect"),
        (
            sc.operator("y[n,i] = max[p](x[n,2*i+p-2] + w[p])", border="skip"),
            ((1, 6), (2,)),
            "the max over p has no tap at i = 0: the whole window lies outside what it reads",
        ),
    ],
)
def test_refusals_say_what_is_wanted(op, shapes, words):
    with pytest.raises(ValueError, match=f"sample: .*{words}"):
        output_shape(packaged(op, name="sample", wrt=()))(*shapes)
