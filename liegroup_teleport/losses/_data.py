"""Reading and checking what a network is built from: widths, inputs and targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import array_api_compat
import numpy as np

from .._arrays import Array, cast, host, is_symbolic, usable
from .._checks import check_integer, check_sequence, shown
from .._errors import DomainError
from ._base import detached

__all__ = ["bring", "check_inputs", "check_widths", "read"]


def check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """Return ``widths`` as a tuple of at least two positive integers."""
    given = check_sequence("widths", widths, "a sequence of integers")
    if len(given) < 2:
        raise ValueError(f"widths is {given}; expected at least 2: inputs and outputs")
    try:
        return tuple(check_integer("width", width, least=1) for width in given)
    except (TypeError, ValueError):
        wrong = next(width for width in given if not _is_width(width))
        raise ValueError(
            f"widths is {shown(given)}; expected positive integers, got {shown(wrong)}"
        ) from None


def _is_width(width: Any) -> bool:
    try:
        return check_integer("width", width, least=1) > 0
    except (TypeError, ValueError):
        return False


def read(data: Any, name: str) -> np.ndarray:
    """Copy ``data`` to NumPy: later changes by the caller must not change the loss."""
    data = usable(data, name)
    if not isinstance(data, np.ndarray):
        xp = array_api_compat.array_namespace(data)
        if xp.isdtype(data.dtype, "real floating"):
            return np.array(host(data))
        data = np.asarray(array_api_compat.to_device(data, "cpu"))
    return np.array(data)


def check_inputs(inputs: Array, features: int, name: str = "inputs") -> Array:
    """Raise unless ``inputs`` are finite of shape (samples, features), samples >= 1."""
    shape = tuple(inputs.shape)
    if len(shape) != 2 or shape[1] != features or shape[0] < 1:
        raise ValueError(
            f"{name} have shape {shape}; expected (samples, {features}) with at least one sample"
        )
    if not isinstance(inputs, np.ndarray) or is_symbolic(inputs):
        return inputs
    finite = np.isfinite(inputs)
    if not finite.all():
        raise DomainError(f"{name} have {int(np.sum(~finite))} entries that are not finite")
    return inputs


def bring(X: Array, like: Array) -> Array:
    """Cast ``X`` of any library to the library, dtype and device of ``like``."""
    if type(X) is type(like) and X.dtype == like.dtype:
        return detached(X)
    return cast(host(X), like)
