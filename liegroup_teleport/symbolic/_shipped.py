"""The list of proofs that ``liegroup-teleport verify`` runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import sympy

from ..groups import (
    ChartRotation,
    DirectProduct,
    InputTransformation,
    Orthogonal,
    SymmetryGroup,
    Translation,
)
from ..losses import MLP, Booth, LeakyReLU, Quadratic, Rosenbrock, from_function
from ._certificate import Certificate
from ._doors import check_time
from ._eigenvector import prove_gradient_is_hessian_eigenvector
from ._every_n import general_linear_for_every_n, orthogonal_for_every_n
from ._invariance import prove_invariance
from ._kantorovich import prove_kantorovich
from ._laws import prove_group_laws
from ._maximiser import quadratic_maximiser_for_every_n, smaller_orbit_counterexample
from ._rules import prove_conserved, prove_cotangent_rule, prove_hessian_rule

__all__ = ["shipped_proofs"]

Subject = tuple[SymmetryGroup, Any]


def shipped_proofs(*, time_limit: float = 60.0) -> list[Callable[[], Certificate]]:
    """Return every proof of the library's statements, each to be called.

    Parameters
    ----------
    time_limit : float
        Seconds for each, > 0.

    Returns
    -------
    list of callable
        ``() -> Certificate``.

    Examples
    --------
    ``liegroup-teleport verify`` runs all of them; one takes a fraction of a second:

    >>> import liegroup_teleport as lt
    >>> proofs = lt.symbolic.shipped_proofs()
    >>> len(proofs) > 80
    True
    >>> proofs[0]().proved
    True
    """
    check_time(time_limit)
    relu, leaky = _network([3, 3, 2], "relu"), _network([2, 2, 2, 2], LeakyReLU(0.3), bias=True)
    linear, deep = _network([2, 3, 2], "linear", bias=True), _network([2, 2, 2, 2], "linear")
    softmax = _network([2, 3, 2], "gelu", loss="cross_entropy", bias=True)
    classifier = _network([2, 2, 1, 2], "relu", loss="cross_entropy", bias=True)
    batch, booth, rosenbrock = (
        _network([2, 3, 2, 2], "leaky_relu", bias=True),
        Booth(),
        Rosenbrock(),
    )
    plane, space = Quadratic(np.eye(2)), Quadratic(np.eye(3))
    chart = _chart_of_a_user()
    own: list[Subject] = [
        (loss.symmetry(), loss)
        for loss in (relu, leaky, linear, deep, booth, rosenbrock, plane, space)
    ]
    shift = Translation.softmax_shift(softmax)
    shifts = Translation.softmax_shift(softmax, weights=True)
    product = DirectProduct([classifier.symmetry(), Translation.softmax_shift(classifier)])
    rotations = Orthogonal(_network([2, 3, 2], "linear").hidden_indices())
    inputs = InputTransformation(softmax)
    others: list[Subject] = [
        chart,
        (rotations, _network([2, 3, 2], "linear")),
        (shift, softmax),
        (shifts, softmax),
        (product, classifier),
        (inputs, softmax),
    ]
    wide, gradient = (
        _network([32, 32, 10], "relu", bias=True),
        prove_gradient_is_hessian_eigenvector,
    )
    plain = _network([2, 2, 1], "relu")
    batch_group = batch.batch_symmetry()
    narrow = _network([2, 2, 2], "leaky_relu")
    proofs: list[Callable[..., Certificate]] = [
        *(partial(prove_invariance, *subject) for subject in (*own, *others)),
        partial(prove_invariance, relu.symmetry(), relu, samples=2),
        partial(prove_invariance, wide.symmetry(), wide),
        partial(prove_invariance, batch_group, batch, samples=2),
        *(
            partial(prove_invariance, *subject, infinitesimal=True)
            for subject in (*own, *others)
            if not subject[0].moves_inputs
        ),
        partial(prove_invariance, batch_group, batch, samples=2, infinitesimal=True),
        general_linear_for_every_n,
        orthogonal_for_every_n,
        *(partial(prove_group_laws, *subject) for subject in (*own, *others)),
        *(partial(prove_cotangent_rule, *subject) for subject in (*own, *others)),
        partial(prove_cotangent_rule, narrow.batch_symmetry(), narrow, samples=2),
        *(
            partial(prove_hessian_rule, *subject)
            for subject in (*own, *others)
            if not isinstance(subject[0], ChartRotation)
        ),
        *(
            partial(prove_conserved, *subject)
            for subject in (*own, *others)
            if (subject[0].linear or subject[0].translational)
            and not subject[0].moves_inputs
            and not isinstance(subject[0], Orthogonal)
        ),
        partial(gradient, 2),
        partial(gradient, 3),
        partial(gradient, booth),
        partial(gradient, rosenbrock),
        partial(gradient, booth, level=10),
        partial(gradient, rosenbrock, level=5),
        *(partial(gradient, loss, group=loss.symmetry()) for loss in (plain, deep, rosenbrock)),
        smaller_orbit_counterexample,
        quadratic_maximiser_for_every_n,
        prove_kantorovich,
    ]
    return [partial(proof, time_limit=time_limit) for proof in proofs]


def _network(widths: list[int], activation: Any, *, loss: str = "mse", bias: bool = False) -> MLP:
    """Return a network; proofs put symbols in the place of its data."""
    targets = np.zeros((1, widths[-1])) if loss == "mse" else np.zeros(1, dtype=int)
    inputs = np.zeros((1, widths[0]))
    return MLP(widths, activation=activation, inputs=inputs, targets=targets, loss=loss, bias=bias)


def _chart_of_a_user() -> Subject:
    """Return a chart and its loss as a user would write them: (x + y^3, 3y)."""

    def chart(w: Any) -> Any:
        return np.array([w[0] + w[1] ** 3, 3 * w[1]])

    def inverse_chart(z: Any) -> Any:
        y = z[1] * sympy.Rational(1, 3)
        return np.array([z[0] - y**3, y])

    def jacobian(w: Any) -> Any:
        zero = 0 * w[0]
        return np.array([[zero + 1, 3 * w[1] ** 2], [zero, zero + 3]])

    def inverse_jacobian(z: Any) -> Any:
        zero, third = 0 * z[0], sympy.Rational(1, 3)
        return np.array([[zero + 1, -(z[1] ** 2) * third**2], [zero, zero + third]])

    loss = from_function(
        lambda w: (chart(w["w"]) ** 2).sum(),
        lambda w: {"w": 2 * jacobian(w["w"]).T @ chart(w["w"])},
    )
    return ChartRotation(chart, inverse_chart, jacobian, inverse_jacobian), loss
