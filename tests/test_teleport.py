"""``teleport``: statuses, errors, evaluations, the checked move."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

import liegroup_teleport as lt
from liegroup_teleport import (
    DomainError,
    GradientNorm,
    InvarianceError,
    LineSearchDecrease,
    ParameterNorm,
    PredictedDecrease,
    UnboundedOrbitError,
    teleport,
)
from liegroup_teleport.groups import GeneralLinear, HiddenIndex, PositiveRescaling
from liegroup_teleport.losses import Booth, Quadratic, from_function
from tests.groups.all_groups import ALL, BY_NAME, CASES, mlp, quadratic

STATUSES = {"optimal", "unattained", "boundary", "converged", "iteration_limit", "identity"}
OBJECTIVES = [GradientNorm(), ParameterNorm(), PredictedDecrease(1e-3), LineSearchDecrease()]
FIELDS = [
    "params", "element", "status", "message", "loss_before", "loss_after", "drift",
    "allowed_drift", "objective_before", "objective_after", "optimality", "bound", "evaluations",
]  # fmt: skip
RELU = BY_NAME["rescaling-relu"]
BOOTH = Booth()


def same(a, b):
    return set(a) == set(b) and all(np.array_equal(a[n], b[n]) for n in a)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
@pytest.mark.parametrize("sense", ["max", "min"])
def test_contract(case, objective, sense):
    """What every result owes, over all groups, objectives and senses."""
    w = case.start()
    kept = {n: a.copy() for n, a in w.items()}
    radius = case.scale * 0.3
    iterations = 40 if case.group.scope != "batch" else 5  # slopes by differences are slow
    result = teleport(
        case.loss, case.group, w, objective, sense=sense, radius=radius, max_iterations=iterations
    )
    assert same(w, kept)
    assert all(hasattr(result, name) for name in FIELDS)
    assert result.status in STATUSES
    assert isinstance(result.message, str)
    assert result.message
    assert result.drift <= result.allowed_drift
    assert result.drift <= 1e-11
    there = case.group.act_on_loss(result.element, case.loss)
    assert result.loss_before == case.loss.value(w)
    assert result.loss_after == pytest.approx(there.value(result.params), rel=1e-13)
    assert case.group.distance(result.element) <= radius * (1 + 1e-6)
    sign = 1 if sense == "max" else -1
    assert sign * result.objective_after >= sign * result.objective_before
    if result.status == "identity":
        assert same(result.params, w)
        assert result.objective_after == result.objective_before
    else:
        assert same(result.params, case.group.act(result.element, w))
        assert sign * result.objective_after > sign * result.objective_before
    if result.status == "optimal" and result.bound is not None:
        assert sign * result.bound >= sign * result.objective_after * (1 - sign * 1e-9)
    assert set(result.evaluations) == {"loss", "gradient", "hvp", "gauss_newton"}
    assert result.evaluations["gradient"] == 1
    if isinstance(objective, ParameterNorm):
        expected = sum(float(np.vdot(a, a)) for a in result.params.values())
        assert result.objective_after == pytest.approx(expected, rel=1e-9)
    if isinstance(objective, GradientNorm):
        v = there.gradient(result.params)
        assert result.objective_after == pytest.approx(
            sum(float(np.vdot(a, a)) for a in v.values()), rel=1e-9
        )


def test_every_status_is_reached():
    w = RELU.start()
    loss, group = RELU.loss, RELU.group
    products = Quadratic(aslinearoperator(np.diag([1.0, 2.0, 5.0])))  # nothing bounds its spectrum
    dead = {n: a.copy() for n, a in w.items()}
    dead["W1"][0] = 0
    found = {
        "optimal": teleport(loss, group, w, ParameterNorm()),
        "unattained": teleport(loss, group, dead, ParameterNorm()),
        "boundary": teleport(loss, group, w, GradientNorm(), radius=0.1),
        "converged": teleport(
            products, products.symmetry(), {"w": np.array([5.0, -5.0, 1.0])}, GradientNorm()
        ),
        "iteration_limit": teleport(loss, group, w, LineSearchDecrease(), max_iterations=5),
        "identity": teleport(BOOTH, BOOTH.symmetry(), {"w": np.array([1.0, 3.0])}, GradientNorm()),
    }
    assert found["optimal"].status == "optimal"
    assert found["unattained"].status == "unattained"
    assert found["boundary"].status == "boundary"
    assert found["converged"].status == "converged"
    assert found["iteration_limit"].status == "iteration_limit"
    assert found["identity"].status == "identity"


def test_evaluations_are_counted():
    calls = {"value": 0, "gradient": 0}

    class Spy:
        shapes = RELU.loss.shapes

        def value(self, w):
            calls["value"] += 1
            return RELU.loss.value(w)

        def gradient(self, w):
            calls["gradient"] += 1
            return RELU.loss.gradient(w)

        def hvp(self, w, v):
            raise AssertionError("a linear action needs no Hessian")

    result = teleport(Spy(), RELU.group, RELU.start(), GradientNorm(), radius=1.0)
    assert result.evaluations == {"loss": 2, "gradient": 1, "hvp": 0, "gauss_newton": 0}
    assert calls == {"value": 2, "gradient": 1}
    together = teleport(RELU.loss, RELU.group, RELU.start(), GradientNorm(), radius=1.0)
    assert together.evaluations == {"loss": 1, "gradient": 1, "hvp": 0, "gauss_newton": 0}
    line = teleport(RELU.loss, RELU.group, RELU.start())
    assert line.evaluations["gauss_newton"] > 0
    assert line.evaluations["gradient"] == 1


def test_default_objective_and_radius():
    w = RELU.start()
    result = teleport(RELU.loss, RELU.group, w)
    explicit = teleport(RELU.loss, RELU.group, w, LineSearchDecrease(), radius=1.0)
    assert same(result.params, explicit.params)
    assert result.objective_after == explicit.objective_after
    assert RELU.group.distance(result.element) <= 1 + 1e-6
    wider = teleport(RELU.loss, RELU.group, w, radius=0.2)
    assert RELU.group.distance(wider.element) <= 0.2 * (1 + 1e-6)
    compact = teleport(BOOTH, BOOTH.symmetry(), {"w": np.array([5.0, -5.0])})
    assert compact.objective_after >= compact.objective_before


def test_senses():
    w = {"w": np.array([5.0, -5.0])}
    group = BOOTH.symmetry()
    best = teleport(BOOTH, group, w, GradientNorm())
    worst = teleport(BOOTH, group, w, GradientNorm(), sense="min")
    assert best.objective_after > best.objective_before > worst.objective_after
    assert same(best.params, teleport(BOOTH, group, w, GradientNorm(), sense="max").params)
    small = teleport(RELU.loss, RELU.group, RELU.start(), ParameterNorm())
    assert small.objective_after < small.objective_before


# -- identity ------------------------------------------------------------------
@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_zero_gradient_is_the_identity(objective):
    if isinstance(objective, ParameterNorm):
        pytest.skip("needs no gradient")
    zero = {n: 0 * a for n, a in RELU.start().items()}
    result = teleport(RELU.loss, RELU.group, zero, objective, radius=1.0)
    assert result.status == "identity"
    assert same(result.params, zero)
    assert "gradient" in result.message
    assert result.drift == 0


def test_zero_gradient_on_a_quadratic():
    loss = quadratic(4)
    for objective in (None, GradientNorm(), LineSearchDecrease(), PredictedDecrease(0.01)):
        result = teleport(loss, loss.symmetry(), {"w": loss.minimum.copy()}, objective)
        assert result.status == "identity"
        assert result.loss_before == 0
        assert result.drift == 0


def test_constant_objective_is_the_identity():
    loss = Quadratic(np.eye(3))
    result = teleport(loss, loss.symmetry(), {"w": np.arange(3.0)}, GradientNorm())
    assert result.status == "identity"
    # scaling arrays that hold nothing: constant on a non-compact orbit, so no error
    still = PositiveRescaling([HiddenIndex(2, written=[("v", 0)])])
    free = from_function(
        lambda w: float((w["u"] ** 2).sum()),
        lambda w: {"u": 2 * w["u"], "v": 0 * w["v"]},
    )
    result = teleport(free, still, {"u": np.ones(2), "v": np.ones(2)}, GradientNorm())
    assert result.status == "identity"
    assert "constant" in result.message


def test_already_best():
    first = teleport(RELU.loss, RELU.group, RELU.start(), ParameterNorm())
    again = teleport(RELU.loss, RELU.group, first.params, ParameterNorm())
    assert again.status in ("identity", "optimal")
    assert again.objective_after == pytest.approx(first.objective_after, rel=1e-12)
    w = {"w": np.array([5.0, -5.0])}
    top = teleport(BOOTH, BOOTH.symmetry(), w, GradientNorm())
    assert teleport(BOOTH, BOOTH.symmetry(), top.params, GradientNorm()).objective_after == (
        pytest.approx(top.objective_after, rel=1e-12)
    )


def test_dimension_zero():
    loss = Quadratic(np.array([[2.0]]))
    result = teleport(loss, loss.symmetry(), {"w": np.array([3.0])}, GradientNorm())
    assert result.status == "identity"


# -- stability -----------------------------------------------------------------
@pytest.mark.parametrize("name", ["rescaling-leaky-bias", "gl-bias", "rescaling-relu"])
@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_stability_bound(name, rate):
    case = BY_NAME[name]
    w = case.start()

    def sharpness(p):
        names = list(p)
        flat = np.concatenate([a.ravel() for a in p.values()])
        columns = []
        for e in np.eye(len(flat)):
            v, k = {}, 0
            for n in names:
                v[n] = e[k : k + p[n].size].reshape(p[n].shape)
                k += p[n].size
            columns.append(np.concatenate([a.ravel() for a in case.loss.hvp(p, v).values()]))
        H = np.array(columns)
        return rate * np.linalg.eigvalsh((H + H.T) / 2)[-1]

    before = sharpness(w)
    for objective in (GradientNorm(), PredictedDecrease(rate)):
        result = teleport(case.loss, case.group, w, objective, stability=(rate, 1.0))
        assert sharpness(result.params) <= max(1.0, before) * (1 + 2e-3)
        assert result.objective_after >= result.objective_before
        assert result.evaluations["hvp"] > 0
    automatic = teleport(case.loss, case.group, w, PredictedDecrease(rate))
    assert same(automatic.params, result.params)
    # the promise of the predicted decrease is kept by one real step
    v = case.loss.gradient(automatic.params)
    reached = case.loss.value({n: automatic.params[n] - rate * v[n] for n in v})
    if automatic.status != "identity":
        assert reached <= automatic.loss_before - automatic.objective_after / 2
    held = teleport(case.loss, case.group, w, GradientNorm(), stability=(rate, 1.0), radius=0.2)
    assert case.group.distance(held.element) <= 0.2 * (1 + 1e-6)


def test_stability_off():
    with pytest.raises(UnboundedOrbitError):
        teleport(RELU.loss, RELU.group, RELU.start(), GradientNorm(), stability=None)
    result = teleport(
        RELU.loss, RELU.group, RELU.start(), PredictedDecrease(1e-3), stability=None, radius=0.5
    )
    assert result.evaluations["hvp"] == 0


# -- the checked move -----------------------------------------------------------
def test_what_is_no_symmetry_is_refused():
    loss = mlp((3, 4, 2), "tanh")
    group = PositiveRescaling([HiddenIndex(4, written=[("W1", 0)], read=[("W2", 1)])])
    w = loss.init(np.random.default_rng(0))
    kept = {n: a.copy() for n, a in w.items()}
    with pytest.raises(InvarianceError, match=r"PositiveRescaling.*not a symmetry"):
        teleport(loss, group, w, GradientNorm(), radius=1.0)
    assert same(w, kept)
    relu = mlp((3, 4, 2), "relu")
    with pytest.raises(InvarianceError, match="GeneralLinear"):
        teleport(relu, GeneralLinear(relu.hidden_indices()), w, ParameterNorm())
    gelu = mlp((3, 4, 2), "gelu")
    with pytest.raises(InvarianceError):
        teleport(gelu, group, w, GradientNorm(), radius=1.0)


def test_other_data_is_refused():
    loss = mlp((4, 5, 2), "leaky_relu", samples=4)
    w = loss.init(np.random.default_rng(0))
    with pytest.raises(InvarianceError, match="batch"):
        teleport(
            loss.batch([0, 1]), loss.batch([2, 3]).batch_symmetry(), w, ParameterNorm(), radius=0.5
        )


# -- dtypes and libraries --------------------------------------------------------
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_float32(case):
    w = case.start(dtype=np.float32)
    result = teleport(
        case.loss, case.group, w, GradientNorm(), radius=case.scale * 0.3, max_iterations=20
    )
    assert all(a.dtype == np.float32 for a in result.params.values())
    assert result.drift <= result.allowed_drift
    wide = teleport(
        case.loss, case.group, {n: a.astype(np.float64) for n, a in w.items()}, GradientNorm(),
        radius=case.scale * 0.3, max_iterations=20,
    )  # fmt: skip
    assert result.objective_after == pytest.approx(wide.objective_after, rel=2e-2)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch(case, dtype):
    torch = pytest.importorskip("torch")
    w = case.start(dtype=np.dtype(dtype))
    tw = {n: torch.tensor(a) for n, a in w.items()}
    kept = {n: a.clone() for n, a in tw.items()}
    batch = case.group.scope == "batch"
    options = {"radius": case.scale * 0.3, "max_iterations": 2 if batch else 20}
    objective = ParameterNorm() if batch else LineSearchDecrease()
    ours = teleport(case.loss, case.group, w, objective, **options)
    theirs = teleport(case.loss, case.group, tw, objective, **options)
    for n, a in theirs.params.items():
        assert isinstance(a, torch.Tensor)
        assert a.dtype == getattr(torch, dtype)
        assert torch.equal(tw[n], kept[n])
    assert theirs.drift <= theirs.allowed_drift
    rel = 1e-6 if dtype == "float64" else 5e-2
    assert theirs.objective_after == pytest.approx(ours.objective_after, rel=rel)
    assert isinstance(theirs.loss_after, float)
    assert isinstance(theirs.objective_after, float)


def test_repeatable():
    for case in CASES[:4]:
        first, second = (teleport(case.loss, case.group, case.start()) for _ in range(2))
        assert same(first.params, second.params)
        third = teleport(case.loss, case.group, case.start(), rng=np.random.default_rng(9))
        assert third.objective_after >= third.objective_before


# -- errors ----------------------------------------------------------------------
def changed(**arrays):
    w = {**RELU.start(), **arrays}
    return {n: a for n, a in w.items() if a is not None}


@pytest.mark.parametrize(
    ("w", "error", "match"),
    [
        (changed(W2=None), ValueError, "missing .*W2"),
        (changed(extra=np.ones(2)), ValueError, "unknown .*extra"),
        (changed(W1=np.ones((4, 2))), ValueError, r"W1.*\(4, 2\)"),
        (changed(W1=np.ones((4, 3), dtype=np.float32)), TypeError, "float32"),
        (changed(W1=np.ones((4, 3), dtype=int)), TypeError, "int64"),
        (changed(W1=[[1.0]]), TypeError, "W1"),
        (changed(W1=np.full((4, 3), np.nan)), DomainError, "W1.*not finite"),
        (changed(W1=np.full((4, 3), np.inf)), DomainError, "W1.*not finite"),
        ({}, ValueError, "empty"),
        ([1, 2], TypeError, "dict"),
    ],
)
def test_bad_parameters(w, error, match):
    with pytest.raises(error, match=match):
        teleport(RELU.loss, RELU.group, w, GradientNorm(), radius=1.0)


def test_mixed_libraries():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="librar"):
        teleport(RELU.loss, RELU.group, changed(W1=torch.ones(4, 3, dtype=torch.float64)))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"sense": "up"}, ValueError, "sense is 'up'"),
        ({"radius": 0.0}, ValueError, "radius is 0"),
        ({"radius": -1.0}, ValueError, "radius is -1"),
        ({"radius": np.nan}, ValueError, "radius is nan"),
        ({"tol": 0.0}, ValueError, "tol is 0"),
        ({"radius": "1"}, TypeError, "radius is '1'"),
        ({"radius": [1.0]}, TypeError, r"radius is \[1.0\]"),
        ({"radius": np.ones(1)}, TypeError, "radius is a ndarray of shape"),
        ({"radius": True}, TypeError, "radius is True"),
        ({"radius": 1j}, TypeError, "radius is 1j"),
        ({"radius": np.inf}, ValueError, "radius is inf"),
        ({"radius": None, "box": "1"}, TypeError, "box is '1'"),
        ({"radius": None, "box": np.nan}, ValueError, "box is nan"),
        ({"radius": None, "box": [1.0]}, TypeError, "box is"),
        ({"tol": np.inf}, ValueError, "tol is inf"),
        ({"tol": "small"}, TypeError, "tol is 'small'"),
        ({"rng": 3}, TypeError, "rng is a int"),
        ({"sense": np.ones(2)}, ValueError, "sense is"),
        ({"max_iterations": 0}, ValueError, "max_iterations is 0"),
        ({"max_iterations": True}, TypeError, "max_iterations is True"),
        ({"max_iterations": np.inf}, ValueError, "max_iterations is inf"),
        ({"max_iterations": "9"}, TypeError, "max_iterations is '9'"),
        ({"stability": (0.1, "1")}, TypeError, "c is '1'"),
        ({"stability": (0.1, True)}, TypeError, "c is True"),
        ({"stability": (0.1, np.inf)}, ValueError, "c is inf"),
        ({"stability": "ab"}, ValueError, "stability is 'ab'"),
        ({"stability": np.ones(3)}, ValueError, "stability is"),
        ({"max_iterations": 1.5}, ValueError, "max_iterations is 1.5"),
        ({"stability": (0.0, 1.0)}, ValueError, "learning rate is 0"),
        ({"stability": (0.1, -1.0)}, ValueError, "c is -1"),
        ({"stability": "on"}, ValueError, "stability is 'on'"),
        ({"stability": 3}, ValueError, "stability is 3"),
        ({"objective": "norm"}, TypeError, "objective is 'norm'"),
        ({"objective": PredictedDecrease()}, ValueError, "learning rate"),
        ({"group": "GL"}, TypeError, "group is a str"),
    ],
)
def test_bad_options(options, error, match):
    options = {"radius": 1.0, "objective": GradientNorm(), "group": RELU.group, **options}
    with pytest.raises(error, match=match):
        teleport(RELU.loss, w=RELU.start(), **options)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.array, int])
@pytest.mark.parametrize("bound", ["radius", "box"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bounds_of_any_precision_are_python_numbers(kind, bound, dtype):
    """Nothing behind a bound is computed in the precision that it was written in."""
    loss = mlp((3, 4, 2), "relu")
    group = loss.symmetry()
    w = {name: a.astype(dtype) for name, a in loss.init(np.random.default_rng(0)).items()}
    given = kind(1.3)
    result = teleport(loss, group, w, GradientNorm(), **{bound: given})
    plain = teleport(loss, group, w, GradientNorm(), **{bound: float(given)})
    assert result.objective_after == plain.objective_after
    assert result.objective_after <= result.bound
    scales = group.log(result.element)
    size = np.max(np.abs(scales)) if bound == "box" else np.linalg.norm(scales)
    assert size <= float(given) * (1 + (0 if bound == "box" else 4e-16))


@pytest.mark.parametrize("radius", [5e-324, 1e-300, 1e-17, 400.0, 1e308])
@pytest.mark.parametrize("name", ["rescaling-leaky-bias", "quadratic-dense", "chart-booth"])
def test_radii_of_any_size(name, radius):
    case = BY_NAME[name]
    options = {"radius": radius, "max_iterations": 5}
    # a radius beyond what numbers bear is no error: the search stays where they do
    result = teleport(case.loss, case.group, case.start(), GradientNorm(), **options)
    assert case.group.distance(result.element) <= radius
    assert (result.status == "identity") >= (radius < 1)


def test_bad_losses():
    w = RELU.start()
    value, gradient = RELU.loss.value, RELU.loss.gradient
    bad = from_function(value, lambda w: {n: a * np.nan for n, a in gradient(w).items()})
    with pytest.raises(DomainError, match=r"gradient.*not finite"):
        teleport(bad, RELU.group, w, GradientNorm(), radius=1.0)
    with pytest.raises(DomainError, match=r"loss .*nan"):
        teleport(
            from_function(lambda w: np.nan, gradient), RELU.group, w, GradientNorm(), radius=1.0
        )

    class Missing:
        def value(self, w):
            return value(w)

        def gradient(self, w):
            return {"W1": gradient(w)["W1"]}

        def hvp(self, w, v):
            return v

    with pytest.raises(ValueError, match="missing"):
        teleport(Missing(), RELU.group, w, GradientNorm(), radius=1.0)
    with pytest.raises(TypeError, match="Gauss-Newton"):
        teleport(from_function(value, gradient), RELU.group, w)


def test_rank_deficient_batch():
    loss = mlp((3, 4, 2), "leaky_relu", samples=8)
    w = loss.init(np.random.default_rng(0))
    kept = {n: a.copy() for n, a in w.items()}
    with pytest.raises(DomainError, match="rank-deficient batch"):
        teleport(loss, loss.batch_symmetry(), w, GradientNorm(), radius=0.5)
    assert same(w, kept)


def test_unbounded():
    with pytest.raises(UnboundedOrbitError, match=r"not compact.*radius"):
        teleport(RELU.loss, RELU.group, RELU.start(), GradientNorm())
    assert issubclass(lt.UnboundedOrbitError, ValueError)


def test_result_reads_well():
    text = repr(teleport(RELU.loss, RELU.group, RELU.start()))
    assert "status=" in text
    assert "array(" not in text
