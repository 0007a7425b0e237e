"""The names people use for tensors, their gradients and sizes, in place of an operator's own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from symconv.errors import SpecError
from symconv.notation.affine import affine
from symconv.notation.operator import Operator
from symconv.prove.language.coded import Coded
from symconv.prove.language.extents import bounded
from symconv.prove.language.facts import Facts, facts_of
from symconv.prove.language.named_numbers import with_numbers
from symconv.prove.language.renaming import renamed, said, said_of
from symconv.prove.language.syntax import (
    Claim,
    Each,
    Equation,
    Name,
    Number,
    Reduction,
)

__all__ = ["aliases", "gradient_words", "named_by_the_operator", "named_in", "nearest"]

_ROLES: Mapping[str, tuple[str, ...]] = {
    "input": ("x", "input", "inputs", "inp", "image", "images", "img", "data", "X"),
    "weight": ("w", "weight", "weights", "kernel", "kernels", "filter", "filters", "W"),
    "bias": ("b", "bias", "biases"),
    "output": ("y", "out", "output", "outputs", "Y"),
}
_GRADIENTS = ("d{}", "d_{}", "dL_d{}", "dLd{}", "dL/d{}", "grad_{}", "{}_grad", "{}.grad", "g_{}", "g{}", "grad{}")
_COTANGENTS = ("dout", "d_out", "gout", "upstream", "delta", "cotangent", "dO", "dY", "grad", "go")
_SIZES: Mapping[str, tuple[str, ...]] = {
    "N": ("B", "batch", "batch_size", "bs"),
    "C": ("Cin", "C_in", "in_channels", "c_in", "IC"),
    "F": ("Cout", "C_out", "out_channels", "c_out", "OC", "num_filters"),
    "KH": ("HH", "kh", "KH", "k_h", "K_h", "filter_height", "FH", "fh", "R"),
    "KW": ("WW", "kw", "KW", "k_w", "K_w", "filter_width", "FW", "fw"),
    "OH": ("H_out", "Hout", "out_h", "H_o", "Ho", "oh", "out_height", "H_prime"),
    "OW": ("W_out", "Wout", "out_w", "W_o", "Wo", "ow", "out_width", "W_prime"),
    "OL": ("L_out", "Lout", "out_l", "Lo", "T_out"),
    "s": ("stride", "strides"), "p": ("pad", "padding", "pads"), "d": ("dilation", "dilations"),
    "g": ("groups",), "K": ("kernel_size", "ksize", "k_size"),
}  # fmt: skip


@lru_cache(maxsize=256)
def aliases(op: Operator) -> Mapping[str, str]:
    """What else the names of a claim about ``op`` may be: each other name, and the operator's own.

    >>> import symconv as sc
    >>> names = aliases(sc.conv2d())
    >>> names["dx"], names["grad_output"], names["dL/dweight"], names["HH"]
    ('gx', 'gy', 'gw', 'KH')
    """
    facts = facts_of(op)
    own = {
        *op.tensors,
        *(s.target.name for s in op.statements),
        *(f"g{t}" for t in (*op.tensors, op.output.name)),
        *facts.sizes,
        *facts.vectors,
    }
    meanings: dict[str, set[str]] = {}
    for other, name in (*_tensors(op, facts), *_sizes(facts)):
        if other not in own:
            meanings.setdefault(other, set()).add(name)
    return {other: next(iter(names)) for other, names in meanings.items() if len(names) == 1}


def named_in(op: Operator, claim: Claim | Coded) -> tuple[str, ...]:
    """The operator's intermediates that a claim reads and does not compute itself."""
    if isinstance(claim, Coded) or len(op.statements) == 1:
        return ()
    own = {equation.name for equation in claim.earlier} | set(op.tensors)
    read = {node.name for node in claim.nodes() if isinstance(node, Name)}
    return tuple(s.target.name for s in op.statements[:-1] if s.target.name in read - own)


def _tensors(op: Operator, facts: Facts) -> Iterator[tuple[str, str]]:
    output = op.output.name
    roles = {name: role for role, name in _roles(op, facts)}
    for tensor in (*op.tensors, output):
        words = dict.fromkeys((tensor, tensor.upper(), *_ROLES.get(roles.get(tensor, ""), ())))
        for word in words:
            yield word, tensor
            for form in _GRADIENTS:
                yield form.format(word), f"g{tensor}"
    yield from ((word, f"g{output}") for word in _COTANGENTS)


