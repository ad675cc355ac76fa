"""Discovery from numbers: known algebras, negative controls, noise, and the groups returned."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import liegroup_teleport as lt
from liegroup_teleport.discovery._identify import identify, structure_constants
from liegroup_teleport.discovery._spectrum import decide_rank
from liegroup_teleport.discovery._structure import describe
from liegroup_teleport.groups import DiagonalGroup, MatrixGroup, Translation
from liegroup_teleport.groups._invariant_form import invariant_form


def unit(n, i, j):
    E = np.zeros((n, n))
    E[i, j] = 1.0
    return E


def so(n, metric=None):
    """A basis of so(p, q) with the given diagonal metric."""
    g = np.ones(n) if metric is None else np.asarray(metric, float)
    return np.array(
        [g[j] * unit(n, i, j) - g[i] * unit(n, j, i) for i in range(n) for j in range(i)]
    )


def sl(n):
    off = [unit(n, i, j) for i in range(n) for j in range(n) if i != j]
    return np.array(off + [unit(n, i, i) - unit(n, i + 1, i + 1) for i in range(n - 1)])


def gl(n):
    return np.array([unit(n, i, j) for i in range(n) for j in range(n)])


def blocks(*algebras):
    """The direct sum, block-diagonal."""
    sizes = [len(a[0]) for a in algebras]
    out, start = [], 0
    for a, k in zip(algebras, sizes, strict=True):
        for X in a:
            big = np.zeros((sum(sizes), sum(sizes)))
            big[start : start + k, start : start + k] = X
            out.append(big)
        start += k
    return np.array(out)


def normal(shapes):
    return lambda rng: {name: rng.normal(size=shape) for name, shape in shapes.items()}


def network(activation, widths=(4, 5, 2), **options):
    rng = np.random.default_rng(7)
    X, Y = rng.normal(size=(40, widths[0])), rng.normal(size=(40, widths[-1]))
    return lt.losses.MLP(widths, activation=activation, inputs=X, targets=Y, **options)


def noisy(gradient, level, seed=0):
    """The same with relative noise, another one at every call."""
    rng = np.random.default_rng(seed)

    def call(w):
        g = gradient(w)
        size = np.sqrt(sum(np.sum(a * a) for a in g.values()) / sum(a.size for a in g.values()))
        return {name: a + level * size * rng.normal(size=a.shape) for name, a in g.items()}

    return call


def angle(a, b):
    return float(
        scipy.linalg.subspace_angles(a.reshape(len(a), -1).T, b.reshape(len(b), -1).T).max()
    )


# -- what must be found ------------------------------------------------------------
def test_rotations_of_thirty_variables():
    found = lt.discover_generators(lambda w: {"w": 3 * w["w"]}, normal({"w": (30,)}))
    assert found.dim == len(found.generators) == 435
    assert found.algebra == "so(30)"
    assert angle(found.generators, so(30)) <= 1e-12
    assert found.gap > 1e12
    assert found.closure < 1e-12
    assert found.residual < 1e-12
    assert set(np.unique(found.generators)) == {-1.0, 0.0, 1.0}
    assert found.group.compact
    assert found.singular_values.shape == (900,)
    assert np.sum(found.singular_values > 1e-8) == 900 - 435


def rescalings(shapes, widths):
    """The generators of unit rescaling, as diagonals of the flat vector."""
    rows = []
    for unit_ in range(widths[1]):
        w1, w2 = np.zeros(shapes["W1"]), np.zeros(shapes["W2"])
        w1[unit_], w2[:, unit_] = 1.0, -1.0
        rows.append(np.concatenate([w1.ravel(), w2.ravel()]))
    return np.array(rows)


@pytest.mark.parametrize("level", [0.0, 1e-8, 1e-5])
def test_relu_network_has_its_rescalings_and_nothing_else(level):
    loss = network("relu")
    gradient = noisy(loss.gradient, level) if level else loss.gradient
    found = lt.discover_generators(gradient, loss.init)
    assert found.dim == 5
    assert found.algebra == "diagonal, R^5"
    assert isinstance(found.group, DiagonalGroup)
    exact = rescalings(loss.shapes, loss.widths)
    diagonals = np.diagonal(found.generators, axis1=1, axis2=2)
    assert np.count_nonzero(found.generators) == np.count_nonzero(diagonals)
    assert angle(diagonals, exact) < 1e-12  # entries were rounded to what they are


@pytest.mark.parametrize("activation", ["gelu", "tanh", "sigmoid"])
@pytest.mark.parametrize("level", [0.0, 1e-8])
def test_other_activations_have_none(activation, level):
    loss = network(activation)
    gradient = noisy(loss.gradient, level) if level else loss.gradient
    found = lt.discover_generators(gradient, loss.init)
    assert (found.dim, found.algebra, len(found.generators)) == (0, "none", 0)
    assert found.group.dim == 0
    w = loss.init(np.random.default_rng(0))
    assert lt.teleport(loss, found.group, w).status == "identity"


def test_noise_that_repeats_itself_is_seen_in_the_spectrum():
    loss = network("relu")

    def rounded(w):  # the same error at every call, far above that of float64
        return {
            n: g * (1 + 1e-8 * np.sin(1e9 * np.arange(g.size).reshape(g.shape) * g))
            for n, g in loss.gradient(w).items()
        }

    found = lt.discover_generators(rounded, loss.init)
    assert found.dim == 5
    assert 1e-11 < found.noise < 1e-7
    assert "more than rounding" in found.message


def test_single_precision():
    loss = network("leaky_relu")
    found = lt.discover_generators(
        loss.gradient, lambda rng: {n: a.astype(np.float32) for n, a in loss.init(rng).items()}
    )
    assert found.dim == 5


def test_function_level_takes_fewer_points_and_finds_less():
    loss = network("linear")
    on_loss = lt.discover_generators(loss, loss.init)
    of_function = lt.discover_generators(loss, loss.init, level="function")
    assert on_loss.dim == 26  # one rotation of what the outputs do not see
    assert on_loss.algebra == "gl(5) ⊕ R"
    assert (of_function.dim, of_function.algebra) == (25, "gl(5)")
    assert of_function.samples < on_loss.samples / 5
    assert (on_loss.group.scope, of_function.group.scope) == ("loss", "function")
    # the function's are among the loss's
    both = np.vstack([g.reshape(len(g), -1) for g in (on_loss.generators, of_function.generators)])
    assert np.linalg.matrix_rank(both, tol=1e-8) == 26


def test_output_jacobian_against_differences():
    loss = network("tanh", (3, 4, 2), bias=True)
    w = loss.init(np.random.default_rng(0))
    J = loss.output_jacobian(w)
    v = {n: np.random.default_rng(1).normal(size=a.shape) for n, a in w.items()}
    ahead, behind = (
        loss.forward({n: w[n] + h * v[n] for n in w}, loss.inputs) for h in (1e-5, -1e-5)
    )
    product = sum(np.tensordot(J[n], v[n], v[n].ndim) for n in w)
    assert np.allclose(product, ((ahead - behind) / 2e-5).ravel(), atol=1e-9)


def test_diagonal_ansatz_of_a_wide_network():
    loss = network("relu", (10, 20, 8, 5))
    found = lt.discover_generators(loss, loss.init, ansatz="diagonal")
    assert found.dim == 28
    assert found.generators.shape == (28, 400)
    assert set(np.unique(found.generators)) == {-1.0, 0.0, 1.0}
    w = loss.init(np.random.default_rng(0))
    result = lt.teleport(loss, found.group, w, lt.ParameterNorm())
    known = lt.teleport(loss, loss.symmetry(), w, lt.ParameterNorm())
    assert result.status == known.status == "optimal"
    assert result.objective_after == pytest.approx(known.objective_after, rel=1e-9)


def test_affine_ansatz_finds_the_center():
    A, c = np.diag([1.0, 2.0, 5.0]), np.array([3.0, -20.0, 0.5])
    loss = lt.losses.Quadratic(A, c)
    about = lt.discover_generators(loss, normal({"w": (3,)}))
    assert (about.dim, about.algebra) == (1, "so(2)")  # the rotation that leaves c where it is
    assert np.allclose(about.generators[0] @ c, 0, atol=1e-9)
    found = lt.discover_generators(loss, normal({"w": (3,)}), ansatz="affine")
    assert (found.dim, found.algebra) == (3, "so(3)")
    assert np.allclose(found.group.center, c, atol=1e-10)
    assert not found.group.linear
    best = lt.teleport(loss, found.group, {"w": np.ones(3)}, lt.GradientNorm())
    assert best.objective_after == pytest.approx(2 * 5 * best.loss_before, rel=1e-8)


def test_affine_fields_are_readable():
    def gradient(w):
        return {"w": 2 * (w["w"][0] + 2 * w["w"][1] - 1) * np.array([1.0, 2.0])}

    found = lt.discover_generators(gradient, normal({"w": (2,)}), ansatz="affine")
    # along (2, -1) times any affine function, and what turns the lines into each other
    assert {found.describe(i) for i in range(found.dim)} == {
        "w[0]' = w[0], w[1]' = -0.5 w[0]",
        "w[0]' = w[1], w[1]' = -0.5 w[1]",
        "w[0]' = 1, w[1]' = -0.5",
    }


def test_pure_translation_is_the_translation_group():
    def gradient(w):
        x, y = w["x"], w["y"]
        return {"x": np.cos(x - y) + 1, "y": -np.cos(x - y) - 1}

    found = lt.discover_generators(gradient, normal({"x": (), "y": ()}), ansatz="affine")
    # x - y does not change along (1, 1), and along (1, 1) times any affine function
    assert found.dim == 3
    only = lt.discovery._result.group_of(
        np.array([[[0.0, 0, 1], [0, 0, 1], [0, 0, 0]]]), {"x": (), "y": ()}, "loss"
    )
    assert isinstance(only, Translation)
    moved = only.act(np.array([np.sqrt(2.0)]), {"x": np.array(0.0), "y": np.array(1.0)})
    assert (float(moved["x"]), float(moved["y"])) == pytest.approx((1.0, 2.0))


def test_points_may_be_given():
    rng = np.random.default_rng(0)
    points = [{"w": rng.normal(size=4)} for _ in range(16)]
    found = lt.discover_generators(lambda w: dict(w), points)
    assert (found.dim, found.samples) == (6, 16)
    with pytest.raises(ValueError, match="10 independent equations do not determine 16"):
        lt.discover_generators(lambda w: dict(w), points[:10])


# -- groups to use -----------------------------------------------------------------
def found_groups():
    A = np.array([[2.0, 0.5, 0], [0.5, 1.0, 0.2], [0, 0.2, 3.0]])
    quadratic = lt.losses.Quadratic(A, np.array([1.0, 2.0, 3.0]))
    relu, linear = network("relu", (2, 3, 2)), network("linear", (2, 2, 2))
    return [
        (quadratic, lt.discover_generators(quadratic, normal({"w": (3,)}), ansatz="affine")),
        (relu, lt.discover_generators(relu, relu.init)),
        (linear, lt.discover_generators(linear, linear.init)),
    ]


def test_groups_are_groups_and_symmetries():
    for loss, found in found_groups():
        assert found.dim > 0
        lt.testing.assert_group_laws(found.group, max_examples=10)
        lt.testing.assert_symmetry(found.group, loss, max_examples=10)
        w = normal(loss.shapes)(np.random.default_rng(3))
        report = found.group.check_invariance(loss, w, rng=np.random.default_rng(1), trials=5)
        assert report.passed
        result = lt.teleport(loss, found.group, w)
        assert result.objective_after > result.objective_before


def test_a_wrong_generator_is_noticed():
    loss, found = found_groups()[2]
    wrong = found.generators.copy()
    wrong[:, 0, 0] += 0.5
    with pytest.raises(ValueError, match="closed under brackets"):
        MatrixGroup(wrong, loss.shapes)
    one = MatrixGroup(wrong[:1], loss.shapes)
    with pytest.raises(AssertionError, match="the loss changes"):
        lt.testing.assert_symmetry(one, loss, max_examples=10)


# -- decisions ---------------------------------------------------------------------
def test_a_small_gap_is_no_silent_guess():
    values = np.array([1.0, 0.5, 0.3, 2e-4, 1.5e-6])
    found = decide_rank(values, 1e-13, known=False)
    assert (found.rank, found.clear, found.least, found.most) == (5, False, 0, 1)
    assert "slightly broken" in found.message
    # far below all others, and far above the noise: not a symmetry, and not certainly none
    found = decide_rank(values * [1, 1, 1, 1, 1e-2], 1e-13, known=False)
    assert (found.rank, found.clear, found.least, found.most) == (5, False, 0, 1)
    known = decide_rank(values, 1e-4, known=True)
    assert (known.rank, known.clear) == (4, False)  # 2e-4 is as small as the noise
    assert decide_rank(values, 1e-5, known=True).clear
    assert decide_rank(values, 1e-7, known=True).clear
    loss = network("gelu", (2, 2, 1))
    with pytest.warns(RuntimeWarning, match="no clear gap"):
        lt.discover_generators(noisy(loss.gradient, 1e-2), loss.init)


def test_errors_name_what_is_wrong():
    def same(w):
        return dict(w)

    with pytest.raises(ValueError, match="61 parameters are too many for the linear"):
        lt.discover_generators(same, normal({"w": (61,)}))
    with pytest.raises(ValueError, match="ansatz is 'cubic'"):
        lt.discover_generators(same, normal({"w": (2,)}), ansatz="cubic")
    with pytest.raises(ValueError, match="level is 'net'"):
        lt.discover_generators(same, normal({"w": (2,)}), level="net")
    with pytest.raises(ValueError, match="noise is 2"):
        lt.discover_generators(same, normal({"w": (2,)}), noise=2)
    with pytest.raises(TypeError, match="gradient is a int"):
        lt.discover_generators(3, normal({"w": (2,)}))
    with pytest.raises(TypeError, match="sample is a dict"):
        lt.discover_generators(same, {"w": np.zeros(2)})
    with pytest.raises(ValueError, match="missing 'w'"):
        lt.discover_generators(lambda w: {"v": w["w"]}, normal({"w": (2,)}))
    with pytest.raises(ValueError, match=r"gradient 'w' has shape \(1,\)"):
        lt.discover_generators(lambda w: {"w": w["w"][:1]}, normal({"w": (2,)}))
    with pytest.raises(lt.DomainError, match="not finite"):
        lt.discover_generators(lambda w: {"w": w["w"] * np.nan}, normal({"w": (2,)}))
    with pytest.raises(ValueError, match="zero at all"):
        lt.discover_generators(lambda w: {"w": 0 * w["w"]}, normal({"w": (2,)}))


# -- identification ----------------------------------------------------------------
HEISENBERG = np.array([unit(3, 0, 1), unit(3, 1, 2), unit(3, 0, 2)])


@pytest.mark.parametrize(
    ("algebra", "name"),
    [
        (so(3), "so(3)"),
        (so(4), "so(3) ⊕ so(3)"),
        (so(5), "so(5)"),
        (so(6), "so(6)"),
        (so(3, [1, 1, -1]), "sl(2)"),
        (so(4, [1, 1, 1, -1]), "so(3,1)"),
        (so(5, [1, 1, 1, 1, -1]), "so(4,1)"),
        (so(8, [1] * 6 + [-1] * 2), "so(6,2)"),
        (sl(3), "sl(3)"),
        (gl(4), "gl(4)"),
        (blocks(gl(2), gl(3)), "gl(2) ⊕ gl(3)"),
        (blocks(sl(2), so(3), np.eye(1)[None]), "gl(2) ⊕ so(3)"),
        (blocks(so(3), np.eye(1)[None], np.eye(1)[None]), "so(3) ⊕ R^2"),
        (HEISENBERG, "dimension 3, not identified: nilpotent"),
        (np.array([unit(2, 0, 0), unit(2, 0, 1)]), "dimension 2, not identified: solvable"),
    ],
    ids=str,
)
def test_structure_names_algebras_in_any_basis(algebra, name):
    rng = np.random.default_rng(0)
    mixed = np.tensordot(rng.normal(size=(len(algebra), len(algebra))), algebra, 1)
    S = rng.normal(size=algebra.shape[1:]) + 3 * np.eye(algebra.shape[1])
    for basis in (algebra, np.linalg.solve(S, mixed @ S)):
        assert describe(structure_constants(basis)) == name


def test_structure_of_a_semidirect_product():
    n = 3
    translations = np.array([unit(n + 1, i, n) for i in range(n)])
    euclidean = np.concatenate([np.pad(so(n), ((0, 0), (0, 1), (0, 1))), translations])
    name, closure = identify(euclidean, n)
    assert name == "dimension 6, not identified: Levi factor so(3), radical of dimension 3"
    assert closure < 1e-14
    assert identify(translations, n)[0] == "translations, R^3"
    everything = np.pad(
        np.concatenate([unit(3, i, j)[None] for i in range(2) for j in range(3)]), 0
    )
    assert identify(everything, 2)[0] == "aff(2)"


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 5))
def test_invariant_form_is_found_where_there_is_one(seed, n):
    rng = np.random.default_rng(seed)
    S = rng.normal(size=(n, n)) + 2 * np.eye(n)
    if np.linalg.cond(S) > 50:
        S = np.eye(n) + 0.1 * S
    X = np.linalg.solve(S, so(n) @ S)
    P = invariant_form(X, 1e-9)
    assert P is not None
    expected = S.T @ S
    assert np.allclose(P / np.trace(P), expected / np.trace(expected), atol=1e-9) or n == 2
    assert np.max(np.abs(X.transpose(0, 2, 1) @ P + P @ X)) < 1e-9 * np.max(np.abs(P))
    assert invariant_form(np.concatenate([X, np.eye(n)[None]]), 1e-9) is None
    nilpotent = np.linalg.solve(S, unit(n, 0, 1) @ S)
    assert invariant_form(nilpotent[None], 1e-9) is None


@pytest.mark.parametrize(
    "group",
    [
        MatrixGroup(np.pad(so(2), ((0, 0), (0, 1), (0, 1))) + 0.0, {"w": (2,)}),
        MatrixGroup(gl(2), {"a": (), "b": (1,)}),
        MatrixGroup([np.pad(so(2)[0], (0, 1)), unit(3, 0, 2), unit(3, 1, 2)], {"w": (2,)}),
        MatrixGroup(np.zeros((0, 2, 2)), {"w": (2,)}),
        DiagonalGroup([[1.0, -1.0, 0.0], [0.0, 2.0, 1.0]], {"a": (2,), "b": ()}),
        DiagonalGroup(np.zeros((0, 2)), {"w": (2,)}),
    ],
    ids=["so2", "gl2", "se2", "trivial", "diagonal", "trivial-diagonal"],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_group_laws_of_generated_groups(group, dtype):
    lt.testing.assert_group_laws(group, max_examples=10, dtype=dtype)


def test_generated_groups_refuse_what_they_cannot_be():
    with pytest.raises(ValueError, match="generators have shape"):
        MatrixGroup(gl(4), {"w": (2,)})
    with pytest.raises(ValueError, match="last row"):
        MatrixGroup(gl(3), {"w": (2,)})
    with pytest.raises(ValueError, match="linearly dependent"):
        MatrixGroup([np.eye(2), 2 * np.eye(2)], {"w": (2,)})
    with pytest.raises(lt.DomainError, match="not finite"):
        DiagonalGroup([[np.inf, 1.0]], {"w": (2,)})
    group = DiagonalGroup([[1.0, -1.0]], {"w": (2,)})
    with pytest.raises(lt.DomainError, match="leave the span"):
        group.log(np.array([2.0, 2.0]))
    with pytest.raises(lt.DomainError, match="scale -1"):
        group.act(np.array([-1.0, -1.0]), {"w": np.ones(2)})
    rotation = MatrixGroup(so(3), {"w": (3,)})
    with pytest.raises(lt.DomainError, match="leaves the Lie algebra"):
        rotation.log((2 * np.eye(3), None))


def test_geomstats_spaces_where_they_are_known():
    assert MatrixGroup(so(3), {"w": (3,)}).manifold.dim == 3
    assert MatrixGroup(gl(2), {"w": (2,)}).manifold.dim == 4
    with pytest.raises(lt.DomainError, match="no space"):
        _ = MatrixGroup(sl(3), {"w": (3,)}).manifold


def test_powers_of_two_stay_exact():
    loss = network("relu")
    found = lt.discover_generators(loss, loss.init, ansatz="diagonal")
    w = loss.init(np.random.default_rng(0))
    g = found.group.compose(*[np.exp2(found.generators[k] * 3) for k in (0, 1)])
    moved = found.group.act(g, w)
    assert np.array_equal(loss.forward(moved, loss.inputs), loss.forward(w, loss.inputs))
    assert found.group.distance(g) > 1


def test_nothing_is_warned_of_in_a_clear_case():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lt.discover_generators(lambda w: dict(w), normal({"w": (2,)}))
    assert str(found) == "so(2); dimension 1\nw[0]' = w[1], w[1]' = -w[0]"


def test_discoveries_pickle_and_copy():
    loss = network("relu")
    for found in (
        lt.discover_generators(loss, loss.init, ansatz="diagonal"),
        lt.discover_generators(lambda w: dict(w), normal({"w": (3,)})),
    ):
        w = {name: np.ones(shape) for name, shape in found.group.shapes.items()}
        g = found.group.exp(np.ones(found.dim))
        for same in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
            assert str(same) == str(found)
            assert same.dim_range == found.dim_range
            assert np.array_equal(same.generators, found.generators)
            moved, expected = same.group.act(g, w), found.group.act(g, w)
            assert all(np.array_equal(moved[n], expected[n]) for n in w)
