"""What is printed means what the IR says, and the template gets exactly the names it declares."""

from __future__ import annotations

import ast
import random
import re
import struct
from collections.abc import Callable
from fractions import Fraction

import pytest
from jinja2 import meta

from symconv import pipeline
from symconv.emit.prelude import prelude
from symconv.emit.printer import Printer
from symconv.loops.arith import const
from symconv.loops.ir import Binary, Const, Expr, FloorDiv, Kernel, Mod, Var
from symconv.notation.front import formula
from symconv.notation.operator import Operator
from symconv.ops.registry import adder1d, conv2d, conv_bias_act2d, locally_connected1d, max_pool2d
from symconv.options import Options
from symconv.templates import environment, template_folder

EMPTY = Kernel("k", (), (), (), ())
VALUES = {"a": 7, "b": -3, "c": 11}


def _random(rng: random.Random, depth: int) -> Expr:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice((Var("a"), Var("b"), Var("c"), const(rng.randrange(9))))
    left, right = _random(rng, depth - 1), _random(rng, depth - 1)
    match rng.randrange(7):
        case 0:
            return FloorDiv(left, rng.randrange(1, 5))
        case 1:
            return Mod(left, rng.randrange(1, 5))
        case 2:
            return Binary(rng.choice(("min", "max")), left, right)
    return Binary(rng.choice("+-*"), left, right)


def _meaning(expr: Expr) -> int:
    match expr:
        case Const(value):
            return int(value)
        case Var(name):
            return VALUES[name]
        case FloorDiv(value, divisor):
            return _meaning(value) // divisor
        case Mod(value, divisor):
            return _meaning(value) % divisor
        case Binary(op, left, right):
            a, b = _meaning(left), _meaning(right)
            return {"+": a + b, "-": a - b, "*": a * b, "min": min(a, b), "max": max(a, b)}[op]
    raise AssertionError(expr)


def _read(node: ast.expr) -> int:
    match node:
        case ast.Constant(value):
            return int(value)
        case ast.Name(name):
            return VALUES[name]
        case ast.UnaryOp(ast.USub(), operand):
            return -_read(operand)
        case ast.BinOp(left, op, right):
            a, b = _read(left), _read(right)
            return {ast.Add: a + b, ast.Sub: a - b, ast.Mult: a * b}[type(op)]
        case ast.Call(ast.Name(name), [first, second]):
            a, b = _read(first), _read(second)
            if name in {"sc_floordiv", "sc_mod"}:
                return a // b if name == "sc_floordiv" else a % b
            return {"sc_imin": min, "sc_imax": max}[name](a, b)
    raise AssertionError(ast.dump(node))


def test_precedence_round_trips() -> None:
    rng = random.Random(5)
    for _ in range(2000):
        expr = _random(rng, 5)
        text = Printer(EMPTY).expr(expr)
        assert _read(ast.parse(text, mode="eval").body) == _meaning(expr), text


@pytest.mark.parametrize("value", [Fraction(1, 10), Fraction(1, 3), Fraction(10) ** 30, -Fraction(7, 9) / 10**20])
def test_literals_round_trip(value: Fraction) -> None:
    text = Printer(EMPTY).expr(Const(value, real=True))
    inside = text.removeprefix("(<sc_real>").removesuffix(")")
    assert struct.pack("d", ast.literal_eval(inside)) == struct.pack("d", float(value))


def test_the_template_gets_what_it_declares() -> None:
    env = environment()
    declared: set[str] = set()
    parts = ("drivers.h", "functions", "functions.h", "kernels.pyx", "module.pyx", "plans.pyx", "prelude.h")
    for path in (template_folder() / "cython" / f"{part}.j2" for part in parts):
        declared |= meta.find_undeclared_variables(env.parse(path.read_text()))
    given = {
        "convention",
        "dtype",
        "ctype",
        "code",
        "type",
        "few",
        "units",
        "functions",
        "shuffles",
        "turns",
        "alike",
        "noughts",
        "prelude",
        "body",
        "needs",
        "native",
        "called",
        "kernels",
        "marker",
    }
    assert declared == given | {"entry"}, "what is included sees the loop around it"


