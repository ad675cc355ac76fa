"""What rounding may change: the formula in numbers, and moves on either side of it."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport import InvarianceError, ParameterNorm, teleport
from liegroup_teleport.groups import HiddenIndex, PositiveRescaling
from liegroup_teleport.groups._base import allowed_change
from liegroup_teleport.groups._rounding import loss_rounding

GROUP = PositiveRescaling([HiddenIndex(1, written=[("a", 0)], read=[("b", 0)])])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("loss", [10.0, -10.0, 0.0])
def test_the_formula(dtype, loss):
    w = {"a": np.array([3.0], dtype), "b": np.array([[0.0, -4.0]], dtype)}
    eps = {np.float16: 2.0**-10, np.float32: 2.0**-23, np.float64: 2.0**-52}[dtype]
    # a loss below the smallest normal number counts as that: floats are no longer exact there
    smallest = {np.float16: 2.0**-14, np.float32: 2.0**-126, np.float64: 2.0**-1022}[dtype]
    expected = 4096 * eps * max(abs(loss), smallest) + 64 * eps * 7.0 * 5.0
    assert allowed_change(w, loss, 7.0) == pytest.approx(expected, rel=1e-14)
    given = 1e-3 * max(abs(loss), smallest) + 64 * eps * 7.0 * 5.0
    assert allowed_change(w, loss, 7.0, 1e-3) == pytest.approx(given, rel=1e-14)
    assert allowed_change(w, loss, 7.0, 0.0) == pytest.approx(64 * eps * 35.0, rel=1e-14)


class Drifting:
    """``offset + ab``, and ``drift`` more wherever a is not where it was.

    Its gradient is that of ``ab``: the drift is what no derivative shows.
    """

    def __init__(self, offset, drift, start):
        self.offset, self.drift, self.start = offset, drift, start

    def value(self, w):
        drift = 0.0 if float(w["a"][0]) == self.start else self.drift
        return self.offset + float(w["a"][0]) * float(w["b"][0]) + drift

    def gradient(self, w):
        return {"a": w["b"] * 1, "b": w["a"] * 1}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("offset", "a", "b"),
    [(1.0, 4.0, 0.25), (-3.0, 16.0, 1.0), (-1.0, 4.0, 0.25), (0.0, 256.0, 1.0)],
)
def test_a_loss_that_changes_by_more_is_refused_and_by_less_is_not(offset, a, b, sign):
    """All numbers are powers of two, or sums of few: nothing here is rounded."""
    w = {"a": np.array([a]), "b": np.array([b])}
    root = float(np.sqrt(a * b))  # both parameters at the least norm, and the gradient's entries
    eps = 2.0**-52
    value = offset + a * b
    allowed = 4096 * eps * abs(value) + 64 * eps * (2**0.5 * root) ** 2
    accepted = teleport(Drifting(offset, sign * 0.9 * allowed, a), GROUP, w, ParameterNorm())
    assert accepted.status == "optimal"
    change = abs(accepted.loss_after - value)
    assert 0.8 * allowed < change < allowed
    if value:
        assert accepted.drift == pytest.approx(change / abs(value), rel=1e-12)
        assert accepted.allowed_drift == pytest.approx(allowed / abs(value), rel=1e-6)
    for factor in (1.2, 4.0, 1e3):
        with pytest.raises(InvarianceError, match=r"more than the .* that rounding allows"):
            teleport(Drifting(offset, sign * factor * allowed, a), GROUP, w, ParameterNorm())


@pytest.mark.parametrize("bound", [np.inf, 1e-3])
def test_a_bound_that_overflows_excuses_nothing(bound):
    """A loss may say what its own forward pass rounds; infinity is no such number."""
    loss = Drifting(0.0, 1e-4, 4.0)
    loss.value_rounding = lambda w: bound
    w = {"a": np.array([4.0]), "b": np.array([0.0])}
    assert loss_rounding(loss, w) == (bound if np.isfinite(bound) else 0.0)


@pytest.mark.parametrize("bound", [-1.0, "1", np.nan, None])
def test_a_bound_has_to_be_a_number(bound):
    loss = Drifting(0.0, 1e-4, 4.0)
    loss.value_rounding = lambda w: bound
    with pytest.raises((TypeError, ValueError), match="value_rounding"):
        loss_rounding(loss, {"a": np.array([4.0]), "b": np.array([0.0])})
