"""A quadratic of a million variables: memory in vectors, time in products with its matrix."""

from __future__ import annotations

import tracemalloc

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

import liegroup_teleport as lt

from ._measure import Measurement, interleaved, timed

__all__ = ["large", "matrix", "peak_vectors"]

SIZE = 10**6


class CountingMatrix(scipy.sparse.linalg.LinearOperator):
    """A sparse matrix that counts its products."""

    def __init__(self, A: scipy.sparse.csr_array) -> None:
        super().__init__(A.dtype, A.shape)
        self._A = A
        self.products = 0

    def _matvec(self, x: np.ndarray) -> np.ndarray:
        self.products += 1
        return self._A @ x

    def _matmat(self, X: np.ndarray) -> np.ndarray:
        self.products += X.shape[1]
        return self._A @ X


def matrix(n: int, gap: float) -> scipy.sparse.csr_array:
    """Return a sparse positive definite matrix with its largest eigenvalue ``gap`` apart."""
    rng = np.random.default_rng(0)
    diagonal = rng.uniform(3.0, 100.0, n)
    diagonal[n // 2] = 102.0 * gap
    side = -np.ones(n - 1)
    return scipy.sparse.diags_array([diagonal, side, side], offsets=[0, 1, -1], format="csr")


def problem(n: int, gap: float) -> tuple[lt.losses.Quadratic, dict[str, np.ndarray]]:
    """Return the quadratic and a random point."""
    return lt.losses.Quadratic(matrix(n, gap)), {"w": np.random.default_rng(1).standard_normal(n)}


def peak_vectors(loss: lt.losses.Quadratic, w: dict[str, np.ndarray], **options: float) -> float:
    """Return the peak memory of a teleport beyond its input, in vectors of float64."""
    group = loss.symmetry()
    tracemalloc.start()
    try:
        lt.teleport(loss, group, w, lt.GradientNorm(), **options)  # type: ignore[arg-type]
        return tracemalloc.get_traced_memory()[1] / (8 * loss.n)
    finally:
        tracemalloc.stop()


def large() -> list[Measurement]:
    """Measure an isolated and a clustered top of the spectrum, and a search within a radius."""
    rows = []
    for what, gap, options in (
        ("isolated top", 1.5, {}),
        ("clustered top", 1.0, {}),
        ("isolated top, radius 0.5", 1.5, {"radius": 0.5}),
    ):
        loss, w = problem(SIZE, gap)
        memory = peak_vectors(loss, w, **options)
        product = interleaved({"product": lambda w=w, loss=loss: loss.A @ w["w"]}, 7)["product"]
        counting = CountingMatrix(loss.A)
        counted = lt.losses.Quadratic(counting)
        seconds, found = timed(
            lambda counted=counted, w=w, options=options: lt.teleport(
                counted, counted.symmetry(), w, lt.GradientNorm(), **options
            )
        )
        note = f"{found.status}, residual {found.optimality:.0e}, drift {found.drift:.0e}"
        rows += [
            Measurement(f"n = 10^6, {what}: peak memory", memory, "vectors", 40, note=note),
            Measurement(
                f"n = 10^6, {what}: time",
                seconds / product,
                "products",
                note=f"{counting.products} products in it; one run",
            ),
        ]
    return rows
