"""What a proof says: conditions, counterexample, cause, repair; and what it refuses to say."""

from __future__ import annotations

from time import process_time

import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.verify.reference import gradients


@pytest.mark.parametrize(
    ("op", "claim", "fails", "holds"),
    [
        (sc.conv2d(), "gw = conv2d(x, gy)", {"C ≥ 2", "F ≥ 2", "N ≥ 2"}, {"C = 1", "F = 1", "N = 1"}),
        (sc.conv2d(), "gx = conv2d(gy, rot180(w), padding=K-1)", {"C ≥ 2", "F ≥ 2"}, {"C = 1", "F = 1"}),
        (sc.conv1d(), "gx = conv_transpose(gy, flip(w))", {"K ≥ 2"}, {"K = 1"}),
        (sc.conv1d(stride=2), "gx = conv_transpose(gy, w, stride=2)", {"(L − K) mod s ≠ 0"}, {"(L − K) mod s = 0"}),
        (sc.conv1d(bias=True), "gb = mean(gy, (0,2))", {"N ≥ 2", "K ≠ L"}, {"N = 1", "K = L"}),
    ],
)
def test_conditions_in_words(op, claim, fails, holds) -> None:
    proof = sc.prove(op, claim)

    def parts(text: str, word: str) -> set[str]:
        return {" = ".join(sorted(p.split(" = "))) if p.count(" = ") == 1 and p[0].isalpha() and not p[-1].isdigit()
                else p for p in text.replace("L ≠ K", "K ≠ L").split(word)}  # fmt: skip

    assert parts(proof.fails_when, " or ") == fails
    assert parts(proof.holds_when, " and ") == holds


def test_shapes_and_values_are_told_apart() -> None:
    proof = sc.prove(sc.conv2d(padding=1), "gx = conv2d(gy, flip(w), padding=1)")
    assert set(proof.mismatched_when.split(" or ")) == {"F ≠ C", "KH ≠ 3", "KW ≠ 3"}
    assert proof.fails(x=(1, 2, 5, 6), w=(2, 2, 3, 3))
    assert not proof.fails(x=(3, 1, 5, 6), w=(1, 1, 3, 3))
    example = proof.counterexample
    assert not example.mismatch
    assert example.got != example.want
    assert example.missing
    assert example.extra


def test_the_counterexample_is_confirmed_by_the_definition() -> None:
    import numpy as np

    op = sc.conv2d()
    example = sc.prove(op, "gw = conv2d(x, gy)").counterexample
    shapes = {**dict(example.shapes), "gy": op.output_shape(**dict(example.shapes))}
    arrays = {name: np.reshape(flat, shapes[name]).astype(float) for name, flat in example.arrays}
    want = gradients(op, {name: arrays[name] for name in op.tensors}, arrays["gy"], ("w",))["w"]
    assert want[example.cell] == example.want


def test_a_bias_need_not_be_given() -> None:
    proof = sc.prove(sc.conv1d(bias=True), "gb = sum(gy, 0)")
    assert proof.fails(x=(2, 3, 8), w=(4, 3, 3))
    assert proof.fails(x=(2, 3, 8), w=(4, 3, 3), b=(4,))


def test_a_mismatch_is_said_as_such() -> None:
    proof = sc.prove(sc.conv2d(padding=2), "gx = conv_transpose2d(gy, w)")
    assert proof.fails_when == proof.mismatched_when == "always"
    assert "gives" in proof.counterexample.mismatch
    assert "gx is" in str(proof)


