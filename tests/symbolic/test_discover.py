"""Exact discovery: known algebras, an independent count from numbers, certificates, groups."""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import pytest
import sympy

import liegroup_teleport as lt
from liegroup_teleport.groups import DiagonalGroup, Translation
from liegroup_teleport.symbolic import _discover

x, y, z, t = sympy.symbols("x y z t")


def discover(*arguments, **options):
    found = lt.symbolic.discover(*arguments, **options)
    assert found.certificate.proved
    assert found.certificate.residual == 0
    assert found.certificate.verify()
    assert len(found.generators) == found.dim == found.group.dim
    return found


def linear(widths, samples=6, seed=0, **options):
    rng = np.random.default_rng(seed)
    X = rng.integers(-4, 5, size=(samples, widths[0]))
    Y = rng.integers(-4, 5, size=(samples, widths[-1]))
    return lt.losses.MLP(widths, activation="linear", inputs=X, targets=Y, **options)


def dense_quadratic(n, seed=0):
    B = np.random.default_rng(seed).integers(-3, 4, size=(n, n))
    return lt.losses.Quadratic(B @ B.T + n * np.eye(n, dtype=int), np.arange(n))


# -- what must be found ------------------------------------------------------------
def test_rotations_of_twelve_variables_within_two_seconds():
    seconds = []
    for _ in range(2):
        before = os.times()
        found = lt.symbolic.discover(dense_quadratic(12))
        after = os.times()  # the certificate is made in child processes
        seconds.append(sum(after[:4]) - sum(before[:4]))
    assert min(seconds) < 2
    assert (found.dim, found.algebra) == (66, "so(12)")
    assert found.certificate.proved
    assert found.group.compact
    # every generator is skew for the form, exactly
    A = sympy.Matrix(dense_quadratic(12).A.astype(int).tolist())
    for X in found.generators[::13]:
        assert (A * X[:12, :12] + X[:12, :12].T * A).is_zero_matrix


@pytest.mark.parametrize(
    ("widths", "algebra", "dim"),
    [
        ((4, 3, 4), "gl(3)", 9),
        ((3, 4, 3), "gl(4)", 16),
        ((4, 4, 2), "gl(4) ⊕ R", 17),  # and a rotation in what the outputs do not see
        ((2, 2, 2, 2), "gl(2) ⊕ gl(2)", 8),
    ],
)
def test_linear_networks(widths, algebra, dim):
    loss = linear(widths)
    found = discover(loss)
    assert (found.algebra, found.dim) == (algebra, dim)


def test_small_linear_network_has_six_generators():
    loss = linear((2, 2, 1))
    found = discover(loss)
    assert found.dim == 6
    assert found.algebra == (
        "dimension 6, not identified: Levi factor sl(2), radical of dimension 3"
    )
    assert {abs(v) for X in found.generators for v in X} == {0, 1}
    # the textbook group is among them: its generators as matrices, column by column
    gl = lt.groups.GeneralLinear(loss.hidden_indices())
    layout = found.group.layout
    like = {n: np.zeros(s) for n, s in loss.shapes.items()}
    textbook = []
    for x_k in np.eye(4):
        columns = [layout.flatten(gl.generator(x_k, layout.restore(e, like))) for e in np.eye(6)]
        textbook.append(np.array(columns).T.ravel())
    rows = np.array([np.array(X, dtype=float).ravel() for X in found.generators])
    assert np.linalg.matrix_rank(rows) == 6
    assert np.linalg.matrix_rank(np.vstack([rows, textbook])) == 6


def test_one_data_set_has_more_than_all_of_them():
    loss = linear((3, 3, 1))
    X = np.array(sympy.symbols("a0:9")).reshape(3, 3)
    Y = np.array(sympy.symbols("b0:3")).reshape(3, 1)
    every = lt.losses.MLP((3, 3, 1), activation="linear", inputs=X, targets=Y)
    assert discover(loss).dim == 19
    found = discover(every)
    assert found.dim == 18
    assert "a0 is any number" in found.certificate.assumptions
    assert discover(loss, level="function").dim == 18
    assert discover(loss, level="function").group.scope == "function"


def test_float_data_are_the_rationals_that_they_are():
    rng = np.random.default_rng(0)
    loss = lt.losses.MLP(
        (2, 2, 1), activation="linear", inputs=rng.normal(size=(4, 2)),
        targets=rng.normal(size=(4, 1)),
    )  # fmt: skip
    assert discover(loss).dim == 6


