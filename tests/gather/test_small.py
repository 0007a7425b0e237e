"""The small steps of a derivation: executed by hand they give the relation, and a wrong one is found."""

from math import ceil, floor

import pytest

import symconv as sc
from symconv.errors import InternalError
from symconv.gather.chain import Partial, Through, chained
from symconv.gather.chain_checks import checked_quotient
from symconv.gather.facts import Congruent, Equal, Limits, Within, agree
from symconv.gather.small import small_steps
from symconv.notation.affine import affine, var
from symconv.notation.loss import loss
from symconv.relation.sets import context_of


def _parts(op, wrt, rule="solve"):
    found = sc.derive(op, wrt).derivation
    return [
        part
        for step, several in zip(found.trace, small_steps(found), strict=True)
        if step.rule == rule
        for part in several
    ]


def _one(parts, rule):
    return next(part for part in parts if part.rule == rule)


def _range_of(limits, values):
    lows = [ceil(form.evaluate(values) / divisor) for form, divisor in limits.lowers]
    highs = [floor(form.evaluate(values) / divisor) for form, divisor in limits.uppers]
    return range(max(lows), min(highs) + 1)


@pytest.mark.parametrize(("stride", "dilation", "pad"), [(2, 1, 1), (3, 2, 1), (4, 2, 3), (2, 2, 0), (4, 6, 5)])
def test_small_steps_carried_out_by_hand_visit_the_relation(stride, dilation, pad):
    op = sc.conv1d(stride=stride, dilation=dilation, padding=pad)
    parts = _parts(op, "x")
    residue, divide = _one(parts, "residue"), _one(parts, "divide")
    limits = [part for part in parts if part.rule in {"range", "limits"}][-1].after[-1]
    split, tap, output = residue.after[0], residue.after[-1], divide.after[0]
    phase = divide.after[-1].phase
    assert isinstance(limits, Limits) and isinstance(split, Equal)
    for length, taps in ((9, 3), (12, 2), (7, 1)):
        outputs = op.output_shape(x=(1, 1, length), w=(1, 1, taps))[2]
        for u in range(length):
            want = {(i, p) for i in range(outputs) for p in range(taps) if stride * i + dilation * p - pad == u}
            got = set()
            for r, first, shift in phase.table:
                loop, rest = divmod(u + pad - r, stride)
                if rest:
                    continue
                values = {
                    "u": u,
                    "u_": loop,
                    "r_u": r,
                    phase.first: first,
                    phase.shift: shift,
                    "OL": outputs,
                    "K": taps,
                    "L": length,
                }
                assert split.left.evaluate(values) == split.right.evaluate(values)
                for step in _range_of(limits, values):
                    values[limits.name] = step
                    pair = output.right.evaluate(values), tap.right.evaluate(values)
                    assert pair not in got
                    got.add(pair)
            assert got == want


def test_both_inequalities_of_the_kernel_gradient():
    parts = _parts(sc.conv2d(stride=(2, 3), padding=(1, 2)), "w")
    ranges = [part for part in parts if part.rule == "range"]
    assert [part.before[0] for part in ranges] == [
        Within(2 * var("i") + var("p") - 1, var("H")),
        Within(3 * var("j") + var("q") - 2, var("W")),
    ]
    assert all(part.note == "so that x is read inside" for part in ranges)
    for height in (3, 8):
        for tap in range(3):
            values = {"p": tap, "H": height}
            want = [i for i in range(-5, 20) if 0 <= 2 * i + tap - 1 < height]
            assert list(_range_of(ranges[0].after[-1], values)) == want


def test_every_small_step_of_every_kind_is_checked():
    ops = (
        sc.conv1d(stride=2, padding=2, border="reflect"),
        sc.operator("y[i] = tanh(max[p](x[3*i+p-1]*w[p]))", border="skip"),
        sc.operator("u[n,i] = sum[p](x[n,2*i+p]*v[p]); y[n,i] = u[n,i]*tanh(u[n,i]) + x[n,i]"),
        sc.operator("y[n,i] = x[n,2*i]"),
        sc.operator("y[i] = sum[p](x[i-p]*w[p])", extents={"i": "L"}),
        sc.operator("y[n] = prod[p](x[n,p])"),
        sc.operator("y[i,j] = prod[p,q](x[2*i+p-1,j+q]*w[p,q])", border="skip"),
    )
    seen = set()
    for op in ops:
        for step in sc.derive(op, "x").steps:
            assert all(part.check for part in step.parts)
            assert all(part.latex() and str(part) for part in step.parts)
            seen |= {part.rule for part in step.parts}
    assert seen == {
        "chain",
        "partial",
        "unknowns",
        "residue",
        "divide",
        "class",
        "isolate",
        "condition",
        "range",
        "limits",
    }


