"""Mutants of the code that guards the user: which wrong versions of it do the tests notice?

``python -m tests.attack.mutation`` runs mutmut over the targets of ``mutation.toml``, each with
the tests that are to notice, and applies the planted mutants written there (constants, which
mutmut leaves alone). Give parts of file names to run some targets only. What survives is printed
as a diff, unless ``mutation.toml`` lists it as equivalent, with a reason; the exit status is 1
if fewer than 95 % of the others are killed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
COPIED = ("liegroup_teleport", "tests", "pyproject.toml", "README.md")
MUST_KILL = 0.95
SURVIVED, UNTESTED = (0,), (5, 33)  # exit codes of mutmut
ENVIRONMENT = {"CI": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


@dataclass
class Tally:
    """What became of the mutants of one target."""

    killed: int = 0
    equivalent: int = 0
    survivors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        total = self.killed + len(self.survivors)
        return f"{self.killed} of {total} killed, {self.equivalent} more are equivalent"


def copy_project(folder: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def run(command: list[str], folder: Path, quiet: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | ENVIRONMENT
    return subprocess.run(command, cwd=folder, env=environment, capture_output=quiet, text=True)


def configure(folder: Path, target: dict) -> None:
    """Append mutmut's own settings to the copy of ``pyproject.toml``."""
    settings = {
        "source_paths": ["liegroup_teleport"],
        "only_mutate": [target["file"]],
        "also_copy": ["README.md"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": target["tests"],
        "timeout_multiplier": 4.0,
        "timeout_constant": 10.0,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    with (folder / "pyproject.toml").open("a") as file:
        file.write("\n".join(["\n[tool.mutmut]", *lines, ""]))


def changed_lines(diff: str) -> tuple[str, str]:
    """Return what a diff takes away and what it puts in its place, without white space."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    parts = (" ".join(line[1:].strip() for line in lines if line.startswith(mark)) for mark in "-+")
    return tuple(" ".join(part.split()) for part in parts)  # type: ignore[return-value]


def is_listed(listed: list[dict], file: str, name: str, change: tuple[str, str]) -> bool:
    """Whether a mutant is among those listed, by function and by the lines it changes."""
    function = name.rpartition("__mutmut_")[0].rpartition(".")[2]
    function = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return any(
        entry["file"] == file
        and entry["function"] == function
        and (" ".join(entry["old"].split()), " ".join(entry["new"].split())) == change
        for entry in listed
    )


def wanted(target: dict, name: str) -> bool:
    return "functions" not in target or any(f"{f}__mutmut_" in name for f in target["functions"])


def generated(target: dict, listed: list[dict], every: int) -> Tally:
    """Run mutmut on one target."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_project(folder)
        configure(folder, target)
        module = target["file"].removesuffix(".py").replace("/", ".")
        globs = [f"{module}.x*{f}__mutmut_*" for f in target.get("functions", ["*"])]
        if "functions" not in target:
            globs = [f"{module}.x*"]
        if every > 1:
            last = [str(d) for d in range(0, 10, every)]
            globs = [g + d for g in globs for d in last]
        done = run(["mutmut", "run", "--max-children", "1", *globs], folder)
        meta = folder / "mutants" / (target["file"] + ".meta")
        if done.returncode or not meta.exists():
            raise SystemExit(
                f"mutmut failed on {target['file']}:\n{done.stdout[-4000:]}{done.stderr}"
            )
        for mutant, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            if code is None or not wanted(target, mutant):
                continue
            if code not in SURVIVED + UNTESTED:
                tally.killed += 1
                continue
            diff = run(["mutmut", "show", mutant], folder).stdout
            if is_listed(listed, target["file"], mutant, changed_lines(diff)):
                tally.equivalent += 1
            else:
                kind = "no test reaches" if code in UNTESTED else "survives"
                tally.survivors.append(f"{kind}: {mutant}\n{diff}")
    return tally


def planted(entries: list[dict]) -> Tally:
    """Apply the mutants that are written down, one at a time."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_project(folder)
        for entry in entries:
            path = folder / entry["file"]
            text = path.read_text()
            if text.count(entry["old"]) != 1:
                raise SystemExit(f"{entry['old']!r} is not exactly once in {entry['file']}")
            path.write_text(text.replace(entry["old"], entry["new"]))
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
            done = run([*command, *entry["tests"]], folder)
            path.write_text(text)
            if done.returncode == 1:
                tally.killed += 1
            elif done.returncode == 0:
                change = f"-{entry['old']}\n+{entry['new']}"
                tally.survivors.append(f"survives: {entry['file']}\n{change}")
            else:
                raise SystemExit(f"pytest failed on {entry}:\n{done.stdout}{done.stderr}")
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="parts of the file names of targets")
    parser.add_argument("--every", type=int, default=1, help="only about one mutant in so many")
    options = parser.parse_args()
    table = tomllib.loads((HERE / "mutation.toml").read_text())

    def chosen(entry: dict) -> bool:
        return not options.names or any(part in entry["file"] for part in options.names)

    tallies = {}
    for target in filter(chosen, table["target"]):
        tally = generated(target, table.get("equivalent", []), options.every)
        tallies[target["file"]] = tally
        print(f"{target['file']}: {tally}", flush=True)
        print("\n".join(tally.survivors), flush=True)
    by_hand = planted(list(filter(chosen, table.get("planted", []))))
    print(f"planted by hand: {by_hand}")
    print("\n".join(by_hand.survivors))
    killed = sum(t.killed for t in [*tallies.values(), by_hand])
    total = killed + sum(len(t.survivors) for t in [*tallies.values(), by_hand])
    print(f"all: {killed} of {total} killed")
    return 0 if killed >= MUST_KILL * total else 1


if __name__ == "__main__":
    sys.exit(main())
