"""The training loop: what is recorded, what is not touched, and how a run ends."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport import _errors
from liegroup_teleport.losses import from_function
from liegroup_teleport.training import SGD, Adam, LineSearch, minimize


def norm(w):
    return float(np.sqrt(sum((a**2).sum() for a in w.values())))


def test_record(quartic, start):
    run = minimize(quartic, start, SGD(0.01), 5)
    w = start
    for t in range(6):
        gradient = quartic.gradient(w)
        assert run.losses[t] == quartic.value(w)
        assert run.gradient_norms[t] == pytest.approx(norm(gradient), rel=1e-14)
        if t < 5:
            w = {n: a - 0.01 * gradient[n] for n, a in w.items()}
    for name, a in run.params.items():
        np.testing.assert_array_equal(a, w[name])
    assert run.losses.shape == run.gradient_norms.shape == run.seconds.shape == (6,)
    assert run.seconds[0] == 0.0
    assert np.all(np.diff(run.seconds) > 0)
    assert (run.status, run.steps, run.teleports, run.resets) == ("completed", 5, (), ())
    assert run.state.count == 5


def test_no_steps(quartic, start):
    run = minimize(quartic, start, Adam(0.1), 0)
    assert run.losses.tolist() == [quartic.value(start)]
    assert all(run.params[n] is start[n] for n in start)


def test_one_gradient_per_step(quartic, quartic_together, start):
    minimize(quartic_together, start, SGD(0.01), 7)
    assert quartic_together.calls == {"value": 1, "gradient": 1, "both": 7}
    minimize(quartic, start, SGD(0.01), 7)
    assert quartic.calls == {"value": 8, "gradient": 8, "both": 0}


def test_nothing_is_mutated(quartic, start):
    for a in start.values():
        a.setflags(write=False)
    copy = {n: a.copy() for n, a in start.items()}
    minimize(quartic, start, Adam(0.1), 5)
    assert list(start) == list(copy)
    for n, a in start.items():
        np.testing.assert_array_equal(a, copy[n])


def test_resumed_run_is_the_same_run(quartic, start):
    whole = minimize(quartic, start, Adam(0.05), 20)
    first = minimize(quartic, start, Adam(0.05), 8)
    second = minimize(quartic, first.params, Adam(0.05), 12, state=first.state)
    np.testing.assert_array_equal(whole.losses, np.append(first.losses, second.losses[1:]))


def test_line_search_is_monotone(quartic, start):
    run = minimize(quartic, start, LineSearch(), 40)
    assert np.all(np.diff(run.losses) <= 0)


def test_float32(quartic, start):
    w = {n: a.astype(np.float32) for n, a in start.items()}
    run = minimize(quartic, w, Adam(0.05), 5)
    assert all(a.dtype == np.float32 for a in run.params.values())


def test_torch_leaves_do_not_pile_up_a_graph(quartic, start):
    torch = pytest.importorskip("torch")
    w = {n: torch.tensor(a, requires_grad=True) for n, a in start.items()}
    run = minimize(quartic, w, SGD(0.01), 5)
    reference = minimize(quartic, start, SGD(0.01), 5)
    for name, a in run.params.items():
        assert isinstance(a, torch.Tensor)
        assert a.grad_fn is None
        np.testing.assert_allclose(a.numpy(), reference.params[name], rtol=1e-13)
    np.testing.assert_allclose(run.losses, reference.losses, rtol=1e-13)


class TestCallback:
    def test_arguments(self, quartic, start):
        seen = []
        run = minimize(quartic, start, SGD(0.01), 3, callback=lambda *a: seen.append(a))
        assert [t for t, _, _ in seen] == [0, 1, 2]
        assert [value for _, _, value in seen] == run.losses[:3].tolist()
        assert [quartic.value(w) for _, w, _ in seen] == run.losses[:3].tolist()

    def test_stop(self, quartic, start):
        run = minimize(quartic, start, SGD(0.01), 9, callback=lambda t, w, value: t == 4)
        reference = minimize(quartic, start, SGD(0.01), 4)
        assert (run.status, run.steps) == ("stopped", 4)
        np.testing.assert_array_equal(run.losses, reference.losses)
        assert run.seconds.shape == run.gradient_norms.shape == (5,)

    def test_its_dict_is_its_own(self, quartic, start):
        run = minimize(quartic, start, SGD(0.01), 2, callback=lambda t, w, value: w.clear())
        assert run.status == "completed"


class TestBatches:
    index = ([0, 1], [2], [1, 2])

    @pytest.mark.parametrize("form", ["list", "generator", "function", "rows"])
    def test_steps_are_on_the_batch(self, quartic, start, form):
        index = [[0, 1], [2, 0], [1, 2]]
        forms = {
            "list": index,
            "generator": (i for i in index),
            "function": lambda t: index[t],
            "rows": np.array(index),
        }
        run = minimize(quartic, start, SGD(0.01), 3, batches=forms[form])
        w = start
        for t in range(3):
            gradient = quartic.batch(index[t]).gradient(w)
            assert run.losses[t] == quartic.value(w)
            assert run.gradient_norms[t] == pytest.approx(norm(gradient), rel=1e-14)
            w = {n: a - 0.01 * gradient[n] for n, a in w.items()}
        assert run.losses[3] == quartic.value(w)
        assert run.gradient_norms[3] == pytest.approx(norm(quartic.gradient(w)), rel=1e-14)

    def test_batch_record(self, quartic, start):
        full = minimize(quartic, start, SGD(0.01), 3, batches=self.index)
        run = minimize(quartic, start, SGD(0.01), 3, batches=self.index, record="batch")
        assert run.losses[0] == quartic.batch([0, 1]).value(start)
        assert run.losses[0] < full.losses[0]
        assert run.losses[-1] == full.losses[-1]
        stopped = minimize(
            quartic,
            start,
            SGD(0.01),
            3,
            batches=self.index,
            record="batch",
            callback=lambda t, w, value: t == 2,
        )
        assert stopped.losses[-1] == full.losses[2]

    def test_full_loss_beside_the_batch_takes_no_gradient(self, quartic_together, start):
        minimize(quartic_together, start, SGD(0.01), 3, batches=self.index, record="batch")
        assert quartic_together.calls == {"value": 1, "gradient": 1, "both": 0}
        minimize(quartic_together, start, SGD(0.01), 3, batches=self.index)
        assert quartic_together.calls == {"value": 5, "gradient": 2, "both": 0}

    def test_too_few(self, quartic, start):
        with pytest.raises(ValueError, match="batches has 3 index arrays for 4 steps"):
            minimize(quartic, start, SGD(0.01), 4, batches=self.index)
        with pytest.raises(ValueError, match="batches ended after 3 index arrays"):
            minimize(quartic, start, SGD(0.01), 4, batches=iter(self.index))

    def test_wrong_kinds(self, quartic, start):
        whole = from_function(quartic.value, quartic.gradient)
        with pytest.raises(TypeError, match=r"a FunctionLoss has no method batch\(index\)"):
            minimize(whole, start, SGD(0.01), 1, batches=[[0]])
        with pytest.raises(TypeError, match="batches is a int"):
            minimize(quartic, start, SGD(0.01), 1, batches=3)


class TestDivergence:
    def test_is_a_result(self, quartic, start):
        run = minimize(quartic, start, SGD(100.0), 50)
        assert run.status == "diverged"
        assert 0 < run.steps < 50
        assert not np.isfinite(run.losses[-1])
        assert np.all(np.isfinite(run.losses[:-1]))
        assert run.seconds.shape == run.gradient_norms.shape == run.losses.shape

    def test_in_the_last_step(self, quartic, start):
        steps = minimize(quartic, start, SGD(100.0), 50).steps
        assert minimize(quartic, start, SGD(100.0), steps).status == "diverged"
        assert minimize(quartic, start, SGD(100.0), steps - 1).status == "completed"

    def test_leaving_the_domain(self, start):
        class Barrier:
            def value(self, w):
                if not np.all(np.isfinite(w["a"])):
                    raise _errors.DomainError("not finite")
                return float((w["a"] ** 2).sum())

            def gradient(self, w):
                self.value(w)
                return {n: np.full_like(a, 1e308) for n, a in w.items()}

        run = minimize(Barrier(), {"a": start["a"]}, SGD(100.0), 9)
        assert (run.status, run.steps) == ("diverged", 1)
        assert np.isnan(run.losses[-1])

    def test_of_the_start_is_an_error(self, quartic, start):
        bad = {**start, "b": np.array([1.0, np.nan, 0.0, 0.0])}
        with pytest.raises(_errors.DomainError, match="initial parameter 'b' has 1 entries"):
            minimize(quartic, bad, SGD(0.01), 1)
        for steps in (0, 1):
            with pytest.raises(_errors.DomainError, match="the loss at the initial parameters"):
                minimize(quartic, {"b": np.array([1e200])}, SGD(0.01), steps)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"steps": -1}, ValueError, "steps is -1; expected an integer >= 0"),
        ({"steps": 1.5}, ValueError, "steps is 1.5"),
        ({"steps": True}, ValueError, "steps is True"),
        ({"optimizer": "adam"}, TypeError, "optimizer is a str; expected an Optimizer"),
        ({"record": "some"}, ValueError, "record is 'some'; expected 'full' or 'batch'"),
        ({"teleports": [3]}, TypeError, "teleports has a int; expected Teleports"),
        ({"w": [1.0]}, TypeError, "parameters must be a dict of arrays, got list"),
        ({"w": {"a": np.array([1], dtype=object)}}, TypeError, "object arrays"),
    ],
)
def test_errors(quartic, start, change, error, message):
    arguments = {"w": start, "optimizer": SGD(0.01), "steps": 2, **change}
    with pytest.raises(error, match=message):
        minimize(quartic, **arguments)


def test_wrong_gradient_is_named(quartic, start):
    class Wrong(type(quartic)):
        def gradient(self, w):
            return {n: v.astype(np.float32) for n, v in super().gradient(w).items()}

    with pytest.raises(TypeError, match="gradient 'a' is float32; expected float64"):
        minimize(Wrong(), start, SGD(0.01), 1)


def test_names_and_shapes_come_from_the_loss(network, network_start):
    with pytest.raises(ValueError, match="W2"):
        minimize(network, {"W1": network_start["W1"]}, SGD(0.01), 1)
