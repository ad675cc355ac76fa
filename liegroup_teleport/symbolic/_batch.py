"""The data-dependent action on object arrays: right inverses of the hidden states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..groups import ActivationGL
from ..groups._activation import _Layer
from ._elements import identity_matrix, inverse_matrix
from ._exact import changed_twin
from ._symbols import Definitions, symbol_array

__all__ = ["bound_right_inverses", "right_inverse", "with_right_inverses"]


def with_right_inverses(
    group: ActivationGL, mlp: Any, inverse_of: Callable[[np.ndarray, int], np.ndarray]
) -> ActivationGL:
    """Return ``group`` on the twin ``mlp``, its layers' pseudo-inverses given by a function.

    A singular value decomposition needs floats; everything else that the group computes is left
    as it is.
    """
    twin: ActivationGL = changed_twin(group, mlp=mlp)

    def layers(w: Any) -> list[_Layer]:
        states, hidden = mlp.hidden(w)
        return [
            _Layer(w[f"W{m}"], H, inverse_of(H, m), Z)
            for m, (Z, H) in enumerate(zip(states, hidden, strict=True), start=1)
        ]

    twin.__dict__["_layers"] = layers
    return twin


def right_inverse(
    inverse: Callable[[np.ndarray], np.ndarray], H: np.ndarray, layer: int
) -> np.ndarray:
    """Return ``H^T (H H^T)^-1`` of exact numbers, shape (width, samples).

    Raises
    ------
    ZeroDivisionError
        If the rank of ``H`` is less than the number of samples.
    """
    return H.T @ inverse(H @ H.T)


def bound_right_inverses(hidden: list[np.ndarray]) -> tuple[list[np.ndarray], Definitions]:
    """Return right inverses K of the hidden states H (samples, width), with symbols.

    The first rows of K are free, the last follow from ``H K = I`` by the inverse of H's last
    columns, a dense set of H: adjugate times a symbol bound to a determinant's reciprocal.
    """
    found, definitions = [], Definitions()
    for m, H in enumerate(hidden):
        samples, width = H.shape
        free = symbol_array(f"K{m}", (width - samples, samples))
        inverse, bound = inverse_matrix(H[:, width - samples :], f"d_H{m}")
        rest = identity_matrix(samples) - H[:, : width - samples] @ free
        definitions |= bound
        found.append(np.concatenate([free, inverse @ rest]))
    return found, definitions
