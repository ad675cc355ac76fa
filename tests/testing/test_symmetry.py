"""assert_symmetry finds losses whose parts do not belong together, and names the part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liegroup_teleport.groups import DiagonalGroup, GeneralLinear, HiddenIndex
from liegroup_teleport.losses import MLP
from liegroup_teleport.losses._slopes import wrong_slope
from liegroup_teleport.testing import assert_symmetry
from tests.groups.all_groups import ALL

BETWEEN = GeneralLinear([HiddenIndex(2, written=[("U", 1)], read=[("V", 1)])])
SHAPES = {"U": (4, 2), "V": (3, 2), "bias": (3,)}


class Factors:
    """Half the squared length of ``U V^T`` plus a bias: GL(2) leaves it alone."""

    shapes = SHAPES

    def value(self, w):
        return float(np.sum((w["U"] @ w["V"].T + w["bias"]) ** 2) / 2)

    def gradient(self, w):
        E = w["U"] @ w["V"].T + w["bias"]
        return {"U": E @ w["V"], "V": E.T @ w["U"], "bias": E.sum(axis=0)}


def altered(**members):
    """A loss like ``Factors`` with other methods; ``super`` is that class."""
    return type("Altered", (Factors,), members)()


def gradient_of(change):
    return altered(gradient=lambda self, w: change(Factors().gradient(w), w))


# what a symmetry test that compares the gradient with itself only would let through
BELONGS_TO_SOMETHING_ELSE = {
    "zeros": lambda g, w: {n: 0 * a for n, a in g.items()},
    "twice": lambda g, w: {n: 2 * a for n, a in g.items()},
    "opposite": lambda g, w: {n: -a for n, a in g.items()},
    "no bias": lambda g, w: {**g, "bias": 0 * g["bias"]},
    "a term that is missing": lambda g, w: {**g, "bias": g["bias"] - 4 * w["bias"]},
    "of another invariant loss": lambda g, w: {
        "U": np.sum(w["U"] @ w["V"].T) * np.ones((4, 3), w["U"].dtype) @ w["V"],
        "V": np.sum(w["U"] @ w["V"].T) * np.ones((3, 4), w["U"].dtype) @ w["U"],
        "bias": 0 * w["bias"],
    },
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_loss_itself_passes(dtype):
    assert_symmetry(BETWEEN, Factors(), dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", BELONGS_TO_SOMETHING_ELSE)
def test_gradient_that_does_not_belong_to_the_value(kind, dtype):
    loss = gradient_of(BELONGS_TO_SOMETHING_ELSE[kind])
    names = "'bias'" if "bias" in kind or "missing" in kind else "'(U|V|bias)'"
    with pytest.raises(AssertionError, match=f"does not belong to the value.* {names}"):
        assert_symmetry(BETWEEN, loss, max_examples=10, dtype=dtype)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (gradient_of(lambda g, w: {"U": g["U"], "V": g["V"]}), "no entry for parameter 'bias'"),
        (gradient_of(lambda g, w: {**g, "other": g["U"]}), r"entries \['other'\] that are no"),
        (gradient_of(lambda g, w: {**g, "V": g["V"].T}), r"'V' is float64\(2, 3\); expected"),
        (gradient_of(lambda g, w: {**g, "V": np.float32(g["V"])}), r"'V' is float32\(3, 2\)"),
        (gradient_of(lambda g, w: list(g.values())), "returned a list; expected a dict"),
        (gradient_of(lambda g, w: {**g, "bias": 0.5}), r"'bias' is NoneNone; expected"),
        (altered(value=lambda self, w: None), "value.w. returned a NoneType; expected one number"),
        (altered(value=lambda self, w: "1.0"), "value.w. returned a str"),
        (altered(value=lambda self, w: w["U"]), r"returned a ndarray of shape \(4, 2\)"),
    ],
)
def test_results_of_a_wrong_kind(loss, message):
    with pytest.raises(AssertionError, match=message):
        assert_symmetry(BETWEEN, loss, max_examples=5)


def _centred(self, w):
    w["bias"] -= w["bias"].mean()
    return Factors().value(w)


def _scaled(self, w):
    w["U"] *= 1.5
    return Factors().gradient(w)


def test_what_writes_into_its_argument_is_named():
    with pytest.raises(AssertionError, match=r"value\(w\) wrote into .* 'bias' was changed"):
        assert_symmetry(BETWEEN, altered(value=_centred), max_examples=5)
    with pytest.raises(AssertionError, match=r"gradient\(w\) wrote into .* 'U' was changed"):
        assert_symmetry(BETWEEN, altered(gradient=_scaled), max_examples=5)


def test_value_and_gradient_is_held_to_the_two():
    def both(value, gradient):
        one = Factors()
        return altered(
            value_and_gradient=lambda self, w: (
                value * one.value(w),
                {n: gradient * a for n, a in one.gradient(w).items()},
            )
        )

    assert_symmetry(BETWEEN, both(1, 1), max_examples=5)
    with pytest.raises(AssertionError, match=r"value_and_gradient\(w\) says"):
        assert_symmetry(BETWEEN, both(2, 1), max_examples=5)
    with pytest.raises(AssertionError, match=r"value_and_gradient\(w\) against gradient\(w\)"):
        assert_symmetry(BETWEEN, both(1, 2), max_examples=5)


# -- the class of faults ----------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 2**32 - 1), st.data())
def test_gradients_of_every_loss_belong_and_altered_ones_do_not(case, seed, data):
    rng = np.random.default_rng(seed)
    w = {n: case.parameter_scale * rng.normal(size=s) for n, s in case.shapes.items()}
    gradient = case.loss.gradient(w)
    assert wrong_slope(case.loss.value, gradient, w, rng) is None
    name = data.draw(st.sampled_from(sorted(w)))
    # an error of a thousandth of the block, along the block or across it
    error = data.draw(st.sampled_from([1e-3, -1e-2, 1.0])) * gradient[name]
    if data.draw(st.booleans()):
        error = rng.permutation(error.ravel()).reshape(error.shape)
    if np.linalg.norm(error) < 1e-6 * (1 + abs(case.loss.value(w))):
        return  # nothing there to see
    found = wrong_slope(case.loss.value, {**gradient, name: gradient[name] + error}, w, rng)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_kinks_are_no_fault_of_the_gradient(activation):
    rng = np.random.default_rng(0)
    data = {"inputs": rng.normal(size=(60, 4)), "targets": rng.normal(size=(60, 2))}
    loss = MLP([4, 8, 2], activation=activation, bias=True, **data)
    for _ in range(40):
        w = {n: rng.normal(size=s) for n, s in loss.shapes.items()}
        assert wrong_slope(loss.value, loss.gradient(w), w, rng) is None


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_units_of_parameters_and_loss_do_not_matter(size):
    rng = np.random.default_rng(0)
    group = DiagonalGroup([[1.0, -1.0]], {"w": (2,)})

    class Product:
        shapes = {"w": (2,)}  # noqa: RUF012

        def __init__(self, factor):
            self.factor = factor

        def value(self, w):
            return float(size**3 * (w["w"][0] * w["w"][1] / size**2 - 1) ** 2)

        def gradient(self, w):
            slope = 2 * size * (w["w"][0] * w["w"][1] / size**2 - 1)
            return {"w": self.factor * slope * w["w"][::-1]}

    for _ in range(5):
        w = {"w": size * rng.normal(size=2)}
        for factor, right in ((1.0, True), (0.0, False), (1.001, False)):
            loss = Product(factor)
            found = wrong_slope(loss.value, loss.gradient(w), w, rng)
            assert (found is None) is right
    assert_symmetry(group, Product(1.0), parameter_scale=size, max_examples=10)
