"""An optimizer's state: what steps leave in it, what teleports and their schedule do to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import liegroup_teleport as lt
from liegroup_teleport.groups import HiddenIndex, PositiveRescaling
from liegroup_teleport.training import (
    SGD,
    AdaGrad,
    Adam,
    LineSearch,
    OptimizerState,
    RMSProp,
    Teleports,
)
from liegroup_teleport.training._promise import already_fast, kept_promise

GROUP = PositiveRescaling([HiddenIndex(2, written=[("a", 0)], read=[("b", 0)])])
W = {"a": np.array([1.0, -2.0]), "b": np.array([0.5, 3.0])}
G = np.array([2.0, 0.25])


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.5), AdaGrad(0.1), RMSProp(0.1), Adam(0.1)])
def test_steps_are_counted(optimizer):
    state = optimizer.init(W)
    assert state.count == 0
    for n in (1, 2, 3):
        _, state = optimizer.step(Model(), W, 0.0, W, state)
        assert state.count == n


@pytest.mark.parametrize("make", [AdaGrad, RMSProp, Adam])
def test_hyperparameters_are_named_in_errors(make):
    for name in ("learning_rate", "epsilon"):
        for bad in (0.0, -1.0, float("nan"), float("inf")):
            with pytest.raises(ValueError, match=f"^{name} is "):
                make(**{"learning_rate": 0.1, name: bad})


@pytest.mark.parametrize(("make", "name"), [(RMSProp, "decay"), (Adam, "beta1"), (Adam, "beta2")])
def test_decays_are_fractions(make, name):
    zero = name == "beta1"
    sign = "<=" if zero else "<"
    for bad in (-0.1, 1.0, 1.5) if zero else (-0.1, 0.0, 1.0):
        with pytest.raises(ValueError, match=f"^{name} is {bad}; expected 0 {sign} {name} < 1$"):
            make(0.1, **{name: bad})
    with pytest.raises(TypeError, match=f"^{name} is "):
        make(0.1, **{name: "half"})
    if zero:
        assert make(0.1, beta1=0.0).beta1 == 0.0


def test_first_states_are_zeros_of_the_shapes():
    state = Adam(0.1).init(W)
    for part in (state.momentum, state.second_moment):
        assert {n: a.tolist() for n, a in part.items()} == {"a": [0.0, 0.0], "b": [0.0, 0.0]}
    assert AdaGrad(0.1).init(W).momentum is None


def test_a_state_without_averages_of_gradients_starts_them():
    optimizer = Adam(0.1, beta1=0.5)
    state = replace(optimizer.init(W), momentum=None)
    _, after = optimizer.step(Model(), W, 0.0, W, state)
    np.testing.assert_array_equal(after.momentum["b"], 0.5 * W["b"])


def test_another_optimizer_s_state_is_refused_in_words():
    for optimizer in (AdaGrad(0.1), RMSProp(0.1), Adam(0.1)):
        with pytest.raises(
            ValueError, match=r"^the state has no second moments; expected one made"
        ):
            optimizer.preconditioner(OptimizerState(momentum=W))


class TestTransport:
    """Gradients of written axes are divided by the scale, those of read ones multiplied."""

    def test_in_numbers(self):
        state = OptimizerState(momentum=W, second_moment={n: a * a for n, a in W.items()}, count=7)
        moved, how = Adam(0.1).transport(state, GROUP, G, W)
        assert how == "transported"
        assert moved.count == 7
        np.testing.assert_allclose(moved.momentum["a"], [0.5, -8.0])
        np.testing.assert_allclose(moved.momentum["b"], [1.0, 0.75])
        np.testing.assert_allclose(moved.second_moment["a"], [0.25, 64.0])
        np.testing.assert_allclose(moved.second_moment["b"], [1.0, 0.5625])

    def test_a_step_length_is_forgotten_and_the_rest_moves_all_the_same(self):
        state = OptimizerState(momentum=W, step_size=0.5, count=3)
        moved, how = SGD(0.1, 0.5).transport(state, GROUP, G, W)
        assert (moved.step_size, moved.count, how) == (None, 3, "transported")
        np.testing.assert_allclose(moved.momentum["a"], [0.5, -8.0])
        alone, how = LineSearch().transport(OptimizerState(step_size=0.5, count=3), GROUP, G, W)
        assert (alone.step_size, alone.count, how) == (None, 3, "reset")
        assert alone.empty

    def test_what_is_no_group(self):
        state = OptimizerState(momentum=W)
        with pytest.raises(TypeError, match=r"^group is .*; expected a SymmetryGroup"):
            SGD(0.1, 0.5).transport(state, "rescaling", G, W)
        with pytest.raises(ValueError, match="momentum"):
            SGD(0.1, 0.5).transport(OptimizerState(momentum={"a": W["a"]}), GROUP, G, W)

    def test_what_is_no_objective(self):
        with pytest.raises(
            TypeError, match=r"^objective is .*; expected an objective such as Grad"
        ):
            SGD(0.1).bind("norm", SGD(0.1).init(W))

    def test_an_objective_with_its_own_rate_and_memory_keeps_them(self):
        optimizer = AdaGrad(0.1)
        state = optimizer.init(W)
        own = lt.PredictedDecrease(0.5, optimizer.preconditioner(state))
        assert optimizer.bind(own, state) == own
        rate = optimizer.bind(lt.PredictedDecrease(0.5), state)
        assert rate.learning_rate == 0.5
        assert rate.optimizer_state is not None


def network():
    rng = np.random.default_rng(1)
    inputs, targets = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    loss = lt.losses.MLP((3, 4, 2), activation="relu", inputs=inputs, targets=targets)
    return loss, loss.init(np.random.default_rng(2))


class Model:
    """``c a``: value, gradient and Gauss-Newton product as they are given."""

    def __init__(self, value=0.0, slope=1.0, curvature=0.0):
        self.given, self.slope, self.curvature = value, slope, curvature

    def value(self, w):
        return self.given

    def gradient(self, w):
        return {"a": np.array([self.slope, 0.0]), "b": np.zeros(2)}

    def gauss_newton_product(self, w, v):
        return {n: self.curvature * a for n, a in v.items()}


class TestPromise:
    """Decrease at rate 1/2 with slope s and curvature c: ``s^2 (1/2 - c/8)``."""

    def ask(self, horizon=1.0, lower_bound="none", **model):
        loss = Model(**model)
        if lower_bound != "none":
            loss.lower_bound = lower_bound
        return already_fast(loss, GROUP, lt.PredictedDecrease(0.5), W, horizon)[0]

    def test_at_a_hundredth_exactly_it_may_still_grow(self):
        assert self.ask(value=50.0, lower_bound=0.0) is None  # 1/2 of 50
        assert self.ask(value=np.nextafter(50.0, 0), lower_bound=0.0) is not None
        assert self.ask(value=50.0, lower_bound=None) is None
        assert self.ask(value=-50.0) is None  # no attribute: no bound

    def test_messages(self):
        one = self.ask(value=10.0, lower_bound=-4.0)
        assert one.message.startswith(
            "the next step is predicted to bring 0.5 of the 14 there are: little to gain"
        )
        many = self.ask(value=10.0, lower_bound=-4.0, horizon=10.0)
        assert many.message.startswith("the next 10 steps are predicted to bring 5 of the 14 there")
        far = self.ask(value=10.0, lower_bound=0.0, curvature=8.0)
        assert far.message.startswith("the next step is predicted to overshoot")
        none = self.ask(value=10.0, lower_bound=0.0, curvature=4.0)  # a decrease of zero
        assert none.message.startswith("the next step is predicted to overshoot")
        assert none.status == "identity"

    def test_what_is_not_finite_is_left_to_the_teleport(self):
        assert self.ask(value=float("inf"), curvature=8.0) is None
        with np.errstate(all="ignore"):
            assert self.ask(value=1.0, lower_bound=0.0, slope=1e200) is None

    def test_a_promise_not_kept_leaves_everything_as_it_was(self):
        loss, w = network()
        group = loss.symmetry()
        result = lt.teleport(loss, group, w, lt.GradientNorm(), radius=1.0)
        result = replace(
            result, objective_before=0.01, objective_after=0.02, drift=0.5, loss_after=99.0
        )
        found = kept_promise(result, group, w)
        assert (found.status, found.drift) == ("identity", 0.0)
        assert found.loss_after == found.loss_before == result.loss_before
        assert found.objective_after == found.objective_before == 0.01
        assert all(np.array_equal(found.params[n], w[n]) for n in w)
        np.testing.assert_array_equal(found.element, group.identity())
        assert "from 0.01 to 0.02, too little" in found.message
        stayed = replace(result, status="identity", message="as it was")
        assert kept_promise(stayed, group, w) is stayed


class TestApply:
    def test_state_after_moving_is_that_of_the_element(self):
        loss, w = network()
        group = loss.symmetry()
        optimizer = SGD(1e-3, momentum=0.5)
        rng = np.random.default_rng(0)
        momentum = {n: rng.normal(size=a.shape) for n, a in w.items()}
        state = OptimizerState(momentum=momentum, count=4)
        ticks = iter([10.0, 12.5, 13.0])
        jump = Teleports(group, lt.GradientNorm(), at=[7], radius=0.5)
        params, after, event = jump.apply(7, loss, optimizer, w, state, clock=lambda: next(ticks))
        assert (event.step, event.state, event.seconds) == (7, "transported", 2.5)
        assert event.result.status != "identity"
        expected = group.act_cotangent(event.result.element, w, momentum)
        for n in w:
            np.testing.assert_allclose(after.momentum[n], expected[n], rtol=1e-14)
            np.testing.assert_array_equal(params[n], event.result.params[n])
        assert after.count == 4

    def test_reset(self):
        loss, w = network()
        group = loss.symmetry()
        optimizer = SGD(1e-3, momentum=0.5)
        state = OptimizerState(momentum=w, count=4)
        jump = Teleports(group, lt.GradientNorm(), at=[7], radius=0.5, state="reset")
        _, after, event = jump.apply(7, loss, optimizer, w, state)
        assert event.state == "reset"
        assert after.count == 0
        assert all(not a.any() for a in after.momentum.values())
        # nothing better: a reset all the same
        best = lt.teleport(loss, group, w, lt.ParameterNorm()).params
        jump = Teleports(group, lt.ParameterNorm(), at=[7], state="reset")
        _, after, event = jump.apply(7, loss, optimizer, best, OptimizerState(momentum=w, count=4))
        assert (event.state, after.count) == ("reset", 0)

    def test_where_nothing_moves(self):
        loss, w = network()
        group = loss.symmetry()
        best = lt.teleport(loss, group, w, lt.ParameterNorm()).params
        jump = Teleports(group, lt.ParameterNorm(), at=[7])
        state = OptimizerState(momentum=w, count=4)
        optimizer = SGD(1e-3, momentum=0.5)
        params, after, event = jump.apply(7, loss, optimizer, best, state)
        if event.result.status == "identity":
            assert event.state == "kept"
            assert after is state
        plain = SGD(1e-3)
        _, after, event = jump.apply(7, loss, plain, best, plain.init(best))
        assert event.state == "none"
        assert all(np.allclose(params[n], best[n], rtol=1e-6) for n in best)

    def test_an_automatic_teleport_not_worth_it_undoes_the_reset(self):
        loss, w = network()
        optimizer = SGD(0.5, momentum=0.5)
        state = OptimizerState(momentum=w, count=4)
        jump = Teleports(loss.symmetry(), at="auto", state="reset")
        params, after, event = jump.apply(7, loss, optimizer, w, state)
        assert event.result.status == "identity"
        assert event.state == "kept"
        assert after is state
        assert all(np.array_equal(params[n], w[n]) for n in w)
        assert event.result.evaluations["gauss_newton"] == 1

    def test_evaluations_include_those_of_the_forecast(self):
        loss, w = network()
        optimizer = SGD(1e-6)
        options = {"radius": 0.5, "stability": None}
        auto = Teleports(loss.symmetry(), at="auto", **options)
        fixed = Teleports(loss.symmetry(), at=[7], **options)
        state = optimizer.init(w)
        a = auto.apply(7, loss, optimizer, w, state)[2].result.evaluations
        b = fixed.apply(7, loss, optimizer, w, state)[2].result.evaluations
        assert a["gradient"] == b["gradient"] + 1
        assert a["gauss_newton"] == b["gauss_newton"] + 1

    def test_its_own_loss_and_objective(self):
        loss, w = network()
        part = loss.batch(np.arange(4))
        jump = Teleports(loss.symmetry(), lt.ParameterNorm(), at=[0], loss=part)
        optimizer = SGD(1e-3)
        event = jump.apply(0, loss, optimizer, w, optimizer.init(w))[2]
        assert event.result.loss_before == part.value(w)
        assert event.result.objective_before == pytest.approx(
            sum(float(np.sum(a * a)) for a in w.values())
        )


def test_automatic_windows_and_bounds():
    loss, _ = network()
    group = loss.symmetry()
    assert Teleports(group, at=[3]).automatic(loss, True) is None
    for batches, window, expected in ((False, None, 1), (True, None, 20), (True, 3, 3)):
        made = Teleports(group, at="auto", window=window).automatic(loss, batches)
        assert made.window == expected
    model = Model()
    assert Teleports(group, at="auto").automatic(model, False).lower_bound is None
    model.lower_bound = -2.0
    assert Teleports(group, at="auto").automatic(model, False).lower_bound == -2.0
