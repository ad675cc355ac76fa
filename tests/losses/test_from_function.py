"""Losses from functions and the look-ups of optional methods."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport import DomainError, teleport
from liegroup_teleport.groups import GeneralLinear, HiddenIndex
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


# -- Gauss-Newton products from a residual ---------------------------------------------
TARGET = np.random.default_rng(5).normal(size=(4, 3))
FACTORS = {"U": (4, 2), "V": (3, 2)}


def misfit(w):
    return w["U"] @ w["V"].T - TARGET.astype(w["U"].dtype)


def push(w, v):
    return v["U"] @ w["V"].T + w["U"] @ v["V"].T


def pull(w, e):
    return {"U": e @ w["V"], "V": e.T @ w["U"]}


def factorisation(jvp=push, vjp=pull, **options):
    return from_function(
        lambda w: (misfit(w) ** 2).sum() / 2,
        lambda w: pull(w, misfit(w)),
        jvp=jvp,
        vjp=vjp,
        **options,
    )


def factors(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {n: rng.normal(size=s).astype(dtype) for n, s in FACTORS.items()}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_of_a_residual_against_its_jacobian(dtype):
    loss, w = factorisation(), factors(0, dtype)
    parts = [{"U": e[:8].reshape(4, 2), "V": e[8:].reshape(3, 2)} for e in np.eye(14, dtype=dtype)]
    J = np.stack([push(w, part).ravel() for part in parts], axis=1)
    v = factors(1, dtype)
    product = loss.gauss_newton_product(w, v)
    flat = np.concatenate([product[n].ravel() for n in FACTORS])
    expected = J.T @ (J @ np.concatenate([v[n].ravel() for n in FACTORS]))
    np.testing.assert_allclose(flat, expected, rtol=1e-11 if dtype == np.float64 else 1e-3)
    assert all(a.dtype == dtype for a in product.values())
    assert gauss_newton_operator(loss, w)(v)["U"].shape == (4, 2)


def test_the_default_objective_works_on_a_residual():
    between = GeneralLinear([HiddenIndex(2, written=[("U", 1)], read=[("V", 1)])])
    w = factors(2)
    jump = teleport(factorisation(), between, w)
    assert jump.objective_after > jump.objective_before
    assert jump.evaluations["gauss_newton"] > 0

    class ByHand:
        value, gradient = (
            staticmethod(f) for f in (factorisation().value, factorisation().gradient)
        )

        @staticmethod
        def gauss_newton_product(w, v):
            return pull(w, push(w, v))

    same = teleport(ByHand(), between, w)
    assert same.objective_after == pytest.approx(jump.objective_after, rel=1e-12)


def test_weights_of_the_outputs():
    weights = np.linspace(1, 3, 12).reshape(4, 3)
    loss = factorisation(output_hessian=lambda w, e: weights * e)
    w, v = factors(0), factors(1)
    expected = pull(w, weights * push(w, v))
    product = loss.gauss_newton_product(w, v)
    assert all(np.array_equal(product[n], expected[n]) for n in w)


# any pair that is no adjoint pair is noticed by the first product that it is used for
NOT_ADJOINT = {
    "a constant more": lambda w, e: {"U": e @ w["V"], "V": e.T @ w["U"] + e.dtype.type(3)},
    "a missing parameter": lambda w, e: {**pull(w, e), "V": 0 * w["V"]},
    "twice": lambda w, e: {n: 2 * a for n, a in pull(w, e).items()},
    "a sign": lambda w, e: {n: -a for n, a in pull(w, e).items()},
    "another point": lambda w, e: pull({n: 1.01 * a for n, a in w.items()}, e),
    "zeros": lambda w, e: {n: 0 * a for n, a in w.items()},
}


@pytest.mark.parametrize("kind", NOT_ADJOINT)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_pair_that_is_not_adjoint(kind, dtype):
    loss = factorisation(vjp=NOT_ADJOINT[kind])
    for seed in range(10):
        with pytest.raises(ValueError, match="vjp is not the adjoint of jvp"):
            loss.gauss_newton_product(factors(seed, dtype), factors(seed + 100, dtype))


def test_errors_of_a_residual():
    w, v = factors(0), factors(1)
    for options, message in (
        ({"jvp": push}, "jvp is given without vjp"),
        ({"vjp": pull}, "vjp is given without jvp"),
        ({"output_hessian": push}, "output_hessian is given without jvp and vjp"),
        ({"jvp": push, "vjp": 3}, "vjp is a int; expected a function"),
        ({"jvp": "J", "vjp": pull}, "jvp is a str; expected a function"),
        ({"jvp": push, "vjp": pull, "output_hessian": 2.0}, "output_hessian is a float"),
        ({"jvp": push, "vjp": pull, "gauss_newton_product": push}, "given beside jvp and vjp"),
    ):
        with pytest.raises(TypeError, match=message):
            from_function(misfit, misfit, **options)
    with pytest.raises(TypeError, match=r"jvp\(w, v\) returned a NoneType; expected one array"):
        factorisation(jvp=lambda w, v: None).gauss_newton_product(w, v)
    with pytest.raises(TypeError, match="vjp must be a dict of arrays, got ndarray"):
        factorisation(vjp=lambda w, e: e).gauss_newton_product(w, v)
    with pytest.raises(ValueError, match=r"vjp: missing \['V'\]"):
        factorisation(vjp=lambda w, e: {"U": w["U"]}).gauss_newton_product(w, v)
    with pytest.raises(ValueError, match=r"output_hessian.w, e. has shape \(3, 4\)"):
        factorisation(output_hessian=lambda w, e: e.T).gauss_newton_product(w, v)
    with pytest.raises(ValueError, match="negative curvature"):
        factorisation(output_hessian=lambda w, e: -e).gauss_newton_product(w, v)
    with pytest.raises(DomainError, match="not finite"):
        factorisation(jvp=lambda w, v: push(w, v) * np.nan).gauss_newton_product(w, v)
    zero = factorisation().gauss_newton_product(w, {n: 0 * a for n, a in v.items()})
    assert not any(a.any() for a in zero.values())
