"""The gallery's scripts run, and the Markdown pages' examples say what they print."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
DOCS = ROOT / "docs"
BUILT = {"_build", "auto_examples", "generated"}
PAGES = [
    ROOT / "README.md",
    *sorted(page for page in DOCS.rglob("*.md") if not BUILT & {*page.relative_to(DOCS).parts}),
]
# "<!-- requires: torch -->" above a block: its examples run where torch is installed
REQUIRES = re.compile(r"^<!-- requires: (\w+) -->\n```pycon\n.*?^```$", re.MULTILINE | re.DOTALL)


# Runs an example, then draws its figures and says of each which axes have data, and by how many
# inches titles, labels and legends stand out over its edge.
DRIVER = """
import json, runpy, sys
from matplotlib import pyplot

runpy.run_path(sys.argv[1], run_name="__main__")
figures = []
for figure in map(pyplot.figure, pyplot.get_fignums()):
    figure.canvas.draw()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    outside = max(-box.x0, -box.y0, box.x1 - width, box.y1 - height)
    figures.append({"axes": [a.has_data() for a in figure.axes], "outside": float(outside)})
print("\\nfigures:", json.dumps(figures))
"""


def page_cases() -> list[Any]:
    """Every page without optional modules, and once more with each one that it mentions."""
    cases = []
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        cases.append(pytest.param(page, None, id=name))
        for module in sorted(set(REQUIRES.findall(page.read_text(encoding="utf-8")))):
            cases.append(pytest.param(page, module, id=f"{name}-{module}"))
    return cases


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 12, "plot_*.py in examples/"


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(script: Path, tmp_path: Path) -> None:
    finished = subprocess.run(
        # plt.show() has nothing to show here, and says so; geomstats' imports are of Python 3.3
        [
            sys.executable,
            "-Werror",
            "-Wignore:FigureCanvasAgg is non-interactive",
            "-Wignore:BackendImporter.exec_module() not found:ImportWarning",
            "-c",
            DRIVER,
            str(script),
        ],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    printed, _, drawn = finished.stdout.rpartition("\nfigures: ")
    assert re.search(r"\d", printed), "an example prints what it measured"
    figures = json.loads(drawn)
    assert figures, "an example draws at least one figure"
    for figure in figures:
        assert figure["axes"], "a figure without axes"
        assert all(figure["axes"]), "axes without data"
        assert figure["outside"] < 0.03, "something is cut off at the edge (inches)"
    assert list(tmp_path.iterdir()) == [], "an example left files behind"


@pytest.mark.parametrize(("page", "module"), page_cases())
def test_page_examples(page: Path, module: str | None) -> None:
    if module is not None:
        pytest.importorskip(module)

    def chosen(block: re.Match[str]) -> str:  # blank lines keep the line numbers
        return block[0] if block[1] == module else "\n" * block[0].count("\n")

    text = page.read_text(encoding="utf-8")
    if module is not None:  # what comes after its last block is tested without it
        text = text[: max(block.end() for block in REQUIRES.finditer(text) if block[1] == module)]
    text = REQUIRES.sub(chosen, text)
    examples = doctest.DocTestParser().get_doctest(
        text, {"__name__": "__main__"}, page.name, str(page), 0
    )
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert runner.run(examples).failed == 0


def test_readme_has_the_two_commands_that_ci_runs() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for name, end in (("reproduce", "liegroup-teleport reproduce"), ("test", "pytest -n 2")):
        marker = lines.index(f"<!-- command: {name} -->")
        assert lines[marker + 1].startswith("```")
        assert lines[marker + 2].startswith("pip install ")
        assert lines[marker + 2].endswith(f"&& {end}")


def test_citation_and_badges_say_what_is_so_and_the_readme_links_to_files() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {project['version']}" in citation
    assert f"license: {project['license']}" in citation
    badges = {
        "version": f"version: {project['version']}",
        "licence": f"licence: {project['license']}",
        "python": f"python: {project['requires-python'].removeprefix('>=')} or newer",
    }
    for name, says in badges.items():
        badge = (ROOT / f"docs/_static/badge_{name}.svg").read_text(encoding="utf-8")
        assert f"<title>{says}</title>" in badge
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
