"""One list of all groups with a loss each; a new group adds its cases here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from liegroup_teleport.groups import (
    DiagonalGroup,
    DirectProduct,
    GeneralLinear,
    HiddenIndex,
    InputTransformation,
    MatrixGroup,
    MatrixRepresentation,
    Orthogonal,
    PositiveRescaling,
    Translation,
)
from liegroup_teleport.losses import MLP, Booth, LeakyReLU, Quadratic, Rosenbrock
from tests.groups.representations import (
    HEISENBERG,
    SE2,
    SO3,
    SQUEEZE,
    area_of_two_vectors,
    distance_of_two_points,
    hyperbola,
    twice,
)


@dataclass(frozen=True)
class Case:
    """A loss, its group, and how far random elements and parameters may be from zero."""

    name: str
    loss: Any
    group: Any
    scale: float = 1.0
    parameter_scale: float = 1.0

    @property
    def shapes(self):
        return self.loss.shapes

    def start(self, seed=0, dtype=np.float64):
        rng = np.random.default_rng(seed)
        return {
            name: (self.parameter_scale * rng.normal(size=shape)).astype(dtype)
            for name, shape in self.loss.shapes.items()
        }


def mlp(widths, activation, *, samples=5, loss="mse", bias=False, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(samples, widths[0]))
    targets = (
        rng.normal(size=(samples, widths[-1]))
        if loss == "mse"
        else rng.integers(0, widths[-1], samples)
    )
    return MLP(widths, activation=activation, inputs=inputs, targets=targets, loss=loss, bias=bias)


def quadratic(n, condition=10.0, seed=0, center=1.0):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    return Quadratic((Q * np.geomspace(1, condition, n)) @ Q.T, center * rng.normal(size=n))


def sparse_quadratic(n):
    A = scipy.sparse.diags_array(
        [-np.ones(n - 1), 3 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1]
    )
    return Quadratic(scipy.sparse.csr_array(A))


def product_case():
    loss = mlp((3, 3, 2, 2), "linear", bias=True)
    first = HiddenIndex(3, written=[("W1", 0), ("b1", 0)], read=[("W2", 1)])
    second = HiddenIndex(2, written=[("W2", 0), ("b2", 0)], read=[("W3", 1)])
    return loss, DirectProduct([PositiveRescaling([first]), GeneralLinear([second])])


def _rotations(name, loss):
    return Case(name, loss, Orthogonal(loss.hidden_indices()))


def _shift(name, loss, **options):
    return Case(name, loss, Translation.softmax_shift(loss, **options))


def flat_quadratic():
    """A quadratic of rank 2 in 4 dimensions, and its flat directions."""
    Q = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    loss = Quadratic((Q[:, :2] * [1.0, 4.0]) @ Q[:, :2].T, np.ones(4))
    return loss, Translation([{"w": Q[:, 2]}, {"w": 2 * Q[:, 3] - Q[:, 2]}])


def turned_quadratic():
    """A quadratic and the rotations about its minimum, as affine generators."""
    A, c = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -2.0])
    X = np.array([[1.0, 3.0], [-2.0, -1.0]])  # A X is skew
    generator = np.zeros((1, 3, 3))
    generator[0, :2, :2], generator[0, :2, 2] = X, -X @ c
    return Quadratic(A, c), MatrixGroup(generator, {"w": (2,)})


def generated_linear():
    """GL(2) on the units of a linear network, as matrices on all weights."""
    loss = mlp((2, 2, 1), "linear")
    generators = np.zeros((4, 6, 6))
    for k, E in enumerate(np.eye(4).reshape(4, 2, 2)):
        generators[k, :4, :4], generators[k, 4:, 4:] = np.kron(E, np.eye(2)), -E.T
    return loss, MatrixGroup(generators, loss.shapes, "function")


def unit_scalings():
    """The rescaling of two LeakyReLU units, as diagonals of all weights."""
    loss = mlp((3, 2, 2), "leaky_relu")
    rows = [
        np.concatenate([np.repeat(np.eye(2)[k], 3), np.tile(-np.eye(2)[k], 2)]) for k in range(2)
    ]
    return loss, DiagonalGroup(rows, loss.shapes)


def everything(input_factor):
    """All symmetries of a ReLU network under cross-entropy."""
    loss = mlp((3, 4, 3), "relu", loss="cross_entropy", bias=True)
    factors = [loss.symmetry(), Translation.softmax_shift(loss)]
    return loss, DirectProduct(factors + [InputTransformation(loss)] * input_factor)


def _own(name, loss, **options):
    return Case(name, loss, loss.symmetry(), **options)


def _batch(name, loss, **options):
    return Case(name, loss, loss.batch_symmetry(), **options)


CASES = [
    _own("rescaling-relu", mlp((3, 4, 3, 2), "relu")),
    _own("rescaling-leaky-bias", mlp((3, 4, 2), LeakyReLU(0.3), bias=True)),
    _own("rescaling-cross-entropy", mlp((3, 4, 3), "relu", loss="cross_entropy", bias=True)),
    _own("rescaling-width-1", mlp((2, 1, 2), "leaky_relu")),
    _own("gl-deep", mlp((3, 3, 2, 2), "linear")),
    _own("gl-bias", mlp((3, 3, 2), "linear", bias=True)),
    _own("gl-size-1", mlp((2, 1, 2), "linear")),
    Case("product", *product_case()),
    _own("quadratic-dense", quadratic(5)),
    _own("quadratic-2", quadratic(2)),
    _own("quadratic-sparse", sparse_quadratic(5)),
    _own("chart-booth", Booth()),
    _own("chart-rosenbrock", Rosenbrock()),
    _batch("activation-leaky", mlp((4, 5, 5, 2), "leaky_relu", samples=2), scale=0.5),
    _batch("activation-leaky-bias", mlp((4, 5, 2), "leaky_relu", samples=2, bias=True), scale=0.5),
    _batch("activation-tanh", mlp((4, 5, 2), "tanh", samples=2), scale=0.05, parameter_scale=0.4),
    _batch(
        "activation-sigmoid-bias",
        mlp((4, 5, 2), "sigmoid", samples=2, bias=True),
        scale=0.05,
        parameter_scale=0.4,
    ),
    _rotations("orthogonal-deep", mlp((3, 3, 2, 2), "linear")),
    _rotations("orthogonal-bias", mlp((2, 4, 1, 2), "linear", bias=True)),
    _shift("softmax-shift", mlp((3, 4, 3), "gelu", loss="cross_entropy", bias=True)),
    _shift("softmax-shift-weights", mlp((3, 2, 3), "relu", loss="cross_entropy"), weights=True),
    Case("translation", *flat_quadratic()),
    Case("product-shift", *everything(False)),
    Case("se2", distance_of_two_points(), MatrixRepresentation(SE2, twice)),
    Case("so3", Quadratic(2 * np.eye(3)), MatrixRepresentation(SO3)),
    Case("heisenberg", area_of_two_vectors(), MatrixRepresentation(HEISENBERG, twice)),
    Case("squeeze", hyperbola(), MatrixRepresentation(SQUEEZE)),
    Case("generated-affine", *turned_quadratic()),
    Case("generated-linear", *generated_linear()),
    Case("generated-diagonal", *unit_scalings()),
]
# the data move with the parameters: L(g.(w, X)) = L(w, X) is compared on group.act_on_loss
_INPUTS = mlp((3, 4, 2), "tanh", bias=True)
PAIRS = [
    Case("inputs", _INPUTS, InputTransformation(_INPUTS)),
    Case("product-inputs", *everything(True)),
]
ALL = [*CASES, *PAIRS]
BY_NAME = {case.name: case for case in ALL}
LINEAR = [case for case in CASES if case.group.linear]
