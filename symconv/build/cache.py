"""The cache on disk: a request leads to a manifest, and that to a module that is whole or does not count."""

from __future__ import annotations

import contextlib
import itertools
import json
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from symconv.build.ahead import Ahead, ahead
from symconv.build.artifact import Artifact, artifact, described, files, intact, module_folder, module_name
from symconv.build.calm import calm
from symconv.build.compiler import SOURCE_NAME, Rejected, compile_module
from symconv.build.folder import make_folder, read_json, trusted_folder, unwritable, write_file, write_json
from symconv.build.inventory import evict, size_limit, used
from symconv.build.key import content_key
from symconv.build.loading import imported
from symconv.build.locks import held
from symconv.build.scratch import discard, scratch_folder, sweep
from symconv.build.tools import toolchain
from symconv.emit.source import Source
from symconv.errors import BuildError, InternalError

__all__ = ["Artifact", "Product", "compile_text", "obtain", "rebuilt"]

_SHOWN = 40  # lines of a compiler's complaint: the first are the ones that matter


@dataclass(frozen=True, slots=True)
class Product:
    """What a request is made into: a source, and JSON-able facts to be remembered with it."""

    source: Source
    meta: dict[str, object]


def obtain(
    request: str,
    produce: Callable[[], Product],
    target: str,
    progress: Callable[[str], None] | None = None,
) -> Artifact:
    """The module of a request: from the cache, or else made by ``produce`` and compiled, once for everybody.

    ``meta`` is what ``produce`` gave, as JSON gives it back. Raises :class:`BuildError` when the source does
    not compile, there is no compiler, or the cache cannot be written or trusted; :class:`InternalError` when the
    request is no key, the product is for another target or its meta is not JSON.

    >>> obtain("../elsewhere", lambda: Product(Source(""), {}), "native")
    Traceback (most recent call last):
    symconv.errors.InternalError: a request key is made of letters and digits, not '../elsewhere'
    """
    if not (request.isascii() and request.isalnum()):
        raise InternalError(f"a request key is made of letters and digits, not {request!r}")
    recalled = _recalled(request)
    if recalled is not None:
        return recalled
    say = progress or _silent
    with _lock(f"request-{request}", say):
        recalled = _recalled(request)
        if recalled is not None:
            return recalled
        with ahead() as cython:
            with calm():
                product = produce()
            if product.source.target != target:
                raise InternalError(f"asked for target {target!r}, got a source for {product.source.target!r}")
            meta = _as_json(product.meta)
            made = _compiled(product.source, say, cython)
        write_json(_request_file(request), {"content": made.key, "meta": meta})
        return replace(made, meta=meta)


def compile_text(source: Source, progress: Callable[[str], None] | None = None) -> Artifact:
    """The module of a source as it stands, compiled unless the cache has it.

    Raises :class:`BuildError` as :func:`obtain` does.

    >>> import os
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CC="no-such-compiler"):
    ...     compile_text(Source("x = 1"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    symconv.errors.BuildError: no C compiler found ...
    """
    return _compiled(source, progress or _silent)


def rebuilt(broken: Artifact) -> Artifact:
    """The module of an entry that is whole and yet does not load, compiled again from its source.

    Raises :class:`BuildError` as :func:`obtain` does, and where the source is gone too.
    """
    found = read_json(broken.source_path.with_name("manifest.json")) or {}
    try:
        text = broken.source_path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BuildError(f"the compiled module {broken.module_path} is gone, and its source with it") from error
    match found.get("source"):
        case {"target": str(target), "openmp": bool(openmp), **rest}:
            headers: Any = rest.get("headers") or ()
            source = Source(text, target, openmp, tuple((str(name), str(folder)) for name, folder in headers))
        case _:
            raise BuildError(f"the compiled module {broken.module_path} does not load: `symconv cache --clear`")
    discard(module_folder(broken.key))
    return replace(_compiled(source, _silent), meta=broken.meta)


def _silent(_message: str) -> None:
    pass


