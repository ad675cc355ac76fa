"""Where the gradient of a quadratic is largest, and what fails on orbits that are too small."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..groups import PositiveRescaling, QuadraticOrthogonal
from ..losses import MLP, Quadratic
from ..orbit import GradientNorm
from ..teleporting import teleport
from ._certificate import Certificate, certify
from ._eigenvector import minors
from ._every_n import block, transpose, words
from ._numbers import numbers_of
from ._scalars import expression_of
from ._symbols import entries

__all__ = ["quadratic_maximiser_for_every_n", "smaller_orbit_counterexample"]


def smaller_orbit_counterexample(*, time_limit: float = 60.0) -> Certificate:
    r"""Show that on an orbit smaller than the level set the gradient need not be an eigenvector.

    The linear network 2-1-1 at :math:`W_1 = (-5, 5)`, :math:`W_2 = 1`, on the two unit
    inputs with targets :math:`(-8, 1)`, and its rescalings: the gradient (3, 4, 5) has
    moment map zero, so its norm is critical on the orbit, and H grad L is not parallel to it.
    Exactly, by the shipped code; re-checked by differences in float64.

    Parameters
    ----------
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate
        Its witness holds the point, the gradient and H grad L.

    Raises
    ------
    ValueError
        If ``time_limit`` is not positive.

    References
    ----------
    [Zha24] Zhao et al., *Improving Convergence and Generalization Using Parameter Symmetries*,
    ICLR 2024
    (the property that fails here).

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> certificate = lt.symbolic.smaller_orbit_counterexample()
    >>> certificate.proved
    True
    >>> [int(entry) for entry in certificate.witness["gradient"]]
    [3, 4, 5]
    >>> [int(entry) for entry in certificate.witness["H gradient"]]
    [-7, 49, 280]
    """
    inputs, targets = np.eye(2), np.array([[-8.0], [1.0]])
    point = {"W1": np.array([[-5.0, 5.0]]), "W2": np.array([[1.0]])}

    def loss_on(array: Any) -> MLP:
        return MLP([2, 1, 1], activation="linear", inputs=array(inputs), targets=array(targets))

    group = PositiveRescaling(loss_on(np.asarray).hidden_indices())

    def residual() -> Any:
        loss, w = loss_on(numbers_of), {n: numbers_of(a) for n, a in point.items()}
        gradient = loss.gradient(w)
        product = loss.hvp(w, gradient)
        u, v = list(entries(gradient)), list(entries(product))
        critical = group.moment_map(gradient)
        parallel = all(minor == 0 for minor in minors(u, v))
        exact = {"gradient": u, "H gradient": v, "moment map": list(critical)}
        example = {name: [entry.value for entry in part] for name, part in exact.items()}
        failures = [*critical, int(parallel), int(not any(u))]
        return sum(expression_of(f) ** 2 for f in failures), {"w": point, **example}

    def counterexample(seed: int) -> dict[str, Any] | None:
        loss, x = loss_on(np.asarray), np.ones(1)

        def norm(t: float) -> float:
            there = loss.gradient(group.act(group.exp(t * x), point))
            return float(sum((a * a).sum() for a in there.values()))

        gradient = loss.gradient(point)
        step = 1e-5
        ahead, behind = (
            loss.gradient({n: point[n] + s * gradient[n] for n in point}) for s in (step, -step)
        )
        a = np.concatenate([gradient[n].ravel() for n in point])
        b = np.concatenate([(ahead[n] - behind[n]).ravel() / (2 * step) for n in point])
        cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        slope = (norm(step) - norm(-step)) / (2 * step)
        if abs(slope) < 1e-6 * norm(0.0) and abs(cosine) < 0.9:
            return None
        return {"w": point, "slope": slope, "cosine": cosine}

    return certify(
        name="counterexample on a smaller orbit, linear 2-1-1",
        statement="there is a point where the gradient norm is critical on the orbit of "
        "PositiveRescaling and the gradient is no eigenvector of the Hessian",
        method="the shipped gradient, hvp and moment map in exact rational arithmetic; re-checked "
        "by differences in float64",
        assumptions=(),
        scope="orbit",
        latex=r"\exists\,w:\quad \mu(\nabla L(w)) = 0,\quad H\nabla L \nparallel \nabla L",
        residual=residual,
        counterexample=counterexample,
        time_limit=time_limit,
    )


def quadratic_maximiser_for_every_n(*, time_limit: float = 60.0) -> Certificate:
    r"""Prove where the gradient norm of a quadratic is largest on a level set, for every n.

    With :math:`A = B^2`, top eigenvector u and eigenvalue :math:`\lambda_1`:

    .. math:: 2\lambda_1 L - \|\nabla L\|^2 = (By)^T(\lambda_1 - A)(By) \ge 0,

    attained at :math:`y = \sqrt{2L/\lambda_1}\,u`, where :math:`H\nabla L = \lambda_1\nabla L`
    and the step :math:`1/\lambda_1`, a Newton step, lands on the minimum. By symbols that do not
    commute. Re-checked with the shipped ``teleport`` on random quadratics of several n.

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
    [Zha24] Zhao et al., *Improving Convergence and Generalization Using Parameter Symmetries*,
    ICLR 2024
    (teleportation and Newton's method).

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> certificate = lt.symbolic.quadratic_maximiser_for_every_n()
    >>> certificate.proved, certificate.scope
    (True, 'every n')
    """
    A, B, y, row, u, u_row = (block(name) for name in ("A", "B", "y", "yT", "u", "uT"))
    top, level = sympy.symbols("lambda_1 ell", positive=True)
    rules = {(B, B): A, (A, u): top * u, (u_row, A): top * u_row, (u_row, u): 1, (A, B): B * A}
    of = {y: row, row: y, u: u_row, u_row: u}

    def residual() -> Any:
        loss = row * A * y / 2
        norm = transpose(A * y, of) * A * y
        bound = transpose(B * y, of) * (top - A) * B * y
        best = sympy.sqrt(2 * level / top) * u
        gradient = A * best
        claims = [
            2 * top * loss - norm - bound,
            transpose(best, of) * A * best / 2 - level,
            transpose(gradient, of) * gradient - 2 * top * level,
            A * gradient - top * gradient,
            best - gradient / top,
        ]
        return next((rest for c in claims if (rest := words(c, rules)) != 0), 0)

    def counterexample(seed: int) -> dict[str, Any] | None:
        rng = np.random.default_rng(seed)
        for n in (2, 3, 6):
            root = rng.standard_normal((n, n))
            loss = Quadratic(root.T @ root + 0.1 * np.eye(n), rng.standard_normal(n))
            w = {"w": rng.standard_normal(n)}
            largest = float(np.linalg.eigvalsh(loss.A)[-1])
            jump = teleport(loss, QuadraticOrthogonal(loss), w, GradientNorm())
            there = jump.params["w"] - loss.gradient(jump.params)["w"] / largest
            bound = 2 * largest * loss.value(w)
            near = np.isclose(jump.objective_after, bound, rtol=1e-9)
            lands = loss.value({"w": there}) < 1e-18 * (1 + bound)
            points = rng.standard_normal((200, n))
            heights = np.einsum("ij,jk,ik->i", points, loss.A, points) / 2
            norms = ((points @ loss.A) ** 2).sum(axis=1)
            if not (near and lands and np.all(norms <= 2 * largest * heights * (1 + 1e-12))):
                return {"A": loss.A, "w": w["w"], "reached": jump.objective_after, "bound": bound}
        return None

    return certify(
        name="largest gradient of a quadratic on a level set, every n",
        statement="the gradient norm is largest at the top eigenvector, where the gradient is an "
        "eigenvector of the Hessian and one step 1/lambda_1 lands on the minimum",
        method="symbols that do not commute; re-checked with the shipped teleport on random "
        "quadratics",
        assumptions=("A is positive definite", "lambda_1 is its largest eigenvalue"),
        scope="every n",
        latex=r"\max_{L(w)=\ell}\|\nabla L\|^2 = 2\lambda_1\ell,\quad "
        r"w^* = w_{\min}\pm\sqrt{2\ell/\lambda_1}\,u_1,\quad "
        r"w^* - \lambda_1^{-1}\nabla L(w^*) = w_{\min}",
        residual=residual,
        counterexample=counterexample,
        time_limit=time_limit,
    )
