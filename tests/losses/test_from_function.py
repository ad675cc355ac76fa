"""Losses from functions and the look-ups of optional methods."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport.losses import Booth, Loss, from_function
from liegroup_teleport.losses._base import gauss_newton_operator, value_and_gradient


def quartic(hvp=None, **options):
    return from_function(
        lambda w: (w["a"] ** 4).sum() + (w["a"][0] * w["b"]).sum(),
        lambda w: {
            "a": 4 * w["a"] ** 3 + np.array([1, 0], w["a"].dtype) * w["b"].sum(),
            "b": w["a"][0] + 0 * w["b"],
        },
        hvp,
        **options,
    )


W = {"a": np.array([1.0, -2.0]), "b": np.array([0.5, 3.0, 1.0])}
V = {"a": np.array([0.3, 1.0]), "b": np.array([1.0, 0.0, -1.0])}


@pytest.mark.parametrize("factor", [1.0, 1e-6, 1e6])
def test_hvp_by_differences(factor):
    loss = quartic()
    v = {k: factor * a for k, a in V.items()}
    expected = {
        "a": 12 * W["a"] ** 2 * v["a"] + np.array([1, 0]) * v["b"].sum(),
        "b": np.full(3, v["a"][0]),
    }
    product = loss.hvp(W, v)
    for k in W:
        np.testing.assert_allclose(product[k], expected[k], rtol=1e-7, atol=1e-7 * factor)
    zero = loss.hvp(W, {k: 0 * a for k, a in V.items()})
    assert all(not a.any() for a in zero.values())


def test_float32_is_kept():
    w, v = ({k: a.astype(np.float32) for k, a in p.items()} for p in (W, V))
    product = quartic().hvp(w, v)
    assert all(a.dtype == np.float32 for a in product.values())
    np.testing.assert_allclose(product["a"], quartic().hvp(W, V)["a"], rtol=2e-2)


def test_given_hvp_and_options():
    calls = []

    def hvp(w, v):
        calls.append(1)
        return v

    loss = quartic(hvp)
    assert loss.hvp(W, V) is V
    assert calls == [1]
    assert isinstance(loss, Loss)
    assert not hasattr(loss, "gauss_newton_product")
    assert not hasattr(loss, "shapes")
    assert gauss_newton_operator(loss, W) is None
    value, gradient = value_and_gradient(loss, W)
    assert value == loss.value(W) == pytest.approx(21.5)
    assert isinstance(value, float)
    assert set(gradient) == {"a", "b"}
    more = quartic(hvp, gauss_newton_product=lambda w, v: v, lower_bound=-5)
    assert gauss_newton_operator(more, W)(V) is V
    assert more.lower_bound == -5.0


def test_torch():
    torch = pytest.importorskip("torch")
    loss = from_function(lambda w: (w["a"] ** 3).sum(), lambda w: {"a": 3 * w["a"] ** 2})
    w = {"a": torch.tensor([1.0, 2.0], dtype=torch.float64)}
    assert loss.value(w) == 9.0
    np.testing.assert_allclose(loss.hvp(w, w)["a"].numpy(), [6.0, 24.0], rtol=1e-8)


def test_errors():
    with pytest.raises(TypeError, match="value is a float"):
        from_function(1.0, lambda w: w)
    with pytest.raises(TypeError, match="gradient is a NoneType"):
        from_function(lambda w: 0.0, None)
    with pytest.raises(TypeError, match="hvp is a int"):
        from_function(lambda w: 0.0, lambda w: w, 3)
    bad = from_function(lambda w: 0.0, lambda w: {"c": w["a"]})
    with pytest.raises(ValueError, match=r"gradient: missing .*unknown \['c'\]"):
        bad.gradient(W)
    with pytest.raises(ValueError, match="vector"):
        quartic().hvp(W, {"a": V["a"]})
    narrow = from_function(lambda w: 0.0, lambda w: {"w": w["w"].astype(np.float32)})
    with pytest.raises(TypeError, match="float32"):
        narrow.gradient({"w": np.ones(2)})


def test_agrees_with_exact_hessian():
    booth = Booth()
    loss = from_function(booth.value, booth.gradient)
    w, v = {"w": np.array([5.0, -5.0])}, {"w": np.array([0.2, 0.7])}
    np.testing.assert_allclose(loss.hvp(w, v)["w"], booth.hvp(w, v)["w"], rtol=1e-9)
