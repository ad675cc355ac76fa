"""Activations: derivatives, inverses, ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liegroup_teleport._errors import DomainError
from liegroup_teleport.losses import LeakyReLU
from liegroup_teleport.losses._activations import ACTIVATIONS, resolve_activation

ALL = [resolve_activation(name) for name in ACTIVATIONS] + [LeakyReLU(2.0)]
each = pytest.mark.parametrize("f", ALL, ids=repr)
Z = np.concatenate([np.linspace(-6, 6, 30), [0.3, -0.01, 1e-3]])


@each
def test_derivatives(f):
    t = 1e-3

    def diff(g):
        return (8 * (g(Z + t) - g(Z - t)) - (g(Z + 2 * t) - g(Z - 2 * t))) / (12 * t)

    keep = np.abs(Z) > 3 * t if f.homogeneous else slice(None)
    np.testing.assert_allclose(f.derivative(Z)[keep], diff(f)[keep], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        f.second_derivative(Z)[keep], diff(f.derivative)[keep], rtol=1e-8, atol=1e-10
    )


@each
def test_homogeneous_as_declared(f):
    assert np.allclose(f(3.0 * Z), 3.0 * f(Z)) == f.homogeneous


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inverse_and_dtype(f, dtype):
    z = Z.astype(dtype)
    for g in (f, f.derivative, f.second_derivative):
        assert g(z).dtype == dtype
    if f.bijective:
        assert f.inverse(f(z)).dtype == dtype
        np.testing.assert_allclose(f.inverse(f(Z)), Z, rtol=1e-9, atol=1e-12)
    else:
        with pytest.raises(TypeError, match="no inverse"):
            f.inverse(z)


@pytest.mark.parametrize(("name", "bad"), [("tanh", 1.0), ("tanh", -1.5), ("sigmoid", 0.0)])
def test_outside_of_range(name, bad):
    with pytest.raises(DomainError, match=name):
        resolve_activation(name).inverse(np.array([0.5, bad]))
    with pytest.raises(DomainError, match=name):
        resolve_activation(name).inverse(np.array([0.5, np.nan]))


@given(st.floats(-700, 700))
def test_sigmoid_is_stable(z):
    f = resolve_activation("sigmoid")
    s = f(np.array([z, -z]))
    assert s.sum() == pytest.approx(1.0)
    assert np.all(s > 0)
    assert f(np.array([-700.0]))[0] == pytest.approx(np.exp(-700.0), rel=1e-12)


def test_value_at_zero():
    zero = np.array([0.0])
    assert resolve_activation("relu").derivative(zero)[0] == 0.0
    assert LeakyReLU(0.25).derivative(zero)[0] == 0.25


@pytest.mark.parametrize("slope", [0.0, -0.1, np.inf, np.nan])
def test_bad_slope(slope):
    with pytest.raises(ValueError, match="slope"):
        LeakyReLU(slope)


def test_leaky_relu_is_a_value():
    assert LeakyReLU() == LeakyReLU(0.1) == resolve_activation("leaky_relu")
    assert hash(LeakyReLU(0.2)) == hash(LeakyReLU(0.2))
