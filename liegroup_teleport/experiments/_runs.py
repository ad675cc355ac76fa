"""Runs that are kept: each finished one is a file, and a command begun again goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ._outcome import Context
from ._report import plain, write_atomically
from ._traces import stream

__all__ = ["keep_runs"]

Settings = Mapping[str, Any]


def keep_runs(
    function: Callable[..., Mapping[str, Any]],
    settings: Sequence[Settings],
    context: Context,
    title: str,
) -> list[dict[str, Any]]:
    """Return ``function(**one)`` for all settings in their order, each computed at most once.

    With ``context.runs`` every result is written there as soon as it is known, one
    file per run, named by a hash of the function, its settings and the library's
    source: a run that is found there is not done again, unless the library has changed.

    Parameters
    ----------
    function : callable
        Of a module, so that other processes can import it. Its result is what JSON
        can hold; numbers that are not finite become ``None``.
    settings : sequence of dict
        Everything a run depends on.
    context : Context
        Processes, progress, and where finished runs are kept.
    title : str
        Of the progress bar.
    """
    advance = context.progress(title, len(settings))
    source = _source()
    documents = [_document(function, one, source) for one in settings]
    results = [_found(context.runs, document) for document in documents]
    missing = [i for i, result in enumerate(results) if result is None]
    for _ in range(len(settings) - len(missing)):
        advance()
    if len(missing) < len(settings):
        context.say(
            f"{title}: {len(settings) - len(missing)} of {len(settings)} runs were finished "
            f"before and are read from {context.runs}"
        )
    if context.runs is not None and missing:
        context.runs.mkdir(parents=True, exist_ok=True)
    jobs = [(i, dict(settings[i])) for i in missing]
    for i, result in stream(partial(_numbered, function), jobs, context.workers):
        results[i] = _as_read(result)
        if context.runs is not None:
            text = json.dumps({**documents[i], "result": results[i]}, indent=1, allow_nan=False)
            write_atomically(_path(context.runs, documents[i]), text.encode())
        advance()
    return [result for result in results if result is not None]


def _numbered(
    function: Callable[..., Mapping[str, Any]], number: int, settings: dict[str, Any]
) -> tuple[int, Mapping[str, Any]]:
    """Do one run on one thread, so that its last digits do not depend on who does it."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return number, function(**settings)


def _source() -> str:
    """Return a hash of the library's modules: a release, or any change of one in development."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:24]


def _document(function: Callable[..., Any], settings: Settings, source: str) -> dict[str, Any]:
    """Return all that a result depends on, as it is read back from JSON."""
    document: dict[str, Any] = _as_read(
        {
            "run": f"{function.__module__}.{function.__qualname__}",
            "source": source,
            "settings": settings,
        }
    )
    return document


def _path(folder: Path, document: Mapping[str, Any]) -> Path:
    text = json.dumps(document, sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return folder / f"{document['run'].rpartition('.')[2]}-{digest[:24]}.json"


def _found(folder: Path | None, document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the kept result of a run; ``None`` without one, or where the file is not whole."""
    if folder is None:
        return None
    try:
        kept = json.loads(_path(folder, document).read_bytes())
        result: dict[str, Any] = kept.pop("result")
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return result if kept == document else None


def _as_read(value: Any) -> Any:
    """Return ``value`` as it comes back from a file: a run read is a run made."""
    return json.loads(json.dumps(plain(value), allow_nan=False))
