"""The experiments' own arithmetic, their files, and interruptions."""

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

import liegroup_teleport.cli
from liegroup_teleport import experiments
from liegroup_teleport.experiments import Claim, Context, DatasetUnavailableError, Outcome
from liegroup_teleport.experiments._digits_data import load, split
from liegroup_teleport.experiments._outcome import judge
from liegroup_teleport.experiments._report import plain, write_atomically
from liegroup_teleport.experiments._traces import (
    Trace,
    gradient_ratio,
    median,
    time_to_loss,
    times_shown,
)
from liegroup_teleport.experiments.digits import _batches, epochs_to_plain
from liegroup_teleport.experiments.quadratic import problem as quadratic_problem
from liegroup_teleport.experiments.regression import _time_claim
from liegroup_teleport.experiments.regression import problem as regression_problem


@pytest.mark.parametrize(
    ("training", "goal", "expected"),
    [
        ([2.0, 1.0, 0.5, 0.4], 0.5, 2),
        ([2.0, 1.0, 0.5, 0.6], 0.4, None),
        ([2.0, np.nan, 0.5], 0.5, 2),
        ([0.1], 0.5, 0),
        ([], 0.5, None),
    ],
)
def test_epochs_to_plain(training, goal, expected):
    assert epochs_to_plain(training, goal) == expected


def test_an_epoch_shows_every_sample_once():
    batches = _batches(45, 2, np.random.default_rng(0))
    assert [len(b) for b in batches] == [20, 20, 5] * 2
    assert sorted(np.concatenate(batches[:3])) == list(range(45))
    assert sorted(np.concatenate(batches[3:])) == list(range(45))


def test_the_split_of_the_digits_is_seeded_and_disjoint():
    X, y = load("digits")
    assert X.shape == (1797, 64)
    assert (X.min(), X.max()) == (0.0, 1.0)
    number = np.arange(len(y))
    _, train, _, valid = split(X, number, 3)
    assert (len(train), len(valid)) == (1437, 360)
    assert sorted([*train, *valid]) == list(number)
    np.testing.assert_array_equal(split(X, number, 3)[1], train)
    assert not np.array_equal(split(X, number, 4)[1], train)


def test_regression_starts_are_the_published_ones_and_more_of_their_kind():
    losses = []
    for start in range(7):
        loss, w = regression_problem(start)
        assert loss.shapes == {name: array.shape for name, array in w.items()}
        assert loss.inputs.shape == (4, 5)
        assert loss.targets.shape == (4, 8)
        losses.append(loss.value(w))
    assert len(set(losses)) == 7
    assert regression_problem(6)[0].value(regression_problem(6)[1]) == losses[6]


def test_the_quadratic_has_the_condition_it_names():
    loss, _, largest = quadratic_problem(1)
    eigenvalues = np.linalg.eigvalsh(loss.A)
    assert eigenvalues[-1] == pytest.approx(largest)
    assert eigenvalues[-1] / eigenvalues[0] == pytest.approx(100.0)


def test_gradient_ratio_compares_at_equal_loss():
    x = np.geomspace(10, 1e-3, 50)
    assert gradient_ratio((x, np.sqrt(x)), (x[5:], 3 * np.sqrt(x[5:]))) == pytest.approx(3.0)
    assert np.isnan(gradient_ratio((x, x), (x / 1e9, x)))
    assert np.isnan(gradient_ratio((x[:1], x[:1]), (x, x)))


def test_what_is_missing_counts_as_infinite_in_a_median():
    assert median([1.0, None, 3.0]) == 3.0
    assert median([None, None, 3.0]) == np.inf


def test_verdicts():
    assert judge(True) == "confirmed"
    assert judge(False) == "not confirmed"
    assert judge(True, decided=False) == "as measured"


