"""False statements and planted bugs: refused with numbers at which they fail."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import liegroup_teleport as lt
from liegroup_teleport import symbolic
from liegroup_teleport.groups import (
    ChartRotation,
    GeneralLinear,
    HiddenIndex,
    PositiveRescaling,
    Translation,
)
from liegroup_teleport.losses import Booth, Quadratic, Rosenbrock
from tests.symbolic import planted
from tests.symbolic.planted import network

invariance = symbolic.prove_invariance
RELU = network([3, 3, 2], "relu")
LINEAR = network([2, 2, 2], "linear")
PLANE = Quadratic(np.eye(2))


def rescaling(loss, kind=PositiveRescaling):
    return kind(loss.hidden_indices())


def on_chart(loss, kind=ChartRotation):
    return kind(loss.chart, loss.inverse_chart, loss.jacobian, loss.inverse_jacobian)


def signed(n):
    """Scales of both signs: symbols that are not positive."""
    return np.array(sympy.symbols(f"s0:{n}", real=True), dtype=object)


def free(n):
    return np.array(sympy.symbols(f"q0:{n * n}", real=True), dtype=object).reshape(n, n)


def swapped(loss):
    index = loss.hidden_indices()[0]
    return HiddenIndex(index.size, written=index.read, read=index.written)


ReluTanh, ReluGelu = network([2, 2, 1], "tanh"), network([2, 2, 1], "gelu")
Biased = network([2, 2, 1], "relu", bias=True)
Classifier = network([2, 2, 3], "relu", loss="cross_entropy", bias=True)
Soft = network([2, 2, 1], planted.NotHomogeneous())
Batch = network([3, 3, 2], "leaky_relu")
FALSE = {
    "negative scales on ReLU": lambda: invariance(RELU.symmetry(), RELU, element=signed(3)),
    "rescaling of GELU": lambda: invariance(rescaling(ReluGelu), ReluGelu),
    "rescaling of tanh": lambda: invariance(rescaling(ReluTanh), ReluTanh),
    "rescaling of tanh, infinitesimal": lambda: invariance(
        rescaling(ReluTanh), ReluTanh, infinitesimal=True
    ),
    "GL on ReLU": lambda: invariance(rescaling(RELU, GeneralLinear), RELU),
    "a bias forgotten": lambda: invariance(
        PositiveRescaling([HiddenIndex(2, written=[("W1", 0)], read=[("W2", 1)])]), Biased
    ),
    "writer and reader swapped, GL": lambda: invariance(
        GeneralLinear([swapped(LINEAR)]), LINEAR, element=((free(2), free(2)),)
    ),
    "shift of one logit": lambda: invariance(
        Translation([{"b2": np.array([1.0, 0.0, 0.0])}]), Classifier
    ),
    "shift of hidden biases": lambda: invariance(
        Translation([{"b1": np.ones(2)}]), Classifier, infinitesimal=True
    ),
    "R not orthogonal on a quadratic": lambda: invariance(
        PLANE.symmetry(), PLANE, element=(np.array([[1, 0], [0, 1]], dtype=object), free(2))
    ),
    "R not orthogonal, every n": lambda: symbolic.orthogonal_for_every_n(orthogonal=False),
    "R not orthogonal in a chart": lambda: invariance(
        Rosenbrock().symmetry(), Rosenbrock(), element=free(2)
    ),
    "Booth's chart on Rosenbrock": lambda: invariance(on_chart(Booth()), Rosenbrock()),
    "softplus called homogeneous": lambda: invariance(rescaling(Soft), Soft),
    "conserved by rescaling tanh": lambda: symbolic.prove_conserved(rescaling(ReluTanh), ReluTanh),
    "cotangent rule of GELU": lambda: symbolic.prove_cotangent_rule(rescaling(ReluGelu), ReluGelu),
}
PLANTED = {
    "wrong exponent": lambda: invariance(rescaling(RELU, planted.WrongExponent), RELU),
    "reader forgotten": lambda: invariance(rescaling(RELU, planted.ForgetsReader), RELU),
    "sign of the generator": lambda: invariance(
        rescaling(RELU, planted.WrongSignOfGenerator), RELU, infinitesimal=True
    ),
    "wrong transpose": lambda: invariance(rescaling(LINEAR, planted.WrongTranspose), LINEAR),
    "wrong transpose, every n": lambda: symbolic.general_linear_for_every_n(
        group=planted.WrongTranspose
    ),
    "transposed writer": lambda: invariance(rescaling(LINEAR, planted.TransposedWriter), LINEAR),
    "metric forgotten": lambda: invariance(planted.ForgetsTheMetric(PLANE), PLANE),
    "metric forgotten, every n": lambda: symbolic.orthogonal_for_every_n(
        group=planted.ForgetsTheMetric
    ),
    "chart with an offset": lambda: invariance(on_chart(Booth(), planted.LosesTheOffset), Booth()),
    "reader keeps the element": lambda: invariance(planted.ReaderKeepsElement(Batch), Batch),
    "data stay": lambda: invariance(planted.LeavesTheData(RELU), RELU),
    "cotangent like act": lambda: symbolic.prove_cotangent_rule(
        rescaling(RELU, planted.CotangentLikeAct), RELU
    ),
    "wrong gradient": lambda: symbolic.prove_cotangent_rule(
        on_chart(Rosenbrock()), planted.WrongGradient()
    ),
    "tangent like identity": lambda: symbolic.prove_hessian_rule(
        rescaling(RELU, planted.TangentLikeIdentity), RELU
    ),
    "conserves the sum": lambda: symbolic.prove_conserved(
        rescaling(network([2, 2, 1], "relu"), planted.ConservesTheSum), network([2, 2, 1], "relu")
    ),
    "composes backwards": lambda: symbolic.prove_group_laws(
        rescaling(LINEAR, planted.ComposesBackwards), LINEAR
    ),
    "inverse is itself": lambda: symbolic.prove_group_laws(
        rescaling(LINEAR, planted.InverseIsItself), LINEAR
    ),
    "tangent law": lambda: symbolic.prove_group_laws(
        rescaling(RELU, planted.TangentLikeIdentity), RELU
    ),
    "wrong Hessian": lambda: symbolic.prove_gradient_is_hessian_eigenvector(planted.WrongHessian()),
    "wrong Hessian at a level": lambda: symbolic.prove_gradient_is_hessian_eigenvector(
        planted.WrongHessian(), level=10
    ),
}


@pytest.mark.parametrize("name", [*FALSE, *PLANTED])
def test_refused_with_a_witness(name):
    certificate = {**FALSE, **PLANTED}[name]()
    assert not certificate.proved
    assert certificate.witness
    assert not certificate.verify()
    assert certificate.residual != 0 or "homogeneous" in name
    if "loss_before" in certificate.witness:
        before, after = certificate.witness["loss_before"], certificate.witness["loss_after"]
        assert abs(after - before) > 1e-9 * abs(before)


def test_the_published_batch_action_moves_the_weights():
    """Invariant on the batch, as it says; but dropping what is off the batch is not nothing."""
    loss = network([3, 3, 2], "leaky_relu")
    group = planted.DropsTheRest(loss)
    assert invariance(group, loss).proved  # of the batch: the outputs are the same
    assert invariance(lt.groups.ActivationGL(loss), loss).proved


def test_witness_of_a_network_reproduces_in_float64():
    certificate = FALSE["GL on ReLU"]()
    w, g = certificate.witness["w"], certificate.witness["g"]
    group = rescaling(RELU, GeneralLinear)
    X = certificate.witness["X"]
    before, after = RELU.forward(w, X), RELU.forward(group.act(g, w), X)
    assert np.max(np.abs(before - after)) > 1e-6
