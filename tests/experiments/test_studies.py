"""The two studies as users call them: quick, resumed, killed; and their claims."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from liegroup_teleport.cli import main
from liegroup_teleport.experiments import NAMES, STUDIES
from liegroup_teleport.experiments._generalization_claims import KINDS, claims, correlations
from liegroup_teleport.experiments._statistics import Estimate
from liegroup_teleport.experiments._study_data import DATASETS, MEASURES
from liegroup_teleport.experiments.optimizers import _claim, _row


def command(name, out, *options):
    return [
        sys.executable, "-m", "liegroup_teleport", "reproduce", name, "--quick", "--out", str(out),
        *options,
    ]  # fmt: skip


def call(name, out, *options):
    return subprocess.run(
        command(name, out, *options), capture_output=True, text=True, timeout=120, check=False
    )


def written(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "runs").glob("*.json")}


def test_studies_run_only_by_name_and_help_says_so():
    assert not set(STUDIES) & set(NAMES)
    text = " ".join(CliRunner().invoke(main, ["reproduce", "--help"]).output.split())
    for word in (*STUDIES, "--jobs", "--dask", "OUT/runs", "only by name"):
        assert word in text


def test_generalization_quick_and_again(tmp_path):
    first = call("generalization", tmp_path, "--seeds", "2")
    assert first.returncode == 0, first.stderr
    runs = written(tmp_path)
    text = (tmp_path / "results.json").read_text()
    results = json.loads(text)["generalization"]
    for dataset in DATASETS:
        for design in ("initialisations", "hyper-parameters"):
            rows = results[f"{dataset}, {design}"]
            assert {"training_loss", "validation_loss", *MEASURES} <= set(rows)
            assert len(set(rows["validation_loss"])) == len(rows["validation_loss"]) == 2
            for kind in KINDS:
                assert set(results[f"{dataset}, {design}, {kind}"]) == set(MEASURES)
        assert len([name for name in results if name.startswith(f"{dataset}, rate")]) == 8
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {
        "generalization-correlations.png",
        *(f"generalization-{d}-{kind}.png" for d in ("digits", "breast-cancer")
          for kind in ("scatter", "teleports")),
    }  # fmt: skip
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(pictures)

    again = call("generalization", tmp_path, "--seeds", "2", "--jobs", "1")
    assert again.returncode == 0, again.stderr
    assert "8 of 8 runs were finished before" in again.stderr
    assert written(tmp_path) == runs
    assert (tmp_path / "results.json").read_text() == text


def test_optimizers_quick_killed_and_resumed(tmp_path):
    process = subprocess.Popen(
        command("optimizers", tmp_path, "--jobs", "1"), stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(written(tmp_path)) < 25:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = written(tmp_path)
    result = call("optimizers", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "runs were finished before" in result.stderr
    after = written(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)
    results = json.loads((tmp_path / "results.json").read_text())["optimizers"]
    assert all(len(row["final_loss"]) == 1 for row in results.values())
    for method in ("SGD", "momentum 0.9", "AdaGrad", "RMSProp", "Adam"):
        rows = [name for name in results if f", {method} " in name]
        assert {name.split(", ")[0] for name in rows} == set(DATASETS)
        assert any(name.endswith("teleport") for name in rows)
        assert any(name.endswith(", reset") for name in rows) == (method != "SGD")
    assert len(list(tmp_path.glob("*.png"))) == 6


def test_a_cluster_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    arguments = ["reproduce", "booth", "--out", str(tmp_path), "--dask", "tcp://127.0.0.1:1"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "liegroup-teleport[dask]" in result.stderr
    assert os.listdir(tmp_path) == []


def networks(sign, given):
    """Return runs whose phi follows the validation loss, through the training loss or not."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        loss, own = rng.normal(size=2)
        valid = loss + own
        phi = loss + (own if given else rng.normal())
        rows.append(
            {"split": i % 3, "training_loss": 10 + loss, "validation_loss": 10 + valid}
            | {
                "phi": 10 + sign * phi,
                "increase": rng.normal(),
                "psi": 10 - valid,
                "psi_batch": own,
            }
            | {"trace": 1.0 + rng.normal()}
        )
    rows.append({**rows[0], "training_loss": None, "validation_loss": None})  # diverged
    return rows