PARTS: dict[str, Callable[[], Operator]] = {
    "plain": conv2d,
    "strided": lambda: conv2d(stride=(2, 3), padding=(1, 2)),
    "adder": adder1d,
    "max": lambda: max_pool2d((2, 3), padding=1),
    "gelu": lambda: conv_bias_act2d("gelu"),
    "pieces": lambda: formula("y[n,i] = sum[p](clip(leaky_relu(x[n,i+p], 0.1), -1, 1)*silu(w[p]))"),
    "no lanes": lambda: locally_connected1d(3),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_helper_is_used(part: str, dtype: str) -> None:
    text = pipeline.source(PARTS[part](), Options(dtype=dtype)).text
    helpers = set(re.findall(r"^    static [^;{]*?\b(sc_\w+)\(", text, re.MULTILINE))
    assert helpers
    for helper in helpers:
        # Its definition (and its declaration where Cython calls it) is not a use.
        uses = len(re.findall(rf"\b{helper}\b", text)) - len(
            re.findall(rf"^    \w+ {helper}\(.*nogil$", text, re.MULTILINE)
        )
        assert uses >= 2, helper


def test_a_plain_convolution_knows_no_gelu() -> None:
    text = pipeline.source(conv2d(stride=2, padding=1), Options()).text
    assert not re.search(r"gelu|erf|tanh|softplus|sc_inf|sc_pow", text)
    assert "sc_vgelu" in pipeline.source(conv_bias_act2d("gelu"), Options()).text


def test_nothing_is_printed_that_is_never_true_or_neutral() -> None:
    made = [pipeline.unit(part(), Options()) for part in PARTS.values()]
    made += [pipeline.unit(op, Options(), every=True) for op in (conv2d(padding=1), conv2d(stride=(2, 3), padding=2))]
    for unit in made:
        text = pipeline.generate((unit,), Options()).text
        neutral = r"if True:|\+ 0\b(?!\.)|\b0 [-+] |\* 1\b(?!\.)|--|sc_choose\(sc_choose\("
        assert not (found := re.findall(f".*(?:{neutral}).*", text)), found[:3]


def test_the_negative_of_an_integer_is_a_sign() -> None:
    printer, a, b, zero = Printer(EMPTY), Var("a"), Var("b"), const(0)
    negative = Binary("-", zero, a)
    assert printer.expr(negative) == "-a"
    assert printer.expr(Binary("-", zero, const(-2))) == "-(-2)"
    assert printer.expr(Binary("*", negative, b)) == "(-a) * b"
    assert printer.expr(Binary("-", zero, Binary("-", a, b))) == "-(a - b)"
    # The difference of real zeros is 0, the negative of one is -0.
    real = Const(Fraction(1), real=True)
    assert printer.expr(Binary("-", zero, real)).startswith("0 - ")


def test_nests_with_one_text_are_one_function() -> None:
    text = pipeline.source(conv_bias_act2d("tanh"), Options()).text
    bodies = re.findall(r"^cdef sc_nest u0_\w+_\d+\((.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    assert len(bodies) == len(set(bodies))
    native = re.findall(r"^    static sc_nest (u0_\w+)\(", text, re.MULTILINE)
    assert len(native) == len(set(native))
    # Every gradient computes the sums again that the activation is applied to.
    calls = re.findall(r"^        (u0_\w+_\d+)\(sc_begin", text, re.MULTILINE)
    assert len(bodies) + len(native) == len(set(calls)) < len(calls)


def test_the_template_of_helpers_defines_each_name_once() -> None:
    whole = environment().get_template("cython/prelude.h.j2").render(code="d", shuffles=(), turns=(), alike=False)
    names = re.findall(r"^static [^;{]*?\b(sc_\w+)\(", whole, re.MULTILINE)
    assert len(names) == len(set(names)) > 50
    assert len(prelude(" ".join(names), "double", "d").declarations) >= len(names)


def test_templates_hold_no_arithmetic() -> None:
    # What measures a machine's ceilings computes nothing of an operator.
    for path in sorted(
        set((template_folder() / "cython").glob("*.j2")) - {template_folder() / "cython/ceilings.pyx.j2"}
    ):
        text = path.read_text()
        holes = [hole.split("}}")[0] for hole in text.split("{{")[1:]]
        for hole in holes:
            assert not set("+*/%") & set(hole.replace("2 ** outer", "")), f"{path.name}: {{{{{hole}}}}}"


def test_the_text_names_no_machine() -> None:
    first = pipeline.source(conv2d(stride=2), Options(target="portable"))
    assert first.text == pipeline.source(conv2d(stride=2), Options(target="portable")).text
    assert "march" not in first.text
