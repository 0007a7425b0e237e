from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from symconv.build import clear, compile_text, load
from symconv.emit.source import Source
from symconv.errors import BuildError

TEXT = "state = []\ndef answer():\n    return 43\n"


def test_loaded_once_and_not_in_sys_modules() -> None:
    before = set(sys.modules)
    artifact = compile_text(Source(TEXT, openmp=False))
    module = load(artifact)
    assert load(replace(artifact, cached=True)) is module
    assert module.__name__ == artifact.module_path.name.partition(".")[0]
    assert not [name for name in set(sys.modules) - before if name.startswith("symconv_")]
    clear()
    assert load(compile_text(Source(TEXT, openmp=False))) is module
    assert module.answer() == 43


def test_file_that_is_no_module() -> None:
    artifact = compile_text(Source(TEXT + "\n# another\n", openmp=False))
    artifact.module_path.write_bytes(b"no library")
    with pytest.raises(BuildError, match="cannot import the compiled module"):
        load(artifact)
