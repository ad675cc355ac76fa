"""Circles: a proof needs the period and the degree; samples prove nothing."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
from geomstats.geometry.special_orthogonal import SpecialOrthogonal

from liegroup_teleport import GradientNorm, LineSearchDecrease, ParameterNorm, teleport
from liegroup_teleport.groups import ChartRotation, DirectProduct, MatrixGroup, MatrixRepresentation
from liegroup_teleport.losses import Booth, Rosenbrock, from_function
from liegroup_teleport.orbit._angle import Polynomial, search_angle
from liegroup_teleport.orbit._circle import Circle
from liegroup_teleport.orbit._degree import Degree, degree_of, of_degree

SO2 = SpecialOrthogonal(2, equip=False)
OBJECTIVES = [GradientNorm(), ParameterNorm()]


def sheared(b, slope, **options):
    """The chart ``(x, y + b(x))`` and its loss, with the derivative of b."""
    group = ChartRotation(
        chart=lambda w: np.array([w[0], w[1] + b(w[0])]),
        inverse_chart=lambda z: np.array([z[0], z[1] - b(z[0])]),
        jacobian=lambda w: np.array([[1.0, 0.0], [slope(w[0]), 1.0]]),
        **options,
    )

    def value(w):
        return float(np.sum(group.chart(w["w"]) ** 2))

    def gradient(w):
        return {"w": 2 * group.jacobian(w["w"]).T @ group.chart(w["w"])}

    return group, from_function(value, gradient)


def on_grid(group, loss, w, objective, sense, period=2 * np.pi, limit=np.inf, count=1000):
    values = []
    half = min(period / 2, limit)
    for t in np.linspace(-half, half, count + 1):
        moved = group.act(group.exp(np.array([np.sqrt(2.0) * t])), w)
        v = moved if isinstance(objective, ParameterNorm) else loss.gradient(moved)
        values.append(float(np.sum(v["w"] ** 2)))
    return max(values) if sense == "max" else min(values)


# -- polynomials -----------------------------------------------------------------------
@pytest.mark.parametrize("degree", [0, 1, 2, 6, 30, 90])
@pytest.mark.parametrize("seed", range(3))
def test_polynomials_are_maximised_with_a_bound(degree, seed):
    rng = np.random.default_rng(seed)
    k = np.arange(degree + 1)
    c = (rng.normal(size=degree + 1) + 1j * rng.normal(size=degree + 1)) / (1 + k) ** seed

    def f(t):
        return float((c * np.exp(1j * k * t)).real.sum())

    for radius in (None, 0.3, 1e-6):
        limit = np.pi if radius is None else radius
        found = search_angle(f, 1.0, radius, degree=degree)
        grid = np.linspace(-limit, limit, 1001)
        best = max(f(t) for t in grid)
        assert found.proved
        assert abs(found.angle) <= limit
        assert best - 1e-12 * found.scale <= found.value <= found.bound
        assert found.bound - found.value <= 1e-11 * found.scale


@pytest.mark.parametrize("stated", [1, 3, 6])
@pytest.mark.parametrize("true", range(7, 60, 13))
def test_a_degree_that_is_not_true_is_not_believed(stated, true):
    assert Polynomial.of(lambda t: 1 + np.cos(true * t), stated) is None
    assert Polynomial.of(lambda t: 1 + np.cos(stated * t), stated) is not None


# -- degrees ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "degree"),
    [
        (lambda z: z[0], 1),
        (lambda z: 3 * z[0] ** 2 - z[1] / 7 + 1, 2),
        (lambda z: (z[0] * z[1] - z[1]) ** 3, 6),
        (lambda z: np.array([[1.0, 2.0], [3.0, 4.0]]) @ z, 1),
        (lambda z: np.float64(2) * z[0] * np.square(z)[1] + np.float64(1), 3),
        (lambda z: -z[0] + (+z[1]) ** 2.0, 2),
        (lambda z: 5.0, 0),
    ],
)
def test_degrees_of_polynomials(code, degree):
    assert degree_of(code(of_degree(2, 1))) == degree


@pytest.mark.parametrize(
    "code",
    [
        np.exp,
        np.sin,
        np.abs,
        np.sqrt,
        np.sign,
        np.floor,
        lambda z: z**-1,
        lambda z: z**0.5,
        lambda z: z[0] ** z[1],
        lambda z: 1 / z[0],
        lambda z: z[0] / z[1],
        lambda z: z[0] // 1,
        lambda z: z[0] % 1,
        lambda z: np.where(z > 0, z, 0 * z),
        lambda z: np.maximum(z, 0),
        lambda z: z[0] if z[0] else z[1],
        lambda z: z[0] == z[1],
        lambda z: z[0] != 0,
        lambda z: float(z[0]),
        lambda z: np.asarray(z, dtype=float),
        lambda z: 1j * z[0],
        lambda z: {z[0]: 1},
        np.count_nonzero,
        np.argmax,
        np.linalg.norm,
    ],
)
def test_whatever_is_no_polynomial_has_no_degree(code):
    with pytest.raises((TypeError, ValueError, AttributeError)):
        degree_of(code(of_degree(2, 1)))
    assert repr(Degree(1))


# -- charts ---------------------------------------------------------------------------------
@pytest.mark.parametrize("width", [1e-1, 1e-4])
@pytest.mark.parametrize(
    ("objective", "radius"), [(GradientNorm(), None), (ParameterNorm(), 1.0)], ids=repr
)
def test_a_chart_with_a_bump_proves_nothing(width, objective, radius):
    def b(x):
        return np.exp(-(((x - 0.3) / width) ** 2))

    group, loss = sheared(b, lambda x: -2 * (x - 0.3) / width**2 * b(x))
    w = {"w": np.array([1.0, 0.5])}
    for sense in ("max", "min"):
        result = teleport(loss, group, w, objective, sense=sense, radius=radius)
        assert result.status != "optimal"
        assert result.bound is None
        assert "not proved" in result.message or "proved" not in result.message


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
@pytest.mark.parametrize("sense", ["max", "min"])
def test_polynomial_charts_against_a_grid(seed, objective, sense):
    rng = np.random.default_rng(seed)
    c = rng.normal(size=int(rng.integers(1, 5)))
    degrees = range(1, len(c) + 1)
    group, loss = sheared(
        lambda x: sum(a * x**k for a, k in zip(c, degrees, strict=True)),
        lambda x: sum(k * a * x ** (k - 1) for a, k in zip(c, degrees, strict=True)),
    )
    w = {"w": rng.normal(size=2)}
    radius = None if seed % 2 else float(rng.uniform(0.1, 2.0))
    result = teleport(loss, group, w, objective, sense=sense, radius=radius)
    limit = np.inf if radius is None else radius
    best = on_grid(group, loss, w, objective, sense, limit=limit)
    sign = 1 if sense == "max" else -1
    assert sign * (result.objective_after - best) >= -1e-9 * abs(best)
    assert sign * (result.bound - result.objective_after) >= 0
    assert result.status in ("optimal", "identity", "boundary")
    assert group.distance(result.element) <= limit


@pytest.mark.parametrize("loss", [Booth(), Rosenbrock()], ids=repr)
@pytest.mark.parametrize("seed", range(3))
def test_line_search_on_charts_reaches_the_loss(loss, seed):
    """``E <= L`` on a squared chart (Kantorovich), and somewhere on the circle it is reached."""
    w = {"w": np.random.default_rng(seed).uniform(-2, 2, 2)}
    result = teleport(loss, loss.symmetry(), w, LineSearchDecrease())
    assert result.objective_after <= loss.value(w) * (1 + 1e-12)
    if isinstance(loss, Rosenbrock) and result.status == "converged":
        return  # the denominator varies by more digits than the proof has
    assert result.status == "optimal"
    assert result.objective_after <= result.bound <= result.objective_after * (1 + 2e-9)
    assert result.objective_after == pytest.approx(loss.value(w), rel=1e-8)


def test_a_subclass_is_not_taken_for_its_parent():
    class Twisted(ChartRotation):
        def act(self, g, w):
            return super().act(g, w)

    plain = Booth().symmetry()
    twisted = Twisted(plain.chart, plain.inverse_chart, plain.jacobian)
    assert Circle.of(plain) is not None
    assert Circle.of(twisted) is None
    w = {"w": np.array([5.0, -5.0])}
    assert teleport(Booth(), twisted, w, GradientNorm()).status == "converged"


# -- speeds -----------------------------------------------------------------------------------
def blocks(speeds):
    J = np.array([[0.0, -1.0], [1.0, 0.0]])
    return scipy.linalg.block_diag(*[k * J for k in speeds])


@pytest.mark.parametrize("seed", range(6))
def test_rotations_at_whole_speeds(seed):
    """Period and degree from the spectrum: a circle at speeds 2 and 3 closes after 2 pi."""
    rng = np.random.default_rng(seed)
    speeds = [int(k) for k in rng.integers(1, 31, int(rng.integers(1, 4)))]
    n = 2 * len(speeds)
    S = np.eye(n) + 0.3 * rng.normal(size=(n, n)) * (seed % 2)
    inverse, X = np.linalg.inv(S), blocks(speeds)

    def image(g):
        t = np.arctan2(g[1, 0], g[0, 0])
        turns = [[[np.cos(k * t), -np.sin(k * t)], [np.sin(k * t), np.cos(k * t)]] for k in speeds]
        return S @ scipy.linalg.block_diag(*turns) @ inverse

    group = MatrixRepresentation(SO2, image)
    period = 2 * np.pi / np.gcd.reduce(speeds)
    found = Circle.of(group)
    assert found.period == pytest.approx(period)
    assert found.speed == max(speeds) // np.gcd.reduce(speeds)
    matrix = MatrixGroup([X], {"w": (n,)})
    # in coordinates of length one
    assert Circle.of(matrix).period == pytest.approx(period * np.linalg.norm(speeds))
    assert Circle.of(DirectProduct([matrix])).speed == found.speed

    def value(w):
        return float(np.sum(np.sum((inverse @ w["w"]).reshape(-1, 2) ** 2, axis=1) ** 2))

    def gradient(w):
        z = (inverse @ w["w"]).reshape(-1, 2)
        return {"w": inverse.T @ (4 * z * np.sum(z**2, axis=1, keepdims=True)).reshape(-1)}

    loss, w = from_function(value, gradient), {"w": rng.normal(size=n)}
    objective, sense = OBJECTIVES[seed % 2], ("max", "min")[seed // 2 % 2]
    result = teleport(loss, group, w, objective, sense=sense)
    best = on_grid(group, loss, w, objective, sense, period=period, count=1000)
    sign = 1 if sense == "max" else -1
    assert sign * (result.objective_after - best) >= -1e-9 * abs(best)
    assert sign * (result.bound - result.objective_after) >= 0
    assert result.status in ("optimal", "identity")


def test_speeds_without_a_common_measure_are_no_circle():
    assert Circle.of(MatrixGroup([blocks([1.0, np.sqrt(2.0)])], {"w": (4,)})) is None
    assert Circle.of(MatrixGroup([np.diag([1.0, -1.0])], {"w": (2,)})) is None
