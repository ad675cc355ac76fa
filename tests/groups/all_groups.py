"""One list of all groups with a loss each; a new group adds its cases here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from liegroup_teleport.groups import (
    DirectProduct,
    GeneralLinear,
    HiddenIndex,
    PositiveRescaling,
)
from liegroup_teleport.losses import MLP, Booth, LeakyReLU, Quadratic, Rosenbrock


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
]
BY_NAME = {case.name: case for case in CASES}
LINEAR = [case for case in CASES if case.group.linear]
