"""Small steps as rows: equations, remainders and inequalities side by side, the chain rule; what steps are called."""

from __future__ import annotations

from dataclasses import replace

from symconv.gather.chain import Partial, Through
from symconv.gather.facts import Congruent, Divided, Equal, Fact, Least, Limits, Named, Within
from symconv.gather.solution import settled
from symconv.notation.affine import Affine
from symconv.notation.expr import Read
from symconv.notation.trace import Step, Trace
from symconv.views.dialect import Dialect, Frag
from symconv.views.forms import Bound, bound_text, form_text, ranges_text
from symconv.views.printer import Printer, expr_frag, expr_text, over, product
from symconv.views.rows import Row, Rows, phase_definitions

__all__ = ["TITLES", "checked_words", "is_small", "small_rows", "title_of"]

_WHOLE = {
    "state": "The operator is stated",
    "shift": "The largest exponent is taken off",
    "border": "The border rule is resolved",
    "differentiate": "The summand is differentiated",
    "transpose": "The relation is transposed",
    "solve": "The relation is solved for each cell",
}
TITLES = {
    "chain": "The chain rule",
    "partial": "How an output changes with the cell",
    "unknowns": "The unknowns go to one side",
    "residue": "Residue: which taps can reach the cell",
    "divide": "Division: which output that is",
    "class": "Division: which cells are reached at all",
    "isolate": "An unknown is isolated",
    "condition": "A condition on the cell",
    "range": "A range becomes limits of a loop",
    "limits": "The limits of a loop together",
}


def title_of(step: Step) -> str:
    """What a step does, in words."""
    return _WHOLE.get(step.rule) or TITLES.get(step.rule, step.rule.capitalize())


def checked_words(steps: Trace) -> str:
    """How many of several steps have a check.

    >>> checked_words((Step("state", None, None, "parsed"), Step("solve", None, None, "")))
    '1 of 2 checked'
    """
    count = sum(bool(step.check) for step in steps)
    return "each checked" if count == len(steps) else f"{count} of {len(steps)} checked"


def is_small(step: Step) -> bool:
    """Whether a step is one within a step of a derivation."""
    return step.rule in TITLES


def small_rows(step: Step, dialect: Dialect) -> Rows:
    """A small step: what it starts with, and below it what says the same.

    >>> import symconv as sc
    >>> from symconv.gather.small import small_steps
    >>> from symconv.views.dialect import text
    >>> parts = small_steps(sc.derive(sc.conv1d(stride=2), "x").derivation)[-1]
    >>> [row.right for row in small_rows(parts[1], text()).formulas]
    ['2i+p = u', '⟺ u = 2u′+r_u,   0 ≤ r_u < 2', 'and p ≡ p0 (mod 2),   p0 = r_u mod 2 = r_u', 'and p = 2p′+p0']
    """
    match step.before, step.after:
        case Through() as through, _:
            return _through(through, dialect)
        case Partial() as partial, _:
            return _partial(partial, dialect)
        case tuple() as before, tuple() as after:
            lines = [_joined(before, dialect)]
            if after != before:
                every = step.rule == "range"
                signs = [_sign(r"\iff", "⟺", dialect), _sign(r"\text{and }", "and ", dialect)]
                lines += [
                    signs[0 if every or k == 0 else 1] + line
                    for k, line in enumerate([_fact(f, dialect) for f in after] if every else _lines(after, dialect))
                ]
            return Rows(tuple(Row("", line) for line in lines), (), ())
    return Rows((), (), ())


def _sign(latex: str, text: str, dialect: Dialect) -> str:
    return (rf"{latex}\;" if latex.startswith(r"\iff") else latex) if dialect.kind == "latex" else f"{text.strip()} "


def _joined(facts: tuple[Fact, ...], dialect: Dialect) -> str:
    return f",{dialect.gap}".join(_fact(fact, dialect) for fact in facts)


