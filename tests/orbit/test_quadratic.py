"""Quadratics: what is proved of an extreme eigenvalue and of a cap, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator

from liegroup_teleport import (
    DomainError,
    GradientNorm,
    InvarianceError,
    LineSearchDecrease,
    PredictedDecrease,
    teleport,
)
from liegroup_teleport.groups import QuadraticOrthogonal
from liegroup_teleport.losses import Quadratic, from_function
from liegroup_teleport.losses._definite import greatest_below, is_positive_definite, least_above
from liegroup_teleport.orbit._cap import best_on_cap, dual


def with_spectrum(values, seed=0):
    n = len(values)
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    A = (Q * values) @ Q.T
    return (A + A.T) / 2, Q


@pytest.mark.parametrize("n", [200, 900])
@pytest.mark.parametrize("sense", ["max", "min"])
def test_a_hidden_extreme_eigenvalue_is_found_or_nothing_is_proved(n, sense):
    """Krylov spaces miss what the start does not touch, here an axis of a diagonal matrix."""
    rng = np.random.default_rng(0)
    a = rng.uniform(1.2, 1.9, n)
    ends = (2.0, 2.0 + 1e-10) if sense == "max" else (1.0, 1.0 - 1e-10)
    a[3], a[7] = ends
    y = rng.normal(size=n)
    y[7] = 0.0
    for kind in (np.diag, lambda d: scipy.sparse.diags_array(d).tocsr()):
        loss = Quadratic(kind(a))
        result = teleport(loss, loss.symmetry(), {"w": y}, GradientNorm(), sense=sense)
        supremum = ends[1] * float(y @ (a * y))
        sign = 1 if sense == "max" else -1
        if result.bound is not None:
            assert sign * (result.bound - supremum) >= 0
        if result.status == "optimal":
            assert abs(result.objective_after / supremum - 1) < 1e-8
            assert abs(result.bound / supremum - 1) < 1e-8


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_a_missed_eigenvalue_is_not_a_bound(kind):
    A, _ = with_spectrum(np.linspace(1.0, 2.0, 60))
    assert greatest_below(kind(A), 2.0 * (1 - 1e-6)) is None
    assert least_above(kind(A), 1.0 * (1 + 1e-6)) is None
    assert 2.0 <= greatest_below(kind(A), 2.0) < 2.0 * (1 + 1e-10)
    assert 1.0 >= least_above(kind(A), 1.0) > 1.0 * (1 - 1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_definiteness_against_eigenvalues(seed):
    rng = np.random.default_rng(seed)
    n, width = int(rng.integers(1, 40)), int(rng.integers(0, 4))
    bands = [rng.normal(size=n - k) for k in range(min(width + 1, n))]
    A = sum(np.diag(b, k) + np.diag(b, -k) for k, b in enumerate(bands))
    A += rng.uniform(0, 8) * np.eye(n)
    order = rng.permutation(n)
    expected = bool(np.linalg.eigvalsh(A)[0] > 0)
    for M in (A, scipy.sparse.csr_array(A), scipy.sparse.csr_array(A[order][:, order])):
        assert is_positive_definite(M) is expected
        assert Quadratic(M).lower_bound == (0.0 if expected else None)
    assert is_positive_definite(aslinearoperator(A)) is None


def test_large_matrices_are_proved_by_their_band_only():
    n = 200_000
    rng = np.random.default_rng(0)
    diagonal = rng.uniform(3.0, 10.0, n)
    diagonal[5] = 20.0
    bands = [diagonal, -np.ones(n - 1), -np.ones(n - 1)]
    narrow = Quadratic(scipy.sparse.diags_array(bands, offsets=[0, 1, -1]).tocsr())
    w = {"w": rng.normal(size=n)}
    result = teleport(narrow, narrow.symmetry(), w, GradientNorm())
    assert result.status == "optimal"
    assert result.objective_after <= result.bound <= result.objective_after * (1 + 1e-8)
    far = rng.integers(0, n, (2, n))
    spread = scipy.sparse.coo_array((0.001 * np.ones(n), far), shape=(n, n)).tocsr()
    wide = Quadratic(narrow.A + spread + spread.T)
    result = teleport(wide, wide.symmetry(), w, GradientNorm())
    assert result.status == "converged"
    assert "not proved" in result.message


def test_symmetric_to_rounding_means_the_symmetric_part():
    A, _ = with_spectrum(np.array([1.0, 2.0, 3.0]))
    A[0, 1] += 1e-9
    loss = Quadratic(A)
    w = {"w": np.array([1.0, 2.0, 3.0])}
    np.testing.assert_array_equal(loss.A, loss.A.T)
    assert loss.value(w) == pytest.approx(loss.gradient(w)["w"] @ w["w"] / 2, rel=1e-15)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array, aslinearoperator])
def test_badly_conditioned_quadratics_are_not_accused(seed, kind):
    """What the evaluation of the loss rounds is allowed; another quadratic's group is not."""
    n = 8
    A, Q = with_spectrum(np.logspace(-6, 6, n), seed)
    loss = Quadratic(kind(A))
    group, rng = loss.symmetry(), np.random.default_rng(seed)
    starts = (rng.normal(size=n), Q[:, 0], Q[:, -1], Q[:, 0] + 1e-9 * rng.normal(size=n))
    for y in starts:
        for sense in ("max", "min"):
            for radius in (None, 0.3):
                teleport(loss, group, {"w": y}, GradientNorm(), sense=sense, radius=radius)
    w = {"w": starts[0]}
    assert group.check_invariance(loss, w, rng=rng, trials=3).passed
    other = Quadratic(kind(A + 1e-3 * np.eye(n)))
    assert not group.check_invariance(other, w, rng=rng, trials=3).passed
    with pytest.raises(InvarianceError):
        teleport(other, group, w, GradientNorm(), sense="min")


