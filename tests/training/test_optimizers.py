"""Steps against PyTorch's, the line search, dtypes, validation."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport.orbit import (
    GradientNorm,
    LineSearchDecrease,
    Preconditioner,
    PredictedDecrease,
)
from liegroup_teleport.training import SGD, AdaGrad, Adam, LineSearch, Optimizer, RMSProp

ALL = [
    SGD(0.01),
    SGD(0.01, momentum=0.9),
    LineSearch(),
    AdaGrad(0.1),
    RMSProp(0.01),
    Adam(0.05),
]


def run(optimizer, loss, w, steps):
    state = optimizer.init(w)
    for _ in range(steps):
        w, state = optimizer.step(loss, w, loss.value(w), loss.gradient(w), state)
    return w, state


@pytest.mark.parametrize(
    ("optimizer", "name", "options"),
    [
        (SGD(0.01), "SGD", {"lr": 0.01}),
        (SGD(0.01, momentum=0.9), "SGD", {"lr": 0.01, "momentum": 0.9}),
        (AdaGrad(0.1), "Adagrad", {"lr": 0.1}),
        (AdaGrad(0.1, epsilon=0.3), "Adagrad", {"lr": 0.1, "eps": 0.3}),
        (RMSProp(0.01), "RMSprop", {"lr": 0.01, "alpha": 0.9}),
        (RMSProp(0.01, decay=0.5, epsilon=0.1), "RMSprop", {"lr": 0.01, "alpha": 0.5, "eps": 0.1}),
        (Adam(0.05), "Adam", {"lr": 0.05}),
        (
            Adam(0.05, beta1=0.0, beta2=0.5, epsilon=0.1),
            "Adam",
            {"lr": 0.05, "betas": (0.0, 0.5), "eps": 0.1},
        ),
    ],
)
def test_same_steps_as_torch(optimizer, name, options, quartic, start):
    torch = pytest.importorskip("torch")
    leaves = {key: torch.tensor(a, requires_grad=True) for key, a in start.items()}
    reference = getattr(torch.optim, name)(list(leaves.values()), **options)
    w, state = start, optimizer.init(start)
    for _ in range(60):
        w, state = optimizer.step(quartic, w, quartic.value(w), quartic.gradient(w), state)
        gradient = quartic.gradient({key: a.detach() for key, a in leaves.items()})
        for key, leaf in leaves.items():
            leaf.grad = gradient[key]
        reference.step()
        for key, leaf in leaves.items():
            np.testing.assert_allclose(w[key], leaf.detach().numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_nothing_is_mutated(optimizer, quartic, start):
    state = optimizer.init(start)
    _, state = optimizer.step(quartic, start, quartic.value(start), quartic.gradient(start), state)
    arrays = [start, quartic.gradient(start)]
    arrays += [dict(m) for m in (state.momentum, state.second_moment) if m is not None]
    for w in arrays:
        for a in w.values():
            a.setflags(write=False)
    optimizer.step(quartic, start, quartic.value(start), arrays[1], state)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_float32_stays(optimizer, quartic, start):
    w = {name: a.astype(np.float32) for name, a in start.items()}
    after, state = run(optimizer, quartic, w, 3)
    for part in (after, state.momentum or {}, state.second_moment or {}):
        assert all(a.dtype == np.float32 for a in part.values())


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_torch_tensors(optimizer, quartic, start):
    torch = pytest.importorskip("torch")
    expected, _ = run(optimizer, quartic, start, 5)
    got, _ = run(optimizer, quartic, {n: torch.asarray(a) for n, a in start.items()}, 5)
    for name, a in got.items():
        assert isinstance(a, torch.Tensor)
        np.testing.assert_allclose(a.numpy(), expected[name], rtol=1e-13)


def test_numpy_scalars_do_not_raise_the_dtype(quartic, start):
    w = {name: a.astype(np.float32) for name, a in start.items()}
    for optimizer in (
        SGD(np.float64(0.01), np.float64(0.5)),
        LineSearch(np.float64(1.0), np.float64(0.5)),
        AdaGrad(np.float64(0.1), np.float64(1e-8)),
        RMSProp(np.float64(0.1), np.float64(0.9), np.float64(1e-8)),
        Adam(np.float64(0.1), np.float64(0.9), np.float64(0.99), np.float64(1e-8)),
    ):
        assert all(a.dtype == np.float32 for a in run(optimizer, quartic, w, 2)[0].values())


class TestLineSearch:
    def test_monotone_and_converges(self, quartic, start):
        optimizer, w = LineSearch(), start
        state, values = optimizer.init(w), []
        for _ in range(60):
            values.append(quartic.value(w))
            w, state = optimizer.step(quartic, w, values[-1], quartic.gradient(w), state)
        assert np.all(np.diff(values) <= 0)
        assert values[-1] < 1e-20 * values[0]

    def test_armijo_condition_and_next_trial(self, quartic, start):
        optimizer = LineSearch(initial_step=8.0, shrink=0.5, armijo=0.3, grow=3.0)
        value, gradient = quartic.value(start), quartic.gradient(start)
        w, state = optimizer.step(quartic, start, value, gradient, optimizer.init(start))
        squared = sum(float((v**2).sum()) for v in gradient.values())
        accepted = state.step_size
        assert quartic.value(w) <= value - 0.3 * accepted * squared
        assert np.log2(8.0 / accepted) == pytest.approx(round(np.log2(8.0 / accepted)))
        longer = {n: a - 2 * accepted * gradient[n] for n, a in start.items()}
        assert quartic.value(longer) > value - 0.3 * 2 * accepted * squared
        assert optimizer.effective_learning_rate(state) == pytest.approx(3.0 * accepted)

    def test_unchanged_where_nothing_decreases(self, quartic, start):
        optimizer = LineSearch(shrink=0.5)
        uphill = {n: -v for n, v in quartic.gradient(start).items()}
        before = optimizer.init(start)
        w, after = optimizer.step(quartic, start, quartic.value(start), uphill, before)
        assert all(w[n] is start[n] for n in w)
        assert after.step_size == before.step_size
        assert quartic.calls["value"] == 1 + 54

    def test_unchanged_where_the_gradient_is_zero(self, quartic, start):
        zero = {n: 0 * a for n, a in start.items()}
        optimizer = LineSearch()
        w, _ = optimizer.step(quartic, zero, 0.0, quartic.gradient(zero), optimizer.init(zero))
        assert all(np.all(a == 0) for a in w.values())

    def test_overflowing_trials_are_refused(self, quartic, start):
        optimizer = LineSearch(initial_step=1e200)
        with np.errstate(over="ignore", invalid="ignore"):
            w, state = optimizer.step(
                quartic, start, quartic.value(start), quartic.gradient(start), optimizer.init(start)
            )
        assert quartic.value(w) == quartic.value(start)  # 1e200 is out of reach of the floor
        assert state.count == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0.0), r"learning_rate is 0\.0; expected a finite number > 0"),
        (lambda: SGD(float("nan")), "learning_rate is nan"),
        (lambda: SGD(float("inf")), "learning_rate is inf"),
        (lambda: SGD(0.1, momentum=1.0), r"momentum is 1\.0; expected 0 <= momentum < 1"),
        (lambda: SGD(0.1, momentum=-0.1), "momentum is -0.1"),
        (lambda: LineSearch(initial_step=-1.0), "initial_step is -1.0"),
        (lambda: LineSearch(shrink=1.0), "shrink is 1.0; expected 0 < shrink < 1"),
        (lambda: LineSearch(armijo=0.0), "armijo is 0.0"),
        (lambda: LineSearch(floor=0.0), "floor is 0.0"),
        (lambda: LineSearch(grow=0.5), "grow is 0.5; expected a finite number >= 1"),
        (lambda: AdaGrad(-1.0), "learning_rate is -1.0"),
        (lambda: AdaGrad(0.1, epsilon=0.0), "epsilon is 0.0"),
        (lambda: RMSProp(0.1, decay=1.0), "decay is 1.0; expected 0 < decay < 1"),
        (lambda: Adam(0.1, beta1=1.0), "beta1 is 1.0"),
        (lambda: Adam(0.1, beta2=0.0), "beta2 is 0.0"),
    ],
)
def test_hyperparameters_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_state_of_another_optimizer_is_refused(quartic, start):
    with pytest.raises(ValueError, match="no second moments"):
        AdaGrad(0.1).step(quartic, start, 1.0, quartic.gradient(start), SGD(0.1).init(start))


class TestBind:
    def test_learning_rate_with_momentum(self, start):
        optimizer = SGD(0.1, momentum=0.9)
        bound = optimizer.bind(PredictedDecrease(), optimizer.init(start))
        assert bound.learning_rate == pytest.approx(1.0)
        assert bound.optimizer_state is None

    def test_what_is_given_wins(self, start):
        optimizer = AdaGrad(0.1)
        mine = Preconditioner(optimizer.init(start).second_moment, 1.0, 1.0, 1e-3)
        bound = optimizer.bind(PredictedDecrease(0.7, mine), optimizer.init(start))
        assert bound.learning_rate == 0.7
        assert bound.optimizer_state is mine

    def test_other_objectives_are_left_alone(self, start):
        objective = GradientNorm()
        assert SGD(0.1).bind(objective, SGD(0.1).init(start)) is objective

    @pytest.mark.parametrize("optimizer", [AdaGrad(0.1), RMSProp(0.1), Adam(0.1, beta1=0.0)])
    def test_preconditioner_is_that_of_the_next_step(self, optimizer, quartic, start):
        w, state = run(optimizer, quartic, start, 3)
        objective = optimizer.bind(PredictedDecrease(), state)
        p, gradient = objective.optimizer_state, quartic.gradient(w)
        after, _ = optimizer.step(quartic, w, quartic.value(w), gradient, state)
        for name, v in gradient.items():
            root = np.sqrt(p.decay * p.second_moment[name] + p.weight * v**2)
            expected = w[name] - objective.learning_rate * v / (root + p.epsilon)
            np.testing.assert_allclose(after[name], expected, rtol=1e-12)

    def test_default_objectives(self):
        assert isinstance(LineSearch().default_objective(), LineSearchDecrease)
        for optimizer in (SGD(0.1), AdaGrad(0.1), RMSProp(0.1), Adam(0.1)):
            assert isinstance(optimizer.default_objective(), PredictedDecrease)


def test_base_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Optimizer()
