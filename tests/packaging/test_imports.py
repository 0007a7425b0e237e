"""The import contract: stages form a DAG, and each library is spoken to in one place."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "symconv"

ALLOWED = {
    "errors": set(),
    "display": set(),
    "limits": set(),
    "options": {"errors"},
    "notation": {"display", "errors"},
    "templates": {"errors"},
    "spread": {"errors", "__version__"},
    "relation": {"errors", "limits", "notation"},
    "ops": {"errors", "notation"},
    "derive": {"errors", "notation", "relation"},
    "gather": {"errors", "notation", "relation", "derive", "verify"},
    "algorithms": {"errors", "notation", "relation", "derive", "gather", "prove"},
    "prove": {"display", "errors", "limits", "notation", "relation", "derive", "verify"},
    "code": {"display", "errors", "limits", "notation", "relation", "derive", "ops", "prove", "verify"},
    "loops": {"errors", "options", "notation", "gather", "algorithms"},
    "packed": {"errors", "options", "isa", "notation", "gather", "algorithms", "loops", "tune"},
    "emit": {"errors", "options", "templates", "loops"},
    "build": {"errors", "options", "isa", "emit"},
    "tune": {"errors", "options", "isa", "loops", "emit", "build"},
    "verify": {"display", "errors", "notation"},
    "validate": {"display", "errors", "limits", "notation", "relation", "gather", "loops", "verify"},
    "readable": {"errors", "notation", "relation", "derive", "gather", "prove", "verify", "code"},
    "arrays": {"errors", "options", "notation"},
    "backends": {"errors", "options", "notation", "emit", "build", "arrays", "kernel", "pipeline"},
    "testing": {"errors", "options", "notation", "ops", "verify", "pipeline", "backends"},
}
"""Who may import whom, at the top of a module or inside a function. Stages not listed are bound by FORBIDDEN alone."""

FORBIDDEN = {
    "pipeline": {"api", "cli", "commands", "views"},
    "kernel": {"api", "cli", "commands", "views"},
    "api": {"cli", "commands"},
    "views": {"cli", "commands"},
    "export": {"api", "cli", "commands", "kernel", "build", "tune"},
}

PROVING = {
    "language": set(),
    "meaning": {"language"},
    "concrete": {"language"},
    "algebra": {"meaning"},
    "decide": {"language", "meaning", "concrete", "algebra"},
    "explain": {"language", "concrete", "decide"},
}
"""The same within ``prove``: what a claim means and what it gives on numbers do not know each other."""

READING = {
    "source": set(),
    "values": set(),
    "arrays": {"source", "values"},
    "held": {"source", "values", "arrays"},
    "library": {"source", "values", "arrays", "held"},
    "reading": {"source", "values", "arrays", "held", "library"},
    "gradients": {"source", "values", "arrays", "held", "reading"},
    "explain": {"source", "arrays", "gradients"},
}
"""The same within ``code``: what words do to arrays is known below who reads the statements that use them."""

PARTS = {"prove": PROVING, "code": READING}

SPEAKERS = {
    "islpy": {"symconv.relation"},
    "sympy": {"symconv.derive", "symconv.algorithms", "symconv.notation.from_sympy"},
    "Cython": {"symconv.build"},
    "jinja2": {"symconv.templates"},
    "distributed": {"symconv.spread"},
    "torch": {"symconv.verify.autograd", "symconv.frameworks", "symconv.bench"},
    "jax": {"symconv.frameworks.jax"},
    "tensorflow": {"symconv.frameworks.tensorflow"},
}
"""Which modules may import a library."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path: Path, lazy: bool) -> frozenset[str]:
    """What a module imports: at its top, or with ``lazy`` anywhere; imports for type checkers do not count."""
    found: set[str] = set()
    for top in ast.parse(path.read_text(encoding="utf-8")).body:
        match top:
            case ast.If(ast.Name("TYPE_CHECKING")):
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not lazy:
                continue
        for node in ast.walk(top):
            match node:
                case ast.Import(names):
                    found.update(alias.name for alias in names)
                case ast.ImportFrom(module, names) if module == "symconv":
                    found.update(f"symconv.{alias.name}" for alias in names)
                case ast.ImportFrom(str(module), _):
                    found.add(module)
    return frozenset(found)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def stage(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("mine", sorted({stage(module) for module in MODULES}))
def test_a_stage_imports_only_what_comes_before_it(mine: str) -> None:
    strangers = {}
    for module in (one for one in MODULES if stage(one) == mine):
        found = {m for m in imports(MODULES[module], lazy=True) if m.startswith("symconv.")}
        others = {stage(m) for m in found} - {mine, ""}
        strangers[module] = others & FORBIDDEN.get(mine, set()) | (others - ALLOWED.get(mine, others))
    assert {module: others for module, others in strangers.items() if others} == {}


@pytest.mark.parametrize(("home", "mine"), [(home, mine) for home, parts in PARTS.items() for mine in parts])
def test_a_part_of_a_stage_imports_only_what_comes_before_it(home: str, mine: str) -> None:
    modules = [module for module in MODULES if module.startswith(f"symconv.{home}.{mine}.")]
    assert modules
    strangers = {}
    for module in modules:
        found = {m for m in imports(MODULES[module], lazy=True) if m.startswith(f"symconv.{home}.")}
        strangers[module] = {m.split(".")[2] for m in found} - {mine} - PARTS[home][mine]
    assert {module: others for module, others in strangers.items() if others} == {}


def test_every_part_of_a_stage_has_its_place() -> None:
    known = {f"symconv.{home}.{mine}" for home, parts in PARTS.items() for mine in parts}
    assert {".".join(m.split(".")[:3]) for m in MODULES if m.count(".") > 2 and stage(m) in PARTS} == known


@pytest.mark.parametrize("library", SPEAKERS)
def test_a_library_is_spoken_to_in_one_place(library: str) -> None:
    users = {
        name for name, path in MODULES.items() if any(i.split(".")[0] == library for i in imports(path, lazy=True))
    }
    strangers = {u for u in users if not any(u == home or u.startswith(f"{home}.") for home in SPEAKERS[library])}
    assert not strangers


def test_modules_import_each_other_in_one_direction() -> None:
    graph = {
        name: {target for target in imports(path, lazy=False) if target in MODULES and target != name}
        for name, path in MODULES.items()
    }
    assert list(TopologicalSorter(graph).static_order())


def test_importing_the_package_loads_no_stage() -> None:
    assert not any(name.startswith("symconv") for name in imports(MODULES["symconv"], lazy=False))
