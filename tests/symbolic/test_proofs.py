"""Statements that are true are proved, and say so in the right words and numbers."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import sympy

import liegroup_teleport as lt
from liegroup_teleport import symbolic
from liegroup_teleport.losses import MLP, Booth, LeakyReLU, Quadratic, Rosenbrock, from_function
from tests.symbolic.planted import network

eigenvector = symbolic.prove_gradient_is_hessian_eigenvector


def holds(certificate):
    assert certificate.proved, (certificate.residual, certificate.witness)
    assert certificate.residual == 0
    assert certificate.verify()
    assert certificate.verify(seed=7)
    return certificate


@pytest.mark.parametrize(
    ("loss", "samples", "limit"),
    [
        (network([3, 3, 2], "relu"), 2, 1.0),
        (network([3, 4, 3, 2], LeakyReLU(0.3), bias=True), 1, 2.0),
        (network([32, 32, 10], "relu", bias=True), 1, 10.0),
    ],
    ids=["3-3-2", "leaky, three layers", "32-32-10"],
)
def test_rescaling(loss, samples, limit):
    started = time.process_time()
    certificate = holds(
        symbolic.prove_invariance(loss.symmetry(), loss, samples=samples, time_limit=60)
    )
    assert time.process_time() - started < limit  # the parent's part
    assert certificate.seconds < 3 * limit  # wall-clock on a machine that others use
    assert certificate.scope == "function"
    assert any("homogeneous" in text for text in certificate.assumptions)


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_general_linear_for_every_n(layers):
    assert holds(symbolic.general_linear_for_every_n(layers)).seconds < 3


def test_orthogonal_for_every_n():
    assert holds(symbolic.orthogonal_for_every_n()).seconds < 3


def test_orthogonal_of_given_n():
    for n in (2, 3):
        loss = Quadratic(np.eye(n))
        holds(symbolic.prove_invariance(loss.symmetry(), loss))
        holds(symbolic.prove_invariance(loss.symmetry(), loss, infinitesimal=True))


def test_general_linear_with_inverses_as_symbols():
    """From n = 4 on the inverse is bound by its equations instead of a determinant."""
    loss = network([2, 4, 1], "linear")
    holds(symbolic.prove_invariance(loss.symmetry(), loss))


def test_batch_action():
    loss = network([2, 3, 2, 2], "leaky_relu", bias=True)
    certificate = holds(symbolic.prove_invariance(loss.batch_symmetry(), loss, samples=2))
    assert certificate.scope == "batch"
    assert any("bijection" in text for text in certificate.assumptions)
    with pytest.raises(TypeError, match="hidden states"):
        symbolic.prove_group_laws(loss.batch_symmetry(), loss)


def test_chart_of_a_user():
    def chart(w):
        return np.array([w[0] - w[1] ** 2, 2 * w[1]])

    def inverse_chart(z):
        return np.array([z[0] + (z[1] / 2) ** 2, z[1] / 2])

    def jacobian(w):
        return np.array([[1 + 0 * w[0], -2 * w[1]], [0 * w[0], 2 + 0 * w[0]]])

    loss = from_function(
        lambda w: (chart(w["w"]) ** 2).sum(),
        lambda w: {"w": 2 * jacobian(w["w"]).T @ chart(w["w"])},
    )
    group = lt.groups.ChartRotation(chart, inverse_chart, jacobian)
    holds(symbolic.prove_invariance(group, loss))


def test_softmax_shift_sees_every_activation():
    loss = network([2, 3, 3], "tanh", loss="cross_entropy", bias=True)
    group = lt.groups.Translation.softmax_shift(loss, weights=True)
    for certificate in (
        symbolic.prove_invariance(group, loss),
        symbolic.prove_cotangent_rule(group, loss),
        symbolic.prove_conserved(group, loss),
    ):
        holds(certificate)
        assert "nothing about the activation" in certificate.assumptions


@pytest.mark.parametrize("n", [2, 3])
def test_eigenvector_generic(n):
    holds(eigenvector(n))


def test_eigenvector_booth():
    certificate = holds(eigenvector(Booth(), level=10))
    assert certificate.witness["largest"] == 360
    assert certificate.witness["eigenvalue"] == 18
    assert len(certificate.witness["points"]) == 4


def test_eigenvector_rosenbrock():
    certificate = holds(eigenvector(Rosenbrock(), level=5))
    assert abs(certificate.witness["largest"] - sympy.Float("30260.8192", 12)) < 5e-5
    v = sympy.Symbol("v")
    minimal = sympy.Poly(certificate.witness["minimal_polynomial"], v)
    roots = [root.evalf(25) for root in minimal.real_roots()]
    assert min(abs(root - certificate.witness["largest"]) for root in roots) < 1e-15


def test_eigenvector_of_a_loss_without_symmetry():
    def gradient(w):
        x, y = w["w"]
        return {"w": np.array([2 * x + y**3 / 10, 6 * y + 3 * x * y**2 / 10])}

    def hvp(w, v):
        (x, y), (a, b) = w["w"], v["w"]
        mixed = 3 * y**2 / 10
        return {"w": np.array([2 * a + mixed * b, mixed * a + (6 + 6 * x * y / 10) * b])}

    loss = from_function(
        lambda w: w["w"][0] ** 2 + 3 * w["w"][1] ** 2 + w["w"][0] * w["w"][1] ** 3 / 10,
        gradient,
        hvp,
    )
    holds(eigenvector(loss, level=1))


def test_on_a_smaller_orbit_only_the_weaker_statement_holds():
    loss = network([2, 2, 1], "relu")
    certificate = holds(eigenvector(loss, group=loss.symmetry()))
    assert certificate.scope == "orbit"
    example = holds(symbolic.smaller_orbit_counterexample()).witness
    assert [float(m) for m in example["moment map"]] == [0.0]
    u, v = np.array(example["gradient"], float), np.array(example["H gradient"], float)
    assert abs(u @ v) < 0.9 * np.linalg.norm(u) * np.linalg.norm(v)


def test_quadratics_of_every_n():
    holds(symbolic.quadratic_maximiser_for_every_n())
    holds(symbolic.prove_kantorovich())


def test_rules_and_laws():
    loss = network([2, 2, 2], "linear", bias=True)
    group = loss.symmetry()
    for certificate in (
        symbolic.prove_cotangent_rule(group, loss),
        symbolic.prove_hessian_rule(group, loss),
        symbolic.prove_group_laws(group, loss),
        symbolic.prove_conserved(group, loss),
    ):
        holds(certificate)


def test_what_cannot_be_asked():
    linear = network([2, 2, 1], "linear")
    with pytest.raises(TypeError, match="affine"):
        symbolic.prove_hessian_rule(Booth().symmetry(), Booth())
    with pytest.raises(ValueError, match="no symmetric generator"):
        symbolic.prove_conserved(lt.groups.Orthogonal(linear.hidden_indices()), linear)
    with pytest.raises(TypeError, match="linear or translates"):
        symbolic.prove_conserved(Booth().symmetry(), Booth())
    with pytest.raises(TypeError, match="expected a SymmetryGroup"):
        symbolic.prove_invariance("rotations", Booth())
    with pytest.raises(ValueError, match="samples is 0"):
        symbolic.prove_invariance(linear.symmetry(), linear, samples=0)
    with pytest.raises(ValueError, match="level is -1"):
        eigenvector(Booth(), level=-1)
    with pytest.raises(ValueError, match="not both"):
        eigenvector(Booth(), level=1, group=Booth().symmetry())
    with pytest.raises(ValueError, match="at least 2"):
        eigenvector(1)
    with pytest.raises(ValueError, match="constant"):
        eigenvector(Quadratic(np.eye(2)), level=1)


def test_certificates_print():
    loss = Booth()
    certificate = symbolic.prove_invariance(loss.symmetry(), loss)
    assert certificate._repr_latex_().startswith(r"$\displaystyle L(g\cdot w) = L(w)")
    assert r"\text{proved}" in certificate._repr_latex_()
    fields = json.loads(json.dumps(certificate.to_dict()))
    assert set(fields) >= {
        "name", "statement", "method", "assumptions", "scope", "residual", "proved", "seconds",
        "witness", "latex",
    }  # fmt: skip
    assert fields["proved"] is True
    assert fields["residual"] == "0"
    refuted = symbolic.prove_invariance(loss.symmetry(), Rosenbrock())
    assert r"\text{not proved}" in refuted._repr_latex_()
    assert json.loads(json.dumps(refuted.to_dict()))["witness"]["loss_before"] > 0


def test_data_of_the_network_do_not_matter():
    """The proof is about the architecture: it never sees the inputs."""
    rng = np.random.default_rng(0)
    loss = MLP(
        [2, 3, 2], activation="relu", inputs=rng.normal(size=(5, 2)), targets=np.ones((5, 2))
    )
    certificate = holds(symbolic.prove_invariance(loss.symmetry(), loss))
    assert "2-3-2" in certificate.statement