def test_results_are_strict_json():
    value = {"a": [np.float64(1.5), np.inf, np.nan, None], "b": (np.int64(3), "x")}
    assert json.dumps(plain(value), allow_nan=False) == (
        '{"a": [1.5, null, null, null], "b": [3, "x"]}'
    )


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_atomically(path, b"old")

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["results.json"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_an_unknown_experiment_is_an_error():
    with pytest.raises(ValueError, match="unknown experiment 'boot'; expected one of quadratic"):
        experiments.run("boot", Context())


def outcome(name, context):
    row = {"final_loss": [1.0], "steps": [None]}
    return Outcome(name, {"gd": row}, [Claim("c < 1", "m", "confirmed")], {"picture": Figure()})


def reproduce(monkeypatch, run, *arguments):
    monkeypatch.setattr(liegroup_teleport.cli, "run", run)
    return CliRunner().invoke(liegroup_teleport.cli.main, ["reproduce", *map(str, arguments)])


def test_an_interrupted_run_keeps_the_experiments_already_finished(tmp_path, monkeypatch):
    def run(name, context):
        if name == "rosenbrock":
            raise KeyboardInterrupt
        return outcome(name, context)

    result = reproduce(monkeypatch, run, "--out", tmp_path)
    assert result.exit_code == 130
    assert "quadratic, booth" in result.stderr
    assert list(json.loads((tmp_path / "results.json").read_text())) == ["quadratic", "booth"]
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "c &lt; 1" in page
    names = {"results.json", "report.json", "report.html"}
    names |= {"quadratic-picture.png", "booth-picture.png"}
    assert set(os.listdir(tmp_path)) == names


def test_a_run_interrupted_at_once_writes_nothing(tmp_path, monkeypatch):
    def run(name, context):
        raise KeyboardInterrupt

    result = reproduce(monkeypatch, run, "--out", tmp_path)
    assert result.exit_code == 130
    assert "none" in result.stderr
    assert os.listdir(tmp_path) == []


def test_without_a_network_the_other_experiments_are_kept(tmp_path, monkeypatch):
    import sklearn.datasets

    def no_network(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", no_network)

    def run(name, context):
        if name == "digits":
            return experiments.run(name, context)
        return outcome(name, context)

    result = reproduce(monkeypatch, run, "digits", "booth", "--dataset", "mnist", "--out", tmp_path)
    assert result.exit_code == 1
    assert "MNIST could not be downloaded" in result.stderr
    assert "no route to host" in result.stderr
    assert list(json.loads((tmp_path / "results.json").read_text())) == ["booth"]
    with pytest.raises(DatasetUnavailableError, match="--dataset digits"):
        load("mnist")


def test_time_to_loss_is_the_first_passage_on_the_runs_clock():
    losses, seconds = np.array([4.0, 2.0, 3.0, 1.0]), np.array([0.0, 0.5, 0.7, 1.1])
    trace = Trace("v", 0, losses, losses, seconds, (), 1.0)
    assert time_to_loss(trace, 2.5) == (1, 0.5)
    assert time_to_loss(trace, 1.0) == (3, 1.1)
    assert time_to_loss(trace, 0.5) == (None, None)
    row = {"steps_to_goal": [1, None, 3], "seconds_to_goal": [0.5, None, 1.1]}
    assert times_shown("auto", row) == "auto on 2 of 3 starts, median 3 steps and 1.1e+03 ms"
    row = {"steps_to_goal": [1, None, None], "seconds_to_goal": [0.5, None, None]}
    assert times_shown("auto", row) == "auto on 1 of 3 starts"


@pytest.mark.parametrize(
    ("auto", "plain", "verdict"),
    [
        ([0.1, 0.2, 0.3], [0.4, 0.4, None], "confirmed"),
        ([0.1, 0.3, 0.3], [0.4, 0.4, None], "not confirmed"),
        ([0.1, 0.2, 0.3], [None, None, None], "confirmed"),
        ([None, None, 0.3], [None, None, None], "not confirmed"),
    ],
)
def test_half_the_time_is_judged_by_medians(auto, plain, verdict):
    def row(seconds):
        return {"seconds_to_goal": seconds, "steps_to_goal": [s and 1 for s in seconds]}

    results = {"linesearch": row(plain), "linesearch+auto": row(auto)}
    results |= {"linesearch+teleport": row(plain), "linesearch+reset": row(plain)}
    assert _time_claim(results).verdict == verdict