@pytest.mark.parametrize("seed", range(200))
def test_the_cap_has_no_gap_to_its_dual(seed):
    """Repeated ends, centres at and next to axes, and orthogonal to the last; all radii."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 8))
    a = np.sort(rng.integers(-2, 3, n).astype(float) if seed % 3 == 0 else rng.normal(size=n))
    if seed % 4 == 1:
        a[-1] = a[-2]
    q = rng.normal(size=n)
    if seed % 5 == 1:
        q = np.eye(n)[int(rng.integers(n))] + 0.0
    if seed % 5 == 2:
        q[-1] = 0.0
    if seed % 5 == 3:
        q[int(rng.integers(n))] = 1e-18
    q /= np.linalg.norm(q)
    radius = float(10 ** rng.uniform(-9, 0.4))
    spread = a[-1] - a[0]
    if not spread > 0:
        return
    point = best_on_cap(a, q, radius, 1e-15)
    assert point.angle <= radius
    s = np.cos(point.angle) * q + np.sin(point.angle) * point.across
    assert np.linalg.norm(s) == pytest.approx(1.0, abs=1e-14)
    bound = a[-1] if point.inside else dual(a, q, radius, max(point.distance, 1e-13 * spread))
    assert -1e-12 * spread <= bound - s @ (a * s) <= 1e-11 * spread


@pytest.mark.parametrize("seed", range(6))
def test_a_function_of_the_quadratic_has_its_own_bound(seed):
    """On its level sets the gradient of h(q) is h' times that of q: so are optimum and bound."""
    A, _ = with_spectrum(np.array([1.0, 2.0, 5.0]), seed)
    q = Quadratic(A)
    loss = from_function(
        lambda w: q.value(w) ** 2 / 8, lambda w: {"w": q.value(w) / 4 * q.gradient(w)["w"]}
    )
    w = {"w": np.random.default_rng(seed).normal(size=3)}
    best = 2 * 5.0 * q.value(w) * (q.value(w) / 4) ** 2
    result = teleport(loss, q.symmetry(), w, GradientNorm())
    assert result.status == "optimal"
    assert result.objective_after == pytest.approx(best, rel=1e-10)
    assert best * (1 - 1e-12) <= result.bound <= best * (1 + 1e-9)
    # a gradient that is not along A y does not belong to a function of the quadratic
    wrong = from_function(q.value, lambda w: {"w": q.gradient(w)["w"] + 0.1 * w["w"]})
    assert teleport(wrong, q.symmetry(), w, GradientNorm()).status != "optimal"


class SaysSo(Quadratic):
    """A matrix that is not positive definite, and its own word that it is."""

    positive_definite = True


class Lazy(QuadraticOrthogonal):
    """A subclass that does not act at all."""

    def act(self, g, w):
        return dict(w)


def test_no_one_is_taken_at_their_word():
    w = {"w": np.array([2.0, 1.0])}
    hyperbola = SaysSo(np.diag([1.0, -1.0]))
    with pytest.raises(DomainError, match="positive definite"):
        teleport(hyperbola, hyperbola.symmetry(), w, GradientNorm())
    fine = SaysSo(np.diag([1.0, 3.0]))
    result = teleport(fine, fine.symmetry(), w, GradientNorm())
    assert result.status == "converged"
    assert result.bound is None
    plain = Quadratic(np.diag([1.0, 3.0]))
    assert teleport(plain, Lazy(plain), w, GradientNorm()).status != "optimal"


@pytest.mark.parametrize("objective", [LineSearchDecrease(), PredictedDecrease(0.1)], ids=repr)
@pytest.mark.parametrize("n", [2, 3])
def test_decreases_of_other_losses_are_not_bounded_by_kantorovich(objective, n):
    """The Gauss-Newton matrix of h(q) is not A, and turns with the point."""
    q = Quadratic(np.diag(np.arange(1.0, n + 1)))
    loss = from_function(
        lambda w: np.expm1(q.value(w)), lambda w: {"w": np.exp(q.value(w)) * q.gradient(w)["w"]}
    )
    w = {"w": np.linspace(0.3, 0.5, n)}
    own = teleport(q, q.symmetry(), w, LineSearchDecrease())
    assert own.status == "optimal"
    with_matrix = ExpOf(loss, q)
    result = teleport(with_matrix, q.symmetry(), w, objective, stability=None)
    assert result.status != "optimal"
    if result.bound is not None:
        assert result.objective_after <= result.bound


class ExpOf:
    """A loss with a Gauss-Newton matrix of its own."""

    def __init__(self, loss, q):
        self.value, self.gradient, self.hvp = loss.value, loss.gradient, loss.hvp
        self._q = q

    def gauss_newton_product(self, w, v):
        return {"w": (1 + w["w"][0] ** 2) * np.exp(self._q.value(w)) * self._q.operator(v["w"])}
