"""GL on a chain of linear layers: Newton in the algebra against pymanopt on the same problem."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import liegroup_teleport as lt

from ._measure import Measurement, time_limit, timed

__all__ = ["against_pymanopt", "chain", "infimum", "pymanopt_minimum"]

WIDTH, LAYERS, SAMPLES, RESIDUAL = 256, 4, 512, 1e-8
OUR_LIMIT, THEIR_LIMIT = 20.0, 20.0  # seconds
OPTIMIZER = "ConjugateGradient"  # better after any time than SteepestDescent and TrustRegions


def chain(width: int = WIDTH, samples: int = SAMPLES) -> tuple[lt.losses.MLP, dict[str, Any]]:
    """Return a linear network of square layers and random weights of variance 1 / width."""
    rng = np.random.default_rng(0)
    loss = lt.losses.MLP(
        [width] * (LAYERS + 1),
        activation="linear",
        inputs=rng.standard_normal((samples, width)),
        targets=rng.standard_normal((samples, width)),
    )
    return loss, {name: np.sqrt(3.0) * a for name, a in loss.init(rng).items()}


def infimum(gradients: Sequence[np.ndarray]) -> float:
    """Return the least sum of squares of factors of one product: ``L sum sigma^(2/L)``.

    The group of a chain moves the gradients through all factorisations of their
    product, and the Schatten quasi-norm of the product is what balanced ones
    reach: an oracle that no search is part of.
    """
    product = np.linalg.multi_dot(gradients[::-1])
    sigma = np.linalg.svd(product, compute_uv=False)
    return float(len(gradients) * np.sum(sigma ** (2 / len(gradients))))


def minimum(loss: lt.losses.MLP, w: dict[str, Any]) -> lt.Teleport:
    """Teleport to the minimum of the gradient norm."""
    return lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm(), sense="min", tol=RESIDUAL)


class _Factors:
    """``log sum tr(S_m^-1 G_m S_{m-1} G_m^T)`` over ``S_m = g_m^T g_m``, with two derivatives."""

    def __init__(self, gradients: Sequence[np.ndarray]) -> None:
        size = float(np.sqrt(sum((g**2).sum() for g in gradients)))
        self.G = [g / size for g in gradients]
        self.count = len(gradients) - 1

    def _sum(self, S: Sequence[np.ndarray]) -> tuple[float, list[Any], list[np.ndarray]]:
        inverses = [np.linalg.inv(a) for a in S]
        slopes: list[Any] = [0.0] * self.count
        total = 0.0
        for m, G in enumerate(self.G):
            below = (G if m == 0 else G @ S[m - 1]) @ G.T
            if m < self.count:
                moved = inverses[m] @ below
                total += float(np.trace(moved))
                slopes[m] = slopes[m] - moved @ inverses[m]
            else:
                total += float(np.trace(below))
            if m > 0:
                above = G if m == self.count else inverses[m] @ G
                slopes[m - 1] = slopes[m - 1] + G.T @ above
        return total, slopes, inverses

    def cost(self, *S: np.ndarray) -> float:
        """Return the logarithm of the squared norm."""
        return float(np.log(self._sum(S)[0]))

    def gradient(self, *S: np.ndarray) -> list[np.ndarray]:
        """Return its Euclidean gradient."""
        total, slopes, _ = self._sum(S)
        return [a / total for a in slopes]

    def hessian(self, *arguments: np.ndarray) -> list[np.ndarray]:
        """Return its Euclidean Hessian along a direction."""
        S, D = arguments[: self.count], arguments[self.count :]
        total, slopes, inverses = self._sum(S)
        bent: list[Any] = [0.0] * self.count
        for m, G in enumerate(self.G):
            if m < self.count:
                K = inverses[m]
                below = (G if m == 0 else G @ S[m - 1]) @ G.T
                turn = K @ D[m] @ K
                bent[m] = bent[m] + turn @ below @ K + K @ below @ turn
                if m > 0:
                    bent[m] = bent[m] - K @ (G @ D[m - 1] @ G.T) @ K
                    bent[m - 1] = bent[m - 1] - G.T @ turn @ G
        change = sum(float((a * d).sum()) for a, d in zip(slopes, D, strict=True))
        return [b / total - a * change / total**2 for a, b in zip(slopes, bent, strict=True)]


def pymanopt_minimum(
    gradients: Sequence[np.ndarray], name: str, seconds: float
) -> tuple[float, float]:
    """Minimise over a product of positive definite matrices; return residual and value.

    The Riemannian gradient norm of the logarithm in the affine-invariant metric
    is the Kempf-Ness residual, so both sides stop at the same point.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pymanopt  # type: ignore[import-untyped]
        from pymanopt import manifolds, optimizers

    size = len(gradients[0])
    factors = _Factors(gradients)
    manifold = manifolds.Product(
        [manifolds.SymmetricPositiveDefinite(size) for _ in range(factors.count)]
    )
    wrap = pymanopt.function.numpy(manifold)
    problem = pymanopt.Problem(
        manifold,
        wrap(lambda *S: factors.cost(*S)),
        euclidean_gradient=wrap(lambda *S: factors.gradient(*S)),
        euclidean_hessian=wrap(lambda *arguments: factors.hessian(*arguments)),
    )
    options = {"max_time": seconds, "max_iterations": 100_000, "min_gradient_norm": RESIDUAL}
    optimizer = getattr(optimizers, name)(verbosity=0, min_step_size=1e-300, **options)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        found = optimizer.run(problem, initial_point=[np.eye(size)] * factors.count)
    return float(found.gradient_norm), float(found.cost)


def against_pymanopt() -> list[Measurement]:
    """Time to the residual on one chain; both sides have a time limit."""
    what = f"{LAYERS} layers {WIDTH}x{WIDTH}, residual {RESIDUAL:g}"
    loss, w = chain()
    gradients = list(loss.gradient(w).values())
    oracle = infimum(gradients)
    ours = float("inf")
    try:
        with time_limit(OUR_LIMIT):
            ours, found = timed(lambda: minimum(loss, w))
    except TimeoutError:
        note = f"ours: no result within {OUR_LIMIT:g} s"
    else:
        above = found.objective_after / oracle - 1
        note = (
            f"ours: {found.status}, residual {found.optimality:.1e}, {above:.0e} above "
            "the Schatten norm of the product"
        )
        if found.optimality > RESIDUAL:
            ours = float("inf")
    limit = min(THEIR_LIMIT, max(20 * ours, 2.0))
    theirs, (residual, _) = timed(lambda: pymanopt_minimum(gradients, OPTIMIZER, limit))
    note += f"; pymanopt's {OPTIMIZER}: residual {residual:.1e} after {theirs:.1f} s"
    note += ", its time counted up to there; one run"
    return [Measurement(what, theirs / ours, "times faster", None, 10.0, note)]
