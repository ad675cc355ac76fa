"""Flatness along the orbit: sharpness, perturbed loss and curvature of the orbit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._arrays import Parameters, axpy, cast, combine, host, inner, norm, scale_parameters
from .._errors import DomainError
from ..groups import SymmetryGroup
from ..losses import Loss
from ._decrease import require_gauss_newton
from ._lanczos import largest_eigenvalue
from ._landscape import Landscape, LinearNorm
from ._objectives import OrbitCurvature, PerturbedLoss, Sharpness

__all__ = [
    "PointwiseSharpness",
    "curvature_landscape",
    "perturbed_landscape",
    "sharpness_landscape",
]


class LargestEigenvalue(Landscape):
    """Largest eigenvalue of the Gauss-Newton matrix, by Lanczos at every point.

    With the unit eigenvector q the slope under a linear action is
    ``-2 lambda mu(q)``; the eigenvalue's derivative needs no third derivatives.
    """

    def __init__(
        self,
        group: SymmetryGroup,
        product: Callable[[Parameters], Parameters],
        start: Parameters,
        accuracy: float,
    ) -> None:
        super().__init__(group)
        self.product, self.start, self.accuracy = product, start, accuracy

    def value(self, g: Any) -> float:
        return self._eigenpair(g)[0]

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        value, q = self._eigenpair(g)
        return value, -2 * value * self.group.moment_map(q)

    def _eigenpair(self, g: Any) -> tuple[float, Parameters]:
        inverse = self.group.inverse(g)

        def moved(u: Parameters) -> Parameters:
            pulled = self.group.act(inverse, u)
            return self.group.act_cotangent(g, self.start, self.product(pulled))

        start = self.group.act_cotangent(g, self.start, self.start)
        return largest_eigenvalue(moved, start, tol=self.accuracy, max_iterations=200)


class PointwiseSharpness(Landscape):
    """Trace or largest eigenvalue at every point, for actions that are not linear."""

    def __init__(
        self, group: SymmetryGroup, loss: Loss, objective: Sharpness, w: Parameters
    ) -> None:
        super().__init__(group)
        self.loss, self.objective, self.w = loss, objective, w

    def value(self, g: Any) -> float:
        point = self.group.act(g, self.w)
        product = require_gauss_newton(self.group.act_on_loss(g, self.loss), point, self.objective)
        rng = np.random.default_rng(self.objective.seed)
        if self.objective.measure == "largest":
            start = _random_like(point, rng)
            return largest_eigenvalue(
                product, start, tol=self.objective.accuracy, max_iterations=200
            )[0]
        return norm(trace_factor(product, point, self.objective.probes, rng)) ** 2

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        return self.value(g), self.differences(g)


class PerturbedLandscape(Landscape):
    """Mean loss at fixed displacements of ``g.w``; one gradient each gives the slope."""

    def __init__(
        self, group: SymmetryGroup, loss: Loss, w: Parameters, displacements: Sequence[Parameters]
    ) -> None:
        super().__init__(group)
        self.loss, self.w, self.displacements = loss, w, displacements
        self.logarithmic = False
        self.scale = abs(float(loss.value(w))) or 1.0

    def value(self, g: Any) -> float:
        point = self.group.act(g, self.w)
        loss = self.group.act_on_loss(g, self.loss)
        values = [float(loss.value(axpy(1.0, d, point))) for d in self.displacements]
        return float(np.mean(values))

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        point = self.group.act(g, self.w)
        loss = self.group.act_on_loss(g, self.loss)
        gradients = [loss.gradient(axpy(1.0, d, point)) for d in self.displacements]
        mean = combine((1.0 / len(gradients), p) for p in gradients)
        return self.value(g), self.group.generator_adjoint(point, mean)


class CurvatureLandscape(Landscape):
    """Mean curvature at t = 0 of the curves ``exp(tM) . g.w``; slopes by differences."""

    def __init__(self, group: SymmetryGroup, w: Parameters, directions: list[np.ndarray]) -> None:
        super().__init__(group)
        self.w, self.directions = w, directions

    def value(self, g: Any) -> float:
        point = self.group.act(g, self.w)
        total = 0.0
        for M in self.directions:
            a = self.group.generator(M, point)
            total += curvature(a, self.group.generator(M, a))
        return total / len(self.directions)

    def slope(self, g: Any) -> tuple[float, np.ndarray]:
        return self.value(g), self.differences(g)


def curvature(a: Parameters, b: Parameters) -> float:
    """Return the curvature of a curve with first derivative ``a`` and second ``b``.

    ``sqrt(|a|^2 |b|^2 - (a.b)^2) / |a|^3`` (Zhao et al. 2024), zero where the
    curve stands still.
    """
    length = norm(a)
    if not length > 0:
        return 0.0
    across = axpy(-inner(a, b) / length**2, a, b)  # no cancellation of squares
    return norm(across) / length**2


def sharpness_landscape(
    group: SymmetryGroup,
    objective: Sharpness,
    w: Parameters,
    product: Callable[[Parameters], Parameters],
) -> Landscape:
    """Return trace or largest eigenvalue of the Gauss-Newton matrix on the orbit."""
    rng = np.random.default_rng(objective.seed)
    if objective.measure == "largest":
        start = _random_like(w, rng)
        return LargestEigenvalue(group, product, start, objective.accuracy)
    return LinearNorm(group, trace_factor(product, w, objective.probes, rng), dual=True)


def trace_factor(
    product: Callable[[Parameters], Parameters],
    w: Parameters,
    probes: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return stacked vectors u with ``sum u u^T`` close to the Gauss-Newton matrix B.

    Nystrom's approximation ``(BQ)(Q^T B Q)^+ (BQ)^T`` from products with an
    orthonormal basis of a random subspace Q: positive semidefinite, never above
    B, and exact once there are as many probes as B has rank. Its trace at
    ``g.w`` is the sum of ``||rho(g)^-T u||^2``: a norm on the orbit, convex. The
    vectors stand along a new last axis of every parameter.
    """
    names = list(w)
    sizes = [int(np.prod(tuple(w[n].shape), dtype=int)) for n in names]
    count = min(probes, sum(sizes))
    Q, _ = np.linalg.qr(rng.standard_normal((sum(sizes), count)))
    Y = np.empty_like(Q)
    ends = np.cumsum(sizes)[:-1]
    for k in range(count):
        pieces = np.split(Q[:, k], ends)
        u = {
            n: cast(piece.reshape(tuple(w[n].shape)), w[n])
            for n, piece in zip(names, pieces, strict=True)
        }
        Bu = product(u)
        Y[:, k] = np.concatenate([host(Bu[n]).ravel() for n in names])
    core = Q.T @ Y
    values, V = np.linalg.eigh((core + core.T) / 2)
    largest = max(float(values[-1]), 0.0)
    if values[0] < -1e-6 * largest:
        raise DomainError(
            f"the Gauss-Newton matrix has a negative eigenvalue, {values[0]:.3g} against "
            f"{largest:.3g}: not a Gauss-Newton matrix"
        )
    keep = values > 1e-12 * largest
    stacked = Y @ (V[:, keep] / np.sqrt(values[keep]))
    if not np.any(keep):  # a Gauss-Newton matrix of zero: every point is as flat
        stacked = np.zeros((len(Y), 1))
    blocks = np.split(stacked, ends, axis=0)
    return {
        n: block.reshape((*tuple(w[n].shape), stacked.shape[1]))
        for n, block in zip(names, blocks, strict=True)
    }