def _lines(facts: tuple[Fact, ...], dialect: Dialect) -> list[str]:
    """An equation and the range of its remainder share a line, a named value and its definition too."""
    lines: list[list[Fact]] = []
    for fact in facts:
        if lines and isinstance(fact, Within | Named) and not isinstance(lines[-1][-1], Divided):
            lines[-1].append(fact)
        else:
            lines.append([fact])
    return [_joined(tuple(line), dialect) for line in lines]


def _fact(fact: Fact, dialect: Dialect) -> str:
    def write(form: Affine) -> str:
        return form_text(form, dialect)

    less, below = dialect.relations["le"], dialect.relations["lt"]
    match fact:
        case Equal(left, right):
            return f"{write(left)} = {write(right)}"
        case Within(form, extent):
            return f"0 {less} {write(form)} {below} {write(extent)}"
        case Least(form):
            return f"0 {less} {write(form)}"
        case Congruent(left, right, modulus):
            ring = rf"\;(\mathrm{{mod}}\;{modulus})" if dialect.kind == "latex" else f" (mod {modulus})"
            return f"{write(left)} {_sign_of_congruence(dialect)} {write(right)}{ring}"
        case Divided(form, divisor):
            return f"{divisor} {dialect.divides} {write(form)}"
        case Limits():
            return _limits(fact, dialect)
        case Named(name, phase):
            rows = phase_definitions(phase, (name,), Printer.plain(dialect))
            row = next(row for row in rows if row.left == dialect.symbol(name))
            always = settled(phase).get(name)
            return f"{row.left} = {row.right}" + (f" = {write(always)}" if always is not None else "")


def _sign_of_congruence(dialect: Dialect) -> str:
    return r"\equiv" if dialect.kind == "latex" else "≡"


def _limits(fact: Limits, dialect: Dialect) -> str:
    less, parts = dialect.relations["le"], [dialect.symbol(fact.name)]
    for bounds, lower in ((fact.lowers, True), (fact.uppers, False)):
        if bounds:
            several = tuple(Bound(form, divisor) for form, divisor in bounds)
            text = bound_text(several, lower, dialect, lambda form: form_text(form, dialect))
            parts = [text, *parts] if lower else [*parts, text]
    return f" {less} ".join(parts)


def _rate(of: str, by: str, dialect: Dialect) -> str:
    return rf"\frac{{\partial {of}}}{{\partial {by}}}" if dialect.kind == "latex" else f"∂{of}/∂{by}"


def _element(read: Read, dialect: Dialect) -> str:
    return expr_text(read, Printer.plain(dialect))


def _through(through: Through, dialect: Dialect) -> Rows:
    printer, cell = Printer.plain(dialect), _element(through.cell, dialect)
    terms = [_element(through.given, dialect)] if through.given is not None else []
    for output, ranges in through.outputs:
        name = _element(output, dialect)
        factors = product(Frag(_rate("L", name, dialect)), Frag(_rate(name, cell, dialect)), printer)
        head = dialect.under("sum", ranges_text(ranges, dialect, printer.write)) if ranges else ""
        terms.append(over(head, factors, "sum", printer).text)
    return Rows((Row(_rate("L", cell, dialect), " + ".join(terms)),), (), ())


def _partial(partial: Partial, dialect: Dialect) -> Rows:
    plain = Printer.plain(dialect)
    named = {node: Frag(_letter(name, dialect)) for name, node in partial.named}
    printer = replace(plain, replace=named.get)
    left = _rate(_element(partial.output, dialect), _element(partial.cell, dialect), dialect)
    where = tuple(Row(_letter(name, dialect), expr_text(node, plain)) for name, node in partial.named)
    return Rows((Row(left, expr_frag(partial.expr, printer).text),), where, ())


def _letter(name: str, dialect: Dialect) -> str:
    return f"{name[0]}_{{{name[1:]}}}" if dialect.kind == "latex" and name[1:] else name