def test_library_test_functions():
    booth = discover(lt.losses.Booth())
    assert (booth.dim, booth.algebra) == (1, "so(2)")
    assert booth.describe(0) == "w[0]' = 4 w[0] + 5 w[1] - 19, w[1]' = -5 w[0] - 4 w[1] + 17"
    assert np.allclose(booth.group.center, [1, 3])
    assert booth.generators[0] * sympy.Matrix([1, 3, 1]) == sympy.zeros(3, 1)
    rosenbrock = discover(lt.losses.Rosenbrock())  # its rotations are not affine
    assert (rosenbrock.dim, rosenbrock.algebra) == (0, "none")
    assert rosenbrock.generators == ()


@pytest.mark.parametrize(
    ("expression", "variables", "dim", "algebra"),
    [
        (x**2 + y**2 + z**2, [x, y, z], 3, "so(3)"),
        (x**2 + y**2 - z**2, [x, y, z], 3, "sl(2)"),
        (x * t - y * z, [x, y, z, t], 6, "sl(2) ⊕ sl(2)"),
        ((x * y - 1) ** 2, [x, y], 1, "diagonal, R^1"),
        (x * y * z, [x, y, z], 2, "diagonal, R^2"),
        (x**3 + x * y**2 + y, [x, y], 0, "none"),
        (sympy.Integer(3), [x, y], 6, "aff(2)"),
        (0.1 * x**2 + 0.3 * y**2, [x, y], 1, "so(2)"),
        (x**2 + y**3, [x, y, z], 4, "dimension 4, not identified: solvable"),
        ([x**2 + y**2, z], [x, y, z], 1, "so(2)"),
        (lambda w: (w["A"] * w["A"]).sum(), {"A": (2, 2)}, 6, "so(4)"),
        (lambda a, b: a**2 + 3 * b**2, [x, y], 1, "so(2)"),
        (z * x**2 + z * y**2, [x, y], 1, "so(2)"),
        (z * x**2 + t * y**2, [x, y], 0, "none"),
    ],
    ids=lambda a: "function" if callable(a) else str(a),
)
def test_expressions(expression, variables, dim, algebra):
    found = discover(expression, variables)
    assert (found.dim, found.algebra) == (dim, algebra)


def test_the_count_agrees_with_gradients():
    """The numerical discovery knows nothing of polynomials."""
    for loss in (linear((2, 2, 2), bias=True), linear((3, 2, 1)), dense_quadratic(4)):
        exact = discover(loss)
        points = lambda rng, loss=loss: {n: rng.normal(size=s) for n, s in loss.shapes.items()}  # noqa: E731
        numeric = lt.discover_generators(loss, points, ansatz="affine")
        assert exact.dim == numeric.dim
        assert exact.algebra == numeric.algebra
        n = exact.group.layout.size
        full = np.zeros((exact.dim, n + 1, n + 1))
        for k, X in enumerate(exact.generators):
            full[k, : X.rows, : X.cols] = np.array(X, dtype=float)
        both = [full.reshape(exact.dim, -1), numeric.generators.reshape(exact.dim, -1)]
        unit = np.vstack([b / np.linalg.norm(b, axis=1)[:, None] for b in both])
        assert np.linalg.matrix_rank(unit, tol=1e-7) == exact.dim


# -- groups to use -----------------------------------------------------------------
@pytest.mark.parametrize(
    "loss", [linear((2, 2, 1)), dense_quadratic(3), lt.losses.Booth()], ids=repr
)
def test_groups_are_symmetries_to_teleport_with(loss):
    found = discover(loss)
    lt.testing.assert_group_laws(found.group, max_examples=8)
    lt.testing.assert_symmetry(found.group, loss, max_examples=8)
    w = {n: np.random.default_rng(2).normal(size=s) for n, s in loss.shapes.items()}
    assert found.group.check_invariance(loss, w, rng=np.random.default_rng(0)).passed
    result = lt.teleport(loss, found.group, w, lt.GradientNorm(), radius=1.0)
    assert result.objective_after > result.objective_before


