"""MLP: derivatives against finite differences and autograd, dtypes, batches, errors."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liegroup_teleport._errors import DomainError
from liegroup_teleport.losses import MLP, LeakyReLU, Loss
from liegroup_teleport.losses._base import gauss_newton_operator, value_and_gradient

ACTIVATIONS = ["linear", "relu", "leaky_relu", "tanh", "sigmoid", "gelu", LeakyReLU(1.5)]
WIDTHS = (4, 5, 3, 3)


def make(activation="tanh", loss="mse", bias=True, samples=6, widths=WIDTHS, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(samples, widths[0]))
    T = (
        rng.normal(size=(samples, widths[-1]))
        if loss == "mse"
        else rng.integers(0, widths[-1], samples)
    )
    mlp = MLP(widths, activation=activation, inputs=X, targets=T, loss=loss, bias=bias)
    return mlp, mlp.init(rng), mlp.init(rng)


def shift(w, v, t):
    return {k: w[k] + t * v[k] for k in w}


def dot(u, v):
    return sum(float((u[k] * v[k]).sum()) for k in u)


def close(a, b, rtol=1e-7):
    assert list(a) == list(b)
    scale = max(np.abs(np.asarray(x)).max() for x in b.values())
    for k in a:
        np.testing.assert_allclose(np.asarray(a[k]), np.asarray(b[k]), rtol=0, atol=rtol * scale)


def richardson(f, t):
    """Central difference of fourth order."""
    return (8 * (f(t) - f(-t)) - (f(2 * t) - f(-2 * t))) / (12 * t)


cases = pytest.mark.parametrize(
    ("activation", "loss", "bias"),
    [(a, o, b) for a in ACTIVATIONS for o in ("mse", "cross_entropy") for b in (False, True)],
    ids=str,
)


@cases
def test_gradient_is_derivative_of_value(activation, loss, bias):
    mlp, w, v = make(activation, loss, bias)
    numeric = richardson(lambda t: mlp.value(shift(w, v, t)), 1e-4)
    value, gradient = mlp.value_and_gradient(w)
    assert value == pytest.approx(mlp.value(w), rel=1e-14)
    assert dot(gradient, v) == pytest.approx(numeric, rel=1e-7)
    close(mlp.gradient(w), gradient, 0)


@cases
def test_hvp_is_derivative_of_gradient(activation, loss, bias):
    mlp, w, v = make(activation, loss, bias)
    numeric = {
        k: richardson(lambda t, k=k: mlp.gradient(shift(w, v, t))[k], 1e-4) for k in mlp.shapes
    }
    close(mlp.hvp(w, v), numeric)


@cases
def test_gauss_newton_is_linearised_outputs(activation, loss, bias):
    mlp, w, v = make(activation, loss, bias)
    u = mlp.init(np.random.default_rng(5))
    Jv = richardson(lambda t: mlp.forward(shift(w, v, t)), 1e-4)
    Ju = richardson(lambda t: mlp.forward(shift(w, u, t)), 1e-4)
    if loss == "mse":
        expected = float((Ju * Jv).sum())
    else:
        out = mlp.forward(w)
        p = np.exp(out) / np.exp(out).sum(1, keepdims=True)
        HJv = p * (Jv - (p * Jv).sum(1, keepdims=True)) / len(out)
        expected = float((Ju * HJv).sum())
    product = mlp.gauss_newton_product(w, v)
    assert dot(product, u) == pytest.approx(expected, rel=1e-7, abs=1e-9)
    close(mlp.gauss_newton_operator(w)(v), product, 0)
    close(gauss_newton_operator(mlp, w)(v), product, 0)
    assert dot(product, v) >= 0


@cases
def test_torch_autograd_agrees(activation, loss, bias):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    functions = {
        "linear": lambda z: z,
        "relu": torch.relu,
        "leaky_relu": lambda z: F.leaky_relu(z, 0.1),
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "gelu": lambda z: F.gelu(z, approximate="tanh"),
        LeakyReLU(1.5): lambda z: F.leaky_relu(z, 1.5),
    }
    mlp, w, v = make(activation, loss, bias)
    tw = {k: torch.tensor(a, requires_grad=True) for k, a in w.items()}
    tv = {k: torch.tensor(a) for k, a in v.items()}
    h = torch.tensor(mlp.inputs)
    for m in (1, 2, 3):
        h = F.linear(h, tw[f"W{m}"], tw.get(f"b{m}"))
        h = functions[activation](h) if m < 3 else h
    T = torch.tensor(mlp.targets)
    value = 0.5 * ((h - T) ** 2).sum() if loss == "mse" else F.cross_entropy(h, T)
    grads = torch.autograd.grad(value, list(tw.values()), create_graph=True)
    close(mlp.gradient(w), dict(zip(w, [g.detach() for g in grads], strict=True)), 1e-12)
    slope = sum((g * tv[k]).sum() for k, g in zip(w, grads, strict=True))
    hv = torch.autograd.grad(slope, list(tw.values()), allow_unused=True)
    hv = [torch.zeros_like(a) if h is None else h for h, a in zip(hv, tw.values(), strict=True)]
    close(mlp.hvp(w, v), dict(zip(w, hv, strict=True)), 1e-11)
    # the library's own results on torch parameters, recording or not, are torch's and NumPy's
    for result, expected in (
        (mlp.value_and_gradient(tw)[1], mlp.gradient(w)),
        (mlp.hvp(tw, tv), mlp.hvp(w, v)),
        (mlp.gauss_newton_product(tw, tv), mlp.gauss_newton_product(w, v)),
    ):
        assert all(isinstance(a, torch.Tensor) and not a.requires_grad for a in result.values())
        assert all(a.dtype == torch.float64 for a in result.values())
        close(result, expected, 1e-13)
    assert isinstance(mlp.value(tw), float)
    assert mlp.value(tw) == pytest.approx(float(value.detach()), rel=1e-13)
    assert mlp.forward(tw, torch.tensor(mlp.inputs)).shape == (6, 3)
    single = {k: a.detach().to(torch.float32) for k, a in tw.items()}
    assert all(a.dtype == torch.float32 for a in mlp.gradient(single).values())
    from_torch = MLP(
        WIDTHS, activation=activation, inputs=torch.tensor(mlp.inputs), targets=T, loss=loss,
        bias=bias,
    )  # fmt: skip
    assert from_torch.value(w) == mlp.value(w)


@cases
def test_float32_is_kept(activation, loss, bias):
    mlp, w, v = make(activation, loss, bias)
    w32, v32 = ({k: a.astype(np.float32) for k, a in p.items()} for p in (w, v))
    for f in (mlp.hvp, mlp.gauss_newton_product):
        result = f(w32, v32)
        assert {a.dtype for a in result.values()} == {np.dtype(np.float32)}
        close(result, f(w, v), 2e-5)
        assert {a.dtype for a in f(w, v).values()} == {np.dtype(np.float64)}
    assert {a.dtype for a in mlp.gradient(w32).values()} == {np.dtype(np.float32)}
    close(mlp.gradient(w32), mlp.gradient(w), 2e-5)
    Z, H = mlp.hidden(w32)
    assert {a.dtype for a in Z + H} == {np.dtype(np.float32)}
    assert mlp.value(w32) == pytest.approx(mlp.value(w), rel=1e-5)
    assert isinstance(mlp.value(w32), float)


@cases
def test_nothing_is_mutated(activation, loss, bias):
    mlp, w, v = make(activation, loss, bias)
    before = [a.copy() for a in (*w.values(), *v.values(), mlp.inputs, mlp.targets)]
    operator = mlp.gauss_newton_operator(w)
    first, again = operator(v), operator(v)
    close(first, again, 0)
    mlp.hvp(w, v)
    mlp.gradient(w)
    mlp.value(w)
    after = (*w.values(), *v.values(), mlp.inputs, mlp.targets)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_given_arrays_are_copied():
    X, T = np.ones((2, 2)), np.ones((2, 1))
    mlp = MLP([2, 1], activation="relu", inputs=X, targets=T)
    w = {"W1": np.array([[1.0, 2.0]])}
    before = mlp.value(w)
    X[:] = 7.0
    T[:] = 7.0
    assert mlp.value(w) == before


def test_non_contiguous_parameters():
    mlp, w, v = make("gelu")
    wide = {k: np.repeat(a, 2, axis=-1)[..., ::2] for k, a in w.items()}
    turned = {k: np.asfortranarray(a) for k, a in w.items()}
    for other in (wide, turned):
        close(mlp.gradient(other), mlp.gradient(w), 1e-14)
        close(mlp.hvp(other, v), mlp.hvp(w, v), 1e-14)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_batches_add_up(loss):
    mlp, w, _ = make("relu", loss)
    parts = [mlp.batch(np.array([0, 2, 4])), mlp.batch(np.array([1, 3, 5]))]
    total = sum(part.value(w) for part in parts)
    assert mlp.value(w) == pytest.approx(total / (1 if loss == "mse" else 2), rel=1e-13)
    mask = np.array([True, False] * 3)
    close(mlp.batch(mask).gradient(w), parts[0].gradient(w), 1e-15)
    close(mlp.batch(slice(0, 6, 2)).gradient(w), parts[0].gradient(w), 1e-15)
    close(mlp.batch([0, 2, 4]).gradient(w), parts[0].gradient(w), 1e-15)
    assert "samples=3" in repr(parts[0])
    assert parts[0].shapes == mlp.shapes
    with pytest.raises(IndexError):
        mlp.batch([6])
    with pytest.raises(ValueError, match="empty"):
        mlp.batch(np.array([], dtype=int))
    with pytest.raises(ValueError, match="expected 1-D"):
        mlp.batch(3)
    with pytest.raises(ValueError, match="expected 1-D"):
        mlp.batch([0.5])


def test_with_inputs_and_forward():
    mlp, w, _ = make("relu")
    X = np.random.default_rng(9).normal(size=(6, 4))
    np.testing.assert_allclose(mlp.with_inputs(X).forward(w), mlp.forward(w, X))
    with pytest.raises(ValueError, match="samples"):
        mlp.with_inputs(X[:5])
    with pytest.raises(ValueError, match="X have shape"):
        mlp.forward(w, X[:, :2])
    with pytest.raises(DomainError, match="not finite"):
        mlp.forward(w, X * np.nan)


@cases
def test_hidden_states(activation, loss, bias):
    mlp, w, _ = make(activation, loss, bias)
    Z, H = mlp.hidden(w)
    assert [z.shape[1] for z in Z] == [5, 3, 3]
    assert [h.shape[1] for h in H] == [4, 5, 3]
    np.testing.assert_array_equal(H[0], mlp.inputs)
    np.testing.assert_array_equal(H[1], mlp.activation(Z[0]))
    np.testing.assert_allclose(Z[-1], mlp.forward(w), rtol=1e-15)
    D = mlp.output_gradient(w)
    np.testing.assert_allclose(D.T @ H[-1], mlp.gradient(w)["W3"], rtol=1e-14)


def test_init():
    mlp, _, _ = make(widths=(100, 64, 4))
    w = mlp.init(np.random.default_rng(1))
    assert {k: a.shape for k, a in w.items()} == mlp.shapes
    assert list(w) == ["W1", "b1", "W2", "b2"]
    for k, fan_in in {"W1": 100, "b1": 100, "W2": 64, "b2": 64}.items():
        bound = 1 / np.sqrt(fan_in)
        assert np.abs(w[k]).max() <= bound
        assert w[k].dtype == np.float64
    assert np.abs(w["W1"]).max() > 0.099
    single = mlp.init(np.random.default_rng(1), dtype=np.float32)
    assert single["W1"].dtype == np.float32
    close(single, w, 1e-7)
    with pytest.raises(TypeError, match="Generator"):
        mlp.init(0)


def test_object_arrays_give_exact_linear_mse():
    half = np.vectorize(lambda a: Fraction(int(a), 2), otypes=[object])
    rng = np.random.default_rng(0)
    X, T = half(rng.integers(-4, 5, (3, 2))), half(rng.integers(-4, 5, (3, 2)))
    mlp = MLP([2, 3, 2], activation="linear", inputs=X, targets=T, bias=True)
    w, v = ({k: half(rng.integers(-4, 5, s)) for k, s in mlp.shapes.items()} for _ in range(2))
    numbers = MLP(
        [2, 3, 2], activation="linear", inputs=X.astype(float), targets=T.astype(float), bias=True
    )
    wf, vf = ({k: a.astype(float) for k, a in p.items()} for p in (w, v))
    assert isinstance(mlp.value(w), Fraction)
    assert float(mlp.value(w)) == numbers.value(wf)
    for exact, approximate in (
        (mlp.gradient(w), numbers.gradient(wf)),
        (mlp.hvp(w, v), numbers.hvp(wf, vf)),
        (mlp.gauss_newton_product(w, v), numbers.gauss_newton_product(wf, vf)),
    ):
        assert all(isinstance(x, Fraction) for a in exact.values() for x in a.flat)
        close({k: a.astype(float) for k, a in exact.items()}, approximate, 1e-14)


def test_sympy_parameters_and_injected_activation():
    sp = pytest.importorskip("sympy")

    class Square:
        """Not homogeneous, polynomial: its derivatives are exact."""

        name = "square"
        homogeneous = False
        bijective = False

        def __call__(self, z):
            return z * z

        def derivative(self, z):
            return 2 * z

        def second_derivative(self, z):
            return 0 * z + 2

    def symbols(prefix, *shape):
        return np.array(sp.symbols(f"{prefix}_:{int(np.prod(shape))}"), dtype=object).reshape(shape)

    mlp = MLP(
        [2, 2, 1], activation=Square(), inputs=symbols("x", 1, 2), targets=symbols("y", 1, 1),
        bias=True,
    )  # fmt: skip
    w = {k: symbols(k, *s) for k, s in mlp.shapes.items()}
    v = {k: symbols("v" + k, *s) for k, s in mlp.shapes.items()}
    value, gradient = mlp.value(w), mlp.gradient(w)
    hv = mlp.hvp(w, v)
    flat = [(s, d) for k in w for s, d in zip(w[k].flat, v[k].flat, strict=True)]
    for k in w:
        for s, g, h in zip(w[k].flat, gradient[k].flat, hv[k].flat, strict=True):
            assert sp.expand(sp.diff(value, s) - g) == 0
            assert sp.expand(sum(sp.diff(g, t) * d for t, d in flat) - h) == 0
    out = mlp.forward(w, symbols("q", 3, 2))
    assert out.shape == (3, 1)
    pytest.importorskip("liegroup_teleport.groups", exc_type=ImportError)
    with pytest.raises(TypeError, match="no continuous function-level symmetry"):
        mlp.symmetry()


def test_tiny_cross_entropy_keeps_its_digits():
    mlp = MLP([1, 2], activation="linear", inputs=[[1.0]], targets=[0], loss="cross_entropy")
    w = {"W1": np.array([[40.0], [0.0]])}
    value, gradient = mlp.value_and_gradient(w)
    assert value == pytest.approx(np.exp(-40.0), rel=1e-13)
    np.testing.assert_allclose(gradient["W1"][:, 0], np.exp(-40.0) * np.array([-1, 1]), rtol=1e-13)
    far = {"W1": np.array([[-2000.0], [0.0]])}
    assert mlp.value(far) == 2000.0
    np.testing.assert_allclose(mlp.gradient(far)["W1"][:, 0], [-1.0, 1.0])
    assert mlp.hvp(w, {"W1": np.array([[1.0], [1.0]])})["W1"] == pytest.approx(0.0, abs=1e-30)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu"])
def test_saturated_units_do_not_overflow(activation):
    mlp, w, v = make(activation)
    big = {k: 1e4 * a for k, a in w.items()}
    for result in (mlp.gradient(big), mlp.hvp(big, v), mlp.gauss_newton_product(big, v)):
        assert all(np.isfinite(a).all() for a in result.values())


def test_bad_parameters():
    mlp, w, v = make()
    with pytest.raises(ValueError, match=r"missing \['b3'\]"):
        mlp.value({k: a for k, a in w.items() if k != "b3"})
    with pytest.raises(ValueError, match=r"unknown \['W9'\]"):
        mlp.gradient({**w, "W9": w["W1"]})
    with pytest.raises(ValueError, match=r"'W2' has shape \(5, 3\); expected \(3, 5\)"):
        mlp.gradient({**w, "W2": w["W2"].T})
    with pytest.raises(TypeError, match="mix dtypes"):
        mlp.value({**w, "W2": w["W2"].astype(np.float32)})
    with pytest.raises(TypeError, match="floating"):
        mlp.value({k: a.astype(int) for k, a in w.items()})
    with pytest.raises(TypeError, match="expected an array"):
        mlp.value({**w, "W2": w["W2"].tolist()})
    with pytest.raises(TypeError, match="dict"):
        mlp.value([w])
    with pytest.raises(TypeError, match="float32"):
        mlp.hvp(w, {k: a.astype(np.float32) for k, a in v.items()})
    with pytest.raises(ValueError, match="missing"):
        mlp.gauss_newton_product(w, {"W1": w["W1"]})


good = {
    "widths": [2, 3, 2],
    "activation": "relu",
    "inputs": np.ones((3, 2)),
    "targets": np.ones((3, 2)),
}
labels = dict(good, loss="cross_entropy", targets=[0, 1, 1])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (dict(good, widths=[2]), ValueError, "at least 2"),
        (dict(good, widths=[2, 0, 2]), ValueError, "positive integers, got 0"),
        (dict(good, widths=[2, 2.5, 2]), ValueError, "positive integers, got 2.5"),
        (dict(good, widths=[2, True, 2]), ValueError, "got True"),
        (dict(good, widths=3), TypeError, "sequence"),
        (dict(good, activation="swish"), ValueError, "'swish'.*linear, relu, leaky_relu"),
        (dict(good, activation=np.tanh), TypeError, "expected one of"),
        (dict(good, activation=LeakyReLU), TypeError, "expected one of"),
        (dict(good, loss="mae"), ValueError, "'mae'.*mse, cross_entropy"),
        (dict(good, inputs=np.ones(2)), ValueError, r"inputs have shape \(2,\)"),
        (dict(good, inputs=np.ones((3, 4))), ValueError, r"\(3, 4\).*\(samples, 2\)"),
        (dict(good, inputs=np.ones((0, 2))), ValueError, "at least one sample"),
        (dict(good, inputs=[[1.0, np.nan]] * 3), DomainError, "3 entries"),
        (dict(good, inputs=[[1.0], [1.0, 2.0]]), ValueError, "cannot be read"),
        (dict(good, inputs=np.ones((3, 2), complex)), TypeError, "complex128"),
        (dict(good, targets=np.ones((3, 1))), ValueError, r"\(3, 1\); expected \(3, 2\)"),
        (dict(good, targets=np.full((3, 2), np.inf)), DomainError, "6 entries"),
        (dict(labels, targets=[0, 1, 2]), ValueError, r"targets\[2\] is label 2.*0 to 1"),
        (dict(labels, targets=[0, -1, 1]), ValueError, r"targets\[1\] is label -1"),
        (dict(labels, targets=[0.0, 1.0, 1.0]), TypeError, "integer labels"),
        (dict(labels, targets=[[0], [1], [1]]), ValueError, r"\(3, 1\); expected \(3,\)"),
        (dict(labels, targets=[0, 1]), ValueError, r"\(2,\); expected \(3,\)"),
        (dict(labels, widths=[2, 3, 1], targets=[0, 0, 0]), ValueError, "at least 2"),
    ],
)
def test_bad_construction(arguments, error, match):
    with pytest.raises(error, match=match):
        MLP(**arguments)


def test_cross_entropy_refuses_symbolic_parameters():
    mlp = MLP(**dict(labels, activation="linear"))
    w = {k: np.full(s, Fraction(1, 2), dtype=object) for k, s in mlp.shapes.items()}
    with pytest.raises(TypeError, match="symbolic"):
        mlp.value(w)


def test_protocol_and_repr():
    mlp, w, _ = make()
    assert isinstance(mlp, Loss)
    assert mlp.lower_bound == 0.0
    assert repr(mlp).startswith("MLP([4, 5, 3, 3], activation='tanh', loss='mse', bias=True")
    value, gradient = value_and_gradient(mlp, w)
    assert value == mlp.value_and_gradient(w)[0]
    close(gradient, mlp.gradient(w), 0)


@settings(max_examples=40, deadline=None)
@given(
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    activation=st.sampled_from(ACTIVATIONS),
    bias=st.booleans(),
    samples=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_curvatures_are_symmetric(widths, activation, bias, samples, seed):
    mlp, w, v = make(activation, "mse", bias, samples, tuple(widths), seed)
    u = mlp.init(np.random.default_rng(seed + 1))
    for f in (mlp.hvp, mlp.gauss_newton_product):
        a, b = f(w, v), f(w, u)
        assert {k: x.shape for k, x in a.items()} == mlp.shapes
        scale = np.sqrt(dot(a, a) * dot(u, u)) + np.sqrt(dot(b, b) * dot(v, v)) + 1e-300
        assert abs(dot(a, u) - dot(b, v)) <= 1e-12 * scale


def test_symmetry_by_activation():
    groups = pytest.importorskip("liegroup_teleport.groups", exc_type=ImportError)
    assert isinstance(make("linear")[0].symmetry(), groups.GeneralLinear)
    for activation in ("relu", "leaky_relu", LeakyReLU(0.5)):
        assert isinstance(make(activation)[0].symmetry(), groups.PositiveRescaling)
    for activation in ("tanh", "sigmoid", "gelu"):
        with pytest.raises(TypeError, match="no continuous function-level symmetry"):
            make(activation)[0].symmetry()
    with pytest.raises(TypeError, match="no hidden layer"):
        make("relu", widths=(3, 2))[0].symmetry()
    indices = make("relu")[0].hidden_indices()
    assert [i.size for i in indices] == [5, 3]


def test_symmetries_leave_the_loss():
    pytest.importorskip("liegroup_teleport.groups", exc_type=ImportError)
    for activation in ("relu", "linear"):
        mlp, w, _ = make(activation)
        group = mlp.symmetry()
        g = group.random_element(np.random.default_rng(3))
        moved = group.act(g, w)
        assert mlp.value(moved) == pytest.approx(mlp.value(w), rel=1e-12)
        close(mlp.gradient(moved), group.act_cotangent(g, w, mlp.gradient(w)), 1e-12)


def test_batch_symmetry():
    groups = pytest.importorskip("liegroup_teleport.groups", exc_type=ImportError)
    if not hasattr(groups, "ActivationGL"):
        pytest.skip("no ActivationGL")
    mlp, _, _ = make("leaky_relu", samples=3)
    assert isinstance(mlp.batch_symmetry(), groups.ActivationGL)