@pytest.mark.parametrize(
    ("op", "claim", "cause"),
    [
        (sc.conv2d(), "gx = conv2d(gy, swap(w, 0, 1), padding=K-1)", "flip missing"),
        (sc.conv2d(), "gx = conv2d(gy, flip(w), padding=K-1)", "channels not exchanged"),
        (sc.conv2d(padding=1), "gx = conv2d(gy, flip(swap(w, 0, 1)))", "padding should be K - 1 - p"),
        (sc.conv2d(dilation=2), "gx = conv2d(gy, flip(swap(w, 0, 1)), dilation=2)", "padding should be d*(K - 1)"),
        (sc.conv2d(), "gw = conv2d(x, gy)", "batch and channel not exchanged"),
        (sc.conv2d(stride=2), "gx = conv_transpose(gy, w, stride=2)", "the remainder of the stride dropped"),
        (
            sc.conv1d(stride=2),
            "gx = conv(pad(dilate(gy, 2), K-1, K-1), swap(flip(w), 0, 1))",
            "the remainder of the stride dropped",
        ),
        (
            sc.conv2d(stride=(2, 3), padding=(1, 0)),
            "gx = conv(dilate(gy, s), flip(w), padding=K-1-p)",
            "channels not exchanged and the remainder of the stride dropped",
        ),
        (sc.conv2d(groups=2), "gx = conv_transpose(gy, w)", "groups ignored"),
        (sc.conv2d(dilation=2), "gx = conv_transpose(gy, w)", "the dilation forgotten"),
        (sc.conv2d(bias=True), "gb = mean(gy, (0, 2, 3))", "a mean where a sum is wanted"),
        (sc.conv2d(), "gx = conv_transpose(gy, swap(w, 2, 3))", "swap where none is wanted"),
        (sc.conv2d(padding=(1, 2)), "gx = conv_transpose(gy, w, padding=(2, 1))", "H and W exchanged"),
        (
            sc.conv2d(stride=2, dilation=3, padding=1),
            "gw = swap(conv(swap(x,0,1), swap(gy,0,1), stride=2, dilation=3, padding=1), 0, 1)",
            "stride and dilation not exchanged",
        ),
        (sc.conv2d(), "gx = 2*conv_transpose(gy, w)", "a constant factor: twice what is right"),
        (sc.conv2d(), "gx = conv_transpose(gy, w)/2", "a constant factor: half of what is right"),
        (sc.conv2d(), "gx = -conv_transpose(gy, w)", "a constant factor: the sign"),
        (sc.conv2d(), "gx = conv_transpose(gy, w)*3/4", "a constant factor: 3/4 times what is right"),
        (sc.conv2d(), "gx = conv_transpose(gy, w) + conv_transpose(gy, w)", "a constant factor: twice what is right"),
        (
            sc.conv2d(),
            "gx = 2*conv(gy, swap(w, 0, 1), padding=K-1)",
            "flip missing and a constant factor: twice what is right",
        ),
        (sc.operator("y[n,i] = x[n,i]**2"), "gx = gy*x", "a constant factor: half of what is right"),
        (sc.operator("y[n,i] = tanh(x[n,i])"), "gx = gy*(y*y - 1)", "a constant factor: the sign"),
        (sc.operator("y[n,i] = tanh(x[n,i])"), "gx = gy*(1 - x*x)", "x where y belongs"),
        (sc.conv2d(), "gx = conv_transpose(gy, x)", "x where w belongs"),
        (sc.conv2d(), "gx = conv_transpose(x, w)", "x where gy belongs"),
        (sc.conv2d(), "gw = swap(conv(swap(w,0,1), swap(gy,0,1)), 0, 1)", "w where x belongs"),
        (sc.conv1d(bias=True), "gb = sum(x, (0, 2))", "x where gy belongs"),
        (sc.operator("y[n,f] = sum[c](w[f,c]*x[n,c])"), "gx = gy @ x", "x where w belongs"),
        (sc.operator("y[n,f] = sum[c](w[f,c]*x[n,c])"), "gx = w @ gy", "the operands exchanged"),
    ],
)
def test_causes_and_proved_repairs(op, claim, cause) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is False
    assert proof.cause == cause
    assert sc.prove(op, proof.repair).holds


@pytest.mark.parametrize("kernel", ["flip(swap(w, 0, 1))", "swap(rot180(w), 0, 1)"])
def test_a_repair_takes_flips_and_swaps_away_and_adds_none_to_them(kernel) -> None:
    op = sc.conv1d(padding=1, dilation=2)
    proof = sc.prove(op, f"gx = conv1d(gy, {kernel}, padding=K-1-p)")
    assert proof.repair == "gx = conv_transpose1d(gy, w, dilation=d, padding=p)"
    assert proof.cause == "a flip too many, channels exchanged and conv where its transpose is wanted"
    assert sc.prove(op, proof.repair).holds


def test_a_text_is_folded_and_loses_nothing() -> None:
    proof = sc.prove(
        sc.conv2d(stride=(2, 3), padding=(0, 1)), "gx = conv_transpose2d(gy, w, stride=(2, 3), padding=(0, 1))"
    )
    whole = proof.text()
    assert max(map(len, whole.split("\n"))) > 100 >= max(map(len, str(proof).split("\n")))
    assert str(proof).split() == whole.split()
    assert str(proof).split("\n")[0] == whole.split("\n")[0] == f"false: {proof.claim}"
    assert all(line.startswith("  ") for line in str(proof).split("\n")[1:])
    assert max(map(len, proof.text(60).split("\n"))) <= 60


