"""Counting what a search asks of a loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._arrays import Parameters
from .._guarded import Guarded
from ._base import Loss

__all__ = ["Counted", "original"]


class Counted:
    """A guarded loss that counts what is asked of it."""

    def __init__(self, loss: Loss, counts: dict[str, int] | None = None) -> None:
        loss = self._loss = Guarded.of(loss)
        fresh = {"loss": 0, "gradient": 0, "hvp": 0, "gauss_newton": 0}
        self.counts = fresh if counts is None else counts
        if hasattr(loss, "inputs") and hasattr(loss, "with_inputs"):
            self.inputs = loss.inputs
            self.with_inputs = lambda X: Counted(loss.with_inputs(X), self.counts)
        self.lower_bound = getattr(loss, "lower_bound", None)
        self.has_hvp = hasattr(loss, "hvp")
        if hasattr(loss, "value_rounding"):
            self.value_rounding = loss.value_rounding
        if hasattr(loss, "hvp_operator"):
            self.hvp_operator = lambda w: self._counting("hvp", loss.hvp_operator(w))
        if hasattr(loss, "gauss_newton_operator"):
            self.gauss_newton_operator = lambda w: self._counting(
                "gauss_newton", loss.gauss_newton_operator(w)
            )
        if hasattr(loss, "gauss_newton_product"):
            self.gauss_newton_product = self._product
        if hasattr(loss, "gauss_newton_gram"):
            self.gauss_newton_gram = self._gram
            self.gauss_newton_gram_cost = loss.gauss_newton_gram_cost  # type: ignore[attr-defined]

    def value(self, w: Parameters) -> float:
        self.counts["loss"] += 1
        return self._loss.value(w)

    def gradient(self, w: Parameters) -> dict[str, Any]:
        self.counts["gradient"] += 1
        return self._loss.gradient(w)

    def value_and_gradient(self, w: Parameters) -> tuple[float, dict[str, Any]]:
        method = getattr(self._loss, "value_and_gradient", None)
        if method is None:
            return self.value(w), self.gradient(w)
        self.counts["gradient"] += 1
        value, gradient = method(w)
        return value, gradient

    def hvp(self, w: Parameters, v: Parameters) -> dict[str, Any]:
        if not self.has_hvp:
            raise TypeError(
                f"{type(self._loss.loss).__name__} has no Hessian products, which the "
                "stability bound and non-linear actions need: give it a method hvp(w, v), build "
                "it by losses.from_function, or do without the bound by stability=None"
            )
        self.counts["hvp"] += 1
        return self._loss.hvp(w, v)

    def _product(self, w: Parameters, v: Parameters) -> Parameters:
        self.counts["gauss_newton"] += 1
        return self._loss.gauss_newton_product(w, v)  # type: ignore[attr-defined, no-any-return]

    def _gram(self, w: Parameters, v: Parameters, axes: Any) -> Any:
        """Return the matrix and count it by its arithmetic, in products."""
        self.counts["gauss_newton"] += math.ceil(self.gauss_newton_gram_cost(axes))
        return self._loss.gauss_newton_gram(w, v, axes)  # type: ignore[attr-defined]

    def _counting(
        self, what: str, product: Callable[[Parameters], Parameters]
    ) -> Callable[[Parameters], Parameters]:
        def counted(v: Parameters) -> Parameters:
            self.counts[what] += 1
            return product(v)

        return counted


def original(loss: Any) -> Any:
    """Return the user's own loss from behind this library's guards."""
    while type(loss) in (Counted, Guarded):
        loss = loss._loss if type(loss) is Counted else loss.loss
    return loss
