"""The stability bound and its trial step, against small matrices written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport.groups import HiddenIndex, InputTransformation, Orthogonal, PositiveRescaling
from liegroup_teleport.losses import MLP, Booth
from liegroup_teleport.orbit import GradientNorm, Preconditioner, PredictedDecrease, Stability
from liegroup_teleport.orbit._stability import SHORTEN, SHORTENINGS, _start

NAMES = ("a", "b")
RATE = 0.02


class Products:
    """``sum_i c_i ((a_i b_i - t_i)^2 / 2)``, with Hessian blocks from the textbook."""

    lower_bound: float | None = 0.0

    def __init__(self, target=(0.5, -1.0, 2.0), weight=(1.0, 3.0, 0.2)):
        self.target, self.weight = np.array(target), np.array(weight)
        self.seen = []

    def value(self, w):
        self.seen.append({name: np.array(array) for name, array in w.items()})
        return float(np.sum(self.weight * (w["a"] * w["b"] - self.target) ** 2) / 2)

    def gradient(self, w):
        r = self.weight * (w["a"] * w["b"] - self.target)
        return {"a": r * w["b"], "b": r * w["a"]}

    def hessian(self, w):
        a, b, c = w["a"], w["b"], self.weight
        cross = np.diag(c * (2 * a * b - self.target))
        return np.block([[np.diag(c * b * b), cross], [cross, np.diag(c * a * a)]])

    def hvp(self, w, v):
        flat = self.hessian(w) @ np.concatenate([v["a"], v["b"]])
        return {"a": flat[:3], "b": flat[3:]}


GROUP = PositiveRescaling([HiddenIndex(3, written=[("a", 0)], read=[("b", 0)])])
W = {"a": np.array([1.5, 0.3, -2.0]), "b": np.array([0.4, 1.1, 0.7])}
SCALES = np.array([2.0, 0.25, 1.25])


def stability(objective=None, rate=RATE, limit=1.0, loss=None, group=GROUP, w=W):
    loss = Products() if loss is None else loss
    objective = GradientNorm() if objective is None else objective
    return Stability(loss, group, objective, w, loss.value(w), loss.gradient(w), rate, limit)


def moved(s, w=W):
    return {"a": w["a"] * s, "b": w["b"] / s}


def largest(matrix):
    return float(np.linalg.eigvalsh(matrix)[-1])


class TestSharpness:
    def test_is_the_rate_times_the_largest_eigenvalue_there(self):
        for s in (np.ones(3), SCALES, 1 / SCALES):
            expected = RATE * largest(Products().hessian(moved(s)))
            assert stability().sharpness(s) == pytest.approx(expected, rel=2e-3)
            assert stability().sharpness(s) >= expected * (1 - 1e-9)

    def test_stops_where_it_knows_enough_in_the_units_of_the_limit(self):
        exact = RATE * largest(Products().hessian(moved(SCALES)))
        for part in (1e-3, 0.5, 0.9, 0.99):
            assert stability().sharpness(SCALES, part * exact) > part * exact
        assert stability().sharpness(SCALES, 2 * exact) == pytest.approx(exact, rel=2e-3)
        calls = []

        class Asked(Products):
            def hvp(self, w, v):
                calls.append(1)
                return super().hvp(w, v)

        stability(loss=Asked()).sharpness(SCALES)
        full = len(calls)
        stability(loss=Asked()).sharpness(SCALES, 0.01 * exact)
        assert len(calls) - full < full

    @pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
    def test_the_search_starts_from_the_gradient_and_a_tenth_of_noise(self, size):
        v = {"a": size * np.arange(1.0, 4.0), "b": size * np.ones((2, 2))}
        noise = {n: a / size - v[n] / size for n, a in _start(v).items()}
        length = np.sqrt(sum(np.sum(a**2) for a in noise.values()))
        assert length == pytest.approx(0.1 * np.sqrt(18.0))
        assert len({float(a) for part in noise.values() for a in part.ravel()}) == 7
        single = _start({n: a.astype(np.float32) for n, a in v.items()}) if size == 1 else {}
        assert all(a.dtype == np.float32 for a in single.values())

    def test_curvature_that_the_gradient_does_not_see(self):
        """A part of the loss at its minimum, orthogonal to all products of the gradient."""
        loss = Products(weight=(900.0, 3.0, 0.2))
        w = {"a": np.array([1.0, 0.3, -2.0]), "b": np.array([0.5, 1.1, 0.7])}
        assert loss.gradient(w)["a"][0] == 0
        expected = RATE * largest(loss.hessian(w))
        assert stability(loss=loss, w=w).sharpness(np.ones(3)) == pytest.approx(expected, rel=2e-3)
        assert not stability(loss=loss, w=w, limit=expected / 2).accepts(SCALES, None)

    @pytest.mark.parametrize("zero", [False, True])
    def test_with_an_adaptive_optimizer(self, zero):
        """P is ``1 / (sqrt(decay s + weight v^2) + epsilon)`` with s moved, entries of 0 or not."""
        second = {"a": np.array([0.3, 0.0, 1.0]), "b": np.array([0.0, 2.0, 0.1])}
        loss, w = Products(), W
        if zero:  # unit 0 is fitted: its gradient is zero, and its curvature the largest of all
            loss = Products(weight=(900.0, 3.0, 0.2))
            w = {"a": np.array([1.0, 0.3, -2.0]), "b": np.array([0.5, 1.1, 0.7])}
            second["b"] = np.array([0.2, 2.0, 0.1])
        objective = PredictedDecrease(RATE, Preconditioner(second, 0.9, 0.1, 0.05))
        there = moved(SCALES, w)
        v = loss.gradient(there)
        s = {"a": second["a"] / SCALES**2, "b": second["b"] * SCALES**2}
        P = np.concatenate([1 / (np.sqrt(0.9 * s[n] + 0.1 * v[n] ** 2) + 0.05) for n in NAMES])
        H = loss.hessian(there)
        expected = RATE * largest(np.sqrt(P)[:, None] * H * np.sqrt(P))
        found = stability(objective, loss=loss, w=w).sharpness(SCALES)
        assert found == pytest.approx(expected, rel=2e-3)

    def test_an_entry_that_never_had_a_gradient_has_the_plain_scale(self):
        w = {"a": np.array([1.0, 0.3, -2.0]), "b": np.array([0.5, 1.1, 0.7])}
        zero = {n: np.zeros(3) for n in NAMES}
        objective = PredictedDecrease(RATE, Preconditioner(zero, 1.0, 1.0, 1e-10))
        loss = Products(weight=(900.0, 3.0, 0.2))
        v = loss.gradient(w)
        assert v["a"][0] == v["b"][0] == 0
        flat = np.concatenate([v["a"], v["b"]])
        P = 1 / np.where(flat == 0, 1.0, np.abs(flat))
        expected = RATE * largest(np.sqrt(P)[:, None] * loss.hessian(w) * np.sqrt(P))
        found = stability(objective, loss=loss, w=w).sharpness(np.ones(3))
        assert found == pytest.approx(expected, rel=2e-3)

    def test_where_the_action_is_not_diagonal_the_memory_is_kept(self):
        """Of rotations the second moment stays, and the gradient turns."""
        rng = np.random.default_rng(0)
        inputs, targets = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
        loss = MLP((2, 2, 1), activation="linear", inputs=inputs, targets=targets)
        w = loss.init(rng)
        group = Orthogonal([HiddenIndex(2, written=[("W1", 0)], read=[("W2", 1)])])
        g = group.random_element(rng)
        second = {n: np.abs(rng.normal(size=a.shape)) for n, a in w.items()}
        objective = PredictedDecrease(RATE, Preconditioner(second, 0.9, 0.1, 0.05))
        there = group.act(g, w)
        v = loss.gradient(there)
        columns = []
        for name, a in there.items():
            for k in range(a.size):
                e = {n: np.zeros_like(b) for n, b in there.items()}
                e[name].flat[k] = 1.0
                columns.append(np.concatenate([c.ravel() for c in loss.hvp(there, e).values()]))
        P = [1 / (np.sqrt(0.9 * second[n] + 0.1 * v[n] ** 2) + 0.05) for n in there]
        root = np.sqrt(np.concatenate([p.ravel() for p in P]))
        expected = RATE * largest(root[:, None] * np.array(columns) * root)
        found = stability(objective, loss=loss, group=group, w=w).sharpness(g)
        assert found == pytest.approx(expected, rel=2e-3)


class TestAccepts:
    def at(self, sharpness, **options):
        """Return a bound whose sharpness at SCALES is that number of limits."""
        exact = RATE * largest(Products().hessian(moved(SCALES)))
        return stability(limit=exact / sharpness, **options)

    def test_the_limit(self):
        here = RATE * largest(Products().hessian(W))
        there = RATE * largest(Products().hessian(moved(SCALES)))
        assert here < there / 1.1  # so that the start does not widen it
        assert self.at(0.99).accepts(SCALES, None)
        assert not self.at(1.01).accepts(SCALES, None)
        assert self.at(0.5).accepts(SCALES, None) is True

    def test_the_limit_itself_is_allowed_and_a_hair_more_is_not(self):
        bound = stability(limit=1e9)
        exact = bound.sharpness(SCALES)
        assert stability(limit=exact).accepts(SCALES, None)
        assert stability(limit=exact / (1 + 0.9e-6)).accepts(SCALES, None)
        assert not stability(limit=exact / (1 + 1.1e-6)).accepts(SCALES, None)

    def test_a_start_above_the_limit_may_not_be_made_worse(self):
        start = moved(SCALES)  # sharper than W
        bound = stability(limit=1e-6, w=start)
        exact = bound.sharpness(np.ones(3))
        assert bound._threshold == pytest.approx(exact)
        assert bound.accepts(np.ones(3), None)
        assert bound.accepts(1 / SCALES, None)
        assert not bound.accepts(SCALES, None)
        # as sharp as the start, to rounding: the first unit alone decides, and is as it was
        swapped = np.array([1.0, 1.0001, 1.0])
        assert bound.accepts(swapped, None)

    def test_a_start_below_it_may_come_up_to_it(self):
        bound = stability(limit=10.0)
        assert bound._threshold == 10.0

    def test_comparisons_at_the_limit_itself(self):
        """With sharpnesses given as numbers: the limits belong to what is accepted."""

        class Given(Stability):
            def sharpness(self, g, enough=np.inf):
                return float(g[0])

        def accepts(here, there, limit=2.0):
            group = type("", (), {"identity": lambda self: np.array([here])})()
            bound = Given(Products(), group, GradientNorm(), W, 1.0, W, RATE, limit)
            return bound.accepts(np.array([there]), None)

        slack = 1 + 1e-6
        for here in (1.0, 2.0):
            assert accepts(here, 2.0 * slack)
            assert not accepts(here, np.nextafter(2.0 * slack, 9))
        assert accepts(3.0, 3.0 * slack)
        assert not accepts(3.0, np.nextafter(3.0 * slack, 9))
        assert not accepts(1.0, np.nan)

    def test_a_refusal_takes_as_few_products_as_show_it(self):
        calls = []

        class Asked(Products):
            def hvp(self, w, v):
                calls.append(1)
                return super().hvp(w, v)

        def products(bound, g):
            calls.clear()
            bound.accepts(g, None)
            return len(calls)

        bound = stability(limit=1e-9, loss=Asked())
        bound._threshold = 1e-9  # known already
        assert products(bound, SCALES) == 1
        bound = stability(limit=1e-9, loss=Asked())
        bound._threshold = 2e-9
        assert products(bound, SCALES) == 2
        assert products(stability(limit=1e9, loss=Asked()), SCALES) <= 6

    def test_overflow_is_not_accepted_and_not_a_warning(self):
        with np.errstate(all="raise"):
            assert not stability().accepts(np.full(3, 1e200), None)


class TestTrial:
    """One real step must bring half of what is predicted, and no more than there is."""

    def reached(self, s, rate=RATE):
        loss, there = Products(), moved(s)
        v = loss.gradient(there)
        return loss.value({n: there[n] - rate * v[n] for n in there})

    def bound(self, lower_bound=0.0, rate=RATE):
        loss = Products()
        loss.lower_bound = lower_bound
        return stability(PredictedDecrease(rate), rate=rate, limit=1e9, loss=loss)

    def test_half_of_the_promise(self):
        brought = Products().value(W) - self.reached(SCALES)
        assert brought > 0
        assert self.bound(None).accepts(SCALES, 2 * brought * (1 - 1e-9))
        assert not self.bound(None).accepts(SCALES, 2 * brought * (1 + 1e-9))
        assert not self.bound(None).accepts(SCALES, 4 * brought)

    def test_a_rise_is_refused_however_little_is_promised(self):
        rate = 2.0
        assert self.reached(SCALES, rate) > Products().value(W)
        rise = self.reached(SCALES, rate) - Products().value(W)
        for promise in (0.0, 1e-12, 0.1, 0.9 * Products().value(W), 4 * rise):
            assert not self.bound(None, rate).accepts(SCALES, promise)

    def test_the_smallest_step_that_brings_exactly_half_is_enough(self):
        """Numbers with few binary digits, so that nothing is rounded."""
        loss = Products(target=(0.0, 0.0, 0.0), weight=(1.0, 0.0, 0.0))
        w = {"a": np.array([1.0, 0.0, 0.0]), "b": np.array([1.0, 0.0, 0.0])}
        bound = Stability(loss, GROUP, PredictedDecrease(0.5), w, 0.5, loss.gradient(w), 0.5, 1e9)
        # a - 0.5 * a b^2 = 0.5, the loss falls from 1/2 to 1/32: by 15/32
        assert bound.accepts(np.ones(3), 0.5)
        loss.lower_bound = None
        bound = Stability(loss, GROUP, PredictedDecrease(0.5), w, 0.5, loss.gradient(w), 0.5, 1e9)
        assert bound.accepts(np.ones(3), 15 / 16)
        assert not bound.accepts(np.ones(3), np.nextafter(15 / 16, 1))

    def test_no_more_than_the_loss_is_above_its_bound(self):
        value = Products().value(W)
        brought = value - self.reached(SCALES)
        floor = value - 1.5 * brought
        assert self.bound(floor).accepts(SCALES, value - floor)
        assert not self.bound(floor).accepts(SCALES, 1.5 * brought * (1 + 1e-9))
        assert self.bound(None).accepts(SCALES, 1.5 * brought * (1 + 1e-9))

    def test_a_loss_without_lower_bound(self):
        class Open:
            """With value, gradient and hvp only."""

            def __init__(self):
                loss = Products()
                self.value, self.gradient, self.hvp = loss.value, loss.gradient, loss.hvp

        bound = stability(PredictedDecrease(RATE), limit=1e9, loss=Open())
        assert bound.accepts(SCALES, 1e-3)

    def test_the_step_is_the_optimizer_s(self):
        second = {n: np.array([0.3, 0.1, 1.0]) for n in NAMES}
        P = Preconditioner(second, 0.9, 0.1, 0.05)
        loss = Products()
        bound = stability(PredictedDecrease(RATE, P), limit=1e9, loss=loss)
        assert bound.accepts(SCALES, 1e-3)
        there = moved(SCALES)
        v = Products().gradient(there)
        s = {"a": second["a"] / SCALES**2, "b": second["b"] * SCALES**2}
        for n in NAMES:
            step = v[n] / (np.sqrt(0.9 * s[n] + 0.1 * v[n] ** 2) + 0.05)
            np.testing.assert_allclose(loss.seen[-1][n], there[n] - RATE * step, rtol=1e-12)

    def test_on_a_chart_the_gradient_moves_with_the_point(self):
        loss = Booth()
        group, w = loss.symmetry(), {"w": np.array([5.0, -5.0])}
        g = group.exp(np.array([0.7]))
        there = group.act(g, w)
        rate = 0.01
        reached = loss.value({"w": there["w"] - rate * loss.gradient(there)["w"]})
        brought = loss.value(w) - reached
        bound = Stability(
            loss, group, PredictedDecrease(rate), w, loss.value(w), loss.gradient(w), rate, 1e9
        )
        assert bound.accepts(g, 1.9 * brought) is (2 * brought < loss.value(w))
        bound._floor = None
        assert bound.accepts(g, 2 * brought * (1 - 1e-9))
        assert not bound.accepts(g, 2 * brought * (1 + 1e-9))

    def test_without_a_promise_no_loss_is_asked_for(self):
        loss = Products()
        bound = stability(limit=1e9, loss=loss)
        asked = len(loss.seen)
        assert bound.accepts(SCALES, None)
        assert len(loss.seen) == asked

    def test_a_promise_that_is_kept_does_not_excuse_the_curvature(self):
        loss = Products()
        bound = stability(PredictedDecrease(RATE), limit=1e-9, loss=loss)
        assert not bound.accepts(SCALES, 1e-6)


class TestShrink:
    X = np.log(SCALES)

    def bound(self, longest, center=None):
        """A bound that accepts up to that part of the geodesic, and notes what it was asked."""
        center = np.ones(3) if center is None else center
        asked = []

        class Part(Stability):
            def accepts(self, g, decrease):
                t = np.log(g / center)[0] / np.log(SCALES)[0]
                asked.append((t, decrease))
                return bool(t <= longest)

        loss = Products()
        made = Part(loss, GROUP, GradientNorm(), W, loss.value(W), loss.gradient(W), RATE, 1.0)
        return made, asked

    def test_all_of_it_if_it_may(self):
        bound, asked = self.bound(1.0 + 1e-12)
        x, shortened = bound.shrink(self.X, np.ones(3), None)
        np.testing.assert_array_equal(x, self.X)
        assert shortened is False
        assert len(asked) == 1

    @pytest.mark.parametrize("longest", [0.9, 0.5, 0.04])
    def test_the_first_of_the_lengths_that_may(self, longest):
        bound, asked = self.bound(longest)
        x, shortened = bound.shrink(self.X, np.ones(3), None)
        n = int(np.ceil(np.log(longest) / np.log(SHORTEN)))
        np.testing.assert_allclose(x, SHORTEN**n * self.X, rtol=1e-12)
        np.testing.assert_allclose([t for t, _ in asked], SHORTEN ** np.arange(n + 1.0))
        assert shortened is True

    def test_nothing_if_none_may(self):
        bound, asked = self.bound(-1.0)
        x, shortened = bound.shrink(self.X, np.ones(3), None)
        np.testing.assert_array_equal(x, np.zeros(3))
        assert shortened is True
        assert len(asked) == SHORTENINGS == 30
        x, _ = bound.shrink(np.array([1.0, 0.0, -1.0]), np.ones(3), None)
        np.testing.assert_array_equal(x, np.zeros(3))

    def test_from_another_centre_and_with_the_decrease_there(self):
        center = np.array([3.0, 2.0, 0.5])
        bound, asked = self.bound(0.9, center)
        seen = []

        def decrease(g):
            seen.append(g)
            return float(len(seen))

        bound.shrink(self.X, center, decrease)
        np.testing.assert_allclose(seen[0], SCALES * center)
        np.testing.assert_allclose(seen[1], SCALES**SHORTEN * center)
        assert [d for _, d in asked] == [1.0, 2.0]


def test_data_that_move_with_the_parameters():
    """Where the group moves the inputs, sharpness and trial step are those on the moved data."""
    rng = np.random.default_rng(3)
    inputs, targets = rng.normal(size=(7, 2)), rng.normal(size=(7, 1))
    loss = MLP((2, 3, 1), activation="relu", inputs=inputs, targets=targets)
    w = loss.init(rng)
    group = InputTransformation(loss)
    g = group.random_element(rng, scale=1.0)
    there, other = group.act(g, w), group.act_on_loss(g, loss)
    v = other.gradient(there)
    bound = Stability(
        loss, group, PredictedDecrease(RATE), w, loss.value(w), loss.gradient(w), RATE, 1e9
    )
    columns = []
    for name, a in there.items():
        for k in range(a.size):
            e = {n: np.zeros_like(b) for n, b in there.items()}
            e[name].flat[k] = 1.0
            columns.append(np.concatenate([c.ravel() for c in other.hvp(there, e).values()]))
    assert bound.sharpness(g) == pytest.approx(RATE * largest(np.array(columns)), rel=2e-3)
    brought = loss.value(w) - other.value({n: there[n] - RATE * v[n] for n in there})
    assert brought > 0
    assert bound.accepts(g, 2 * brought * (1 - 1e-9))
    assert not bound.accepts(g, 2 * brought * (1 + 1e-9))