def test_nothing_fails_when_always() -> None:
    text = str(sc.prove(sc.conv1d(), "gx = 2*conv_transpose(gy, w)"))
    assert "fails for all sizes" in text
    assert "always" not in text
    assert "never" not in text
    assert "its shapes never fit" in str(sc.prove(sc.conv2d(padding=2), "gx = conv_transpose2d(gy, w)"))


def test_four_conditions_at_once_are_said_one_by_one() -> None:
    op = sc.conv2d(stride=(2, 3), padding=(1, 0))
    proof = sc.prove(op, "gx = conv(dilate(gy, s), flip(w), padding=K-1-p)", explain=False)
    assert proof.holds_when == (
        "(H = 1 and KH = 1 and F = C and (W − KW) mod 3 = 0)"
        " or (C = 1 and F = 1 and (W − KW) mod 3 = 0 and (H + 2 − KH) mod 2 = 0)"
    )


def test_kernel_sizes_may_be_spelt_as_frameworks_do() -> None:
    claim = "gw = swap(conv(swap(x,0,1), swap(gy,0,1), dilation=s),0,1)[:, :, :kH, :kW]"
    proof = sc.prove(sc.conv2d(stride=2), claim)
    assert proof.holds
    assert "[:, :, :KH, :KW]" in proof.text()


def test_multiplicities_count() -> None:
    twice = sc.prove(sc.conv1d(), "gx = conv_transpose(gy, w) + conv_transpose(gy, w)")
    assert twice.holds is False
    assert twice.counterexample.extra
    assert sc.prove(sc.conv1d(), "gx = 3*conv_transpose(gy, w) - conv_transpose(gy, w) - conv_transpose(gy, w)").holds


def test_undecided_is_never_a_guess() -> None:
    op = sc.operator("y[n,i] = max[p](x[n,2*i+p])", extents={"p": 2})
    proof = sc.prove(op, "gx = dilate(gy, 2)[:, :] + 0*x")
    if proof.holds is None:
        assert proof.reason
        assert proof.leaning
        with pytest.raises(SpecError, match="undecided"):
            proof.fails(x=(2, 6))
    op = sc.operator("y[i,j] = tanh(sum[p,q](x[i+p,j+q]*w[p,q]))")
    proof = sc.prove(op, "gx = convolve2d(gy*(1 - y*tanh(correlate(x, w))), w) + tanh(x) + tanh(-x)")
    assert proof.holds in {True, None}, str(proof)
    proof = sc.prove(op, "gx = convolve2d(gy, w)")
    assert proof.holds is False
    assert "functions that may or may not be equal" in proof.reason


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("gz = gy", "gx, gw, y"),
        ("gx = conv2d(gy", "claim ends here"),
        ("gx = conv2d(gy, v)", "v"),
        ("gx = conv2d(gy, w, strid=2)", "strid"),
        ("gx = conv3d(gy, w)", "5 axes"),
        ("gx = 3", "array"),
        ("gx = conv2d(gy, w, stride=H)", "concrete integer"),
        ("gx = sum(gy, 7)", "axis"),
        ("gx = einsum('ab->ab', gy)", "fit"),
        ("gx = gy @ 1", "join"),
    ],
)
def test_unusable_claims_say_why(claim, message) -> None:
    with pytest.raises(SpecError, match=message):
        sc.prove(sc.conv2d(), claim)


def test_fails_refuses_shapes_the_operator_refuses() -> None:
    proof = sc.prove(sc.conv2d(), "gw = conv2d(x, gy)")
    with pytest.raises(SpecError):
        proof.fails(x=(1, 1, 2, 2), w=(1, 1, 3, 3))


def test_a_proof_shows_itself(tmp_path) -> None:
    proof = sc.prove(sc.conv2d(padding=1), "gx = conv2d(gy, flip(w), padding=1)")
    bundle = proof._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/latex", "text/html"}
    assert "<svg" in bundle["text/html"]
    assert bundle["text/html"].count("!</text>") > 0
    page = sc.show(proof, tmp_path / "proof.html").read_text(encoding="utf-8")
    assert "conv2d(gy, flip(w), padding=1)" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize("claim", ["gb = N*sum(mean(gy, 0), (1, 2))", "gb = sum(gy[0], (1, 2))"])