def test_the_quadratic_s_own_group_does_no_better():
    loss = dense_quadratic(5)
    w = {"w": np.ones(5)}
    mine = lt.teleport(loss, discover(loss).group, w, lt.GradientNorm())
    own = lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm())
    assert own.status == "optimal"
    assert mine.objective_after == pytest.approx(own.objective_after, rel=1e-6)


def test_simple_groups_stay_simple():
    assert isinstance(discover(x * y, [x, y]).group, DiagonalGroup)
    found = discover([x - y, (x - y) * z], [x, y, z])
    assert (found.dim, found.describe(0)) == (4, "x' = x, y' = x")
    scaled = discover([x + 2 * y], [x, y])
    assert not isinstance(scaled.group, Translation)
    only = discover([x - y + t * (x - y) ** 2, z, x + y * 0 - y], [x, y, z])
    assert "y' = 1" in str(only)


# -- certificates that can fail ----------------------------------------------------
def test_wrong_generators_are_refuted_by_both_checks():
    problem = _discover.polynomials_of(lt.losses.Booth(), None, "loss")
    equations = _discover._equations(problem)
    rows = _discover._null_space(equations, 6)
    wrong = [{**rows[0], 0: rows[0][0] + 1}]
    algebra = _discover._Algebra(problem, equations, wrong)
    assert algebra.residual() != 0
    witness = algebra.counterexample(0)
    assert witness["generator"] == 0
    assert witness["change"] != 0
    point = {"w": np.array(witness["parameters"], dtype=object)}
    X = algebra.matrices[0]
    w = sympy.Matrix([*map(sympy.Rational, witness["parameters"]), 1])
    gradient = lt.losses.Booth().gradient(point)["w"]
    change = sum(sympy.Rational(g) * v for g, v in zip(gradient, (X * w)[:2], strict=True))
    assert change == sympy.Rational(witness["change"]) != 0
    assert isinstance(witness["change"], Fraction)


def test_a_bracket_that_leaves_the_span_is_seen():
    problem = _discover.polynomials_of(x**2 + y**2 + z**2, [x, y, z], "loss")
    equations = _discover._equations(problem)
    rows = _discover._null_space(equations, 12)
    assert _discover._Algebra(problem, equations, rows)._bracket_rest() == 0
    # two rotations whose bracket is the third, against an equation that only they satisfy
    partial = _discover._Algebra(problem, [*equations, {2: 1}], [r for r in rows if 2 not in r])
    assert len(partial.rows) == 2
    assert partial._bracket_rest() != 0


def test_certificate_says_what_it_proves():
    certificate = discover(lt.losses.Booth()).certificate
    assert "by integration" in certificate.statement
    assert certificate.scope == "loss"
    assert certificate.seconds > 0
    assert certificate.to_dict()["proved"] is True


# -- errors ------------------------------------------------------------------------
def test_what_is_no_polynomial_is_refused():
    relu = lt.losses.MLP((2, 2, 1), activation="relu", inputs=np.eye(2), targets=np.ones((2, 1)))
    softmax = lt.losses.MLP(
        (2, 2, 2), activation="linear", loss="cross_entropy", inputs=np.eye(2), targets=[0, 1]
    )
    for loss, variables in (
        (sympy.sin(x), [x]),
        (sympy.sqrt(2) * x, [x]),
        (1 / x, [x]),
        (relu, None),
        (softmax, None),
    ):
        with pytest.raises(ValueError, match=r"no polynomial .*discover_generators"):
            lt.symbolic.discover(loss, variables)


def test_errors_name_what_is_wrong():
    with pytest.raises(TypeError, match="needs its variables"):
        lt.symbolic.discover(x**2)
    with pytest.raises(TypeError, match="'x' is no SymPy symbol"):
        lt.symbolic.discover(x**2, ["x"])
    with pytest.raises(ValueError, match="a symbol twice"):
        lt.symbolic.discover(x**2, [x, x])
    with pytest.raises(ValueError, match="level is 'net'"):
        lt.symbolic.discover(x**2, [x], level="net")
    with pytest.raises(TypeError, match="needs an MLP"):
        lt.symbolic.discover(lt.losses.Booth(), level="function")
    shapeless = lt.losses.from_function(lambda w: (w["w"] ** 2).sum(), lambda w: {"w": 2 * w["w"]})
    with pytest.raises(TypeError, match="shapes of its parameters"):
        lt.symbolic.discover(shapeless)
    assert discover(shapeless, {"w": (3,)}).algebra == "so(3)"
