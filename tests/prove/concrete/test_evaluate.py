"""Claims on concrete arrays against PyTorch and against definitions written out with NumPy, on integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

import symconv as sc
from symconv.errors import SpecError
from symconv.notation.affine import var
from symconv.notation.expr import Read
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.prove.concrete.evaluate import Misfit, evaluate
from symconv.prove.language.parse import parse_claim

Array = np.ndarray[Any, Any]
PRIME = 2**31 - 1
CONV = sc.conv2d(stride=(2, 1), padding=(1, 0), dilation=(1, 2))
SHAPES = {"x": (2, 3, 6, 7), "w": (4, 3, 3, 2)}


def draw(op: Operator, seed: int = 0, **shapes: tuple[int, ...]) -> dict[str, Array]:
    """Small integers for every input and the cotangent."""
    rng = np.random.default_rng(seed)
    full = {**shapes, "gy": op.output_shape(**shapes)}
    return {name: rng.integers(-4, 5, shape) for name, shape in full.items()}


def like(body: str, arrays: Mapping[str, Array], want: Array, prime: int | None = None) -> Array:
    """What an expression over ``arrays`` gives, where an array of the shape of ``want`` is asked for."""
    full = {**arrays, "z": np.zeros(want.shape, np.int64), "gy": np.zeros(want.shape, np.int64)}
    return evaluate(parse_claim(f"gz = {body}"), bystanders(arrays, want.ndim), full, prime)


def bystanders(arrays: Mapping[str, Array], rank: int) -> Operator:
    """``y = z``, with more inputs nobody reads; no two axes share a size."""

    def tensor(name: str, count: int) -> Tensor:
        return Tensor(name, tuple((var(f"{name.upper()}{axis}"),) for axis in range(count)))

    z = tensor("z", rank)
    index = tuple(f"i{axis}" for axis in range(rank))
    statement = Statement(replace(z, name="y"), index, Read("z", tuple(map(var, index))))
    return Operator("bystanders", (*(tensor(name, a.ndim) for name, a in arrays.items()), z), (statement,))


A = np.arange(60).reshape(3, 4, 5) - 20
B = np.arange(12).reshape(3, 4) % 7 - 3
WORDS = {
    "a": A,
    "-a": -A,
    "a + a*2 - 3*a": A - A,
    "a*a": A * A,
    "(a + a)*b[:, :, None]": 2 * A * B[:, :, None],
    "a * b[:1, :, None]": A * B[:1, :, None],
    "flip(b)": B[::-1, ::-1],
    "rot180(b)": B[::-1, ::-1],
    "flip(a)": A[:, :, ::-1],
    "flip(a, (0, -2))": A[::-1, ::-1],
    "a.flip([1])": A[:, ::-1],
    "flip(a, dims=[0])": A[::-1],
    "swap(a, 0, -1)": A.transpose(2, 1, 0),
    "a.transpose(0, 1)": A.transpose(1, 0, 2),
    "transpose(a, (1, 2, 0))": A.transpose(1, 2, 0),
    "transpose(b, 1, 0)": B.T,
    "a.T": A.T,
    "transpose(a)": A.T,
    "permute(a, 2, 0, 1)": A.transpose(2, 0, 1),
    "np.swapaxes(a, 1, 2)": A.transpose(0, 2, 1),
    "pad(b, 1)": np.pad(B, 1),
    "pad(b, (1, 0), (0, 2))": np.pad(B, ((1, 0), (0, 2))),
    "pad(b, (1, 2, 3, 4))": np.pad(B, ((3, 4), (1, 2))),
    "pad(b, ((1, 2), (3, 4)))": np.pad(B, ((1, 2), (3, 4))),
    "pad(a, ((0, 1), (2, 0), (0, 0)))": np.pad(A, ((0, 1), (2, 0), (0, 0))),
    "pad(a, 2, 1)": np.pad(A, ((0, 0), (0, 0), (2, 1))),
    "pad(b, -1, 2)": np.pad(B[1:, 1:], ((0, 2), (0, 2))),
    "pad(b, 6, -5)": np.pad(B, 6)[:-11, :-11],
    "crop(a, 1)": A[:, :, 1:-1],
    "crop(b, 0, 1)": B[:-1, :-1],
    "a[0]": A[0],
    "a[..., -1]": A[..., -1],
    "a[1:, ::2, None, :3]": A[1:, ::2, None, :3],
    "a[:, -9:9, 4:9]": A[:, -9:9, 4:9],
    "a[:, -3:-1, :-9:2].sum(2)": np.zeros((3, 2), int),
    "a[:, :, ::-1]": A[:, :, ::-1],
    "a[:, 0:a.shape[0] - 1]": A[:, :2],
    "sum(a, (0, 2))": A.sum((0, 2)),
    "sum(a, axis=1, keepdims=True)": A.sum(1, keepdims=True),
    "a.sum(-1)": A.sum(-1),
    "np.sum(a, dim=[0, 1], keepdim=1)": A.sum((0, 1), keepdims=True),
    "mean(a, 0) * 3": A.sum(0),
    "mean(a, 1)": np.array([[Fraction(int(v), 4) for v in row] for row in A.sum(1)]),
    "b / 2": np.array([[Fraction(int(v), 2) for v in row] for row in B]),
    "b * 1.5": np.array([[Fraction(3 * int(v), 2) for v in row] for row in B]),
    "reshape(a, (4, 15))": A.reshape(4, 15),
    "a.reshape(2, -1, 3)": A.reshape(2, -1, 3),
    "view(a, -1)": A.reshape(-1),
    "einsum('abc,ab->cb', a, b)": np.einsum("abc,ab->cb", A, B),
    "einsum('abc,ab', a, b)": np.einsum("abc,ab", A, B),
    "einsum('aa->a', b[:, :3])": np.diag(B[:, :3]),
    "einsum('ab->b', b)": B.sum(0),
    "einsum('abc,ab->cb', a[:1], b)": np.einsum("abc,ab->cb", A[:1], B),
    "einsum('ab,bc,ab->ca', b[:1], b[:1].T, b)": np.einsum("ab,bc,ab->ca", B[:1], B[:1].T, B),
    "b.T @ a[:, 0]": B.T @ A[:, 0],
    "matmul(swap(a, 1, 2), b[:, :, None])": np.matmul(A.transpose(0, 2, 1), B[:, :, None]),
    "b[:, :0] @ b[:0]": np.zeros((3, 4), int),
    "conv2d(b[None, None, :, :], b[None, None, :, :])[0, 0]": np.array([[(B * B).sum()]]),
    "conv2d(b, b)": np.array([[(B * B).sum()]]),
    "conv1d(b[0], b[1, :2])": np.array([B[0, i] * B[1, 0] + B[0, i + 1] * B[1, 1] for i in range(3)]),
}  # fmt: skip


@pytest.mark.parametrize("body", WORDS)
def test_a_word_means_what_numpy_means(body: str) -> None:
    want = WORDS[body]
    got = like(body, {"a": A, "b": B}, want)
    assert got.shape == want.shape
    assert got.tolist() == want.tolist()


@pytest.mark.parametrize("body", WORDS)
@pytest.mark.parametrize("dtype", [object, np.float64])
def test_other_numbers_mean_the_same(body: str, dtype: type) -> None:
    want = WORDS[body]
    got = like(body, {"a": A.astype(dtype), "b": B.astype(dtype)}, want)
    assert got.dtype == dtype
    assert np.array_equal(got, want) if dtype is object else np.allclose(got, want.astype(float), rtol=1e-12)


@pytest.mark.parametrize("body", WORDS)
def test_residues_are_those_of_the_exact_numbers(body: str) -> None:
    want = WORDS[body]
    got = like(body, {"a": A, "b": B}, want, PRIME)
    for left, right in zip(got.ravel(), want.ravel().tolist(), strict=True):
        exact = Fraction(right)
        assert (left * exact.denominator - exact.numerator) % PRIME == 0
        assert 0 <= left < PRIME


def test_residues_stay_exact_where_int64_would_overflow() -> None:
    big = np.full((3,), 2**61 - 2, dtype=object)
    op = sc.operator("y[i] = x[i]*x[i]")
    got = evaluate(parse_claim("gx = x*x*x*gy"), op, {"x": big, "gy": big}, 2**61 - 1)
    assert got.tolist() == [1, 1, 1]


def test_scipy_modes_are_sums_over_shifts() -> None:
    rng = np.random.default_rng(3)
    for n, m in product((1, 2, 5), (1, 2, 3, 4)):
        a, b = rng.integers(-4, 5, n), rng.integers(-4, 5, m)
        full = [sum(a[i] * b[k - i] for i in range(n) if 0 <= k - i < m) for k in range(n + m - 1)]
        turned = [sum(a[i] * b[m - 1 - k + i] for i in range(n) if 0 <= k - i < m) for k in range(n + m - 1)]
        start = (m - 1) // 2
        for word, whole in (("convolve", full), ("correlate", turned)):
            parts = {"full": whole, "same": whole[start : start + n], "valid": whole[m - 1 : n]}
            for mode, want in parts.items():
                if want:
                    got = like(f"{word}(a, b, '{mode}')", {"a": a, "b": b}, np.array(want))
                    assert got.tolist() == want, (n, m, word, mode)
        assert like("convolve(a, b)", {"a": a, "b": b}, np.array(full)).tolist() == full
        assert like("signal.correlate(a, b)", {"a": a, "b": b}, np.array(turned)).tolist() == turned
        if valid := turned[m - 1 : n]:
            assert like("np.correlate(a, b)", {"a": a, "b": b}, np.array(valid)).tolist() == valid
            assert np.correlate(a, b).tolist() == valid


GEOMETRIES = [
    {"stride": s, "padding": p, "dilation": d, "groups": g}
    for s, p, d, g in product((1, (2, 3)), (0, (1, 2)), (1, (2, 1)), (1, 2))
]


@pytest.mark.parametrize("options", GEOMETRIES, ids=str)
def test_convolutions_against_torch(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    op, text = sc.conv2d(**options), "stride=s, padding=p, dilation=d, groups=g"
    g = options["groups"]
    for h, w_, k, l in ((7, 9, 3, 2), (5, 6, 2, 3), (9, 7, 1, 3)):
        a = draw(op, h, x=(2, 2 * g, h, w_), w=(3 * g, 2, k, l))
        x, w = (torch.tensor(a[name]) for name in ("x", "w"))
        y = functional.conv2d(x, w, **options)
        assert evaluate(parse_claim(f"y = conv(x, w, {text})"), op, a).tolist() == y.tolist()
        back = f"{text}, output_padding=(H+2*p-d*(K-1)-1)%s"
        lost = [
            (n + 2 * p - d * (t - 1) - 1) % s
            for n, t, s, p, d in zip(
                (h, w_), (k, l), *(_pair(options[name]) for name in ("stride", "padding", "dilation")), strict=True
            )
        ]
        gx = functional.conv_transpose2d(torch.tensor(a["gy"]), w, output_padding=lost, **options)
        assert evaluate(parse_claim(f"gx = conv_transpose(gy, w, {back})"), op, a).tolist() == gx.tolist()


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


@pytest.mark.parametrize("options", GEOMETRIES[::2], ids=str)
def test_unfold_and_fold_against_torch(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    op = sc.conv2d(**options)
    a = draw(op, 1, x=(2, 3, 7, 8), w=(4, 3, 3, 2))
    given = {name: value for name, value in options.items() if name != "groups"}
    columns = functional.unfold(torch.tensor(a["x"]).double(), (3, 2), **given)
    text = "K, stride=s, padding=p, dilation=d"
    gram = (columns.transpose(1, 2) @ torch.ones(18, 3).double()).sum(1)[:, :, None, None] * torch.ones(7, 8).double()
    claim = parse_claim(f"gx = sum(unfold(x, {text}), (1, 2)).reshape(N, 1, 1, 1) + 0*x")
    assert evaluate(claim, op, a).tolist() == gram.long().tolist()
    folded = functional.fold(columns, (7, 8), (3, 2), **given).long()
    for target, kernel in (("H", "K"), ("(H, W)", "(KH, KW)"), ("(7, 8)", "(3, 2)")):
        claim = parse_claim(f"gx = fold(unfold(x, {text}), {target}, {kernel}, stride=s, padding=p, dilation=d)")
        assert evaluate(claim, op, a).tolist() == folded.tolist()


def test_layouts_differ_by_a_permutation() -> None:
    op, last = sc.conv2d(groups=2, padding=1), sc.conv2d(groups=2, padding=1, layout="NHWC")
    a = draw(op, x=(2, 4, 5, 6), w=(6, 2, 3, 2))
    b = {name: np.moveaxis(a[name], 1, -1) for name in ("x", "gy")} | {"w": a["w"].transpose(2, 3, 1, 0)}
    for text in ("y = conv(x, w, padding=p, groups=g)", "gx = conv_transpose(gy, w, padding=p, groups=g)"):
        assert np.array_equal(
            np.moveaxis(evaluate(parse_claim(text), op, a), 1, -1), evaluate(parse_claim(text), last, b)
        )
    assert np.array_equal(evaluate(parse_claim("gx = flip(x)"), last, b), b["x"][:, ::-1, ::-1])
    assert np.array_equal(evaluate(parse_claim("gw = flip(w)"), last, b), b["w"][::-1, ::-1])
    one = parse_claim(
        "y = permute(conv(permute(x,0,3,1,2), permute(w,3,2,0,1), padding=1, groups=2, layout='NCHW'), 0,2,3,1)"
    )
    assert np.array_equal(evaluate(one, last, b), evaluate(parse_claim("y = conv(x, w, padding=p, groups=g)"), last, b))


def test_padding_words() -> None:
    torch = pytest.importorskip("torch")
    op = sc.conv2d(stride=1, padding="same")
    a = draw(op, x=(1, 2, 6, 5), w=(3, 2, 3, 4))
    x, w = (torch.tensor(a[name]).double() for name in ("x", "w"))
    for text, padding in (("'same'", None), ("'valid'", "valid"), ("'VALID'", "valid"), ("'full'", (2, 3))):
        wide = x if padding is not None else torch.nn.functional.pad(x, (1, 2, 1, 1))
        want = torch.nn.functional.conv2d(wide, w, padding=padding or 0).long().numpy()
        body = f"conv(x, w, padding={text})"
        if want.shape == a["gy"].shape:
            assert evaluate(parse_claim(f"y = {body}"), op, a).tolist() == want.tolist()
        else:
            with pytest.raises(Misfit, match="x".join(map(str, want.shape))):
                evaluate(parse_claim(f"y = {body}"), op, a)
    text = "y = conv(x, w, padding=((1, 1), (1, 2)))"
    assert np.array_equal(evaluate(parse_claim(text), op, a), evaluate(parse_claim("y = conv(x, w, padding=p)"), op, a))


def test_the_forward_value_is_known_in_gradients() -> None:
    op = sc.operator("y[n,i] = x[n,i]*x[n,i]/3")
    x = np.arange(6).reshape(2, 3)
    got = evaluate(parse_claim("gx = y*gy"), op, {"x": x, "gy": 3 * np.ones_like(x)})
    assert got.tolist() == (x * x).tolist()
    smooth = sc.operator("y[i] = exp(x[i])")
    got = evaluate(parse_claim("gx = gy*y"), smooth, {"x": np.array([0.0, 1.0]), "gy": np.array([2.0, 2.0])})
    assert np.allclose(got, [2.0, 2 * np.e])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gx = conv(gy, w)", "conv of 2x4x3x5 with filters 4x3x3x2: 4 channels against 1*3"),
        ("gx = conv_transpose(x, w)", "conv_transpose of 2x3x6x7 with filters 4x3x3x2: 3 channels against 4"),
        ("gx = conv_transpose(gy, w)", "gives 2x3x5x6, gx is 2x3x6x7"),
        ("gw = gy", "gives 2x4x3x5, gw is 4x3x3x2"),
        ("gx = sum(x, 0)", "gives 3x6x7, gx is 2x3x6x7"),
        ("gx = conv_transpose(gy, w, output_padding=1)", "output_padding is 1, which is not in 0..0"),
        ("gx = conv(x, swap(w, 0, 1)[:, :3], padding=-2)", "a window of 3 taps and dilation 1 does not fit on an axis of length 6 with pads -2 and -2"),
        ("gx = conv(x, x[:, :2], groups=g*2)", "conv of 2x3x6x7 with filters 2x2x6x7: 3 channels against 2*2"),
        ("gx = conv(x[:, :2], w[:3, :1], groups=2)", "conv of 2x2x6x7 with filters 3x1x3x2: 3 filters in 2 groups"),
        ("gx = conv_transpose(x, w[:3], groups=2)", "conv_transpose of 2x3x6x7 with filters 3x3x3x2: 3 channels in 2 groups"),
        ("gx = conv_transpose(gy, w, padding=9)", "gives length -13"),
        ("gx = x + w", "x + w: 2x3x6x7 against 4x3x3x2"),
        ("gx = x @ w", "2x3x6x7 @ 4x3x3x2 does not fit"),
        ("gx = x[5]", "there is no element 5 on axis 0 of 2x3x6x7"),
        ("gx = crop(x, 4)", "leave nothing of 2x3x6x7"),
        ("gx = dilate(x[:, :, :0], 2)", "dilate of 2x3x0x7"),
        ("gx = mean(x[:0], 0)", "mean of no elements, of 0x3x6x7"),
        ("gx = reshape(x, (N, 5))", "reshape of 2x3x6x7 to 2x5 changes the number of elements"),
        ("gx = reshape(x, (N, 5, -1))", "reshape of 2x3x6x7 to (N, 5, -1) does not fit"),
        ("gx = reshape(x, (N-3, -1))", "does not fit"),
        ("gx = einsum('abcd,ebcd->ae', x, w)", "einsum 'abcd,ebcd->ae' of 2x3x6x7, 4x3x3x2: c is 6 and 3"),
        ("gx = fold(x[0], H, K)", "fold of 3x6x7: 6 rows for windows of 6 cells, 7 columns for 4x6 positions"),
        ("gx = correlate(w, x, 'valid')", "does not fit on an axis of length"),
        ("gx = convolve(x[:0], w)", "an empty array"),
        ("gx = x / (N - 2)", "divides by zero"),
        ("gx = pad(x, H // (N - 2))", "divides by zero"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(Misfit) as caught:
        evaluate(parse_claim(text), CONV, draw(CONV, **SHAPES))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("gq = x", 1, "gq is not computed by conv2d"),
        ("gx = z", 6, "z is no array of this operator; its arrays are x, w, gy"),
        ("y = gy", 5, "gy is no array of this operator; its arrays are x, w"),
        ("gx = 3", 6, "3 stands where an array is wanted"),
        ("gx = N*2", 7, "'*' does not join a number and a number"),
        ("gx = x @ 1", 8, "'@' does not join an array and a number"),
        ("gx = x % 2", 8, "'%' does not join an array and a number"),
        ("gx = x.shape[0]", 8, "size stands where an array is wanted"),
        ("gx = 'abc'", 6, "stands where an array is wanted"),
        ("gx = flip(x, 4)", 14, "there is no axis 4; the array has 4 axes"),
        ("gx = flip(x, (1, 1))", 14, "names an axis twice"),
        ("gx = flip(x, axes=1, dim=2)", 6, "flip is used as"),
        ("gx = flip(x, stride=2)", 6, "flip has no option stride"),
        ("gx = permute(x, 0, 1)", 6, "names 2 axes; the array has 4"),
        ("gx = conv(x, w, stride=0)", 24, "stride must be at least 1; given 0"),
        ("gx = conv(x, w, stride=H)", 24, "stride must be a concrete integer; given H, which depends on sizes"),
        ("gx = conv(x, w, groups=0)", 24, "groups must be at least 1; given 0"),
        ("gx = conv(x, w, groups=1/2)", 25, "is a fraction; one whole number is wanted"),
        ("gx = conv(x, w, stride=1/2)", 25, "is a fraction; one whole number is wanted"),
        ("gx = conv(x, w, stride=(1, 2, 3))", 24, "has 3 entries; there are 2 axes"),
        ("gx = conv(x, w, padding='round')", 25, "padding is"),
        ("gx = conv_transpose(x, w, padding='same')", 35, 'padding is "valid" or numbers'),
        ("gx = conv(x, w, padding=z)", 25, "z is unknown; the numbers of this claim are"),
        ("gx = conv(x, w, padding=w)", 25, "w is a tensor"),
        ("gx = conv(x, w, layout='HW')", 6, "the layout is"),
        ("gx = conv1d(x, w)", 6, "arrays of 3 axes are wanted; given 4 and 4"),
        ("gx = conv(x[0], w)", 6, "arrays of 4 axes are wanted; given 3 and 4"),
        ("gx = x*s", 8, "has a value per axis; one number is wanted here"),
        ("gx = x[::s]", 10, "has a value per axis"),
        ("gx = x[::H]", 7, "the step of a slice is a positive integer"),
        ("gx = x[0:3:-1]", 7, "the step of a slice is a positive integer"),
        ("gx = x[0, 0, 0, 0, 0]", 7, "the subscript has 5 entries"),
        ("gx = x[..., 0, ...]", 7, "the subscript has 1 entries"),
        ("gx = reshape(x, (-1, -1))", 6, "only one length can be -1"),
        ("gx = einsum(x, x)", 6, "einsum is used as"),
        ("gx = einsum('a1->a', x)", 13, "letters, commas and -> are wanted"),
        ("gx = einsum('abcd->ee', x)", 13, "names a letter twice or one that is not there"),
        ("gx = einsum('abc->a', x)", 13, "does not fit arrays of 4 axes"),
        ("gx = convolve(x, w[0])", 6, "wants arrays of equal rank; given 4 and 3 axes"),
        ("gx = convolve(x, w, 'all')", 21, 'the mode is "full", "same" or "valid"'),
        ("gx = sum(x, 0, keepdims=2)", 6, "keepdims is True or False"),
        ("gx = x[0, 0, 0, 0] @ x", 20, "matmul wants arrays with axes"),
        ("gx = unfold(x[0], K)", 6, "unfold wants an array of 4 axes; given 3"),
        ("gx = x / (2 - 2)", 8, "divides by zero"),
        ("gx = pad(x, (1, (2, 3, 4)))", 17, "a low and a high pad are wanted"),
        ("gx = pad(x, 999999999)", None, "too large to compute"),
    ],
)  # fmt: skip
def test_unusable_claims_are_refused_with_a_caret(text: str, at: int | None, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        evaluate(parse_claim(text), CONV, draw(CONV, **SHAPES))
    message = str(caught.value)
    assert words in message
    assert at is None or message.startswith(f"claim, column {at}: ")


def test_arrays_must_fit_the_operator() -> None:
    arrays = draw(CONV, **SHAPES)
    claim = parse_claim("gx = x")
    with pytest.raises(SpecError, match="the array gy is missing"):
        evaluate(claim, CONV, {name: arrays[name] for name in ("x", "w")})
    with pytest.raises(SpecError, match=r"gy has shape \(1,\)"):
        evaluate(claim, CONV, {**arrays, "gy": np.zeros(1, int)})
    with pytest.raises(SpecError, match="x has 1 axes"):
        evaluate(claim, CONV, {**arrays, "x": np.zeros(1, int)})
    with pytest.raises(SpecError, match="holds <U1"):
        evaluate(claim, CONV, {**arrays, "x": np.full(SHAPES["x"], "a")})
    with pytest.raises(SpecError, match="integers or Fractions are wanted modulo 7"):
        evaluate(claim, CONV, {**arrays, "x": np.full(SHAPES["x"], 0.5)}, 7)


PADS: dict[str, tuple[int, int, int, int]] = {
    "K": (3, 3, 2, 2),
    "d*(K-1)-p": (1, 2, 2, 0),
    "(K, K)": (3, 3, 2, 2),
    "(KH, W)": (3, 3, 6, 6),
    "(H, H)": (5, 5, 5, 5),
    "H": (5, 5, 6, 6),
    "KH": (3, 3, 3, 3),
    "O": (2, 2, 6, 6),
    "p": (1, 0, 0, 2),
    "(p, 1)": (1, 0, 1, 1),
    "((p, 3), (1, p))": (1, 3, 1, 2),
    "-7//2+5": (1, 1, 1, 1),
    "(H-2)%s": (1, 1, 0, 0),
    "s*d - g": (1, 1, 1, 1),
    "w.shape[2]": (3, 3, 3, 3),
}
"""Numbers in a claim about a 2-D operator, and the pads they are: top, bottom, left, right."""


@pytest.mark.parametrize("text", PADS)
def test_numbers_per_axis(text: str) -> None:
    op = sc.conv2d(stride=(2, 1), padding=((1, 0), (0, 2)), dilation=(1, 2))
    top, bottom, left, right = PADS[text]
    arrays = draw(op, x=(1, 1, 5, 6), w=(1, 1, 3, 2))
    wide = np.pad(arrays["x"], ((0, 0), (0, 0), (top, bottom), (left, right)))
    with pytest.raises(Misfit, match=f"gives {'x'.join(map(str, wide.shape[2:]))}, gx is 1x1x5x6"):
        evaluate(parse_claim(f"gx = pad(x, {text})[0, 0]"), op, arrays)
    for row, column in ((0, 0), (top + bottom, left + right)):
        kept = f"{row}:{row}+5, {column}:{column}+6"
        got = evaluate(parse_claim(f"gx = pad(x, {text})[:, :, {kept}]"), op, arrays)
        assert got.tolist() == wide[:, :, row : row + 5, column : column + 6].tolist()


def test_merged_channels_have_their_physical_size() -> None:
    op = sc.conv2d(groups=2)
    arrays = draw(op, x=(1, 4, 3, 3), w=(6, 2, 2, 2))
    for text in ("reshape(x, (N, g, Cg, H, W))", "reshape(x, (N, g, C//g, H, W))"):
        claim = parse_claim(f"gx = reshape({text}, (1, C, H, W))")
        assert evaluate(claim, op, arrays).tolist() == arrays["x"].tolist()
    assert evaluate(parse_claim("gw = w*F/6"), op, arrays).tolist() == arrays["w"].tolist()


def test_a_vector_of_another_length_does_not_fit() -> None:
    with pytest.raises(Misfit, match=r"1x7 @ 2x3x6x7 does not fit"):
        evaluate(parse_claim("gx = x[0, 0, 0] @ x"), CONV, draw(CONV, **SHAPES))