def test_an_empty_batch_is_spoken_of_apart(claim) -> None:
    proof = sc.prove(sc.conv2d(bias=True), claim)
    assert proof.fails(x=(0, 2, 3, 4), w=(2, 2, 1, 3))
    if claim.startswith("gb = N"):
        assert proof.holds is True
        assert proof.fails_when == "never"
        assert proof.proved[0].startswith("for N ≥ 1; of an empty batch it is not true")
        assert not proof.fails(x=(3, 2, 3, 4), w=(2, 2, 1, 3))
    else:
        assert (proof.holds, proof.holds_when) == (False, "N = 1")


def test_groups_that_were_ignored_are_proposed() -> None:
    op = sc.operator("y[n,c,i] = sum[p](x[n,c,i+p]*w[c,p])")
    proof = sc.prove(op, "gx = conv_transpose1d(gy, w[:, None])")
    assert (proof.holds_when, proof.cause) == ("C = 1", "groups ignored")
    assert proof.repair == "gx = conv_transpose1d(gy, w[:, None], groups=C)"


@pytest.mark.parametrize("groups", ["C", "F/2", "1/F"])
def test_groups_that_do_not_show_are_not_guessed(groups) -> None:
    proof = sc.prove(sc.conv2d(), f"gx = conv_transpose(gy, w, groups={groups})")
    assert proof.holds is False
    assert "groups" in proof.reason
    assert proof.holds_when == "unknown"
    assert proof.counterexample is not None


@pytest.mark.parametrize(
    "claim",
    [
        "gx = x" + "*x" * 30,
        "gx = " + "*".join(["(" + "+".join(["x"] * 30) + ")"] * 4),
        "gx = " + "*".join(["(x + 1)"] * 20),
        "gx = " + "conv(" * 12 + "x" + ", w)" * 12,
        "gx = max(" + "max(" * 5 + "x" + ", x)" * 6,
        "gx = " + "*".join(f"max(x, {k}*x)" for k in range(2, 9)),
        "gx = conv_transpose(gy, w, groups=1000000)",
    ],
)
def test_enormous_claims_end_soon(claim) -> None:
    proof = sc.prove(sc.conv2d(), claim)
    assert proof.holds is not True
    assert proof.holds is False or proof.leaning.startswith("false")


@pytest.mark.parametrize(
    "body",
    [
        "conv(gy, w, padding=100)",
        "conv_transpose(gy, w, padding=100000)",
        f"conv(gy, w, padding={10**28})",
        f"conv(gy, w, stride={10**15})",
        "pad(gy, 1000000000)",
        f"dilate(gy, {10**12})",
        f"{'pad(' * 50}gy{', 1)' * 50}",
        f"{'flip(' * 40}gy{')' * 40}",
        "einsum('nfij,ncab->ncij', gy, pad(x, 3000))",
    ],
)
def test_large_numbers_in_wrong_claims_end_soon(body) -> None:
    began = process_time()
    proof = sc.prove(sc.conv2d(padding=1), f"gx = {body}")
    assert process_time() - began < 5
    assert proof.holds is False
    assert proof.counterexample is not None or "no counterexample" in str(proof)


def test_a_decision_alone_is_what_the_whole_answer_says() -> None:
    for body in ("conv_transpose(gy, w)", "conv(gy, w)", "conv_transpose(gy, flip(w))"):
        alone, whole = (sc.prove(sc.conv2d(), f"gx = {body}", explain=explain) for explain in (False, True))
        assert (alone.holds, alone.fails_when, alone.mismatched_when) == (
            whole.holds,
            whole.fails_when,
            whole.mismatched_when,
        )
        assert alone.counterexample is None
        assert alone.cause == alone.repair == ""


@pytest.mark.parametrize("more", ["1", "H - ((OH-1)*2 - 2 + KH)"])
def test_another_output_padding_is_proposed(more) -> None:
    proof = sc.prove(
        sc.conv2d(stride=2, padding=1), f"gx = conv_transpose(gy, w, stride=2, padding=1, output_padding={more})"
    )
    assert proof.cause == "output_padding should be the remainder"
    assert "output_padding=(H + 2*p - (K - 1) - 1)%s" in proof.repair


@pytest.mark.parametrize(
    "slope", ["sigmoid(2*conv(x, w))*(1 - sigmoid(2*conv(x, w)))", "sigmoid(2*conv(x, w))*sigmoid(-2*conv(x, w))"]
)
def test_the_slope_of_tanh_by_sigmoids_is_proved(slope) -> None:
    op = sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,i+p]*w[f,c,p]))")
    assert sc.prove(op, f"gx = conv_transpose(4*gy*{slope}, w)").holds
    assert sc.prove(op, f"gx = conv_transpose(3*gy*{slope}, w)").holds is False


