"""What a teleport improves: plain descriptions, evaluated by ``_landscape``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .._arrays import namespace
from .._checks import (
    check_array,
    check_choice,
    check_instance,
    check_integer,
    check_number,
    check_text,
)

__all__ = [
    "GradientNorm",
    "LineSearchDecrease",
    "Objective",
    "OrbitCurvature",
    "ParameterNorm",
    "PerturbedLoss",
    "Preconditioner",
    "PredictedDecrease",
    "Sharpness",
]

Sense = Literal["max", "min"]


@dataclass(frozen=True, eq=False)
class Preconditioner:
    """The diagonal preconditioner of an adaptive optimizer's next step.

    At gradient ``v`` it is ``P = 1 / (sqrt(decay s + weight v^2) + epsilon)``.

    Attributes
    ----------
    second_moment : dict of str to array
        The accumulator s, of the shapes of the parameters.
    decay, weight, epsilon : float
        Coefficients of the next step, without units; ``epsilon > 0``, the others ``>= 0``.

    Raises
    ------
    ValueError, TypeError
        If ``second_moment`` is no dict of arrays, or a coefficient is not as above.

    References
    ----------
    [Duc11] Duchi, Hazan & Singer, *Adaptive subgradient methods for online learning and stochastic
    optimization*, JMLR 12, 2011 (diagonal form).

    [KB15] Kingma & Ba, *Adam: a method for stochastic optimization*, ICLR 2015.

    Examples
    --------
    What Adam would divide by at its first step is made by the optimizer itself:

    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> adam, w = lt.training.Adam(0.01), {"w": np.zeros(2)}
    >>> P = adam.preconditioner(adam.init(w))
    >>> v = np.array([3.0, -0.5])
    >>> step = v / (P.root("w", P.second_moment["w"], v) + P.epsilon)
    >>> step.round(6)  # the first step is the sign of the gradient
    array([ 1., -1.])
    """

    second_moment: Mapping[str, Any]
    decay: float
    weight: float
    epsilon: float

    def __post_init__(self) -> None:
        namespace(self.second_moment, "second_moment")
        for name in ("decay", "weight"):
            object.__setattr__(self, name, check_number(name, getattr(self, name), least=0.0))
        object.__setattr__(self, "epsilon", check_number("epsilon", self.epsilon, above=0.0))

    def root(self, name: str, s: Any, v: Any) -> Any:
        """Return ``sqrt(decay s + weight v^2)`` for one parameter.

        Parameters
        ----------
        name : str
            Which parameter.
        s : array
            Its second moment, of the parameter's shape.
        v : array
            Its gradient, of the parameter's shape.

        Returns
        -------
        array
            Of the shape and library of ``v``.

        Raises
        ------
        ValueError, TypeError
            If ``s`` and ``v`` are no real arrays of one library, dtype and shape.
        """
        check_text("name", name)
        xp = namespace({"s": s, "v": v}, "array")
        if tuple(s.shape) != tuple(v.shape):
            raise ValueError(f"s has shape {tuple(s.shape)}; expected that of v, {tuple(v.shape)}")
        return xp.sqrt(self.decay * s + self.weight * v * v)


@dataclass(frozen=True)
class Objective:
    """Base of all objectives.

    An objective is a plain description; :func:`~liegroup_teleport.teleport` knows how to evaluate
    those of this library along an orbit, from one gradient where the action is linear.

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> objective = lt.ParameterNorm()
    >>> isinstance(objective, lt.orbit.Objective), objective.sense, objective.unbounded
    (True, 'min', True)
    """

    @property
    def sense(self) -> Sense:
        """Whether more or less is better unless the caller says otherwise."""
        return "max"

    @property
    def unbounded(self) -> bool:
        """Whether the objective may grow without limit on a non-compact orbit."""
        return False


@dataclass(frozen=True)
class GradientNorm(Objective):
    """The squared norm of the gradient, ``||grad L(g.w)||^2``; more is better.

    Minimising it is convex along the orbit of a self-adjoint action, and the minimum is proved.
    On a non-compact orbit it has no maximum: give a radius.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022
    (the objective of teleportation).

    [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979 (why minimising is
    convex).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.diag([1.0, 10.0]))
    >>> w = {"w": np.array([2.0, 0.0])}
    >>> result = lt.teleport(loss, loss.symmetry(), w, lt.GradientNorm())
    >>> result.status
    'optimal'
    >>> round(result.objective_before, 9), round(result.objective_after, 9)  # 2 lambda_1 L = 40
    (4.0, 40.0)
    """

    @property
    def unbounded(self) -> bool:
        """True: on a non-compact orbit there is no maximum unless it is constant."""
        return True


@dataclass(frozen=True)
class ParameterNorm(Objective):
    """The squared norm of the parameters, ``||g.w||^2``; less is better.

    It needs no gradient. The minimum over rescalings is the balanced network: what every hidden
    unit reads and what it writes have the same norm.

    References
    ----------
    [Sto19] Stock et al., *Equi-normalization of neural networks*, ICLR 2019.

    [KN79] Kempf & Ness, *The length of vectors in representation spaces*, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.MLP([1, 1, 1], activation="relu", inputs=[[1.0]], targets=[[0.0]])
    >>> w = {"W1": np.array([[100.0]]), "W2": np.array([[0.01]])}
    >>> result = lt.teleport(loss, loss.symmetry(), w, lt.ParameterNorm())
    >>> result.status, result.params["W1"].round(9), result.params["W2"].round(9)
    ('optimal', array([[1.]]), array([[1.]]))
    """

    @property
    def sense(self) -> Sense:
        """Less is better."""
        return "min"

    @property
    def unbounded(self) -> bool:
        """True: on a non-compact orbit there is no maximum unless it is constant."""
        return True


@dataclass(frozen=True)
class PredictedDecrease(Objective):
    r"""The decrease that the next step is predicted to bring.

    .. math:: D(g) = \eta\, v^T P v - \tfrac12 \eta^2 (Pv)^T B (Pv)

    with ``v`` the gradient and ``B`` the Gauss-Newton matrix at ``g.w``, and P
    the identity or the optimizer's diagonal. Behaves much like a larger
    learning rate: large gains far below the stability limit, small ones at a
    tuned rate.

    Parameters
    ----------
    learning_rate : float, optional
        The step size > 0, in the units of ``w`` over those of the gradient. ``None`` only inside a
        training schedule, which fills it in from the optimizer.
    optimizer_state : Preconditioner, optional
        The adaptive optimizer's live diagonal.

    Raises
    ------
    ValueError, TypeError
        If the learning rate is not a finite number > 0, or the state no ``Preconditioner``.

    References
    ----------
    [Sch02] Schraudolph, *Fast curvature matrix-vector products for second-order gradient descent*,
    Neural Computation 14(7), 2002 (the Gauss-Newton matrix).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.diag([1.0, 10.0]))
    >>> w = {"w": np.array([2.0, 0.1])}
    >>> result = lt.teleport(loss, loss.symmetry(), w, lt.PredictedDecrease(0.05))
    >>> moved = result.params["w"] - 0.05 * loss.gradient(result.params)["w"]
    >>> decrease = loss.value(w) - loss.value({"w": moved})
    >>> bool(np.isclose(decrease, result.objective_after))  # the model of a quadratic is exact
    True
    >>> result.objective_after > 1.5 * result.objective_before
    True
    """

    learning_rate: float | None = None
    optimizer_state: Preconditioner | None = None

    def __post_init__(self) -> None:
        if self.learning_rate is not None:
            rate = check_number("learning rate", self.learning_rate, above=0.0)
            object.__setattr__(self, "learning_rate", rate)
        if self.optimizer_state is not None:
            expected = "a Preconditioner, as an optimizer's preconditioner(state) returns, or None"
            check_instance("optimizer_state", self.optimizer_state, Preconditioner, expected)


@dataclass(frozen=True)
class LineSearchDecrease(Objective):
    r"""The decrease of the best step along the gradient in the quadratic model.

    .. math:: E(g) = \tfrac12 \|v\|^4 / (v^T B v) \le \tfrac12 v^T B^{-1} v

    with ``v`` the gradient and ``B`` the Gauss-Newton matrix at ``g.w``. By
    Kantorovich's inequality equality holds exactly where v is an eigenvector
    of B. It has no step size, and is bounded on every orbit.

    References
    ----------
    [Kan48] Kantorovich, *Functional analysis and applied mathematics*, Uspekhi Matematicheskikh
    Nauk 3(6), 1948.

    [Zha24] Zhao et al., *Improving Convergence and Generalization Using Parameter Symmetries*,
    ICLR 2024 (teleportation and Newton's method).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.diag([1.0, 10.0]))
    >>> w = {"w": np.array([2.0, 0.5])}
    >>> result = lt.teleport(loss, loss.symmetry(), w, lt.LineSearchDecrease())
    >>> result.objective_before < 0.75 * loss.value(w)
    True
    >>> bool(np.isclose(result.objective_after, loss.value(w)))  # one step reaches the minimum
    True
    """


@dataclass(frozen=True)
class Sharpness(Objective):
    r"""Sharpness of the loss: trace or largest eigenvalue of the Gauss-Newton matrix.

    The trace :math:`\operatorname{tr} B (\rho^T\rho)^{-1}` is taken from a few
    products at the start, and convex along the orbit of a linear action. With
    as many probes as B has rank it is exact, with fewer it is below. The full
    Hessian would not do: its trace may be negative, and then has no minimum on
    a non-compact orbit.

    Parameters
    ----------
    measure : {"trace", "largest"}
        The trace, or the largest eigenvalue by Lanczos at each point.
    probes : int
        Products taken for the trace, at least 1.
    accuracy : float
        Relative accuracy of the largest eigenvalue.
    seed : int
        Seed of the random probes.

    Raises
    ------
    ValueError, TypeError
        If ``measure``, ``probes``, ``accuracy`` or ``seed`` is not as above.

    References
    ----------
    [HS97] Hochreiter & Schmidhuber, *Flat minima*, Neural Computation 9(1), 1997.

    [WS01] Williams & Seeger, *Using the Nyström method to speed up kernel machines*, NeurIPS 13,
    2001 (the approximation by probes).

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(10, 3)), rng.normal(size=(10, 1))
    >>> loss = lt.losses.MLP([3, 4, 1], activation="relu", inputs=X, targets=Y)
    >>> w = loss.init(rng)
    >>> steep = {"W1": 5 * w["W1"], "W2": w["W2"] / 5}  # the same function
    >>> flat = lt.teleport(loss, loss.symmetry(), steep, lt.Sharpness())
    >>> flat.status, flat.objective_after < 0.2 * flat.objective_before
    ('optimal', True)
    """

    measure: Literal["trace", "largest"] = "trace"
    probes: int = 64
    accuracy: float = 1e-6
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("measure", self.measure, ("trace", "largest"))
        _integers(self, probes=1, seed=0)
        accuracy = check_number("accuracy", self.accuracy, above=0.0, below=1.0)
        object.__setattr__(self, "accuracy", accuracy)

    @property
    def sense(self) -> Sense:
        """Less is better."""
        return "min"

    @property
    def unbounded(self) -> bool:
        """True: on a non-compact orbit there is no maximum unless it is constant."""
        return True


@dataclass(frozen=True)
class PerturbedLoss(Objective):
    r"""Mean loss under random perturbation, :math:`\phi` of Zhao et al. 2024.

    .. math:: \phi(w) = \operatorname{mean}_{t, d} L(w + t d)

    over the given radii and random unit directions, the same at every point of
    the orbit. One gradient per perturbation and evaluation.

    Parameters
    ----------
    radii : tuple of float
        Sizes t of the perturbations, positive, in the units of the parameters.
    directions : int
        Number of unit directions d, at least 1.
    seed : int
        Seed of the directions.

    Raises
    ------
    ValueError, TypeError
        If a radius is not finite and positive, or ``directions`` not a positive integer.

    References
    ----------
    [Zha24] Zhao et al., *Improving Convergence and Generalization Using Parameter Symmetries*,
    ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Quadratic(np.diag([1.0, 1.0, 4.0]))
    >>> w = {"w": np.array([1.0, 0.0, 0.0])}
    >>> phi = lt.PerturbedLoss(radii=(0.5,), directions=4)
    >>> result = lt.teleport(loss, loss.symmetry(), w, phi)
    >>> result.objective_after < result.objective_before
    True
    """

    radii: tuple[float, ...] = (0.001, 0.011, 0.021, 0.031, 0.041)
    directions: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        radii = check_array("radii", self.radii, (None,))
        if not radii.size or not (radii > 0).all():
            raise ValueError(f"radii are {self.radii}; expected finite numbers > 0")
        object.__setattr__(self, "radii", tuple(radii.tolist()))
        _integers(self, directions=1, seed=0)

    @property
    def sense(self) -> Sense:
        """Less is better."""
        return "min"

    @property
    def unbounded(self) -> bool:
        """True: far out on a non-compact orbit every perturbation is large."""
        return True


@dataclass(frozen=True)
class OrbitCurvature(Objective):
    r"""Mean curvature of the orbit, :math:`\psi` of Zhao et al. 2024.

    Curvature at t = 0 of :math:`\gamma(t) = \exp(tM) \cdot w`,

    .. math:: \kappa = \frac{\sqrt{\|\gamma'\|^2\|\gamma''\|^2 -
        (\gamma'\cdot\gamma'')^2}}{\|\gamma'\|^3},

    averaged over random unit M of the Lie algebra. Needs no gradient, and a
    linear action; the paper finds it correlated with the validation loss.

    Parameters
    ----------
    directions : int
        Number of M, at least 1.
    seed : int
        Seed of the M.

    Raises
    ------
    ValueError, TypeError
        If ``directions`` is not a positive integer.

    References
    ----------
    [Zha24] Zhao et al., *Improving Convergence and Generalization Using Parameter Symmetries*,
    ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.MLP([1, 1, 1], activation="relu", inputs=[[1.0]], targets=[[0.0]])
    >>> w = {"W1": np.array([[3.0]]), "W2": np.array([[0.5]])}
    >>> psi = lt.OrbitCurvature()
    >>> result = lt.teleport(loss, loss.symmetry(), w, psi, radius=3.0)
    >>> bool(np.isclose(result.objective_after, 1 / np.sqrt(3.0)))  # the vertex of a hyperbola
    True
    """

    directions: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        _integers(self, directions=1, seed=0)

    @property
    def unbounded(self) -> bool:
        """True: curvature grows without limit where the parameters shrink."""
        return True


def _integers(objective: Objective, **least: int) -> None:
    """Store the named fields as ``int``, or raise unless they are at least so large."""
    for name, lowest in least.items():
        number = check_integer(name, getattr(objective, name), least=lowest)
        object.__setattr__(objective, name, number)
