"""The gallery's scripts run, and the Markdown pages' examples say what they print."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_there_are_examples() -> None:
    assert EXAMPLES, "no plot_*.py in examples/"


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(script: Path, tmp_path: Path) -> None:
    finished = subprocess.run(
        # plt.show() has nothing to show here, and says so
        [sys.executable, "-Werror", "-Wignore:FigureCanvasAgg is non-interactive", str(script)],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "optimal" in finished.stdout
    assert list(tmp_path.iterdir()) == [], "an example left files behind"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_page_examples(page: Path) -> None:
    failed, _ = doctest.testfile(
        str(page),
        module_relative=False,
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
        encoding="utf-8",
    )
    assert failed == 0


def test_readme_has_the_two_commands_that_ci_runs() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for name, end in (("reproduce", "liegroup-teleport reproduce"), ("test", "pytest -n 2")):
        marker = lines.index(f"<!-- command: {name} -->")
        assert lines[marker + 1].startswith("```")
        assert lines[marker + 2].startswith("pip install ")
        assert lines[marker + 2].endswith(f"&& {end}")
