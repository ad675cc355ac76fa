"""Runs of the studies: kept, resumed after a kill, and the same wherever they are done."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from liegroup_teleport.experiments import Context
from liegroup_teleport.experiments._generalization_runs import moved, trained
from liegroup_teleport.experiments._optimizer_runs import METHODS, optimized, ways
from liegroup_teleport.experiments._runs import keep_runs
from liegroup_teleport.experiments._study_data import HIDDEN, batches, measures, problem

SETTINGS = [
    {"dataset": dataset, "split": 0, "start": start, "epochs": 1, "hidden": HIDDEN, "rate": 0.1,
     "batch": 20, "scale": 1.0}
    for start, dataset in enumerate(("digits", *3 * ["breast cancer"]))
]  # fmt: skip


class Counter:
    """A run that counts how often it is done."""

    def __init__(self):
        self.done = []
        self.__qualname__ = "counter"

    def __call__(self, x):
        self.done.append(x)
        return {"square": np.float64(x * x), "lost": np.inf}


def test_a_finished_run_is_not_done_again(tmp_path):
    count, lines = Counter(), []
    context = Context(runs=tmp_path / "runs", say=lines.append)
    first = keep_runs(count, [{"x": 1}, {"x": 2}], context, "squares")
    assert first == [{"square": 1.0, "lost": None}, {"square": 4.0, "lost": None}]
    more = keep_runs(count, [{"x": 3}, {"x": 2}, {"x": 1}], context, "squares")
    assert [row["square"] for row in more] == [9.0, 4.0, 1.0]
    assert count.done == [1, 2, 3]
    assert lines == [f"squares: 2 of 3 runs were finished before and are read from {context.runs}"]
    # with nowhere to keep them, all are done, with the same results
    assert keep_runs(count, [{"x": 1}, {"x": 2}], Context(), "squares") == first
    assert count.done == [1, 2, 3, 1, 2]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run": "other", "result": {}}'])
def test_a_file_that_is_not_whole_or_not_this_runs_is_done_again(tmp_path, content):
    count, context = Counter(), Context(runs=tmp_path)
    keep_runs(count, [{"x": 1}], context, "squares")
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    assert keep_runs(count, [{"x": 1}], context, "squares")[0]["square"] == 1.0
    assert count.done == [1, 1]
    assert json.loads(path.read_text())["settings"] == {"x": 1}


def test_another_source_or_setting_is_another_run(tmp_path, monkeypatch):
    from liegroup_teleport.experiments import _runs

    count, context = Counter(), Context(runs=tmp_path)
    keep_runs(count, [{"x": 1}], context, "squares")
    keep_runs(count, [{"x": 1.5}], context, "squares")
    monkeypatch.setattr(_runs, "_source", lambda: "another")
    keep_runs(count, [{"x": 1}], context, "squares")
    assert count.done == [1, 1.5, 1]


SCRIPT = """
import sys, time
from pathlib import Path
from liegroup_teleport.experiments import Context
from liegroup_teleport.experiments._runs import keep_runs

folder, jobs = Path(sys.argv[1]), int(sys.argv[2])

def slow(x, folder):
    time.sleep(0.15)
    with open(folder + "/done", "a") as file:
        file.write(f"{x}\\n")
    return {"square": x * x}

if __name__ == "__main__":
    settings = [{"x": x, "folder": str(folder)} for x in range(12)]
    rows = keep_runs(slow, settings, Context(runs=folder / "runs", workers=jobs), "slow")
    print([row["square"] for row in rows])
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_study_goes_on_where_it_stopped(tmp_path, jobs):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(tmp_path), str(jobs)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    runs = tmp_path / "runs"
    deadline = time.monotonic() + 30
    while not runs.exists() or len(list(runs.glob("*.json"))) < 4:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in runs.glob("*.json")}
    assert 4 <= len(kept) < 12
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == str([x * x for x in range(12)])
    done = [int(line) for line in (tmp_path / "done").read_text().split()]
    assert set(done) == set(range(12))
    # done twice at most: those that were under way, or finished and not yet written
    assert len(done) - 12 <= 2 * jobs + 1
    assert len(done) - 12 <= 12 - len(kept)
    for name, written in kept.items():
        assert (runs / name).stat().st_mtime_ns == written


def test_one_and_two_processes_give_the_same_numbers():
    context = Context(workers=1)
    alone = keep_runs(trained, SETTINGS, context, "alone")
    assert keep_runs(trained, SETTINGS, replace(context, workers=2), "two") == alone
    assert len({row["validation_loss"] for row in alone}) == len(SETTINGS)


DASK = """
import json, sys
from distributed import LocalCluster
from liegroup_teleport.experiments import Context
from liegroup_teleport.experiments._cluster import cluster
from liegroup_teleport.experiments._generalization_runs import trained
from liegroup_teleport.experiments._runs import keep_runs

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local:
        with cluster(local.scheduler_address):
            rows = keep_runs(trained, json.loads(sys.argv[1]), Context(workers=-1), "dask")
        workers = len(local.scheduler.workers)
    print(json.dumps([workers, rows]))
"""


