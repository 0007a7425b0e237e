"""``symconv prove``: a hand-written formula of a gradient, decided for all sizes; or for a family of operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path

from symconv.claims import Proof
from symconv.claims import prove as decided
from symconv.commands.check import named, place
from symconv.commands.outcome import FAILED, RIGHT, UNDECIDED
from symconv.commands.progress import stage
from symconv.commands.request import requested
from symconv.errors import SpecError
from symconv.notation.operator import Operator

__all__ = ["prove"]

_MOST = 2000

Family = tuple[tuple[str, range], ...]


def prove(op: str, settings: Mapping[str, object], claim: str, family: Family, output: Path | None) -> int:
    """Print the proof, or a table over the family; the status says true, false or undecided."""
    if not claim:
        raise SpecError("say what to decide: --claim 'gx = ...', or --code FILE.py:FUNCTION")
    if family:
        if output is not None:
            raise SpecError("--for prints a table; leave out -o")
        return _table(op, settings, claim, family)
    operator = requested(op, settings)
    with stage("proving"):
        proof = decided(operator, claim)
    print(proof)
    if output is not None:
        from symconv.views.show import show

        print(f"report: {show(proof, output)}")
    return _status([proof])


def prove_file(op: str, settings: Mapping[str, object], claim: str | None, code: str, arguments: str | None,
               returns: str | None, family: Family, output: Path | None) -> int:  # fmt: skip
    """Print the proofs of a function of a file."""
    if claim or family or output is not None:
        raise SpecError("--code stands alone: leave out --claim, --for and -o")
    path, name = place(code)
    operator = requested(op, settings)
    with stage("proving"):
        chosen = tuple(x.strip() for x in returns.split(",")) if returns else None
        proofs = decided(operator, code=Path(path), name=name, arguments=named(arguments), returns=chosen)
    print(proofs)
    return _status([*proofs.values()])


def _status(proofs: list[Proof]) -> int:
    if any(proof.holds is False for proof in proofs):
        return FAILED
    return RIGHT if all(proof.holds for proof in proofs) else UNDECIDED


def _table(op: str, settings: Mapping[str, object], claim: str, family: Family) -> int:
    names = [name for name, _ in family]
    if twice := [name for name in names if settings.get(name) is not None]:
        raise SpecError(f"--for gives {twice[0]}, and --{twice[0]} does too; give it once")
    members = [(values, _member(op, settings, names, values)) for values in _members(family)]
    _usable(names, members)
    proofs: list[Proof] = []
    rows: list[tuple[str, ...]] = []
    with stage("proving") as tell:
        for values, operator in members:
            tell(", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)))
            cells = tuple(map(str, values))
            if isinstance(operator, SpecError):
                rows.append((*cells, "no operator", str(operator).splitlines()[0]))
                continue
            proof = decided(operator, claim, explain=False)
            proofs.append(proof)
            rows.append((*cells, *_words(proof)))
    print(f"{proofs[0].claim}\n")
    for row in _aligned([(*names, "holds", "fails when"), *rows]):
        print(row)
    count = sum(proof.holds is True for proof in proofs)
    print(f"\nholds for all sizes in {count} of {len(proofs)} cases")
    return _status(proofs)


def _member(
    op: str, settings: Mapping[str, object], names: Sequence[str], values: tuple[int, ...]
) -> Operator | SpecError:
    try:
        return requested(op, {**settings, **dict(zip(names, values, strict=True))})
    except SpecError as error:
        return error


def _usable(names: Sequence[str], members: Sequence[tuple[tuple[int, ...], Operator | SpecError]]) -> None:
    """Raises SpecError for a value that makes no operator whatever the other options are."""
    valid = [{values[k] for values, made in members if not isinstance(made, SpecError)} for k in range(len(names))]
    for values, made in members:
        for name, value, good in zip(names, values, valid, strict=True):
            if isinstance(made, SpecError) and value not in good:
                raise SpecError(f"--for: no operator of the family with {name} {value} is valid: {made}")


def _words(proof: Proof) -> tuple[str, str]:
    word = {True: "yes", False: "no", None: "undecided"}[proof.holds]
    return word, proof.reason if proof.holds is None else proof.fails_when


def _members(family: Family) -> Iterator[tuple[int, ...]]:
    count = prod(values.stop - values.start for _, values in family)
    if count > _MOST:
        raise SpecError(f"--for has {count} cases; at most {_MOST} are decided in one go")
    return product(*(values for _, values in family))


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
