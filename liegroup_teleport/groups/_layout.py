"""Parameters as one flat vector, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._arrays import Parameters, cast, host
from .._checks import check_integer, check_mapping, check_sequence, check_text, shown

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """Names and shapes of parameters, in the order of their entries in a flat vector.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        Every length known.

    Raises
    ------
    ValueError
        If there are no parameters, or a length is not a positive integer.
    """

    shapes: Mapping[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        expected = "a dict from name to shape"
        shapes = {}
        for name, shape in check_mapping("parameters", self.shapes, expected).items():
            check_text("parameter name", name)
            lengths = check_sequence(f"shape of parameter {name!r}", shape, "a tuple of lengths")
            try:
                shapes[name] = tuple(check_integer("length", k, least=1) for k in lengths)
            except (TypeError, ValueError):
                raise ValueError(
                    f"parameter {name!r} has shape {shown(shape)}; expected positive lengths"
                ) from None
        if not shapes:
            raise ValueError(f"no parameters; expected {expected}")
        object.__setattr__(self, "shapes", shapes)

    @classmethod
    def of(cls, w: Parameters) -> Layout:
        """Return the layout of parameters."""
        return cls({name: tuple(int(k) for k in array.shape) for name, array in w.items()})

    @cached_property
    def windows(self) -> dict[str, slice]:
        """Where each parameter's entries are in the vector."""
        sizes = [int(np.prod(shape, dtype=np.int64)) for shape in self.shapes.values()]
        ends = np.cumsum([0, *sizes])
        return {n: slice(int(ends[i]), int(ends[i + 1])) for i, n in enumerate(self.shapes)}

    @property
    def size(self) -> int:
        """Number of entries."""
        return max(window.stop for window in self.windows.values())

    @property
    def labels(self) -> list[str]:
        """One name per entry: ``"W1[0,2]"``."""
        return [
            f"{name}[{','.join(map(str, index))}]" if shape else name
            for name, shape in self.shapes.items()
            for index in np.ndindex(shape)
        ]

    def flatten(self, w: Parameters) -> np.ndarray:
        """Return the entries of ``w`` on the host, shape (size, ...).

        Further axes may follow those of every parameter: columns that move alike.
        """
        blocks = []
        for name, shape in self.shapes.items():
            array = host(w[name])
            rest = array.shape[len(shape) :]
            blocks.append(array.reshape(int(np.prod(shape, dtype=np.int64)), *rest))
        return np.concatenate(blocks)

    def restore(self, flat: np.ndarray, like: Parameters) -> dict[str, Any]:
        """Return ``like`` with the entries of ``flat``, in its library and dtype."""
        moved = {
            name: cast(flat[window], like[name]).reshape((*self.shapes[name], *flat.shape[1:]))
            for name, window in self.windows.items()
        }
        return {name: moved.get(name, array) for name, array in like.items()}
