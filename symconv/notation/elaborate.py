"""From a parsed formula to an Operator: which axis has which size, how far the output reaches, what lies outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symconv.errors import SpecError
from symconv.notation.affine import Affine, var
from symconv.notation.body import elaborate_body
from symconv.notation.expr import Expr, Read, rename, transform
from symconv.notation.extents import Settings, Sizes, is_direct
from symconv.notation.found import Body, Slot
from symconv.notation.indices import size_of_tap
from symconv.notation.lexer import point, tokenize
from symconv.notation.names import check_names
from symconv.notation.operator import Operator, Statement, Tensor
from symconv.notation.parse import Equation, Group, Name
from symconv.notation.settle import floors, provide, settle
from symconv.notation.slide import slide
from symconv.notation.surrogate import surrogates
from symconv.notation.taps import occupied
from symconv.notation.written import check_lengths, name_lengths, run_beside

__all__ = ["elaborate"]


def elaborate(equation: Equation, settings: Settings) -> Operator:
    """The Operator a formula stands for; raises SpecError for what is wrong and for what must still be said."""
    outputs, layout = _outputs(equation)
    numbers, scalars = dict(settings.parameters), frozenset(settings.scalars)
    body = elaborate_body(equation.source, equation.body, equation.target.name, outputs, numbers, scalars)
    if not set(body.layout) - scalars:
        raise SpecError(f"the formula {equation.source!r} reads no tensor: there is nothing to differentiate")
    check_names(equation.target.name, (*outputs, *body.taps), tuple(body.layout))
    settings = _bounded(settings, body.bounds, body.twins)
    sizes = Sizes(body, settings, _sliding(body, settings, outputs))
    _check_settings(settings, tuple(body.layout), (*outputs, *body.taps))
    provide(sizes)
    name_lengths(sizes)
    slide(sizes)
    _direct(sizes)
    run_beside(sizes)
    settle(sizes)
    for name, slot in body.quotients.items():
        sizes.extents[name] = sizes.slots[slot]
    bases = floors(sizes)
    expr = _finish(sizes, body.expr, bases)
    declared = surrogates(settings.surrogates, expr, dict(settings.parameters))
    tensors = (name for name, axes in body.layout.items() if axes or name not in scalars)
    _check_parameters(equation.source, settings, (equation.target.name, *tensors, *outputs, *body.taps))
    axes = iter(sizes.extents[name] for name in outputs)
    target = Tensor(equation.target.name, tuple(tuple(next(axes) for _ in range(n)) for n in layout))
    inputs = tuple(_tensor(sizes, name, lengths) for name, lengths in body.layout.items())
    inputs += tuple(Tensor(name, ((var(name),),), "index") for name in dict.fromkeys(sizes.told))
    check_lengths(sizes, (target, *inputs), (*outputs, *body.taps))
    statement = Statement(target, outputs, expr)
    logical = {tensor.name: tensor.sizes for tensor in inputs}
    return Operator(
        name=settings.name,
        inputs=inputs,
        statements=(statement,),
        definitions=tuple(sizes.definitions),
        assumptions=tuple(sizes.assumptions),
        windows=tuple(sizes.windows),
        kinks=settings.kinks,
        surrogates=declared,
        source=" ".join(equation.source.split()),
        batch=_batch(sizes, target),
        occupied=occupied(statement, logical) if settings.empty is None else (),
        empty=settings.empty,
        notes=(*dict.fromkeys(body.meanings), *_rounded(sizes, bases)),
    )


def _sliding(body: Body, settings: Settings, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """The output's indices without those that are taps of a window, as p in ``y[n,i,p] = x[n,2*i+p]``: known by
    themselves, beside an index that is not."""
    alone = {name for name, _ in settings.extents}
    windowed = [forms for forms in body.slots.values() if not is_direct(forms)]
    alone |= {f.over or "" for forms in body.slots.values() if is_direct(forms) for f in forms}
    taps = []
    for name in outputs:
        mine = [{n for f in forms for n in f.form.names()} for forms in windowed]
        mine = [names for names in mine if name in names]
        if name in alone and mine and all(names & {*outputs} - alone for names in mine):
            taps.append(name)
    body.taps = {**dict.fromkeys(taps, 0), **body.taps}
    return tuple(name for name in outputs if name not in taps)


def _bounded(settings: Settings, bounds: dict[str, Affine], twins: dict[str, str]) -> Settings:
    """The bounds in a formula are extents, as those of the settings are."""
    given = dict(settings.extents)
    for name, form in bounds.items():
        if given.setdefault(name, form) != form:
            raise SpecError(f"the formula bounds {name} by {form}, and extents says {given[name]}; say it once")
    given |= {new: given[old] for new, old in twins.items() if old in given and new not in given}
    return replace(settings, extents=tuple(given.items()))


def _batch(sizes: Sizes, target: Tensor) -> str:
    """The size of the output's first axis, where every axis of that index is only ever read at it: it may be 0."""
    if len(target.sizes) < 2:
        return ""
    slid = (form.form.names() for forms in sizes.body.slots.values() if not is_direct(forms) for form in forms)
    return "" if any(sizes.outputs[0] in names for names in slid) else target.sizes[0].name or ""