ROOM = sc.operator("y[n,f,i] = tanh(sum[c,p](x[n,c,2*i+p-1]*w[f,c,p]) + b[f])")
OUTER = "conv(x, w, stride=2, padding=1) + b[:, None]"


@pytest.mark.parametrize(
    ("op", "claim"),
    [
        (ROOM, f"y = tanh({OUTER})"),
        (ROOM, f"y = swap(tanh(swap({OUTER}, 0, 1)), 0, 1)"),
        (ROOM, "gb = sum(gy*(1 - y*y), (0, 2))"),
        (ROOM, f"gb = sum(gy*(1 - tanh({OUTER})*y), (0, 2))"),
        (ROOM, "gx = conv_transpose(gy*(1 - y*y), w, stride=2, padding=1, output_padding=(L+2-K)%2)"),
        (ROOM, "gw = swap(conv(swap(x,0,1), swap(gy*(1-y*y),0,1), dilation=2, padding=1), 0, 1)[:, :, :K]"),
        (sc.conv_bias_act2d("relu"), "y = maximum(conv(x, w) + b[:, None, None], 0)"),
        (sc.conv_bias_act2d("sigmoid"), "gx = conv_transpose(gy*y*(1 - y), w)"),
        (sc.conv_bias_act1d("softplus"), "gb = sum(gy*sigmoid(conv(x, w) + b[:, None]), (0, 2))"),
        (sc.conv_bias_act1d("sin"), "gb = sum(gy*cos(b[:, None] + conv(x, w)), (0, 2))"),
        (sc.operator("y[i] = exp(sum[p](x[i+p]*w[p]))"), "gx = convolve(gy*y, w)"),
    ],
)
def test_functions_of_whole_sums(op, claim) -> None:
    proof = sc.prove(op, claim)
    assert proof.holds is True, str(proof)


def test_without_exact_values_shapes_still_have_a_counterexample() -> None:
    proof = sc.prove(ROOM, "gx = conv_transpose(gy*(1 - y*y), w, stride=2, padding=1)")
    assert (proof.holds_when, proof.counterexample.cell) == ("(L + 2p − K) mod s = 0", ())
    assert "length 0" in proof.counterexample.mismatch
    assert proof.cause == "the remainder of the stride dropped"
    right = sc.prove(ROOM, "gx = conv_transpose(gy*(1 - y*y), w, stride=2, padding=1, output_padding=(L+2-K)%2)")
    assert "tanh(Σ)[0,0,0]" in right._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    "claim",
    [
        "y = tanh(conv(x, flip(w), stride=2, padding=1) + b[:, None])",
        "y = tanh(conv(x, w, stride=2, padding=1))",
        "y = conv(x, w, stride=2, padding=1) + b[:, None]",
        "y = sigmoid(conv(x, w, stride=2, padding=1) + b[:, None])",
        "gb = sum(gy*(1 - y), (0, 2))",
        "gb = sum(gy, (0, 2))",
        "gw = swap(conv(swap(x,0,1), swap(gy*(1-y*y),0,1), dilation=2, padding=1), 0, 1)[:, :, -K:]",
    ],
)
def test_wrong_functions_of_whole_sums_are_not_proved(claim) -> None:
    proof = sc.prove(ROOM, claim)
    assert proof.holds is not True
    assert proof.holds is False or proof.leaning.startswith("false"), str(proof)


@pytest.mark.parametrize(
    ("op", "claim", "lines"),
    [
        (
            sc.conv1d(stride=2),
            "gx = conv_transpose(gy, w, stride=2)",
            ["fails when (L − K) mod s ≠ 0: there its shapes do not fit", "holds when (L − K) mod s = 0"],
        ),
        (sc.conv1d(groups=2), "gw = conv1d(swap(x, 0, 1), swap(gy, 0, 1))", ["fails for all sizes: its shapes never fit"]),
        (
            sc.conv1d(),
            "gw = conv1d(x, gy)",
            ["fails when C ≥ 2 or F ≥ 2 or N ≥ 2", "holds when N = 1 and F = 1 and C = 1", "shapes do not fit when C ≠ F or N ≠ F"],
        ),
    ],
)  # fmt: skip
def test_a_condition_is_said_once(op, claim, lines):
    found = [line.strip() for line in str(sc.prove(op, claim)).splitlines()]
    assert [line for line in found if line.startswith(("fails", "holds", "shapes", "its"))] == lines