def perturbed_landscape(
    loss: Loss, group: SymmetryGroup, objective: PerturbedLoss, w: Parameters
) -> Landscape:
    """Return the mean loss under fixed random displacements on the orbit."""
    rng = np.random.default_rng(objective.seed)
    displacements = []
    for _ in range(objective.directions):
        d = _random_like(w, rng)
        d = scale_parameters(1.0 / norm(d), d)
        displacements += [scale_parameters(float(t), d) for t in objective.radii]
    return PerturbedLandscape(group, loss, w, displacements)


def curvature_landscape(
    group: SymmetryGroup, objective: OrbitCurvature, w: Parameters
) -> Landscape:
    """Return the mean curvature of one-parameter subgroups through a point of the orbit."""
    if not group.linear:
        raise TypeError(
            f"OrbitCurvature needs a linear action; {type(group).__name__} is not linear"
        )
    rng = np.random.default_rng(objective.seed)
    directions = []
    for _ in range(objective.directions):
        M = rng.standard_normal(group.dim)
        directions.append(M / np.linalg.norm(M))
    return CurvatureLandscape(group, w, directions)


def _random_like(w: Parameters, rng: np.random.Generator) -> dict[str, Any]:
    return {n: cast(rng.standard_normal(tuple(a.shape)), a) for n, a in w.items()}
