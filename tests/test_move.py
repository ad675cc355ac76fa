"""The last door of a teleport: a move helps and keeps the loss, or nothing is moved."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from liegroup_teleport import DomainError, InvarianceError, LineSearchDecrease, ParameterNorm
from liegroup_teleport.groups import HiddenIndex, PositiveRescaling
from liegroup_teleport.losses._counted import Counted
from liegroup_teleport.orbit import OrbitPoint
from liegroup_teleport.teleporting import _move, _objective_at, _relative, stay

GROUP = PositiveRescaling([HiddenIndex(1, written=[("a", 0)], read=[("b", 0)])])
W = {"a": np.array([4.0]), "b": np.array([0.25])}
HERE, THERE = np.ones(1), np.array([0.5])
EPS = 2.0**-52
ALLOWED = 4096 * EPS * 3 + 64 * EPS * np.hypot(2.0, 0.5) ** 2  # at loss 3, of ab, moved by 1/2


class Drifting:
    """``ab + 2``, and ``drift`` more where a is not 4."""

    def __init__(self, drift=0.0):
        self.drift = drift

    def value(self, w):
        return float(w["a"][0] * w["b"][0]) + 2 + (0.0 if w["a"][0] == 4 else self.drift)

    def gradient(self, w):
        return {"a": w["b"] * 1, "b": w["a"] * 1}


def move(
    point, *, before=10.0, after=5.0, sign=-1, drift=0.0, loss=None, gradient=None, group=GROUP
):
    loss = Counted(Drifting(drift) if loss is None else loss)
    problem = SimpleNamespace(
        group=group,
        w=W,
        gradient={"a": W["b"], "b": W["a"]} if gradient is None else gradient,
        sign=sign,
        objective=ParameterNorm(),
        field=SimpleNamespace(value=lambda g: before if g[0] == 1 else after),
        radius=None,
        box=None,
    )
    return _move(loss, problem, point, 3.0, before)


def found(status="optimal", **more):
    return OrbitPoint(THERE, status, "how it ended", 1e-9, 4.5, **more)


def test_a_move_that_helps():
    result = move(found())
    assert (result.status, result.message) == ("optimal", "how it ended")
    assert (result.params["a"][0], result.params["b"][0]) == (2.0, 0.5)
    assert result.element is THERE
    assert (result.loss_before, result.loss_after, result.drift) == (3.0, 3.0, 0.0)
    assert (result.objective_before, result.objective_after) == (10.0, 5.0)
    assert (result.optimality, result.bound) == (1e-9, 4.5)
    assert result.allowed_drift == pytest.approx(ALLOWED / 3)
    assert result.evaluations["loss"] == 1
    assert result.undo_error < 1e-12


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("before", [10.0, -10.0])
def test_only_a_better_point_is_moved_to(sign, before):
    for better in (1e-10, 1.0):
        result = move(found(), sign=sign, before=before, after=before + sign * better)
        assert result.status == "optimal"
        assert result.objective_after == before + sign * better
    for better in (0.0, 0.5e-14 * abs(before), -1e-10, -1.0):
        result = move(found(), sign=sign, before=before, after=before + sign * better)
        assert result.status == "identity"
        assert result.objective_after == result.objective_before == before
        assert all(np.array_equal(result.params[n], W[n]) for n in W)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("optimal", "the starting point is already optimal"),
        ("iteration_limit", "nothing better was found: how it ended"),
        ("converged", "the starting point is already the best found"),
        ("boundary", "the starting point is already the best found"),
    ],
)
def test_staying_says_why_and_keeps_the_certificate(status, message):
    result = move(found(status), after=11.0)
    assert (result.status, result.message) == ("identity", message)
    assert (result.optimality, result.bound) == (1e-9, 4.5)
    np.testing.assert_array_equal(result.element, HERE)
    assert result.evaluations["loss"] == 0


def test_what_was_found_at_the_start_is_no_move():
    result = move(OrbitPoint(THERE, "identity", "nothing to do", 0.5, 7.0))
    assert (result.status, result.message) == ("identity", "nothing to do")
    assert (result.optimality, result.bound) == (0.5, 7.0)
    assert all(np.array_equal(result.params[n], W[n]) for n in W)
    assert result.objective_after == 10.0


@pytest.mark.parametrize("sign", [1, -1])
def test_the_loss_is_kept_to_what_is_allowed(sign):
    kept = move(found(), drift=sign * 0.95 * ALLOWED)
    change = abs(kept.loss_after - 3.0)
    assert 0 < change <= ALLOWED
    assert kept.drift == pytest.approx(change / 3, rel=1e-12)
    for factor in (1.05, 2.0, 1e3, 1e9):
        with pytest.raises(InvarianceError) as error:
            move(found(), drift=sign * factor * ALLOWED)
        for word in ("from 3 to ", "that rounding allows: PositiveRescaling is not a symmetry"):
            assert word in str(error.value)
        assert f"{ALLOWED:.3g}" in str(error.value)
        assert "(its scope is 'function'). Nothing was changed." in str(error.value)


@pytest.mark.parametrize("drift", [np.inf, -np.inf])
def test_a_loss_that_is_not_finite_there_is_not_accepted(drift):
    with pytest.raises((InvarianceError, DomainError)):
        move(found(), drift=drift)


def test_what_the_loss_rounds_by_itself_is_allowed_at_both_points():
    class Rounding(Drifting):
        def value_rounding(self, w):
            return 1e-9 if w["a"][0] == 4 else 2e-9

    assert move(found(), loss=Rounding(2.9e-9)).status == "optimal"
    assert move(found(), loss=Rounding(2.9e-9)).allowed_drift == pytest.approx(1e-9, rel=1e-2)
    with pytest.raises(InvarianceError):
        move(found(), loss=Rounding(3.1e-9))


def test_second_order_where_the_loss_has_hessian_products():
    class Curved(Drifting):
        def hvp(self, w, v):
            return {n: 1e20 * a for n, a in v.items()}

    second = sum(0.5 * (64 * EPS) ** 2 * x * 1e20 for x in (16 + 1 / 16, 4 + 1 / 4))
    assert move(found(), loss=Curved(0.9 * second)).status == "optimal"
    with pytest.raises(InvarianceError):
        move(found(), loss=Curved(1.1 * second))


def test_a_landing_is_taken_as_it_is():
    params = {"a": np.array([2.0]), "b": np.array([0.5])}
    landing = SimpleNamespace(params=params, objective=6.0, gradient_norm=7.0)
    result = move(found(landing=landing))
    assert result.params is params
    assert result.objective_after == 6.0
    expected = 4096 * EPS * 3 + 64 * EPS * 7.0 * np.hypot(2.0, 0.5)
    assert result.allowed_drift == pytest.approx(expected / 3)
    landing.gradient_norm = np.inf
    with pytest.raises(
        DomainError,
        match=r"has norm inf: it is not finite there\. Give a radius, or a smaller one$",
    ):
        move(found(landing=landing))


def test_results_that_are_not_finite_are_refused():
    params = {"a": np.array([np.inf]), "b": np.array([0.5])}
    landing = SimpleNamespace(params=params, objective=6.0, gradient_norm=7.0)
    with pytest.raises(DomainError, match="teleported parameter 'a' has 1 entries"):
        move(found(landing=landing))
    with pytest.raises(DomainError, match="the objective is inf at the element found"):
        move(found(), sign=1, after=np.inf)


def test_relative():
    assert _relative(0.0, 0.0) == 0.0
    assert _relative(0.5, 0.0) == 0.5  # absolute where there is nothing to be relative to
    assert _relative(1.0, -4.0) == 0.25
    assert _relative(1.0, 4.0) == 0.25


def test_staying_in_full():
    counts = {"loss": 3, "gradient": 1, "hvp": 0, "gauss_newton": 2}
    gradient = {"a": np.array([3.0]), "b": np.array([4.0])}
    result = stay(GROUP, W, -3.0, gradient, 7.0, "why", counts)
    assert (result.status, result.message) == ("identity", "why")
    assert (result.loss_before, result.loss_after, result.drift) == (-3.0, -3.0, 0.0)
    assert (result.objective_before, result.objective_after) == (7.0, 7.0)
    assert result.bound is None
    assert np.isnan(result.optimality)
    assert result.undo_error == 0.0
    allowed = 4096 * EPS * 3 + 64 * EPS * 5 * np.hypot(4.0, 0.25)
    assert result.allowed_drift == pytest.approx(allowed / 3)
    assert result.params is not W
    assert result.params == W
    assert result.evaluations == counts
    assert result.evaluations is not counts


def test_the_objective_where_the_gradient_is_zero():
    zero = {"a": np.zeros(1), "b": np.zeros(1)}
    some = {"a": np.zeros(1), "b": np.array([0.0, 1e-300])}
    field = SimpleNamespace(value=lambda g: 5.0)

    def at(objective, gradient):
        problem = SimpleNamespace(
            gradient=gradient, objective=objective, field=field, radius=None, box=None
        )
        return _objective_at(problem, HERE)

    assert at(LineSearchDecrease(), zero) == 0.0
    assert at(LineSearchDecrease(), some) == 5.0
    assert at(ParameterNorm(), zero) == 5.0


def test_nothing_is_evaluated_where_nothing_moves():
    point = OrbitPoint(THERE, "identity", "nothing to do", 0.5, 7.0)
    assert move(point, after=np.inf).objective_after == 10.0


def test_equal_is_not_better():
    assert move(found(), before=0.0, after=0.0).status == "identity"


def test_the_allowance_itself_is_allowed():
    """In numbers with few digits: 3 * 2^-40, and 2^-30 more for the rounding of the loss."""
    landing = SimpleNamespace(
        params={"a": np.array([2.0]), "b": np.array([0.5])}, objective=6.0, gradient_norm=0.0
    )

    class Rounding(Drifting):
        def value_rounding(self, w):
            return 2.0**-31

    first, second = 3 * 2.0**-40, 3 * 2.0**-40 + 2.0**-30
    assert move(found(landing=landing), loss=Rounding(first)).allowed_drift == first / 3
    assert move(found(landing=landing), loss=Rounding(second)).allowed_drift == second / 3
    with pytest.raises(InvarianceError):
        move(found(landing=landing), loss=Rounding(second + 2.0**-50))


def test_the_loss_is_that_on_the_moved_data():
    seen = []

    class Moving(PositiveRescaling):
        def act_on_loss(self, g, loss):
            seen.append(g)
            return loss

    group = Moving(GROUP.indices)
    move(found(), group=group)
    with pytest.raises(InvarianceError):
        move(found(), group=group, drift=1.0)
    assert len(seen) == 3
    assert all(g is THERE for g in seen)


def test_the_way_back_is_measured():
    class Own(PositiveRescaling):
        """A group without a bound known in advance."""

    point = found()
    result = move(point, group=Own(GROUP.indices))
    back = GROUP.act(GROUP.inverse(point.element), result.params)
    assert all(np.allclose(back[n], W[n], rtol=max(result.undo_error, 1e-15)) for n in W)
    assert result.undo_error < 1e-12


def test_overflow_of_the_objective_is_our_error_and_not_numpy_s():
    field = SimpleNamespace(value=lambda g: np.float64(1e200) * np.float64(1e200))
    problem = SimpleNamespace(
        gradient={"a": W["b"]}, objective=ParameterNorm(), field=field, radius=None, box=None
    )
    with np.errstate(all="raise"), pytest.raises(DomainError, match="the objective is inf at"):
        _objective_at(problem, HERE)
