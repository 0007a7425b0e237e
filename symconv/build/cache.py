"""The cache on disk: a request leads to a manifest, and that to a module that is whole or does not count."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from symconv.build.compiler import SOURCE_NAME, Rejected, compile_module, module_file
from symconv.build.folder import cache_folder, make_folder, read_json, unwritable, write_json
from symconv.build.key import content_key
from symconv.build.scratch import discard, scratch_folder, sweep, weight
from symconv.build.tools import toolchain
from symconv.emit.source import Source
from symconv.errors import BuildError, InternalError

__all__ = ["Artifact", "Entry", "Product", "clear", "compile_text", "entries", "obtain"]

_SHOWN = 40  # lines of a compiler's complaint: the first are the ones that matter


@dataclass(frozen=True, slots=True)
class Product:
    """What a request is made into: a source, and JSON-able facts to be remembered with it."""

    source: Source
    meta: dict[str, object]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled module on disk; ``cached`` says that no compiler ran for it."""

    module_path: Path
    source_path: Path
    meta: dict[str, object]
    key: str
    cached: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One module in the cache: its size in bytes, its age in seconds, the ``name`` in its meta or ``""``."""

    key: str
    name: str
    size: int
    age: float


def obtain(
    request: str,
    produce: Callable[[], Product],
    target: str,
    progress: Callable[[str], None] | None = None,
) -> Artifact:
    """The module of a request: from the cache, or else made by ``produce`` and compiled, once for everybody.

    ``meta`` is what ``produce`` gave, as JSON gives it back. Raises :class:`BuildError` when the source does
    not compile, there is no compiler, or the cache cannot be written; :class:`InternalError` when the request
    is no key, the product is for another target or its meta is not JSON.

    >>> obtain("../elsewhere", lambda: Product(Source(""), {}), "native")
    Traceback (most recent call last):
    symconv.errors.InternalError: a request key is made of letters and digits, not '../elsewhere'
    """
    if not (request.isascii() and request.isalnum()):
        raise InternalError(f"a request key is made of letters and digits, not {request!r}")
    known = _recalled(request)
    if known is not None:
        return known
    say = progress or _silent
    with _lock(f"request-{request}", say):
        known = _recalled(request)
        if known is not None:
            return known
        product = produce()
        if product.source.target != target:
            raise InternalError(f"asked for target {target!r}, got a source for {product.source.target!r}")
        meta = _as_json(product.meta)
        made = _compiled(product.source, say)
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


def entries() -> tuple[Entry, ...]:
    """Every module in the cache, the youngest first.

    >>> import os
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="no such folder"):
    ...     entries()
    ()
    """
    names: dict[object, str] = {}
    for path in sorted((cache_folder() / "requests").glob("*.json")):
        match read_json(path):
            case {"content": str(content), "meta": {"name": str(name)}}:
                names.setdefault(content, name)
    found = [
        Entry(folder.name, names.get(folder.name, ""), weight(folder), _age(folder))
        for folder in (cache_folder() / "modules").glob("*")
    ]
    return tuple(sorted(found, key=lambda entry: (entry.age, entry.key)))


def clear() -> tuple[int, int]:
    """Empty the cache; how many modules went and how many bytes in all. A build under way is left to finish.

    Raises :class:`BuildError` when a file cannot be deleted.

    >>> import os
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SYMCONV_CACHE="no such folder"):
    ...     clear()
    (0, 0)
    """
    root = cache_folder()
    count, freed = 0, 0
    for kind in ("requests", "modules", "failed", "facts"):
        for path in sorted((root / kind).glob("*")):
            freed += weight(path)
            count += kind == "modules"
            discard(path)
    return count, freed + sweep()


def _silent(_message: str) -> None:
    pass


def _as_json(meta: dict[str, object]) -> dict[str, object]:
    try:
        plain: dict[str, object] = json.loads(json.dumps(meta))
    except (TypeError, ValueError) as error:
        raise InternalError(f"the facts kept with a module must be JSON: {error}") from error
    return plain


def _request_file(request: str) -> Path:
    return cache_folder() / "requests" / f"{request}.json"


def _recalled(request: str) -> Artifact | None:
    match read_json(_request_file(request)):
        case {"content": str(key), "meta": dict(meta)} if key.isalnum() and _intact(key):
            return _artifact(key, meta, cached=True)
    return None


def _artifact(key: str, meta: dict[str, object], cached: bool) -> Artifact:
    folder = _module_folder(key)
    return Artifact(folder / module_file(_name(key)), folder / SOURCE_NAME, meta, key, cached)


def _module_folder(key: str) -> Path:
    return cache_folder() / "modules" / key


def _name(key: str) -> str:
    return f"symconv_{key[:16]}"


def _age(folder: Path) -> float:
    found = read_json(folder / "manifest.json") or {}
    created = found.get("created")
    return max(0.0, time.time() - created) if isinstance(created, float) else 0.0


def _described(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _intact(key: str) -> bool:
    # A truncated library kills Python with SIGBUS while it is imported, so nothing is imported unchecked.
    folder = _module_folder(key)
    match read_json(folder / "manifest.json"):
        case {"files": dict(files)}:
            try:
                return all(_described(folder / file) == files.get(file) for file in _files(key))
            except OSError:
                return False
    return False


def _files(key: str) -> tuple[str, str]:
    return module_file(_name(key)), SOURCE_NAME


def _compiled(source: Source, say: Callable[[str], None]) -> Artifact:
    tools = toolchain()
    key = content_key(source, tools)
    if _intact(key):
        return _artifact(key, {}, cached=True)
    with _lock(f"module-{key}", say):
        if _intact(key):
            return _artifact(key, {}, cached=True)
        discard(_module_folder(key))
        sweep()
        with scratch_folder() as folder:
            started = time.monotonic()
            try:
                compile_module(source, tools, _name(key), folder, say)
            except Rejected as refusal:
                raise _kept(key, folder, refusal) from refusal
            except OSError as error:
                raise unwritable(error) from error
            seconds = round(time.monotonic() - started, 3)
            files = {file: _described(folder / file) for file in _files(key)}
            facts = {"files": files, "created": time.time(), "seconds": seconds, "toolchain": asdict(tools)}
            write_json(folder / "manifest.json", facts)
            _move(folder, _module_folder(key))
    return _artifact(key, {}, cached=False)


def _move(folder: Path, place: Path) -> None:
    make_folder(place.parent)
    try:
        folder.rename(place)
    except OSError as error:
        raise unwritable(error) from error


def _kept(key: str, folder: Path, refusal: Rejected) -> BuildError:
    (folder / "build.log").write_text(f"{refusal.command}\n\n{refusal.said}\n", encoding="utf-8")
    place = cache_folder() / "failed" / key
    discard(place)
    _move(folder, place)
    lines = refusal.said.splitlines()
    more = [f"... {len(lines) - _SHOWN} more lines in {place / 'build.log'}"] if len(lines) > _SHOWN else []
    return BuildError(
        "\n".join(
            (
                f"{refusal.who} refused the generated source",
                f"  command: {refusal.command}",
                f"  source kept in: {place / SOURCE_NAME}",
                *(f"  | {line}" for line in lines[:_SHOWN] + more),
            )
        )
    )


@contextmanager
def _lock(name: str, say: Callable[[str], None]) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(make_folder(cache_folder() / "locks") / f"{name}.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("waiting for another process that builds the same kernel")
            lock.acquire()
    except OSError as error:
        raise unwritable(error) from error
    except NotImplementedError as error:
        raise BuildError(
            f"the cache folder {cache_folder()} is on a file system without locks: "
            "set SYMCONV_CACHE to a folder on another"
        ) from error
    try:
        yield
    finally:
        lock.release()
