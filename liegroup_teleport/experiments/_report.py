"""What is written to disk: pictures, results and report, each file whole or not at all."""

from __future__ import annotations

import base64
import io
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Report", "plain", "write_atomically"]


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
    """The files of one run, brought up to date after every experiment.

    Parameters
    ----------
    folder : pathlib.Path
        Exists and can be written.
    subtitle : str
        How the run was made.
    """

    def __init__(self, folder: Path, subtitle: str) -> None:
        self.folder = folder
        self.subtitle = subtitle
        self.outcomes: dict[str, Outcome] = {}
        self._seconds: dict[str, float] = {}
        self._pictures: dict[str, dict[str, str]] = {}

    def add(self, name: str, outcome: Outcome, seconds: float) -> None:
        """Add a finished experiment and write everything."""
        pictures = {}
        for title, figure in outcome.figures.items():
            data = _png(figure)
            write_atomically(self.folder / f"{name}-{title}.png", data)
            pictures[title] = base64.b64encode(data).decode("ascii")
        self.outcomes[name] = outcome
        self._seconds[name] = seconds
        self._pictures[name] = pictures
        results = {key: plain(value.results) for key, value in self.outcomes.items()}
        text = json.dumps(results, indent=1, allow_nan=False) + "\n"
        write_atomically(self.folder / "results.json", text.encode())
        write_atomically(self.folder / "report.html", self._html().encode())

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
            outcomes=self.outcomes,
            seconds=self._seconds,
            pictures=self._pictures,
        )


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
