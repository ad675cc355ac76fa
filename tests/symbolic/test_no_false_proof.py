"""What was once called proved and is not true: every kind by its cause, and true ones beside it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
import sympy

import liegroup_teleport as lt
from liegroup_teleport import symbolic
from liegroup_teleport.losses import MLP, Quadratic, from_function
from liegroup_teleport.symbolic._identity import Identity
from tests.symbolic.planted import network

groups = lt.groups
invariance = symbolic.prove_invariance
SO3 = [np.array(m, dtype=float) for m in (
    [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    [[0, 0, -1], [0, 0, 0], [1, 0, 0]],
    [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
)]  # fmt: skip


class Own:
    """A loss of a value, with the gradient that is given or none."""

    def __init__(self, shapes, value, gradient=None):
        self.shapes, self.value = shapes, value
        if gradient is not None:
            self.gradient = gradient


def refused(run, *, error=None):
    """A false statement is refuted with numbers, or refused with an error that says why."""
    if error is not None:
        with pytest.raises((TypeError, ValueError), match=error):
            run()
        return
    certificate = run()
    assert not certificate.proved
    assert certificate.witness
    assert not certificate.verify()


def holds(certificate):
    assert certificate.proved, (certificate.residual, certificate.witness)
    assert certificate.verify()
    return certificate


# -- names --------------------------------------------------------------------------------------
NAMES = ("x", "g", "g0", "t", "u", "F", "m", "K", "d_g0", "slope", "h_g", "g_t", "u0", "X", "T")


@pytest.mark.parametrize("name", NAMES)
def test_parameters_may_have_any_name(name):
    so3 = groups.MatrixGroup(SO3, {name: (3,)})

    def value(w):
        return (w[name] ** 2).sum()

    true = Own({name: (3,)}, value, lambda w: {name: 2 * w[name]})
    false = Own(
        {name: (3,)},
        lambda w: w[name][0] ** 2 + 5 * w[name][1],
        lambda w: {name: np.array([2 * w[name][0], 5 + 0 * w[name][0], 0 * w[name][0]])},
    )
    holds(invariance(so3, true, infinitesimal=True))
    refused(lambda: invariance(so3, false, infinitesimal=True))
    shift = groups.Translation([{name: np.array([1.0, 0.0])}])
    refused(lambda: invariance(shift, Own({name: (2,)}, lambda w: w[name][0] / w[name][1])))


def test_an_element_of_the_user_s_meets_no_symbol_of_ours():
    x, g = sympy.symbols("x_0 g_0", positive=True)
    group = groups.DiagonalGroup([[1.0, -1.0]], {"x": (2,)})
    false = Own({"x": (2,)}, lambda w: w["x"][0] / w["x"][1])
    for symbol in (x, g):
        element = np.array([symbol, 1 / symbol])
        refused(lambda element=element: invariance(group, false, element=element))
        true = Own({"x": (2,)}, lambda w: w["x"][0] * w["x"][1])
        holds(invariance(group, true, element=element))


# -- the check by itself ------------------------------------------------------------------------
@pytest.mark.parametrize("infinitesimal", [False, True])
def test_verify_refuses_a_wrong_proof(monkeypatch, infinitesimal):
    """Whatever the proof says: the check shares the code that was passed with it, nothing else."""
    loss = Own({"w": (2,)}, lambda w: w["w"][0] ** 2 + 1.001 * w["w"][1] ** 2,
               lambda w: {"w": np.array([2.0, 2.002]) * w["w"]})  # fmt: skip
    circle = groups.MatrixGroup([[[0.0, -1.0], [1.0, 0.0]]], {"w": (2,)})
    monkeypatch.setattr(Identity, "residual", lambda self: sympy.Integer(0))
    certificate = invariance(circle, loss, infinitesimal=infinitesimal)
    assert certificate.residual == 0
    planted = replace(certificate, proved=True, witness=None)
    assert not planted.verify()
    assert not planted.verify(seed=5)


@pytest.mark.parametrize(
    "prove",
    [
        lambda: symbolic.prove_gradient_is_hessian_eigenvector(lt.losses.Booth(), level=10),
        lambda: symbolic.discover(lt.losses.Booth()).certificate,
        lambda: invariance(Quadratic(np.diag([1.0, 2.0])).symmetry(), Quadratic(np.eye(2))),
        lambda: symbolic.prove_group_laws(lt.losses.Rosenbrock().symmetry()),
    ],
)
def test_certificates_are_pickled_and_copied(prove):
    certificate = prove()
    for other in (copy.copy(certificate), copy.deepcopy(certificate)):
        assert other.to_dict() == certificate.to_dict()
        assert other.verify() is certificate.verify()
    back = pickle.loads(pickle.dumps(certificate))
    assert back.to_dict() == certificate.to_dict()
    if back.recheck is None:
        with pytest.raises(RuntimeError, match="prove it again"):
            back.verify()


def test_verify_of_a_level_walks_along_it(monkeypatch):
    """A list of critical points that misses the largest is contradicted by numbers."""
    from liegroup_teleport.symbolic import _eigenvector

    found = _eigenvector.critical_points

    def forgetful(loss, level):
        residual, summary = found(loss, level)
        points = [p for p in summary["points"] if p[2] < 300]
        return residual, {**summary, "points": points, "largest": sympy.Integer(40)}

    monkeypatch.setattr(_eigenvector, "critical_points", forgetful)
    certificate = symbolic.prove_gradient_is_hessian_eigenvector(lt.losses.Booth(), level=10)
    assert not certificate.verify()


# -- gradients ----------------------------------------------------------------------------------
def two_factors(gradient):
    def value(w):
        return ((w["U"] @ w["V"].T) ** 2).sum()

    def honest(w):
        product = 2 * w["U"] @ w["V"].T
        return {"U": product @ w["V"], "V": product.T @ w["U"]}

    return from_function(value, lambda w: gradient(honest(w)))


LIES = {
    "zeros": lambda v: {name: 0 * a for name, a in v.items()},
    "twice": lambda v: {name: 2 * a for name, a in v.items()},
    "a parameter is missing": lambda v: {**v, "V": 0 * v["V"]},
    "an entry": lambda v: {**v, "U": v["U"] + np.array([[0, 0], [0, 1]])},
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("prove", ["infinitesimal", "conserved", "cotangent", "hessian"])
def test_a_gradient_has_to_belong_to_its_value(lie, prove):
    shapes = {"U": (2, 2), "V": (2, 2)}
    group = groups.GeneralLinear([groups.HiddenIndex(2, written=[("U", 1)], read=[("V", 1)])])
    run = {
        "infinitesimal": lambda loss: invariance(group, loss, infinitesimal=True, shapes=shapes),
        "conserved": lambda loss: symbolic.prove_conserved(group, loss, shapes=shapes),
        "cotangent": lambda loss: symbolic.prove_cotangent_rule(group, loss, shapes=shapes),
        "hessian": lambda loss: symbolic.prove_hessian_rule(group, loss, shapes=shapes),
    }[prove]
    refused(lambda: run(two_factors(LIES[lie])))
    if lie == "zeros":
        holds(run(two_factors(lambda v: v)))


def test_a_missing_gradient_or_a_wrong_one_is_named():
    group = groups.DiagonalGroup([[1.0, -1.0]], {"w": (2,)})

    def value(w):
        return w["w"][0] * w["w"][1]

    holds(invariance(group, Own({"w": (2,)}, value), infinitesimal=True))
    refused(
        lambda: symbolic.prove_cotangent_rule(group, Own({"w": (2,)}, value)),
        error="Own, without gradient",
    )
    wrong = Own({"w": (2,)}, value, lambda w: {"w": 2 * w["w"][::-1]})
    assert symbolic.prove_cotangent_rule(group, wrong).witness["parameter"] == "w"
    refused(lambda: invariance(group, Own({"w": (2,)}, lambda w: None)), error="returned None")
    refused(lambda: invariance(group, Own({"w": (2,)}, lambda w: "3")), error="returned '3'")
    refused(lambda: invariance(group, Own({"w": (2,)}, lambda w: w["w"])), error="of shape")
    refused(lambda: invariance(group, Own({"w": (2,)}, lambda w: w["q"])), error="KeyError")


# -- decisions about symbols --------------------------------------------------------------------
def flat(w):
    return np.concatenate([a.reshape(-1) for a in w.values()])


def caught(w):
    x = flat(w)
    try:
        return float(x[0]) ** 3
    except TypeError:
        return 0 * x[0]


DECISIONS = {
    "counting": lambda w: 3 * np.count_nonzero(w["U"]),
    "equal entries": lambda w: w["U"][0, 0] if w["U"][0, 0] == w["U"][1, 1] else 0,
    "unequal entries": lambda w: 0 if w["U"][0, 0] != w["U"][1, 1] else 1,
    "where unequal": lambda w: np.where(w["U"] != w["V"], 0, 1).sum(),
    "where positive": lambda w: np.where(w["U"] > 0, w["U"], 0).sum(),
    "truth": lambda w: 1 if w["U"][0, 0] else 0,
    "a single zero": lambda w: w["V"][1, 1] + 1 if w["U"][0, 0] == 0 else 0 * w["U"][0, 0],
    "identity of sets": lambda w: len(set(flat(w).tolist())),
    "membership": lambda w: 1 if 0 in flat(w).tolist() else 0,
    "sign": lambda w: np.sign(w["U"]).sum(),
    "largest": lambda w: flat(w).max(),
    "imaginary part": lambda w: ((w["U"] + 1j * w["V"]) ** 2).imag.sum(),
    "dtype": lambda w: 0 if w["U"].dtype == object else flat(w)[0] ** 3,
    "text": lambda w: 0 if str(flat(w)[0]).isidentifier() else flat(w)[0] ** 3,
    "an error that is caught": caught,
}


@pytest.mark.parametrize("what", DECISIONS)
@pytest.mark.parametrize("infinitesimal", [False, True])
def test_decisions_about_symbols_are_refused(what, infinitesimal):
    shapes = {"U": (2, 2), "V": (2, 2)}
    group = groups.GeneralLinear([groups.HiddenIndex(2, written=[("U", 1)], read=[("V", 1)])])
    loss = Own(shapes, lambda w: ((w["U"] @ w["V"].T) ** 2).sum() + DECISIONS[what](w))
    try:
        certificate = invariance(group, loss, infinitesimal=infinitesimal)
    except TypeError as error:
        assert "symbols" in str(error)  # noqa: PT017
    else:
        assert not certificate.proved
        planted = replace(certificate, proved=True, residual=sympy.Integer(0), witness=None)
        assert not planted.verify(seed=7)


def test_translations_along_directions_of_irrational_length():
    group = groups.Translation([{"w": np.array([1.0, 3.0])}])
    loss = Own({"w": (2,)}, lambda w: (3 * w["w"][0] - w["w"][1]) ** 2,
               lambda w: {"w": 2 * (3 * w["w"][0] - w["w"][1]) * np.array([3, -1])})  # fmt: skip
    for prove in (invariance, symbolic.prove_conserved, symbolic.prove_cotangent_rule):
        holds(prove(group, loss))


@pytest.mark.parametrize(
    "branch",
    [
        lambda x, y: sympy.Max(x * y, 0) if not isinstance(x, float) else max(x * y, 0.0),
        lambda x, y: abs(x * y),
        lambda x, y: (abs(x) * abs(y)) ** 0.5,
        lambda x, y: np.exp(-((x * y) ** 2)) + np.tanh(x * y),
        lambda x, y: sympy.Piecewise((x * y, x * y > 1), (1, True)),
    ],
)
def test_branches_that_are_meant_stay_provable(branch):
    group = groups.DiagonalGroup([[1.0, -1.0]], {"w": (2,)})
    holds(invariance(group, Own({"w": (2,)}, lambda w: branch(*w["w"]))))
    refused(lambda: invariance(group, Own({"w": (2,)}, lambda w: branch(w["w"][0], w["w"][0]))))


# -- rounding -----------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1e-15, 1e-12, 1e-3])
def test_floats_count_at_their_exact_value(size):
    circle = Own({"w": (2,)}, lambda w: (w["w"] ** 2).sum(), lambda w: {"w": 2 * w["w"]})
    near = groups.MatrixGroup([[[0.0, -1.0], [1.0 + size, 0.0]]], {"w": (2,)})
    for infinitesimal in (False, True):
        refused(lambda f=infinitesimal: invariance(near, circle, infinitesimal=f))
    there = groups.MatrixGroup([[[0.0, -3.0], [3.0, 0.0]]], {"w": (2,)})
    certificate = holds(invariance(there, circle))
    assert any("exactly as they were given" in text for text in certificate.assumptions)


# -- what was passed ----------------------------------------------------------------------------
def test_the_group_of_another_quadratic_is_no_symmetry():
    group = Quadratic(np.diag([1.0, 2.0])).symmetry()
    for other in (
        Quadratic(np.diag([3.0, 1.0])),
        Quadratic(np.diag([1.0, 2.0]), [1.0, 0.0]),
        Quadratic(np.diag([1.0, 2.0 + 2**-40])),
    ):
        for infinitesimal in (False, True):
            refused(lambda o=other, f=infinitesimal: invariance(group, o, infinitesimal=f))
    multiple = Quadratic(np.diag([2.0, 4.0]))
    assert "every" not in holds(invariance(group, multiple)).statement
    own = Quadratic(np.array([[2.0, 0.3], [0.3, 1.0]]))
    assert "every positive definite A" in holds(invariance(own.symmetry(), own)).statement


class Decayed(MLP):
    def value(self, w):
        return super().value(w) + (w["W1"] ** 2).sum()


class Shifted(MLP):
    def forward(self, w, X):
        return super().forward(w, X) + w["W1"][0, 0]


class Heavier(Quadratic):
    def value(self, w):
        return super().value(w) + w["w"][0]


@pytest.mark.parametrize("infinitesimal", [False, True])
@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize("kind", [Decayed, Shifted])
def test_theorems_about_a_class_do_not_hold_for_subclasses(kind, activation, infinitesimal):
    data = {"inputs": [[1.0, 2.0]], "targets": [[0.5]]}
    loss = kind([2, 2, 1], activation=activation, **data)
    refused(lambda: invariance(loss.symmetry(), loss, infinitesimal=infinitesimal))


def test_nor_for_methods_that_were_replaced():
    loss = network([2, 2, 1], "linear")
    honest = loss.value
    loss.value = lambda w: honest(w) + (w["W1"] ** 2).sum()
    refused(lambda: invariance(loss.symmetry(), loss))
    heavier = Heavier(np.eye(2))
    refused(lambda: invariance(heavier.symmetry(), heavier))
    moved, own = symbolic.discover(heavier), symbolic.discover(Quadratic(np.eye(2)))
    assert np.allclose(moved.group.center, [-1, 0])  # the circles are about another point
    assert np.allclose(own.group.center, [0, 0])


def test_harmless_subclasses_stay_provable():
    class Named(MLP):
        def describe(self):
            return "mine"

    for activation in ("relu", "linear"):
        loss = Named([2, 2, 1], activation=activation, inputs=[[1.0, 2.0]], targets=[[0.5]])
        certificate = holds(invariance(loss.symmetry(), loss))
        assert "its own data" in certificate.statement


def test_an_activation_is_not_known_by_its_name():
    class Impostor:
        name, homogeneous, bijective = "linear", False, False

        def __call__(self, z):
            return z * z

        def derivative(self, z):
            return 2 * z

        def second_derivative(self, z):
            return 0 * z + 2

    loss = network([2, 2, 1], Impostor())
    refused(lambda: invariance(groups.GeneralLinear(loss.hidden_indices()), loss))


# -- elements -----------------------------------------------------------------------------------
S, Q, R = sympy.Symbol("s", real=True), sympy.Symbol("q", positive=True), sympy.Symbol("r")
HIDDEN = groups.HiddenIndex(2, written=[("A", 0)], read=[("B", 1)])
CONSTANT = Own({"A": (2, 1), "B": (1, 2)}, lambda w: 0 * w["A"][0, 0] + 1)
ONE = np.eye(2, dtype=int).astype(object)
NONE_OF_THE_GROUP = {
    "scales of both signs": (groups.PositiveRescaling, np.array([S, S + 1])),
    "equal scales, a part": (groups.PositiveRescaling, np.array([Q, Q])),
    "one": (groups.PositiveRescaling, np.array([1, 1])),
    "a matrix and not its inverse": (
        groups.GeneralLinear,
        ((np.array(sympy.symbols("a:4")).reshape(2, 2), ONE),),
    ),
    "not orthogonal": (groups.Orthogonal, (np.array([[Q, 0], [0, 1 / Q]]),)),
    "a reflection": (groups.Orthogonal, (np.array([[1, 0], [0, -1]]),)),
    "a turned reflection": (
        groups.Orthogonal,
        (np.array([[(1 - S**2), 2 * S], [2 * S, S**2 - 1]]) / (1 + S**2),),
    ),
}


@pytest.mark.parametrize("what", NONE_OF_THE_GROUP)
def test_elements_have_to_belong_to_the_group(what):
    kind, element = NONE_OF_THE_GROUP[what]
    try:
        certificate = invariance(kind([HIDDEN]), CONSTANT, element=element)
    except ValueError as error:
        assert "stands for a part of the group" in str(error)  # noqa: PT017
    else:
        assert not certificate.proved
        assert certificate.witness
        assert not certificate.verify()


def test_general_elements_of_the_user_s_are_taken():
    turn = np.array([[1 - S**2, -2 * S], [2 * S, 1 - S**2]]) / (1 + S**2)
    holds(invariance(groups.Orthogonal([HIDDEN]), CONSTANT, element=(turn,)))
    a, b, c, d = sympy.symbols("a b c d", real=True)
    g = np.array([[a, b], [c, d]])
    inverse = np.array([[d, -b], [-c, a]]) / (a * d - b * c)
    certificate = holds(
        invariance(groups.GeneralLinear([HIDDEN]), CONSTANT, element=((g, inverse),))
    )
    assert any("determinant" in text for text in certificate.assumptions)
    boost = groups.MatrixGroup([[[0.0, 1.0], [1.0, 0.0]]], {"w": (2,)})
    form = Own({"w": (2,)}, lambda w: w["w"][0] ** 2 - w["w"][1] ** 2)
    half = sympy.Rational(1, 2)
    h = half * np.array([[Q + 1 / Q, Q - 1 / Q], [Q - 1 / Q, Q + 1 / Q]])
    k = half * np.array([[Q + 1 / Q, 1 / Q - Q], [1 / Q - Q, Q + 1 / Q]])
    holds(invariance(boost, form, element=(h, k)))
    stretch = np.diag([Q, Q])
    refused(lambda: invariance(boost, CONSTANT_PLANE, element=(stretch, np.diag([1 / Q, 1 / Q]))))


CONSTANT_PLANE = Own({"w": (2,)}, lambda w: 0 * w["w"][0] + 1)


# -- groups of generators -----------------------------------------------------------------------
MATRICES = {
    "rotations": (SO3, lambda x: (x**2).sum()),
    "Lorentz": (
        [abs(SO3[0]), abs(SO3[1]), SO3[2]],
        lambda x: x[0] ** 2 - x[1] ** 2 - x[2] ** 2,
    ),
    "another metric": (
        [np.array([[0.0, 5.0], [-2.0, 0.0]])],
        lambda x: 2 * x[0] ** 2 + 5 * x[1] ** 2,
    ),
    "a shear": (
        [np.array([[0.0, 1, 0], [0, 0, 1], [0, 0, 0]])],
        lambda x: x[1] ** 2 - 2 * x[0] * x[2],
    ),
    "two speeds": (
        [np.kron(np.diag([1.0, 2.0]), [[0, -1], [1, 0]])],
        lambda x: (x[0] ** 2 - x[1] ** 2) * x[2] + 2 * x[0] * x[1] * x[3],
    ),
    "scales": ([np.diag([1.0, 2.0, -3.0])], lambda x: x[0] * x[1] * x[2]),
    "affine": ([np.array([[0.0, -1, 2], [1, 0, -1], [0, 0, 0]])],
               lambda x: (x[0] - 1) ** 2 + (x[1] - 2) ** 2),
}  # fmt: skip


@pytest.mark.parametrize("name", MATRICES)
def test_matrix_groups_have_general_elements(name):
    matrices, form = MATRICES[name]
    n = len(matrices[0]) - (name == "affine")
    group = groups.MatrixGroup(matrices, {"w": (n,)})
    loss = Own({"w": (n,)}, lambda w: form(w["w"]))
    holds(invariance(group, loss))
    holds(symbolic.prove_group_laws(group))
    refused(lambda: invariance(group, Own({"w": (n,)}, lambda w: form(w["w"]) + w["w"][0])))


def test_keys_other_than_w_at_a_level():
    loss = Own({"a": (), "b": (1,)}, lambda w: w["a"] ** 2 + 3 * w["b"][0] ** 2,
               lambda w: {"a": 2 * w["a"], "b": 6 * w["b"]})  # fmt: skip
    loss.hvp = lambda w, v: {"a": 2 * v["a"], "b": 6 * v["b"]}
    prove = symbolic.prove_gradient_is_hessian_eigenvector
    for level, error in ((float("nan"), TypeError), ("x", TypeError), (0, ValueError)):
        with pytest.raises(error, match="level is"):
            prove(loss, level=level)
    with pytest.raises(ValueError, match="level: Quadratic has 3 variables"):
        prove(Quadratic(np.eye(3)), level=1)
