"""What is written to disk: pictures, results and report, each file whole or not at all."""

from __future__ import annotations

import base64
import io
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._outcome import Claim, Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FILES", "FolderError", "Report", "plain", "write_atomically"]

FILES = ("results.json", "report.json", "report.html")


class FolderError(ValueError):
    """A folder holds something that a run would have to write over and cannot read."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it: what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


class Report:
    """The files of one folder, brought up to date after every experiment.

    What earlier runs left there stays: their experiments are kept in ``results.json``
    and in the page, and replaced only where the same experiment is run again. What the
    page says beside the numbers is in ``report.json``.

    Parameters
    ----------
    folder : pathlib.Path
        Exists and can be written.
    subtitle : str
        How the run was made.

    Raises
    ------
    FolderError
        If a file of an earlier run is none, or cannot be read.
    """

    def __init__(self, folder: Path, subtitle: str) -> None:
        self.folder = folder
        self.subtitle = subtitle
        self.outcomes: dict[str, Outcome] = {}
        self._results = _read(folder / "results.json")
        self._pages = _read(folder / "report.json")

    def add(self, name: str, outcome: Outcome, seconds: float) -> None:
        """Add a finished experiment and write everything."""
        pictures = {}
        for title, figure in outcome.figures.items():
            data = _png(figure)
            write_atomically(self.folder / f"{name}-{title}.png", data)
            pictures[title] = base64.b64encode(data).decode("ascii")
        self.outcomes[name] = outcome
        self._results[name] = plain(outcome.results)
        self._pages[name] = {
            "title": outcome.title,
            "made": self.subtitle,
            "seconds": seconds,
            "claims": [asdict(claim) for claim in outcome.claims],
            "notes": list(outcome.notes),
            "pictures": pictures,
        }
        for file, content in (("results.json", self._results), ("report.json", self._pages)):
            text = json.dumps(content, indent=1, allow_nan=False) + "\n"
            write_atomically(self.folder / file, text.encode())
        write_atomically(self.folder / "report.html", self._html().encode())

    def _all(self) -> dict[str, Outcome]:
        """Return the outcomes of this run and of those before."""
        outcomes = {}
        for name, page in self._pages.items():
            notes = list(page["notes"])
            if name not in self.outcomes:
                notes.append(f"From an earlier run: {page['made']}.")
            claims = [Claim(**claim) for claim in page["claims"]]
            results = self._results.get(name, {})
            outcomes[name] = Outcome(page["title"], results, claims, {}, notes)
        return outcomes

    def _html(self) -> str:
        import jinja2

        loader = jinja2.PackageLoader("liegroup_teleport.experiments", "templates")
        environment = jinja2.Environment(
            loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )  # fmt: skip
        environment.filters["middle"] = _middle
        environment.filters["columns"] = _columns
        return environment.get_template("report.html.jinja").render(
            subtitle=self.subtitle,
            outcomes=self._all(),
            seconds={name: page["seconds"] for name, page in self._pages.items()},
            pictures={name: page["pictures"] for name, page in self._pages.items()},
        )


def _read(path: Path) -> dict[str, Any]:
    """Return what an earlier run wrote, nothing if there was none."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FolderError(f"{path} cannot be read as results of an earlier run: {error}") from None
    if not isinstance(content, dict):
        raise FolderError(f"{path} holds a {type(content).__name__}; expected results by name")
    return content


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the columns that any of the rows has, in order."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _middle(values: list[Any]) -> str:
    """Return the median of a list for a table cell."""
    numbers = sorted(math.inf if v is None else float(v) for v in values)
    if not numbers:
        return "–"
    half = len(numbers) // 2
    middle = numbers[half] if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2
    return f"{middle:.3g}" if math.isfinite(middle) else "–"