def test_a_dask_cluster_of_two_workers_gives_the_same_numbers(tmp_path):
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    script = tmp_path / "on_dask.py"
    script.write_text(DASK)
    result = subprocess.run(
        [sys.executable, str(script), json.dumps(SETTINGS)],
        capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    workers, rows = json.loads(result.stdout)
    assert workers == 2
    assert rows == keep_runs(trained, SETTINGS, Context(), "here")


def test_the_features_of_a_split_are_standardised_by_its_training_part():
    loss, validation = problem("breast cancer", 3, HIDDEN)
    np.testing.assert_allclose(loss.inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(loss.inputs.std(axis=0), 1)
    assert abs(validation.inputs.mean(axis=0)).max() > 1e-3
    assert (len(loss.targets), len(validation.targets)) == (455, 114)
    assert loss.widths == (30, 16, 10, 2)
    with pytest.raises(ValueError, match="unknown data set 'iris'; expected one of digits"):
        problem("iris", 0, HIDDEN)


def test_measures_of_a_network_against_direct_computations():
    loss, _ = problem("breast cancer", 0, HIDDEN)
    rng = np.random.default_rng(0)
    w = loss.init(rng)
    found = measures(loss, w)
    dense = np.concatenate([a.ravel() for a in w.values()])
    spread = []
    for _ in range(2000):
        d = rng.normal(size=dense.size)
        moved = dense + d / np.linalg.norm(d)
        parts = np.split(moved, np.cumsum([a.size for a in w.values()])[:-1])
        point = {n: p.reshape(w[n].shape) for n, p in zip(w, parts, strict=True)}
        spread.append(loss.value(point) - loss.value(w))
    error = np.std(spread) * (1 / np.sqrt(2000) + 1 / np.sqrt(100))
    assert found["increase"] == pytest.approx(np.mean(spread), abs=4 * error)
    assert found["phi"] == pytest.approx(loss.value(w), rel=0.02)
    jacobian = loss.output_jacobian(w)
    p = np.exp(loss.forward(w))
    p /= p.sum(axis=1, keepdims=True)
    J = np.concatenate([a.reshape(*p.shape, -1) for a in jacobian.values()], axis=2)
    H = np.einsum("si,ij->sij", p, np.eye(p.shape[1])) - np.einsum("si,sj->sij", p, p)
    trace = np.einsum("sip,sij,sjp->", J, H, J) / len(p)
    assert found["trace"] == pytest.approx(trace, rel=3e-2)
    assert found["trace"] <= trace * (1 + 1e-9)  # Nystrom's is never above
    # curvature is a reciprocal length
    doubled = measures(loss, {n: 2 * a for n, a in w.items()}, ("psi",))
    assert doubled["psi"] == pytest.approx(found["psi"] / 2)
    assert found["psi_batch"] > 0


def test_an_epoch_of_the_studies_shows_every_sample_once():
    parts = batches(45, 20, 2, np.random.default_rng(0))
    assert [len(b) for b in parts] == [20, 20, 5] * 2
    assert sorted(np.concatenate(parts[3:])) == list(range(45))


def test_variants_share_their_first_half_and_move_as_far_as_they_say():
    rows = moved("breast cancer", 0, 2, HIDDEN, 0.1, 1.0)
    assert rows["plain"]["distance"] == 0
    assert rows["random"]["distance"] == pytest.approx(1.0)
    for name, row in rows.items():
        assert row["distance"] <= 1 + 1e-6
        assert row["drift"] < 1e-12
        if name.endswith("max"):
            assert row["objective_ratio"] > 1
        if name.endswith("min"):
            assert row["objective_ratio"] < 1
    assert len({row["validation_loss"] for row in rows.values()}) == len(rows)


@pytest.mark.parametrize("method", METHODS)
def test_a_reset_changes_an_optimizer_with_a_state_only(method):
    ends = {
        way: optimized("breast cancer", 0, 2, HIDDEN, method, METHODS[method].usual, way)
        for way in ways(method)
    }
    assert ("reset" in ends) == METHODS[method].state
    plain = ends.pop("plain")
    assert plain["moves"] == 0
    assert len(plain["training"]) == len(plain["seconds"]) == 3
    for row in ends.values():
        # the first epoch is the same for all, before anything happens
        assert row["training"][:2] == pytest.approx(plain["training"][:2], rel=1e-12)
        assert row["training"][2] != plain["training"][2]


def test_the_source_is_that_of_every_module(tmp_path, monkeypatch):
    from liegroup_teleport.experiments import _runs

    package = tmp_path / "package"
    (package / "experiments").mkdir(parents=True)
    (package / "groups.py").write_text("a = 1")
    monkeypatch.setattr(_runs, "__file__", str(package / "experiments" / "_runs.py"))
    first = _runs._source()
    assert _runs._source() == first
    (package / "groups.py").write_text("a = 2")
    assert _runs._source() != first