def gradient_words(name: str) -> tuple[str, ...]:
    """What people call the gradient of a loss with respect to a tensor.

    >>> gradient_words("x")[:4]
    ('dx', 'd_x', 'dL_dx', 'dLdx')
    """
    return tuple(form.format(name) for form in _GRADIENTS)


def _roles(op: Operator, facts: Facts) -> Iterator[tuple[str, str]]:
    """Which tensor people call the input, the weight, the bias: by its name, else by how it is used."""
    yield "output", op.output.name
    filters = [name for name in op.tensors if name in facts.filters]
    plain = [name for name in op.tensors if name in facts.places and name not in facts.filters]
    rest = [t.name for t in op.inputs if t.name not in {*filters, *plain} and len(t.axes) == 1]
    for role, called, found in (("input", "x", plain), ("weight", "w", filters), ("bias", "b", rest)):
        if called in op.tensors:
            yield role, called
        elif len(found) == 1:
            yield role, found[0]


def _sizes(facts: Facts) -> Iterator[tuple[str, str]]:
    for name, others in _SIZES.items():
        if name in facts.sizes or name in facts.vectors:
            yield from ((other, name) for other in others)


def named_by_the_operator(op: Operator, claim: Claim) -> Claim:
    """The claim in the operator's own names; names of indices and intermediates are the claim's.

    What the formula calls a number is this number, unless a letter of claims is the same: a stride stays ``s``.
    """
    others = aliases(op)
    indices = set(_indices(claim))
    taken = {one.name for one in claim.earlier} | indices
    read = {name for equation in claim.equations for name in said(equation.body)} - taken
    meant: dict[str, str | Number] = {
        **others,
        **_values(op, others, read, indices),
        **_numbers(op, others, read, indices),
    }
    names = {old: new for old, new in meant.items() if old not in taken}

    def own(equation: Equation) -> Equation:
        lengths = tuple((name, renamed(length, names)) for name, length in equation.lengths)
        return replace(equation, body=renamed(equation.body, names), lengths=lengths)

    earlier = tuple(map(own, claim.earlier))
    side = claim.side if claim.side in taken else others.get(claim.side, claim.side)
    return bounded(op, with_numbers(op, replace(claim, side=side, body=renamed(claim.body, names), earlier=earlier)))


def _values(op: Operator, others: Mapping[str, str], read: set[str], indices: set[str]) -> Mapping[str, Number]:
    """The numbers of words whose letter is an index of the claim, as padding where p runs over taps."""
    found: dict[str, Number] = {}
    for word, letter in others.items():
        if word in read and letter in indices and letter not in op.tensors:
            ends = {end for pair in facts_of(op).vectors.get(letter, ()) for end in pair}
            one = ends.pop() if len(ends) == 1 else None
            if one is None or not one.is_constant:
                raise SpecError(f"{word} is {letter} in claims, and {letter} is an index of this one: rename the index")
            found[word] = Number(Fraction(one.constant))
    return found


def _numbers(op: Operator, others: Mapping[str, str], read: set[str], indices: set[str]) -> Mapping[str, Number]:
    if not op.numbers:
        return {}
    facts = facts_of(op)
    found: dict[str, Number] = {}
    for name, value in op.numbers:
        letter = others.get(name, name)
        here = affine(int(value)) if value.denominator == 1 else None
        same = letter not in indices and letter in facts.vectors
        if same and all(pair == (here, here) for pair in facts.vectors[letter]):
            continue
        if name in read and name in facts.sizes and name != "g":
            raise SpecError(
                f"{name} is a number of the formula, and the size {name} is called so in claims; call the number "
                "something else"
            )
        found[name] = Number(value)
    return found


def _indices(claim: Claim) -> Iterator[str]:
    for equation in claim.equations:
        yield from said_of(equation.indices or ())
    for node in claim.nodes():
        if isinstance(node, Reduction):
            yield from node.indices
        elif isinstance(node, Each):
            yield node.name


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean gx?``, or nothing where no name is near."""
    near = difflib.get_close_matches(name, [*known, *_COTANGENTS], 1, 0.5)
    return f"; did you mean {near[0]}?" if near else ""
