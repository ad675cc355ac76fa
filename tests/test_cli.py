"""The command line as users call it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from liegroup_teleport.experiments import NAMES, STUDIES

FIELDS = {
    "loss_at_50",
    "final_loss",
    "max_drift",
    "max_drift_over_allowed",
    "teleport_seconds",
    "gradient_seconds",
}


def call(*arguments, timeout=60):
    return subprocess.run(
        [sys.executable, "-m", "liegroup_teleport", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.parametrize("command", [[], ["reproduce"]])
def test_help(command):
    result = call(*command, "--help")
    assert result.returncode == 0
    assert "Usage: liegroup-teleport" in result.stdout


def test_an_unknown_experiment_lists_the_good_names(tmp_path):
    result = call("reproduce", "boot", "--out", tmp_path / "report")
    assert result.returncode == 2
    assert "'boot'" in result.stderr
    assert all(name in result.stderr for name in NAMES + STUDIES)
    assert not (tmp_path / "report").exists()


def test_an_unknown_dataset_lists_the_good_names(tmp_path):
    result = call("reproduce", "digits", "--dataset", "cifar", "--out", tmp_path / "report")
    assert result.returncode == 2
    assert "'cifar'" in result.stderr
    assert "digits" in result.stderr
    assert "mnist" in result.stderr


def test_a_number_of_starts_below_one_is_refused():
    result = call("reproduce", "booth", "--seeds", "0")
    assert result.returncode == 2
    assert "--seeds" in result.stderr


def test_an_output_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    for out in (taken, taken / "below"):
        result = call("reproduce", "--out", out)
        assert result.returncode == 2
        assert "cannot write to the folder" in result.stderr
        assert str(out) in result.stderr
        assert "Traceback" not in result.stderr
    assert taken.read_text() == "a file"


def test_reproduce_writes_results_pictures_and_report(tmp_path):
    out = tmp_path / "report"
    result = call("reproduce", "booth", "quadratic", "--quick", "--out", out)
    assert result.returncode == 0, result.stderr
    assert "confirmed" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) >= 100

    results = json.loads((out / "results.json").read_text())
    assert list(results) == ["booth", "quadratic"]
    assert set(results["booth"]) == {"gd", "gd+teleport"}
    assert set(results["quadratic"]) == {"gd", "teleport+step"}
    for experiment in results.values():
        for variant in experiment.values():
            assert set(variant) >= FIELDS
            assert all(len(values) == 1 for values in variant.values())
            assert max(variant["max_drift_over_allowed"]) <= 1
            assert min(variant["gradient_seconds"]) > 0
    assert results["quadratic"]["teleport+step"]["steps"] == [1]
    assert min(results["quadratic"]["gd"]["steps"]) > 100
    assert max(results["booth"]["gd+teleport"]["final_loss"]) <= 9.46e-4
    assert results["booth"]["gd"]["final_loss"] == pytest.approx([2.203], rel=1e-3)
    assert results["booth"]["gd"]["loss_at_50"] == [None]

    page = (out / "report.html").read_text()
    pictures = sorted(path.name for path in out.glob("*.png"))
    assert page.count("data:image/png;base64,") == len(pictures) == 7
    assert "booth-level-sets.png" in pictures
    assert {path.suffix for path in out.iterdir()} == {".json", ".html", ".png"}


@pytest.mark.parametrize("name", ["results.json", "report.html", "report.json"])
def test_a_folder_in_place_of_a_file_is_refused_before_any_work(tmp_path, name):
    (tmp_path / name).mkdir()
    result = call("reproduce", "quadratic", "--quick", "--out", tmp_path)
    assert result.returncode == 2
    assert f"{name} is a folder" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", ["no json", "[1]", "\x00"])
def test_results_that_cannot_be_read_are_not_written_over(tmp_path, content):
    (tmp_path / "results.json").write_text(content)
    result = call("reproduce", "quadratic", "--quick", "--out", tmp_path)
    assert result.returncode == 2
    assert "results.json" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "results.json").read_text() == content


def test_an_empty_name_for_the_folder_is_refused(tmp_path):
    result = call("reproduce", "quadratic", "--quick", "--out", "")
    assert result.returncode == 2
    assert "an empty name" in result.stderr


def test_a_second_run_into_one_folder_keeps_the_first(tmp_path):
    for name in ("booth", "quadratic", "quadratic"):
        result = call("reproduce", name, "--quick", "--out", tmp_path)
        assert result.returncode == 0, result.stderr
        assert ("Booth" in result.stdout or "booth" in result.stdout) == (name == "booth")
    assert list(json.loads((tmp_path / "results.json").read_text())) == ["booth", "quadratic"]
    page = (tmp_path / "report.html").read_text()
    assert page.count("From an earlier run: liegroup-teleport reproduce booth") == 1
    assert page.count("data:image/png;base64,") == len(list(tmp_path.glob("*.png")))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", [["--help"], ["reproduce", "--help"], ["--version"]])
def test_a_full_disk_is_one_line(command):
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "liegroup_teleport", *command],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.startswith("Error: cannot write the output: ")
    assert len(result.stderr.splitlines()) == 1


def test_verify_that_is_interrupted_ends_with_130():
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "liegroup_teleport", "verify"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert "proved" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Interrupted." in errors
    assert "Traceback" not in errors
