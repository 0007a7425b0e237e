"""Every way to install finds the same templates and renders the same kernel."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
OFFLINE = ("-q", "--no-deps", "--no-build-isolation", "--no-index")
KINDS = ("checkout", "editable", "wheel", "sdist")

SCRIPT = """
import site, sys
before = list(sys.path)
site.addsitedir(sys.argv[1])
sys.path[:] = [p for p in sys.path if p not in before] + [p for p in sys.path if p in before]
import symconv
from symconv import pipeline
from symconv.options import Options
from symconv.templates import template_folder
print(symconv.__file__)
print(template_folder())
print(pipeline.source(symconv.conv1d(stride=2, padding=1), Options(target="portable")).text)
from symconv.export.backends import BACKENDS
from symconv.export.exporting import packaged
for backend in BACKENDS:
    for file in packaged(symconv.conv1d(stride=2, padding=1), backend).files:
        print(backend, file.path, file.text)
"""


@dataclass(frozen=True)
class Rendered:
    """What a process that uses one installation saw."""

    package: Path
    templates: Path
    source: str


def run(*command: str | Path, folder: Path = ROOT) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "COV_"))}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist and the wheel, both made from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel", "-o", folder, ROOT)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def install(kind: str, built: tuple[Path, Path], target: Path) -> None:
    sdist, wheel = built
    what: Sequence[str | Path] = {
        "checkout": (ROOT,),
        "editable": ("-e", ROOT),
        "wheel": (wheel,),
        "sdist": (sdist,),
    }[kind]
    run(*PIP, "install", *OFFLINE, "--no-compile", "--target", target, *what)


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Rendered]]:
    results = {}
    for kind in KINDS:
        target = tmp_path_factory.mktemp(kind)
        install(kind, built, target)
        package, templates, source = run(sys.executable, "-P", "-c", SCRIPT, target, folder=target).split("\n", 2)
        results[kind] = (target, Rendered(Path(package).parent, Path(templates), source))
    return results


@pytest.mark.parametrize("kind", KINDS)
def test_templates_come_from_the_installation_that_is_asked(
    kind: str, installed: dict[str, tuple[Path, Rendered]]
) -> None:
    target, seen = installed[kind]
    if kind == "editable":
        assert seen.package == ROOT / "symconv"
        assert seen.templates == ROOT / "templates"
        assert not (target / "symconv").exists(), "an editable install keeps no copy that could go stale"
    else:
        assert seen.package == target / "symconv"
        assert seen.templates == target / "symconv" / "_templates"


def test_every_installation_renders_the_same_kernel(installed: dict[str, tuple[Path, Rendered]]) -> None:
    sources = {seen.source for _, seen in installed.values()}
    assert len(sources) == 1
    (source,) = sources
    assert "u0_forward" in source
    assert "cython pyproject.toml" in source


def test_a_wheel_holds_all_of_the_package_and_nothing_else(built: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(built[1]).namelist())
    info = {name for name in names if ".dist-info/" in name}
    wanted = set()
    for folder, prefix in (("symconv", "symconv"), ("templates", "symconv/_templates")):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                wanted.add(f"{prefix}/{file.relative_to(ROOT / folder).as_posix()}")
    assert names - info == wanted
    assert "symconv/_templates/.symconv-templates" in wanted
    assert "symconv/py.typed" in wanted
    assert any(name.endswith("licenses/LICENSE") for name in info)


def test_a_wheel_made_from_the_sdist_is_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    run(*PIP, "wheel", *OFFLINE, "-w", tmp_path, built[0])
    (again,) = tmp_path.glob("*.whl")
    first, second = zipfile.ZipFile(built[1]), zipfile.ZipFile(again)
    assert sorted(first.namelist()) == sorted(second.namelist())
    assert all(first.read(name) == second.read(name) for name in first.namelist())


def test_an_incomplete_installation_says_so(built: tuple[Path, Path], tmp_path: Path) -> None:
    install("wheel", built, tmp_path)
    (tmp_path / "symconv" / "_templates" / ".symconv-templates").unlink()
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from symconv.templates import template_folder\n"
        "from symconv.errors import InternalError\n"
        "try: template_folder()\n"
        "except InternalError as error: print(error)\n"
    )
    assert "the installation is incomplete" in run(sys.executable, "-P", "-c", code, folder=tmp_path)
