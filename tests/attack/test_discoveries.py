"""Discovery never says a wrong dimension without saying that it cannot tell."""

from __future__ import annotations

import collections
import warnings

import numpy as np
import pytest

import liegroup_teleport as lt
from tests.attack.discoveries import FAMILIES, case, verdict

KINDS = ("units", "points", "broken", "noise")
# of what is not hidden or nearly symmetric, so many are decided: never fewer
DECIDED = {"units": 0.98, "points": 0.98, "broken": 0.4, "noise": 0.9}


def attack(kind, seeds):
    counts = collections.Counter()
    for seed in seeds:
        tried = case(seed, kind)
        said, found = verdict(tried)
        counts[said] += 1
        assert said != "wrong", (
            f"{tried.name}, seed {seed}: {tried.dim} is true, found {found.dim} "
            f"{found.dim_range}: {found.message}"
        )
    assert counts["right"] >= DECIDED[kind] * len(seeds) - 1, counts


@pytest.mark.parametrize("kind", KINDS)
def test_no_wrong_dimension(kind):
    attack(kind, range(15))


@pytest.mark.sweep
@pytest.mark.parametrize("kind", KINDS)
def test_no_wrong_dimension_sweep(kind):
    attack(kind, range(100, 600))


def normal(n):
    return lambda rng: {"w": rng.normal(size=n)}


# -- small derivatives are not small errors --------------------------------------------
@pytest.mark.parametrize("c", [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
def test_lorentz_group_at_any_speed_of_light(c):
    eta = np.array([-c * c, 1.0, 1.0, 1.0])
    found = lt.discover_generators(lambda w: {"w": 2 * eta * w["w"]}, normal(4))
    assert (found.dim, found.algebra, found.dim_range) == (6, "so(3,1)", (6, 6))
    assert found.drift < 1
    for X in found.generators:  # entry by entry, whatever their sizes are
        kept = eta[:, None] * X
        assert np.allclose(kept, -kept.T, rtol=1e-10, atol=0)


@pytest.mark.parametrize("e", 10.0 ** np.arange(0, -19, -3))
def test_a_weak_direction_breaks_as_well_as_a_strong_one(e):
    found = lt.discover_generators(
        lambda w: {"w": np.array([4 * w["w"][0] ** 3, e * w["w"][1]])}, normal(2)
    )
    assert (found.dim, found.dim_range) == (0, (0, 0))


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-30, 1e30, 1e200])
def test_units_of_the_loss(size):
    with np.errstate(all="raise"):
        found = lt.discover_generators(lambda w: {"w": size * w["w"]}, normal(3))
    assert (found.algebra, found.decided) == ("so(3)", True)


def test_a_small_quartic_term_is_seen():
    found = lt.discover_generators(
        lambda w: {"w": np.array([2 * w["w"][0], 4e-9 * w["w"][1] ** 3])}, normal(2)
    )
    assert (found.dim, found.decided) == (0, True)


def test_what_differences_hide_is_not_decided():
    def loss(y):
        return np.exp(-(y @ y) / 4)

    def forward(h):
        def gradient(w):
            y = w["w"]
            return {"w": np.array([(loss(y + h * e) - loss(y)) / h for e in np.eye(3)])}

        return gradient

    for h in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = lt.discover_generators(forward(h), normal(3))
        least, most = found.dim_range
        assert least <= 3 <= most, h
        assert bool(caught) is not found.decided


# -- points ------------------------------------------------------------------------------
def ellipsoid(w):
    return {"w": np.array([1.0, 2.0, 3.0]) * w["w"]}


START = np.array([1.0, 2.0, -1.0])
FIVE = np.random.default_rng(0).normal(size=(5, 3))


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (lambda rng: {"w": START}, "returned the same point every time"),
        ([{"w": START}] * 40, "returned the same point every time"),
        (lambda rng: {"w": FIVE[rng.integers(5)]}, "only 5 different points"),
        (lambda rng: {"w": rng.integers(-1, 2, 3) + 0.0}, "different points"),
        (lambda rng: {"w": rng.normal(size=3) * [1, 0, 1]}, r"all have the same w\[1\]"),
        (lambda rng: {"w": rng.normal() * START}, "linear space of dimension 1, of 3"),
        (
            lambda rng: {"w": rng.normal() * START + rng.normal() * FIVE[0]},
            "linear space of dimension 2, of 3",
        ),
        (lambda rng: {"w": START + 1e-9 * rng.normal(size=3)}, "differ by only"),
        (lambda rng: {"w": START * np.nan}, "not finite"),
    ],
)
def test_samples_that_cannot_tell(sample, message):
    with pytest.raises(ValueError, match=message):
        lt.discover_generators(ellipsoid, sample)


