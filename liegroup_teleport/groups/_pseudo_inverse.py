"""The pseudo-inverse of a batch of states, one row per sample."""

from __future__ import annotations

import array_api_compat
import numpy as np
import scipy.linalg

from .._arrays import Array, host
from .._errors import DomainError

__all__ = ["pseudo_inverse"]

# Solving with H H^T loses the square of H's condition number. Below the first bound that is
# within 1e-12; one step of refinement brings it back to H's own condition up to the second.
WELL_CONDITIONED, REFINED = 1e4, 1e8


def pseudo_inverse(H: Array, layer: int) -> Array:
    """Return the pseudo-inverse (width, samples) of ``H`` (samples, width) of full row rank.

    A Cholesky factor of ``H H^T`` where that is accurate, which takes a small part of the time
    of the singular value decomposition used otherwise.

    Parameters
    ----------
    H : array (samples, width)
    layer : int
        The layer that reads ``H``, for the error message.

    Raises
    ------
    DomainError
        If the rank is less than the number of samples.

    References
    ----------
    Björck, *Numerical Methods for Least Squares Problems* (1996), section 6.6.
    """
    found = _by_cholesky(H) if isinstance(H, np.ndarray) and H.dtype == np.float64 else None
    return _by_singular_values(H, layer) if found is None else found


def _by_cholesky(H: np.ndarray) -> np.ndarray | None:
    """Return the pseudo-inverse from the Gram matrix, or ``None`` where that is inaccurate."""
    samples, width = H.shape
    if samples > width:
        return None
    gram = H @ H.T
    factor, failed = scipy.linalg.lapack.dpotrf(gram.T, lower=1)
    if failed or not np.all(np.isfinite(factor)):
        return None
    reciprocal, _ = scipy.linalg.lapack.dpocon(factor, np.linalg.norm(gram, 1), uplo="L")
    if not reciprocal * REFINED > 1:
        return None
    inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=1)
    K = scipy.linalg.blas.dsymm(1.0, inverse, H.T, side=1, lower=1)
    return K if reciprocal * WELL_CONDITIONED > 1 else K + K @ (np.eye(samples) - H @ K)


def _by_singular_values(H: Array, layer: int) -> Array:
    """Return the pseudo-inverse of an array of any library; refuse a rank-deficient one."""
    xp = array_api_compat.array_namespace(H)
    samples, width = tuple(H.shape)
    if not bool(xp.all(xp.isfinite(H))):
        raise DomainError(f"states read by layer {layer} have entries that are not finite")
    U, S, Vh = xp.linalg.svd(H, full_matrices=False)
    tolerance = max(samples, width) * float(xp.finfo(H.dtype).eps)
    values = host(S)
    rank = int(np.sum(values > tolerance * values[0])) if values.size and values[0] > 0 else 0
    if rank < samples:
        raise DomainError(
            f"rank-deficient batch: the input of layer {layer} has shape {(samples, width)} and "
            f"rank {rank}; the data-dependent action needs rank {samples} (at most as many "
            "samples as units, in general position)"
        )
    return Vh.T @ (U / S).T