@pytest.mark.parametrize(
    ("sign", "given", "expected"),
    [(1, True, "confirmed confirmed"), (1, False, "confirmed not confirmed"),
     (-1, True, "not confirmed not confirmed")],
)  # fmt: skip
def test_verdicts_on_correlations_come_from_the_intervals(sign, given, expected):
    related = {("digits", "initialisations"): correlations(networks(sign, given))}
    moves = {
        ("digits", 0.1, 1.0): {
            name: [{"validation_loss": 1.0 + k, "training_loss": 1.0, "drift": 0.0}
                   for k in np.linspace(0, 0.1, 9)]
            for name in ("plain", "random", *(f"{m} {s}" for m in ("phi", "trace", "psi")
                                              for s in ("min", "max")))
        }
    }  # fmt: skip
    judged = {c.claim: c.verdict for c in claims(related, moves, full=True)}
    place = "digits, initialisations"
    phi = [judged[f"paper: phi rises with the validation loss: {place}"],
           judged[f"phi still does with the training loss held fixed: {place}"]]  # fmt: skip
    assert " ".join(phi) == expected
    assert (
        judged[f"larger psi of rescalings goes with a lower validation loss: {place}"]
        == "confirmed"
    )
    assert judged[f"sharper (increase) goes with a higher validation loss: {place}"] == (
        "not confirmed"
    )
    # moves that change nothing: within two per cent, and not lower
    flat = "paper: flatter points (least phi) leave the validation loss within 2 %: digits"
    assert judged[flat] == "confirmed"
    curved = "paper: larger curvature (psi) lowers the validation loss: digits"
    assert judged[curved] == "not confirmed"
    quick = claims(related, moves, full=False)
    assert {c.verdict for c in quick[:-1]} == {"as measured"}


def run_of(training, *, valid=1.0, status="completed"):
    return {"training": [2.0, training], "validation": [2.0, valid], "seconds": [0.0, 1.0],
            "status": status, "moves": 1}  # fmt: skip


def test_a_gain_that_the_reset_has_too_is_not_confirmed():
    starts = range(10)
    group = {
        "plain": [run_of(1.0 + 0.01 * i) for i in starts],
        "reset": [run_of(0.5 + 0.01 * i) for i in starts],
        "teleport": [run_of(0.4 + 0.01 * i) for i in starts],
        "teleport+reset": [run_of(0.5 + 0.01 * i) for i in starts],
    }
    key = ("digits", "Adam", 0.001)
    assert _claim(key, "Adam", group, full=True).verdict == "not confirmed"
    better = {**group, "teleport+reset": [run_of(0.3 + 0.01 * i) for i in starts]}
    assert _claim(key, "Adam", better, full=True).verdict == "confirmed"
    assert _claim(key, "Adam", better, full=False).verdict == "as measured"
    lost = {**better, "teleport": [run_of(None, status="diverged") for _ in starts]}
    claim = _claim(key, "Adam", lost, full=True)
    assert claim.verdict == "not confirmed"
    assert "10 of 10 diverged" in claim.measured


def test_the_row_of_a_run_that_diverged():
    plain = [run_of(1.0), run_of(1.0)]
    row = _row([run_of(0.5), run_of(None, status="diverged")], plain)
    assert row["final_loss"] == [0.5, np.inf]
    assert row["epochs_to_plain"] == [1, None]
    assert row["seconds_to_plain"] == [1.0, None]
    assert row["seconds"] == [1.0, None]
    assert str(Estimate(1.0, 0.5, 2.0)) == "1.00 [0.50, 2.00]"