def test_affine_points_that_do_not_vary():
    with pytest.raises(ValueError, match=r"all have the same b\[0\]"):
        lt.discover_generators(
            lambda w: dict(w),
            lambda rng: {"w": rng.normal(size=2), "b": np.ones(1)},
            ansatz="affine",
        )


def test_what_holds_on_a_surface_only_is_not_counted():
    def gradient(w):  # of x (|w|^2 - 1): on the unit sphere all rotations seem to be symmetries
        y = w["w"]
        return {"w": 2 * y[0] * y + np.array([y @ y - 1, 0, 0])}

    def sphere(rng):
        y = rng.normal(size=3)
        return {"w": y / np.linalg.norm(y)}

    found = lt.discover_generators(gradient, sphere)
    assert (found.dim, found.algebra, found.decided) == (1, "so(2)", True)
    assert "2 fields hold at the sampled points only" in found.message


# -- gradients ---------------------------------------------------------------------------
class Lengths:
    """The squared lengths of two vectors: rotations of all four entries together."""

    def __init__(self, change):
        self.change = change

    def value(self, w):
        return float(np.sum(w["a"] ** 2) + np.sum(w["b"] ** 2))

    def gradient(self, w):
        return self.change({"a": 2 * w["a"], "b": 2 * w["b"]}, w)


def pair(rng):
    return {"a": rng.normal(size=2), "b": rng.normal(size=2)}


@pytest.mark.parametrize(
    "change",
    [
        lambda g, w: {"a": g["a"], "b": 0 * g["b"]},
        lambda g, w: {"a": g["a"], "b": 2 * g["b"]},
        lambda g, w: {n: 2 * a for n, a in g.items()},
        lambda g, w: {n: -a for n, a in g.items()},
        lambda g, w: {n: 0 * a for n, a in g.items()},
        lambda g, w: {"a": w["b"], "b": g["b"]},
    ],
)
def test_a_gradient_that_does_not_belong_to_the_value(change):
    assert lt.discover_generators(Lengths(lambda g, w: g), pair).algebra == "so(4)"
    with pytest.raises(ValueError, match=r"the gradient does not belong to the value.*'(a|b)'"):
        lt.discover_generators(Lengths(change), pair)


def test_a_field_that_is_no_gradient_is_said_to_be_none():
    with pytest.warns(RuntimeWarning, match="not that of a function"):
        found = lt.discover_generators(
            lambda w: {"w": w["w"] + 0.3 * np.roll(w["w"], 1) ** 2}, normal(3)
        )
    assert not found.decided


def test_results_and_arguments_of_gradients():
    def writes(w):
        w["b"] *= 2
        return dict(w)

    points = [pair(np.random.default_rng(i)) for i in range(30)]
    kept = [w["b"].copy() for w in points]
    with pytest.raises(ValueError, match="gradient wrote into its argument: parameter 'b'"):
        lt.discover_generators(writes, points)
    assert all(np.array_equal(w["b"], b) for w, b in zip(points, kept, strict=True))
    for wrong, kind in ((None, "NoneType"), ([1.0], "list"), ("g", "str"), (1.0, "float")):
        with pytest.raises(TypeError, match=f"gradient returned a {kind}; expected a dict"):
            lt.discover_generators(lambda w, wrong=wrong: wrong, pair)


def test_a_derivative_of_noise_is_said_to_be_that():
    def gradient(w):
        x, y, z = w["w"]
        return {"w": np.array([x, y, 1e-17 * np.sin(1e20 * z)])}

    with pytest.warns(RuntimeWarning, match=r"the gradient of w\[2\] cannot be told from its own"):
        found = lt.discover_generators(gradient, normal(3))
    assert found.dim_range[0] == 0
    zero = lt.discover_generators(lambda w: {"w": w["w"] * [1, 1, 0]}, normal(3))
    assert (zero.dim, zero.decided) == (4, True)


def test_the_list_of_families_is_what_it_says():
    # by exact arithmetic elsewhere; here only that units of one change nothing
    for family in FAMILIES:
        found = lt.discover_generators(
            lambda w, family=family: {"w": family.gradient(w["w"])}, normal(family.n)
        )
        assert (found.dim, found.decided) == (family.dim, True), family.name
