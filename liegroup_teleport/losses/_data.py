"""Reading and checking what a network is built from: widths, inputs and targets."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import array_api_compat
import numpy as np

from .._arrays import Array, cast, host, is_symbolic
from .._errors import DomainError
from ._base import detached

__all__ = ["bring", "check_inputs", "check_widths", "read"]


def check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """Return ``widths`` as a tuple of at least two positive integers."""
    try:
        given: list[Any] = list(widths)
    except TypeError:
        raise TypeError(f"widths is {widths!r}; expected a sequence of integers") from None
    if len(given) < 2:
        raise ValueError(f"widths is {given}; expected at least 2: inputs and outputs")
    for width in given:
        if isinstance(width, bool) or not isinstance(width, numbers.Integral) or int(width) < 1:
            raise ValueError(f"widths is {given}; expected positive integers, got {width!r}")
    return tuple(int(width) for width in given)


def read(data: Any, name: str) -> np.ndarray:
    """Copy ``data`` to NumPy: later changes by the caller must not change the loss."""
    if array_api_compat.is_array_api_obj(data) and not isinstance(data, np.ndarray):
        xp = array_api_compat.array_namespace(data)
        if xp.isdtype(data.dtype, "real floating"):
            return np.array(host(data))
        data = array_api_compat.to_device(data, "cpu")
    try:
        array = np.array(np.asarray(data))  # PyTorch's own __array__ takes no `copy`
    except ValueError as error:
        raise ValueError(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind not in "fiubO":
        raise TypeError(f"{name}: dtype {array.dtype}; expected real numbers")
    return array


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
