"""What the best step along the gradient gains, against a Newton step."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..groups import QuadraticOrthogonal
from ..losses import Quadratic
from ..orbit import LineSearchDecrease
from ..teleporting import teleport
from ._certificate import Certificate, certify
from ._normal_form import remainder

__all__ = ["prove_kantorovich"]


def prove_kantorovich(*, time_limit: float = 60.0) -> Certificate:
    r"""Prove that a line search gains what Newton gains exactly where v is an eigenvector of B.

    With :math:`E = \tfrac12\|v\|^4 / v^T B v` and the eigenvalues of B in [m, M],

    .. math:: \frac{4mM}{(m+M)^2}\;\tfrac12 v^T B^{-1} v \le E \le \tfrac12 v^T B^{-1} v,

    on the right with equality if and only if all eigenvalues that v meets are the same. In
    eigencoordinates c both are sums over pairs of eigenvalues, proved summand by summand and
    hence for every n; written out for n = 2, 3, 4 as well. The left side is Kantorovich's
    inequality. Re-checked with the shipped ``LineSearchDecrease`` on random quadratics.

    Parameters
    ----------
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If ``time_limit`` is not positive.

    References
    ----------
    [Kan48] Kantorovich, *Functional analysis and applied mathematics*, Uspekhi Matematicheskikh
    Nauk 3(6), 1948.

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> certificate = lt.symbolic.prove_kantorovich()
    >>> certificate.proved, certificate.scope
    (True, 'every n')
    """
    return certify(
        name="line-search decrease against Newton decrease (Kantorovich)",
        statement="E <= v^T B^-1 v / 2 with equality exactly at eigenvectors, and E is at least "
        "4mM/(m+M)^2 of it, for every n",
        method="sums of squares over pairs of eigenvalues, expanded; re-checked with the shipped "
        "LineSearchDecrease on random quadratics",
        assumptions=("B is symmetric positive definite with eigenvalues in [m, M]",),
        scope="every n",
        latex=r"\frac{4mM}{(m+M)^2}\,\tfrac12 v^{\mathsf T}B^{-1}v \;\le\; "
        r"\frac{\|v\|^4}{2\,v^{\mathsf T}Bv} \;\le\; \tfrac12 v^{\mathsf T}B^{-1}v",
        residual=_residual,
        counterexample=_counterexample,
        time_limit=time_limit,
    )


def _residual() -> Any:
    a, b, m, M = sympy.symbols("lambda_i lambda_j m M", positive=True)
    S, P, Q = sympy.symbols("S P Q", positive=True)  # |v|^2, v^T B v, v^T B^-1 v
    summand = a / b + b / a - 2 - (a - b) ** 2 / (a * b)
    # between m and M: the right side is not negative
    between = (m + M) - a - m * M / a - (a - m) * (M - a) / a
    # ((m+M) S)^2 - 4mM PQ >= 0 if (m+M) S >= P + mMQ
    squares = ((m + M) * S) ** 2 - 4 * m * M * P * Q
    squares -= ((m + M) * S - P - m * M * Q) * ((m + M) * S + P + m * M * Q)
    squares -= (P - m * M * Q) ** 2
    return remainder([summand, between, squares, *(_written_out(n) for n in (2, 3, 4))])


def _written_out(n: int) -> Any:
    """Return (v^T B v)(v^T B^-1 v) - |v|^4 minus its sum of squares, for n eigenvalues."""
    eigenvalues = sympy.symbols(f"lambda1:{n + 1}", positive=True)
    c = sympy.symbols(f"c1:{n + 1}", real=True)
    P = sum(x * y**2 for x, y in zip(eigenvalues, c, strict=True))
    Q = sum(y**2 / x for x, y in zip(eigenvalues, c, strict=True))
    pairs = sum(
        (c[i] * c[j] * (eigenvalues[i] - eigenvalues[j])) ** 2 / (eigenvalues[i] * eigenvalues[j])
        for i in range(n)
        for j in range(i)
    )
    return P * Q - sum(y**2 for y in c) ** 2 - pairs


def _counterexample(seed: int) -> dict[str, Any] | None:
    rng = np.random.default_rng(seed)
    for n in (2, 3, 5):
        Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
        eigenvalues = np.sort(rng.uniform(0.5, 9.0, n))
        loss = Quadratic((Q * eigenvalues) @ Q.T)
        least = 4 * eigenvalues[0] * eigenvalues[-1] / (eigenvalues[0] + eigenvalues[-1]) ** 2
        # the worst vector for Kantorovich, an eigenvector, and one in general position
        worst = Q[:, 0] + Q[:, -1]
        gradients = {"worst": worst, "eigenvector": Q[:, 1], "general": rng.standard_normal(n)}
        for kind, gradient in gradients.items():
            w = {"w": np.linalg.solve(loss.A, gradient)}
            jump = teleport(loss, QuadraticOrthogonal(loss), w, LineSearchDecrease())
            ratio = jump.objective_before / loss.value(w)  # a Newton step gains the whole loss
            reached = {"worst": least, "eigenvector": 1.0}.get(kind, ratio)
            inside = least - 1e-9 <= ratio <= 1 + 1e-9 and abs(ratio - reached) < 1e-9
            if not inside or (kind == "general" and ratio > 1 - 1e-6):
                return {"A": loss.A, "w": w["w"], "ratio": ratio, "bounds": [least, 1.0]}
    return None
