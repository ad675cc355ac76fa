"""What rounding inside a loss may change, beyond that of the parameters to first order."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Parameters, cast, epsilon, norm, scale_parameters
from .._checks import check_number

__all__ = ["loss_rounding"]

PRODUCTS = 3  # steps of power iteration: the size of the largest curvature, not its digits
ROUNDINGS = 64.0  # of a parameter, in units of eps


def loss_rounding(loss: Any, w: Parameters) -> float:
    r"""Return what rounding may change a loss by at ``w`` where its gradient says nothing.

    A loss that knows its own forward pass has ``value_rounding(w)``. For any other the second
    order of the same change of the parameters that :func:`allowed_change` counts to first order,
    :math:`\tfrac12 (64 \epsilon)^2 \|H\| \|w\|^2`, with the largest curvature from a few Hessian
    products; zero if the loss has none, or if the bound overflows: what is not finite bounds
    nothing and may excuse nothing.
    """
    own = getattr(loss, "value_rounding", None)
    if own is not None:
        change = check_number("value_rounding(w)", own(w), least=0.0, infinite=True)
        return change if np.isfinite(change) else 0.0
    if not getattr(loss, "has_hvp", hasattr(loss, "hvp")):  # what counts a loss has the method
        return 0.0
    rng = np.random.default_rng(0)
    v: Parameters = {name: cast(rng.standard_normal(tuple(a.shape)), a) for name, a in w.items()}
    largest = 0.0
    for _ in range(PRODUCTS):
        length = norm(v)
        if not 0 < length < np.inf:
            break
        v = loss.hvp(w, scale_parameters(1.0 / length, v))
        largest = max(largest, norm(v))
    change = 0.5 * (ROUNDINGS * epsilon(w) * norm(w)) ** 2 * largest
    return change if np.isfinite(change) else 0.0