def test_the_chain_rule_names_every_reader():
    op = sc.operator("u[n,i] = sum[p](x[n,2*i+p]*v[p]); y[n,i] = u[n,i]*tanh(u[n,i]) + x[n,i]")
    parts = _parts(op, "x", "transpose")
    through = [part.before for part in parts if isinstance(part.before, Through)]
    assert [(one.cell.tensor, [read.tensor for read, _ in one.outputs]) for one in through] == [
        ("x", ["u", "y"]),
        ("u", ["y"]),
    ]
    assert sum(isinstance(part.before, Partial) for part in parts) == 3


SEVERAL = "s[n,i] = sum[p](x[n,2*i+p-1]*w[p]); y[n,i] = s[n,i]*s[n,i] + x[n,i]; z[n] = sum[i](s[n,i])"


def test_the_chain_rule_of_several_outputs_has_their_cotangents():
    op = sc.operator(SEVERAL, outputs=("s", "y", "z"))
    parts = _parts(op, "x", "transpose")
    through = [part.before for part in parts if isinstance(part.before, Through)]
    assert [(one.cell.tensor, [read.tensor for read, _ in one.outputs]) for one in through] == [
        ("x", ["s", "y"]),
        ("s", ["y", "z"]),
    ]
    assert [one.given and one.given.tensor for one in through] == [None, "gs"]
    assert sum(isinstance(part.before, Partial) for part in parts) == 4
    assert all(part.check for part in parts)


def test_a_gradient_of_several_outputs_that_is_another_is_found():
    op = sc.operator(SEVERAL, outputs=("s", "y", "z"))
    stated, right = op, sc.derive(op, "x").derivation.operator
    assert "exact" in checked_quotient(loss(stated), "x", right, stated.several)
    other = sc.operator(SEVERAL.replace("sum[i]", "2*sum[i]"), outputs=("s", "y", "z"))
    with pytest.raises(InternalError, match="the loss changes"):
        checked_quotient(loss(stated), "x", sc.derive(other, "x").derivation.operator, stated.several)


def test_the_chain_rule_of_a_product_multiplies_the_other_taps():
    steps = sc.derive(sc.operator("y[n] = prod[p](x[n,p])"), "x").steps
    partial = _one([part for step in steps for part in step.parts], "partial")
    said = " ".join(str(partial).split())
    assert "(Π{0≤p2<P, p′>p2} x[n′,p2])·Π{0≤p2<P, p2>p′} x[n′,p2]" in said
    assert "S =" not in said and partial.check


def test_a_chain_rule_of_a_product_that_is_written_wrongly_is_found(monkeypatch):
    op = sc.operator("y[n] = prod[p](x[n,p])")
    monkeypatch.setattr("symconv.gather.chain.other_taps", lambda node, taken: node)
    with pytest.raises(InternalError, match="as it is written"):
        chained(op, op, "x", sc.derive(op, "x").operator)


def test_a_gradient_of_another_operator_is_found():
    op, other = sc.conv1d(stride=2, padding=1), sc.conv1d(stride=2, padding=((0, 2),))
    with pytest.raises(InternalError, match="along a direction"):
        chained(op, op, "x", sc.derive(other, "x").operator)


def test_a_gradient_of_another_function_is_found_in_float64():
    op, other = (sc.operator(f"y[n,i] = {name}(sum[p](x[n,2*i+p]*w[p]))") for name in ("tanh", "sin"))
    with pytest.raises(InternalError, match="along a direction"):
        checked_quotient(op, "w", sc.derive(other, "w").operator)
    assert "in float64" in checked_quotient(op, "w", sc.derive(op, "w").operator)


@pytest.mark.parametrize(
    "formula",
    [
        "y[n,i] = tanh(x[n,i]) + 10**30",
        "y[n,i] = floor(x[n,i]*2**40)/2**40 + sin(x[n,i])",
        "y[n,i] = sin(10**12*x[n,i])",
    ],
)
def test_no_gradient_is_called_wrong_where_a_quotient_is_no_slope(formula):
    op = sc.operator(formula)
    assert checked_quotient(op, "x", sc.derive(op, "x").operator) == ""


def test_isl_tells_facts_apart():
    context = context_of(sc.conv1d(stride=2))
    u, i, p = var("u"), var("i"), var("p")
    dims, pins = ("i", "p", "u"), ((("r", 0),), (("r", 1),))
    split = (Equal(u, 2 * i + p), Equal(u, 2 * var("t") + var("r")))
    assert agree(context, dims, (Equal(u, 2 * i + p),), (*split, Congruent(p, var("r"), 2)), pins) is None
    assert agree(context, dims, (Equal(u, 2 * i + p),), (*split, Congruent(p, var("r") + 1, 2)), pins) is not None
    range_ = (Within(2 * i + p, var("L")),)
    low, high = ((affine(0) - p, 2),), ((var("L") - 1 - p, 2),)
    assert agree(context, ("i", "p"), range_, (Limits("i", low, high),)) is None
    assert agree(context, ("i", "p"), range_, (Limits("i", low, ((var("L") - p, 2),)),)) is not None
