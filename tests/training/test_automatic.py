"""The automatic schedule: its rule on a fake clock, and a real run."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

import liegroup_teleport as lt
import liegroup_teleport.training._teleports
from liegroup_teleport._arrays import inner
from liegroup_teleport.experiments.regression import problem
from liegroup_teleport.orbit import LineSearchDecrease
from liegroup_teleport.training import SGD, AdaGrad, Adam, LineSearch, RMSProp, Teleports, minimize
from liegroup_teleport.training._automatic import PATIENCE, Automatic
from liegroup_teleport.training._promise import already_fast, kept_promise


def simulate(rate, cost, steps=2000, window=2, lower_bound=0.0, noise=0.0):
    """Run the rule alone: a step takes a second and decreases log(loss) by ``rate(age)``."""
    rng = np.random.default_rng(0)
    schedule = Automatic(lower_bound, window)
    losses, seconds, height, now, age, last = [], [], 0.0, 0.0, math.inf, []
    for t in range(steps):
        if schedule.due(t, losses, seconds):
            schedule.done(t, math.exp(height), now, cost, stayed=None)
            now, age = now + cost, 0
            last.append(t)
        losses.append(math.exp(height + noise * rng.standard_normal()))
        seconds.append(now)
        height -= rate(age)
        now, age = now + 1.0, age + 1
    return last, schedule, losses[-1]


def most_failures(steps, cost):
    """Return how many useless teleports doubling pauses leave room for in ``steps`` seconds."""
    return 1 + math.log2(1 + steps / (PATIENCE * cost))


def fading(age):
    """A teleport lifts the rate a hundredfold, for about ten steps."""
    return 1e-3 + 0.1 * math.exp(-age / 10)


class TestRule:
    def test_useless_teleports_stop(self):
        for slowing in (0.0, 1e-3):
            clock = itertools.count()

            def rate(age, clock=clock, slowing=slowing):
                return 0.01 / (1 + slowing * next(clock))

            teleports, schedule, _ = simulate(rate, cost=5.0, steps=4000)
            assert teleports[0] == 4
            assert len(teleports) <= most_failures(4000, 5.0)
            assert all(d.action != "stop" for d in schedule.decisions)

    def test_harmful_teleports_stop(self):
        teleports, schedule, _ = simulate(lambda age: 0.0 if age < 20 else 0.01, cost=5.0)
        assert len(teleports) <= most_failures(2000, 5.0)
        assert sum(d.action == "pause" for d in schedule.decisions) >= len(teleports) - 1

    def test_cheap_and_useful_teleports_are_often(self):
        teleports, _, loss = simulate(fading, cost=0.5)
        gaps = np.diff(teleports)
        assert len(teleports) > 100
        assert gaps.max() <= 15
        _, _, alone = simulate(fading, cost=0.5, steps=4)
        assert math.log(loss) < 10 * math.log(alone)

    def test_dear_teleports_are_seldom(self):
        number = [len(simulate(fading, cost=cost)[0]) for cost in (0.1, 1.0, 10.0, 100.0, 1e4)]
        assert number == sorted(number, reverse=True)
        assert number[0] > 2 * number[2] >= 4 * number[3]
        assert number[-1] == 1

    def test_close_to_the_best_interval(self):
        cost, steps = 10.0, 4000

        def fixed(k):
            return sum(fading(age) for age in range(k)) / (k + cost)

        best = max(fixed(k) for k in range(1, 200))
        teleports, schedule, loss = simulate(fading, cost, steps)
        measured = -math.log(loss) / (steps + cost * len(teleports))
        assert measured > 0.9 * best
        assert all(d.action == "teleport" for d in schedule.decisions)

    def test_noise(self):
        useful, _, _ = simulate(fading, cost=5.0, window=10, noise=0.01)
        useless, _, _ = simulate(lambda age: 0.01, cost=50.0, window=10, noise=0.01)
        assert len(useful) > 40
        assert len(useless) <= 12

    def test_stops_at_the_lower_bound(self):
        schedule = Automatic(0.0, 1)
        assert not schedule.due(2, [1.0, 0.0], [0.0, 1.0])
        assert [d.action for d in schedule.decisions] == ["stop"]
        assert not schedule.due(3, [1.0, 0.0, 0.0], [0.0, 1.0, 2.0])
        assert len(schedule.decisions) == 1

    def test_without_lower_bound_and_where_nothing_moves(self):
        schedule = Automatic(None, 1)
        losses, seconds = [3.0, 2.0], [0.0, 1.0]
        assert schedule.due(2, losses, seconds)
        assert schedule.decisions[-1].rate == 1.0
        schedule.done(2, 1.5, 2.0, 4.0, stayed="no")
        assert schedule.decisions[-1].action == "pause"
        assert schedule.decisions[-1].seconds_saved == -4.0
        losses, seconds = [*losses, 1.5, 1.4], [*seconds, 6.0, 6.9]
        assert not schedule.due(4, losses, seconds)
        losses, seconds = [*losses, 1.3], [*seconds, 7.1]  # a quarter of 4 s after 6 s
        assert schedule.due(5, losses, seconds)
        assert "another try" in schedule.decisions[-1].reason


class Ticking:
    """A loss on a clock of its own: every evaluation takes one second."""

    def __init__(self, loss):
        self.loss, self.time = loss, 0.0
        self.lower_bound, self.shapes = loss.lower_bound, loss.shapes

    def clock(self):
        return self.time

    def value(self, w):
        self.time += 1.0
        return self.loss.value(w)

    def value_and_gradient(self, w):
        self.time += 2.0
        return self.loss.value_and_gradient(w)

    def gradient(self, w):
        return self.value_and_gradient(w)[1]

    def hvp(self, w, v):
        self.time += 4.0
        return self.loss.hvp(w, v)

    def gauss_newton_product(self, w, v):
        self.time += 4.0
        return self.loss.gauss_newton_product(w, v)


def automatic_run(start, steps=150):
    loss, w = problem(start)
    ticking = Ticking(loss)
    options = {"at": "auto", "radius": 1.0}
    schedule = Teleports(loss.symmetry(), LineSearchDecrease(), **options)
    return minimize(
        ticking, w, LineSearch(), steps, teleports=schedule, clock=ticking.clock
    ), schedule


@pytest.mark.parametrize("start", [2, 4])
def test_regression(start):
    run, schedule = automatic_run(start)
    again = minimize(*problem(start), LineSearch(), 1, teleports=schedule)  # no state is left over
    assert again.decisions == ()
    loss, w = problem(start)
    ticking = Ticking(loss)
    plain = minimize(ticking, w, LineSearch(), 150, clock=ticking.clock)
    assert len(run.teleports) >= 3
    steps = [d.step for d in run.decisions if d.action == "teleport"]
    assert [event.step for event in run.teleports] == steps
    assert all(event.seconds > 0 for event in run.teleports)
    assert all(e.result.drift <= e.result.allowed_drift for e in run.teleports)
    # in the same time, teleports included
    there = np.interp(plain.seconds[-1], run.seconds, np.log(run.losses))
    assert there < np.log(plain.losses[-1])
    repeated, _ = automatic_run(start)
    np.testing.assert_array_equal(repeated.losses, run.losses)
    assert str(repeated.decisions) == str(run.decisions)


@pytest.mark.parametrize("record", ["full", "batch"])
def test_batches(network, network_start, record):
    schedule = Teleports(network.symmetry(), at="auto", window=4, radius=0.5)
    time = itertools.count()
    run = minimize(
        network, network_start, SGD(1e-3), 60, teleports=schedule, record=record,
        batches=lambda t: np.arange(4) + 4 * (t % 3), clock=lambda: float(next(time)),
    )  # fmt: skip
    assert run.decisions[0].step == run.teleports[0].step == 8
    assert run.losses[-1] < network.value(network_start)


@pytest.mark.parametrize("matrix", [True, False])
def test_searches_for_the_line_search_are_short(network, network_start, monkeypatch, matrix):
    if not matrix:  # then each evaluation takes a product
        monkeypatch.setattr(type(network), "gauss_newton_gram_cost", lambda self, axes: np.inf)
    seen = []
    module = liegroup_teleport.training._teleports
    real = module.teleport

    def spy(*arguments, **options):
        seen.append(options)
        return real(*arguments, **options)

    monkeypatch.setattr(module, "teleport", spy)
    group = network.symmetry()
    for optimizer, options in ((LineSearch(), {}), (LineSearch(), {"tol": 1e-3}), (SGD(1e-3), {})):
        for when in ({"at": "auto"}, {"at": [0]}):
            schedule = Teleports(group, **when, **options)
            schedule.apply(0, network, optimizer, network_start, optimizer.init(network_start))
    short = {"tol": 0.01, "max_iterations": 50} if matrix else {"tol": 0.1, "max_iterations": 10}
    assert seen == [short, {}, short | {"tol": 1e-3}, {"tol": 1e-3}, {}, {}]


def test_options(network):
    group = network.symmetry()
    assert not any(Teleports(group, at="auto").due(t) for t in range(20))
    with pytest.raises(ValueError, match="at is 'sometimes'; expected steps or 'auto'"):
        Teleports(group, at="sometimes")
    with pytest.raises(ValueError, match="every is 3 beside at='auto'"):
        Teleports(group, at="auto", every=3)
    with pytest.raises(ValueError, match="window has 0; expected integers >= 1"):
        Teleports(group, at="auto", window=0)
    with pytest.raises(ValueError, match="window is 2 beside at="):
        Teleports(group, at=[3], window=2)


class TestPromise:
    """A predicted decrease must be small and grow fourfold for an automatic schedule to move."""

    @pytest.mark.parametrize(
        ("rate", "lower_bound", "horizon", "searched"),
        [
            (1e-6, 0.0, 1.0, True),
            (1e-2, 0.0, 1.0, False),  # such a step already brings more than 1 % of the loss
            (1e-2, None, 1.0, True),
            (1e-2, -1e6, 1.0, True),
            (1e-3, 0.0, 1.0, True),
            (1e-3, 0.0, 10.0, False),  # and so do ten of this size
            (1.0, 0.0, 1.0, False),  # far beyond what is stable: the decrease is negative
            (1.0, None, 1.0, False),
        ],
    )
    def test_small_decreases_only(
        self, network, network_start, monkeypatch, rate, lower_bound, horizon, searched
    ):
        monkeypatch.setattr(network, "lower_bound", lower_bound, raising=False)
        objective = lt.PredictedDecrease(rate)
        value, gradient = network.value_and_gradient(network_start)
        product = network.gauss_newton_product(network_start, gradient)
        decrease = rate * inner(gradient, gradient) - rate**2 * inner(gradient, product) / 2
        expected = decrease > 0 and (
            lower_bound is None or horizon * decrease <= 0.01 * (value - lower_bound)
        )
        assert expected is searched
        found, spent = already_fast(network, network.symmetry(), objective, network_start, horizon)
        assert spent == {"loss": 0, "gradient": 1, "hvp": 0, "gauss_newton": 1}
        assert (found is None) is searched
        if found is not None:
            assert found.status == "identity"
            assert np.isclose(found.objective_before, decrease, rtol=1e-12)
            assert found.loss_before == value
            assert found.evaluations == {"loss": 0, "gradient": 1, "hvp": 0, "gauss_newton": 1}
            assert ("overshoot" if decrease <= 0 else "little to gain") in found.message
            for name, array in network_start.items():
                np.testing.assert_array_equal(found.params[name], array)

    @pytest.mark.parametrize(
        ("optimizer", "steps"),
        [
            (SGD(0.1), 1), (SGD(0.1, momentum=0.9), 10), (Adam(0.1), 10), (Adam(0.1, beta1=0.5), 2),
            (AdaGrad(0.1), 1), (RMSProp(0.1), 1), (LineSearch(), 1),
        ],
    )  # fmt: skip
    def test_horizon_is_how_long_a_gradient_takes_effect(self, optimizer, steps):
        assert np.isclose(optimizer.horizon, steps)

    @pytest.mark.parametrize(("factor", "moves"), [(4.0, True), (3.9, False)])
    def test_growth(self, network, network_start, factor, moves):
        group = network.symmetry()
        result = lt.teleport(network, group, network_start, lt.GradientNorm(), radius=1.0)
        result = replace(result, objective_before=0.01, objective_after=0.01 * factor)
        found = kept_promise(result, group, network_start)
        assert (found is result) is moves
        assert (found.status == "identity") is not moves

    def run(self, network, w, rate, **options):
        time = itertools.count()
        group = network.symmetry()
        schedule = Teleports(group, at="auto", **options)
        return minimize(
            network, w, AdaGrad(rate), 8, teleports=schedule, clock=lambda: float(next(time))
        )

    def test_small_rates_move_and_large_ones_stay(self, network, network_start):
        moved = self.run(network, network_start, 1e-4)
        first = moved.teleports[0].result
        assert first.status != "identity"
        assert first.objective_after >= 4 * first.objective_before > 0
        stayed = self.run(network, network_start, 0.3)
        plain = minimize(network, network_start, AdaGrad(0.3), 8)
        assert {event.result.status for event in stayed.teleports} == {"identity"}
        assert stayed.teleports[0].state == "kept"
        np.testing.assert_array_equal(stayed.losses, plain.losses)
        assert any(d.action == "pause" for d in stayed.decisions)

    def test_declined_is_the_point_of_departure(self, network, network_start):
        # the same search moves where the schedule is fixed
        optimizer, group = AdaGrad(0.05), network.symmetry()
        warm = minimize(network, network_start, optimizer, 30)
        arguments = (30, network, optimizer, warm.params, warm.state)
        w, state, fixed = Teleports(group, at=[0]).apply(*arguments)
        gain = fixed.result.objective_after / fixed.result.objective_before
        assert fixed.result.status != "identity"
        assert 1 < gain < 4
        for keep in ("keep", "reset"):
            w, state, event = Teleports(group, at="auto", state=keep).apply(*arguments)
            if keep == "reset" and event.result.status != "identity":
                continue  # without its state the optimizer has more to gain
            assert event.result.status == "identity"
            if keep == "keep":
                assert "too little" in event.result.message
            assert event.result.objective_after == event.result.objective_before
            assert event.result.drift == 0.0
            assert state is warm.state
            for name, array in warm.params.items():
                np.testing.assert_array_equal(w[name], array)
                np.testing.assert_array_equal(event.result.params[name], array)
            assert group.distance(event.result.element) == 0.0
