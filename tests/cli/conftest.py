"""The cache of the session for tests of the command line, and a way to call it in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symconv.cli import cli

Call = Callable[..., Result]


@pytest.fixture(scope="module", autouse=True)
def cache(session_cache: Path) -> Iterator[Path]:
    """The cache while these tests run, where what other tests built is found as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMCONV_CACHE", str(session_cache))
        for name in ("COLUMNS", "FORCE_COLOR", "CLICOLOR_FORCE"):
            patch.delenv(name, raising=False)
        yield session_cache


@pytest.fixture
def call() -> Call:
    """Run the command line in this process; an error that leaves it without a status fails the test."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def program(cache: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as a program of its own."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "symconv.cli", *map(str, arguments)],
            env={**os.environ, "SYMCONV_CACHE": str(cache), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