def _check_settings(settings: Settings, tensors: tuple[str, ...], indices: tuple[str, ...]) -> None:
    """What is said of a tensor or an index that the formula does not have is a mistake."""
    for what, given, known in (
        ("border", settings.borders, tensors),
        ("extents", settings.extents, indices),
    ):
        for name, _ in given:
            if name not in known:
                kind = "tensor" if what == "border" else "index"
                raise SpecError(f"{what} names {name!r}, which is no {kind} of the formula; it has {', '.join(known)}")


def _check_parameters(source: str, settings: Settings, taken: tuple[str, ...]) -> None:
    """A number that nothing reads is a misspelt name, or one that means something else here."""
    texts = (source, *(text for _, text in settings.surrogates))
    used = {token.text for text in texts for token in tokenize(text) if token.kind == "name"}
    for name in (*settings.scalars, *(name for name, _ in settings.parameters)):
        if name in taken:
            raise SpecError(
                f"params names {name!r}, which is a tensor or an index of the formula; call the number something else"
            )
        if name not in used:
            raise SpecError(f"params names {name!r}, which the formula does not use: {' '.join(source.split())}")


def _outputs(equation: Equation) -> tuple[tuple[str, ...], tuple[int, ...]]:
    names: list[str] = []
    layout = []
    for axis in equation.target.brackets or ():
        items = axis.items if isinstance(axis, Group) else (axis,)
        for item in items:
            if not isinstance(item, Name) or item.text in names:
                raise point(
                    equation.source, item.column, "the output is indexed by distinct plain names, as in y[n,f,i]"
                )
            names.append(item.text)
        layout.append(len(items))
    return tuple(names), tuple(layout)


def _direct(sizes: Sizes) -> None:
    groups = _merged_with(sizes)
    for slot, forms in sizes.body.slots.items():
        if is_direct(forms):
            names = [form.over or "" for form in forms]
            known = next((sizes.extents[name] for name in names if name in sizes.extents), None)
            known = None if known is None else known.substitute(sizes.names)
            size = known or sizes.called(names[0], names[0].upper() + groups.get(names[0], ""))
            for name in names:
                if sizes.extents.setdefault(name, size) != size:
                    raise SpecError(
                        f"axis {slot.position} of {slot.tensor} is read by indices of different extents: {names[0]} "
                        f"runs to {size}, {name} to {sizes.extents[name]}"
                    )
            sizes.slots[slot] = size


def _merged_with(sizes: Sizes) -> dict[str, str]:
    partners = {}
    for tensor, layout in sizes.body.layout.items():
        position = 0
        for length in layout:
            forms = [sizes.body.slots[Slot(tensor, position + k)][0].over for k in range(length)]
            position += length
            if length == 2 and forms[0] and forms[1]:
                partners[forms[1]] = forms[0]
    return partners


def _finish(sizes: Sizes, expr: Expr, bases: dict[str, Affine]) -> Expr:
    resolve = {size_of_tap(name): extent for name, extent in sizes.extents.items()} | bases
    resolve |= {name: sizes.names[name] for name in sizes.body.lengths.floors}

    def rule(node: Expr) -> Expr | None:
        if not isinstance(node, Read):
            return None
        shifted = tuple(
            form - sizes.shifts[Slot(node.tensor, k)] if Slot(node.tensor, k) in sizes.shifts else form
            for k, form in enumerate(node.index)
        )
        border = dict(sizes.settings.borders).get(node.tensor, sizes.settings.border)
        leaves = any(
            not is_direct(forms) and any(form.kind != "exact" for form in forms)
            for forms in (sizes.body.slots[Slot(node.tensor, k)] for k in range(len(shifted)))
        )
        return replace(node, index=shifted, border=border if leaves else None)

    return rename(transform(expr, rule), resolve)


def _rounded(sizes: Sizes, bases: dict[str, Affine]) -> Iterator[str]:
    """What the indices mean that stand for floors."""
    for name, floor in sizes.body.floors.items():
        rest = (floor.numerator - floor.divisor * (var(name) + var(floor.base))).substitute(bases)
        numerator = floor.numerator.substitute(bases)
        yield f"({numerator})//{floor.divisor} rounds down: {name} is the index with 0 <= {rest} < {floor.divisor}"


def _tensor(sizes: Sizes, name: str, layout: tuple[int, ...]) -> Tensor:
    axes, position = [], 0
    for length in layout:
        axes.append(tuple(sizes.slots[Slot(name, position + k)] for k in range(length)))
        position += length
    return Tensor(name, tuple(axes))