def _as_json(meta: dict[str, object]) -> dict[str, object]:
    try:
        plain: dict[str, object] = json.loads(json.dumps(meta))
    except (TypeError, ValueError) as error:
        raise InternalError(f"the facts kept with a module must be JSON: {error}") from error
    return plain


def _request_file(request: str) -> Path:
    return trusted_folder() / "requests" / f"{request}.json"


def _recalled(request: str) -> Artifact | None:
    match read_json(_request_file(request)):
        case {"content": str(key), "meta": dict(meta)} if key.isascii() and key.isalnum() and intact(key):
            used(key)
            return artifact(key, meta, cached=True)
    return None


def _compiled(source: Source, say: Callable[[str], None], cython: Ahead | None = None) -> Artifact:
    size_limit()  # a limit that is none is said before the work, not after it
    tools = toolchain()
    key = content_key(source, tools)
    if intact(key):
        used(key)
        return artifact(key, {}, cached=True)
    with _lock(f"module-{key}", say):
        if intact(key):
            return artifact(key, {}, cached=True)
        discard(module_folder(key))
        sweep()
        with scratch_folder() as folder:
            started = time.monotonic()
            try:
                library = compile_module(source, tools, module_name(key), folder, say, cython)
                _tried(library, key)
            except Rejected as refused:
                raise _kept(key, folder, refused) from refused
            except OSError as error:
                raise unwritable(error) from error
            seconds = round(time.monotonic() - started, 3)
            _publish(
                folder,
                key,
                {
                    "seconds": seconds,
                    "toolchain": asdict(tools),
                    "source": {"target": source.target, "openmp": source.openmp, "headers": source.headers},
                },
            )
        evict(key)
    return artifact(key, {}, cached=False)


def _tried(library: Path, key: str) -> None:
    """Import what was compiled before anybody else can find it; this process goes on with that module."""
    try:
        module = imported(library, key)
    except BuildError as error:
        raise Rejected("Python", ("import", library.name), str(error)) from error
    module.__file__ = str(module_folder(key) / library.name)


def _publish(folder: Path, key: str, facts: dict[str, object]) -> None:
    try:
        for path in (folder / file for file in files(key)):
            path.chmod(0o600)  # whatever the umask: what others may write to is not loaded
        known = {file: described(folder / file) for file in files(key)}
        write_json(folder / "manifest.json", {"files": known, "created": time.time(), **facts})
    except OSError as error:
        raise unwritable(error) from error
    _move(folder, module_folder(key))


def _move(folder: Path, place: Path) -> None:
    make_folder(place.parent)
    try:
        folder.rename(place)
    except OSError as error:
        raise unwritable(error) from error


def _kept(key: str, folder: Path, refused: Rejected) -> BuildError:
    place = trusted_folder() / "failed" / key
    with contextlib.suppress(OSError):  # what was said matters more than where it is kept
        write_file(folder / "build.log", f"{refused.command}\n\n{refused.said}\n".encode())
        _cleared(folder, refused.command)
    discard(place)
    _move(folder, place)
    lines = refused.said.splitlines()
    more = [f"... {len(lines) - _SHOWN} more lines in {place / 'build.log'}"] if len(lines) > _SHOWN else []
    return BuildError(
        "\n".join(
            (
                f"{refused.who} refused the generated source",
                f"  command: {refused.command}",
                f"  source kept in: {place / SOURCE_NAME}",
                *(f"  | {line}" for line in lines[:_SHOWN] + more),
            )
        )
    )


def _cleared(folder: Path, command: str) -> None:
    """Leave texts, and of what compilers have made of them what the command reads: it works where they are kept."""
    words = shlex.split(command)
    read = {word for before, word in itertools.pairwise(("", *words)) if before != "-o"}
    for path in folder.iterdir():
        if path.suffix in {".o", ".s"} and path.name not in read:
            path.unlink()


@contextmanager
def _lock(name: str, say: Callable[[str], None]) -> Iterator[None]:
    path = make_folder(trusted_folder() / "locks") / f"{name}.lock"
    with held(path, lambda: say("waiting for another process that builds the same kernel")):
        yield
