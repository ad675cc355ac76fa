"""Laws of every group, and the symmetry of every loss, as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from liegroup_teleport import DomainError
from liegroup_teleport.groups import GeneralLinear, HiddenIndex, PositiveRescaling
from liegroup_teleport.losses import MLP, Quadratic
from liegroup_teleport.testing import assert_group_laws, assert_symmetry, strategies
from tests.groups.all_groups import ALL, BY_NAME, mlp

each = pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["f64", "f32"])


@each
@dtypes
def test_group_laws(case, dtype):
    assert_group_laws(
        case.group, max_examples=100 if dtype == np.float64 else 10, dtype=dtype, scale=case.scale
    )


@each
@dtypes
def test_symmetry(case, dtype):
    assert_symmetry(
        case.group,
        case.loss,
        max_examples=100 if dtype == np.float64 else 30,
        dtype=dtype,
        scale=case.scale,
        parameter_scale=case.parameter_scale,
    )


@each
def test_check_invariance_passes(case):
    # random elements of length one leave the range of tanh and sigmoid
    if case.scale < 0.1:
        pytest.skip("defined near the identity only")
    report = case.group.check_invariance(
        case.loss, case.start(), rng=np.random.default_rng(1), trials=5
    )
    assert report.passed
    assert report.max_drift < 1e-11
    with pytest.raises(ValueError, match="trials is 0"):
        case.group.check_invariance(case.loss, case.start(), rng=np.random.default_rng(1), trials=0)


def test_strategies_shrink_and_fit():
    case = BY_NAME["rescaling-relu"]

    @settings(max_examples=20)
    @given(g=strategies.elements(case.group, 0.5), w=strategies.parameters(case.loss, np.float32))
    def check(g, w):
        assert case.group.distance(g) <= 0.5 + 1e-12
        assert {n: a.shape for n, a in w.items()} == case.loss.shapes
        assert all(a.dtype == np.float32 for a in w.values())

    check()
    with pytest.raises(TypeError, match="no attribute shapes"):
        strategies.parameters(object())
    with pytest.raises(ValueError, match="scale is -1"):
        strategies.elements(case.group, -1)


# -- negative controls ----------------------------------------------------------
@pytest.mark.parametrize("activation", ["gelu", "tanh", "sigmoid"])
def test_no_rescaling_of_other_activations(activation):
    loss = mlp((3, 4, 2), activation)
    group = PositiveRescaling([HiddenIndex(4, written=[("W1", 0)], read=[("W2", 1)])])
    with pytest.raises(TypeError, match=activation):
        loss.symmetry()
    report = group.check_invariance(
        loss, loss.init(np.random.default_rng(0)), rng=np.random.default_rng(1)
    )
    assert not report.passed
    assert report.max_drift > 1e-6
    assert group.distance(report.worst_element) > 0
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(group, loss)


def test_gl_is_no_symmetry_of_relu():
    loss = mlp((3, 4, 2), "relu")
    group = GeneralLinear(loss.hidden_indices())
    assert not group.check_invariance(
        loss, loss.init(np.random.default_rng(0)), rng=np.random.default_rng(1)
    ).passed


@pytest.mark.parametrize(
    "index",
    [
        HiddenIndex(3, written=[("W1", 0)], read=[("W2", 0)]),  # the wrong axis is read
        HiddenIndex(3, written=[("W1", 0)]),  # nothing undoes it
        HiddenIndex(3, written=[("W1", 0), ("W2", 1)]),  # both grow
        HiddenIndex(3, written=[("W1", 1)], read=[("W2", 1)]),
    ],
)
@pytest.mark.parametrize("kind", [PositiveRescaling, GeneralLinear])
def test_wrong_index_is_noticed(kind, index):
    loss = mlp((3, 3, 3), "linear")
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(kind([index]), loss)
    assert_group_laws(kind([index]), max_examples=10)  # a group it is all the same


def test_forgotten_bias_is_noticed():
    loss = mlp((3, 4, 2), "relu", bias=True)
    group = PositiveRescaling([HiddenIndex(4, written=[("W1", 0)], read=[("W2", 1)])])
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(group, loss)


class WrongTranspose(GeneralLinear):
    """Gradients move with the inverse where they should with its transpose."""

    def act_cotangent(self, g, w, v):
        g = self._element(g)
        return self._transform([b for _, b in g], [a for a, _ in g], v)


class WrongGenerator(PositiveRescaling):
    """The velocity has the wrong sign on axes that read."""

    def generator(self, x, w):
        good = super().generator(x, w)
        return {name: -a if name == "W2" else a for name, a in good.items()}


class Mutating(PositiveRescaling):
    """Rescales in place."""

    def act(self, g, w):
        moved = super().act(g, w)
        w["W1"] *= 1.5
        return moved


class LosesDtype(PositiveRescaling):
    """Promotes everything to float64."""

    def act(self, g, w):
        return {name: a.astype(np.float64) for name, a in super().act(g, w).items()}


def test_planted_bugs_are_found():
    linear = mlp((3, 3, 2), "linear")
    wrong = WrongTranspose(linear.hidden_indices())
    with pytest.raises(AssertionError, match="act_cotangent"):
        assert_symmetry(wrong, linear)
    with pytest.raises(AssertionError, match="act_tangent u"):
        assert_group_laws(wrong)
    relu = mlp((3, 3, 2), "relu")
    with pytest.raises(AssertionError, match="generator"):
        assert_group_laws(WrongGenerator(relu.hidden_indices()))
    with pytest.raises(AssertionError):
        assert_symmetry(Mutating(relu.hidden_indices()), relu)
    with pytest.raises(AssertionError, match="float64"):
        assert_symmetry(LosesDtype(relu.hidden_indices()), relu, dtype=np.float32)


def test_wrong_quadratic_is_noticed():
    A, c = np.diag([1.0, 2.0, 5.0]), np.ones(3)
    group = Quadratic(A, c).symmetry()
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(group, Quadratic(A, 2 * c))
    with pytest.raises(AssertionError, match="the loss changes"):
        assert_symmetry(group, Quadratic(A + np.eye(3), c))


def test_other_batch_is_noticed():
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(4, 4)), rng.normal(size=(4, 2))
    loss = MLP((4, 5, 2), activation="leaky_relu", inputs=X, targets=T)
    with pytest.raises(AssertionError, match=r"the loss changes|act_cotangent"):
        assert_symmetry(loss.batch([0, 1]).batch_symmetry(), loss.batch([2, 3]), scale=0.5)


# -- geodesics -------------------------------------------------------------------
def test_geodesics_have_constant_speed():
    for name in ("rescaling-relu", "quadratic-2", "so3", "orthogonal-deep", "softmax-shift"):
        group = BY_NAME[name].group
        rng = np.random.default_rng(0)
        g, h = group.random_element(rng, 0.4), group.random_element(rng, 0.7)
        whole = group.distance(group.compose(h, group.inverse(g)))
        for t in (0.25, 0.5, 1.5):
            part = group.compose(group.geodesic(g, h, t), group.inverse(g))
            assert group.distance(part) == pytest.approx(t * whole, rel=1e-6)


def test_geodesic_errors():
    group = BY_NAME["gl-bias"].group
    g = group.random_element(np.random.default_rng(0))
    with pytest.raises(DomainError, match="t is nan"):
        group.geodesic(g, g, np.nan)
    # one element is minus a stretch of the other: no principal logarithm leads there
    far = group.element(np.diag([-1.0, -2.0, 1.0]))
    with pytest.raises(DomainError, match="negative axis"):
        group.geodesic(group.identity(), far, 0.5)
