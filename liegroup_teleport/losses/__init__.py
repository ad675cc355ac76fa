"""Losses: what a teleport must not change."""

from __future__ import annotations

from ._activations import LeakyReLU as LeakyReLU
from ._base import Loss as Loss
from ._base import gauss_newton_operator as gauss_newton_operator
from ._base import hvp_operator as hvp_operator
from ._base import value_and_gradient as value_and_gradient
from ._from_function import from_function as from_function
from ._functions import Booth as Booth
from ._functions import Rosenbrock as Rosenbrock
from ._mlp import MLP as MLP
from ._quadratic import Quadratic as Quadratic

__all__ = ["MLP", "Booth", "LeakyReLU", "Loss", "Quadratic", "Rosenbrock", "from_function"]
