"""Two sides that are claimed to agree, computed by the shipped code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import sympy

from .._arrays import norm
from .._errors import DomainError
from ._settings import Setting
from ._symbols import entries, fill, map_entries, numbers, remainder

__all__ = ["Identity", "as_floats"]

Sides = Callable[[Any, Any, Mapping[str, Any]], tuple[Any, Any]]
TRIALS = 4


@dataclass(frozen=True)
class Identity:
    """``left = right`` for all values of the unknowns of a setting.

    ``sides(group, loss, unknowns)`` runs the shipped code and returns both sides, nested
    arrays of one structure. With ``compares_losses`` the loss itself, in float64 and with its own
    activation, is compared as well.
    """

    setting: Setting
    sides: Sides
    compares_losses: bool = False

    def residual(self) -> Any:
        """Return what is left of the difference, for symbols."""
        made = self.setting.completed()
        group, loss = made.on_symbols()
        left, right = self.sides(group, loss, made.unknowns)
        pairs = zip(entries(left), entries(right), strict=True)
        return remainder([a - b for a, b in pairs], made.definitions)

    def counterexample(self, seed: int) -> dict[str, Any] | None:
        """Return numbers at which the sides differ, or ``None``; exact rational arithmetic."""
        random, made = Random(seed), self.setting.completed()
        # right inverses of hidden states are computed, not drawn
        unknowns = {name: a for name, a in made.unknowns.items() if name != "K"}
        tried = 0
        for _ in range(25 * TRIALS):
            try:
                values = numbers(unknowns, made.definitions, random)
                witness = self._differs(fill(unknowns, values))
            except (DomainError, ZeroDivisionError):
                continue  # outside the domain, or a determinant is zero: draw again
            if witness is not None:
                return witness
            tried += 1
            if tried == TRIALS:
                return None
        raise DomainError(f"no point of the domain in {25 * TRIALS} random draws")

    def _differs(self, v: Mapping[str, Any]) -> dict[str, Any] | None:
        group, loss = self.setting.exact(dict(v))
        left, right = self.sides(group, loss, v)
        pairs = zip(entries(left), entries(right), strict=True)
        witness = {name: as_floats(v[name]) for name in ("w", "g", "x", "X") if name in v}
        unequal = [(a, b) for a, b in pairs if not _equal(a, b)]
        if self.compares_losses:
            before, after, allowed = self._losses(group, v)
            witness |= {"loss_before": before, "loss_after": after}
            if not unequal and not abs(after - before) <= allowed:
                unequal = [(after, before)]
        if not unequal:
            return None
        a, b = unequal[0]
        return {**witness, "left": float(a), "right": float(b)}

    def _losses(self, group: Any, v: Mapping[str, Any]) -> tuple[float, float, float]:
        """Return the shipped loss before and after, in float64, and what rounding may change."""
        moved = as_floats(group.act(v["g"], v["w"]))
        there = dict(v)
        if group.moves_inputs:
            there["X"] = group.act_on_inputs(v["g"], v["X"])
        loss = self.setting.shipped(there)
        before = float(self.setting.shipped(dict(v)).value(as_floats(v["w"])))
        # the exact point was rounded to floats: far more than rounding would do is a difference
        allowed = 1e-9 * (abs(before) + norm(loss.gradient(moved)) * norm(moved))
        return before, float(loss.value(moved)), allowed


def _equal(a: Any, b: Any) -> bool:
    """Whether two numbers are equal: exactly, unless the code put a float in."""
    if all(isinstance(number, Fraction | int | sympy.Rational) for number in (a, b)):
        return bool(a == b)
    return bool(np.isclose(float(a), float(b), rtol=1e-9, atol=1e-9))


def as_floats(nested: Any) -> Any:
    """Return nested arrays in float64."""
    if isinstance(nested, np.ndarray):
        return np.asarray(nested, dtype=np.float64)
    if isinstance(nested, Mapping):
        return {name: as_floats(part) for name, part in nested.items()}
    if isinstance(nested, tuple | list):
        return type(nested)(as_floats(part) for part in nested)
    return map_entries(float, nested)
