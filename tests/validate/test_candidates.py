"""Every candidate that a plan may choose, of drawn layers: none is called wrong, and what is not proved has been run."""

from __future__ import annotations

import random

import pytest

import symconv as sc
from symconv import pipeline
from symconv.options import options
from symconv.validate.validation import validate


def layer(seed: int) -> sc.Operator:
    """A layer of one to three axes; strides 1 to 3, pads 0 to 2 on either side, dilation, groups."""
    draw = random.Random(seed)
    axes = 1 + seed % 3
    stride = tuple(draw.randrange(1, 4) for _ in range(axes))
    pads = [(draw.randrange(3), draw.randrange(3)) for _ in range(axes)]
    dilation = tuple(draw.choice((1, 1, 2, 3)) for _ in range(axes))
    kind = draw.choice(("conv", "conv", "conv_transpose", "adder"))
    more = {} if kind == "adder" else {"dilation": dilation, "groups": draw.choice((1, 1, 2))}
    made: sc.Operator = getattr(sc, f"{kind}{axes}d")(stride=stride, padding=pads, **more)
    return made


@pytest.mark.full
@pytest.mark.parametrize("seed", range(18))
def test_no_candidate_is_called_wrong(seed: int) -> None:
    for candidate in pipeline.unit(layer(seed), options(dtype="float32"), every=True).candidates:
        found = validate(candidate, candidate.kernel)
        told = f"{candidate.schedule.name}: {found}"
        assert found.holds is not False, told
        assert found.holds or found.runs, told


def test_stencils_stay_inside_operands_that_are_read_at_the_cell_itself() -> None:
    op = sc.max_pool2d(3, 1, 1, kinks={"max": "share"})
    stencils = [
        candidate
        for candidate in pipeline.unit(op, options(dtype="float32"), every=True).candidates
        if candidate.schedule.name.startswith("stencil") and candidate.kernel.name.endswith("gx")
    ]
    assert stencils
    found = validate(stencils[0], stencils[0].kernel)
    assert found.holds is not False, str(found)
    assert found.holds or found.runs
