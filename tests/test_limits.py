"""Limits on work stand in one module, each with a reason, and each is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import symconv.limits

PACKAGE = Path(symconv.limits.__file__).parent
STAGES = ("relation", "prove", "code", "validate")
MODULES = {str(path.relative_to(PACKAGE)): path for stage in STAGES for path in sorted((PACKAGE / stage).rglob("*.py"))}
LIMITS = {name: value for name, value in vars(symconv.limits).items() if name.isupper()}

NO_LIMITS = {
    "prove/concrete/counterexample.py": {
        "PRIME": "the field that draws are compared in",
        "_TERMS": "how much is printed",
        "_DIGITS": "how much is printed",
        "SIGNED": "what is drawn",
        "UNIT": "what is drawn",
        "_POSITIVE": "what is drawn",
        "_SMALL": "what is drawn",
    },
    "prove/concrete/enclosure.py": {"_GRID": "precision", "_BITS": "precision"},
    "prove/concrete/words.py": {"_SMALL": "what int64 holds"},
    "prove/proof.py": {"WIDTH": "how much is printed"},
    "prove/decide/refutation.py": {"_SEEDS": "what is drawn", "_LEAST": "what is drawn", "_MASK": "what is drawn"},
    "relation/literals.py": {"_MIXED": "a weight of readability"},
    "code/gradients/ranks.py": {"_RANKS": "what is likely, in order"},
    "code/library/activations.py": {"_OVERFLOW": "torch's threshold of softplus"},
    "code/arrays/concrete.py": {"_UNSET": "a value that shows where memory is not set"},
    "validate/validation.py": {"LANES": "the vectors there are"},
    "validate/witness.py": {"_ALL": "what is drawn", "_LARGE": "what is drawn"},
}
"""Integers at the top of a module that say nothing of work."""

SMALL = 5
"""Numbers of axes, arguments and parts are below it; what is compared with a larger number is compared with a limit."""


def integers(node: ast.expr) -> bool:
    """Whether an expression is a number that could be a limit, or a row of them."""
    match node:
        case ast.Constant(value):
            return isinstance(value, int) and not isinstance(value, bool)
        case ast.Tuple(elements) | ast.List(elements):
            return bool(elements) and all(map(integers, elements))
        case ast.BinOp(left, _, right):
            return integers(left) and integers(right)
        case ast.UnaryOp(_, operand):
            return integers(operand)
        case ast.Call(ast.Name("int"), (value,)):
            return integers(value)
    return False


def named(body: list[ast.stmt]) -> Iterator[str]:
    """The names of integers that a module gives at its top."""
    for node in body:
        match node:
            case ast.Assign((ast.Tuple(targets),), ast.Tuple(values)):
                pairs = zip(targets, values, strict=True)
                yield from (target.id for target, value in pairs if isinstance(target, ast.Name) and integers(value))
            case ast.Assign(targets, value) if integers(value):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(ast.Name(name), _, value) if value is not None and integers(value):
                yield name


def large(node: ast.expr) -> bool:
    match node:
        case ast.UnaryOp(_, operand):
            return large(operand)
        case ast.Constant(value):
            return isinstance(value, int) and value > SMALL
    return integers(node) and not isinstance(node, ast.Tuple)


def written(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Where a number bounds a comparison, a count of turns, a prefix or what isl may do."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left, operators, others):
                ordered = any(isinstance(one, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for one in operators)
                found = ordered and any(map(large, (left, *others)))
            case ast.Call(ast.Name("islice" | "effort" | "geometries"), arguments):
                found = any(map(large, arguments))
            case ast.For(_, ast.Call(ast.Name("range"), (count,))):
                found = large(count)
            case ast.Slice(_, upper) if upper is not None:
                found = large(upper)
            case _:
                continue
        if found:
            yield getattr(node, "lineno", 0), ast.unparse(node).partition("\n")[0]


def test_the_scan_finds_what_is_written() -> None:
    source = "_MOST = 9\n_A, _B = 2**4, 1 << 3\nX: int = -7\ny = 'no'\nfor k in range(12):\n    if k > 40 or z[:25]: effort(10**6)"
    tree = ast.parse(source)
    assert list(named(tree.body)) == ["_MOST", "_A", "_B", "X"]
    assert len(list(written(tree))) == 4


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_states_a_limit_of_its_own(stage: str) -> None:
    mine = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()
            if name.startswith(f"{stage}/")}  # fmt: skip
    stated = {name: found for name, tree in mine.items() if (found := set(named(tree.body)))}
    known = {name: set(names) for name, names in NO_LIMITS.items() if name.startswith(f"{stage}/")}
    assert stated == known, "limits stand in symconv/limits.py"
    compared = {name: list(written(tree)) for name, tree in mine.items()}
    assert {name: found for name, found in compared.items() if found} == {}


def test_every_limit_is_a_positive_number_that_is_used() -> None:
    used = set(re.findall(r"\b[A-Z_]{3,}\b", "\n".join(path.read_text(encoding="utf-8") for path in MODULES.values())))
    assert LIMITS and all(isinstance(value, int) and value > 0 for value in LIMITS.values())
    assert not LIMITS.keys() - used


def test_every_limit_has_a_reason() -> None:
    body = ast.parse(Path(symconv.limits.__file__).read_text(encoding="utf-8")).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign):
            assert isinstance(after, ast.Expr), f"{ast.unparse(node)} has no reason"
            assert isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
            assert len(after.value.value) > 20
