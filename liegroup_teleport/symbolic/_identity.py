"""Two sides that are claimed to agree, computed by the code that is put to the proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from .._arrays import norm
from .._errors import DomainError
from ._agreement import check_agreement
from ._certificate import Finding
from ._draws import CALM, GENERIC, KINDS, Draw
from ._gradients import derivative_pairs, wrong_derivative
from ._normal_form import normal_form, remainder
from ._numbers import Number, number
from ._running import CannotRunError, Floats, Numbers, as_floats, run, size
from ._scalars import Notes, bare, expression_of
from ._settings import Setting
from ._symbols import Symbols, entries, wrapped

__all__ = ["Identity"]

Sides = Callable[[Any, Any, Mapping[str, Any], Any], tuple[Any, Any]]
SYMBOLS, NUMBERS, FLOATS = "symbols", "exact numbers", "arrays of float64"
TRIES = 8


@dataclass(frozen=True)
class Identity:
    """``left = right`` for all values of the unknowns of a setting.

    ``sides(group, loss, unknowns, how)`` runs the shipped code and returns both sides, nested
    arrays of one structure; ``how.derivative`` takes derivatives. With ``compares_losses`` the
    loss itself, in float64 and with its own activation, is compared as well. ``gradient`` and
    ``hessian`` say that the loss's own are used, which then must belong to its value; with
    ``about_loss`` false it is not used at all.
    """

    setting: Setting
    sides: Sides
    compares_losses: bool = False
    gradient: bool = False
    hessian: bool = False
    about_loss: bool = True

    def _run(self, where: str, group: Any, loss: Any, v: Mapping[str, Any], how: Any) -> Any:
        what = f"{type(group).__name__} with {type(loss).__name__}"
        return run(what, where, lambda: self.sides(group, loss, v, how))

    # -- the proof ----------------------------------------------------------------
    def residual(self) -> Finding:
        """Return what is left of the difference, for symbols, and what was taken for granted."""
        made = self.setting.completed()
        notes = Notes()
        how, v = Symbols(notes), wrapped(made.unknowns, notes)
        group, loss = made.symbolic(v, made.definitions)
        left, right = self._run(SYMBOLS, group, loss, v, how)
        pairs = list(zip(entries(left), entries(right), strict=True))
        if self.gradient and not made.network:
            u = v.get("u") if self.hessian else None
            what = f"value(w) and gradient(w) of {type(loss).__name__}"
            pairs += run(what, SYMBOLS, lambda: list(derivative_pairs(loss, v["w"], u, how)))
        if self.about_loss and not made.network:
            check_agreement(made, group, loss, v, gradient=self.gradient)
        differences = [bare(a) - bare(b) for a, b in pairs]
        differences += [normal_form(e) for e in made.member.equal]
        rest = remainder(differences, made.definitions)
        return Finding(rest, assumptions=(*notes.conditions, *self._open(), *self._precision()))

    def _precision(self) -> list[str]:
        """Return to which precision the check compares, in words, where that is not exact."""
        for attempt in range(TRIES):
            draw = Draw(Random(f"precision {attempt}"), GENERIC, calm=True)
            try:
                v = self.setting.draw(draw)
                group, loss = self.setting.numeric(dict(v))
                sides = self._run(NUMBERS, group, loss, v, Numbers())
                exact = all(_number(e)[0].exact for e in entries(list(sides)))
            except (DomainError, ZeroDivisionError):
                continue
            except CannotRunError:
                return [
                    "verify() compares in float64, to 1e-5: the code does not run on exact ones"
                ]
            return [] if exact else ["verify() compares what is not rational to 1e-25 of its size"]
        return []

    def _open(self) -> list[str]:
        """Return what is only checked by numbers, in words."""
        made = self.setting
        found = []
        if self.gradient and made.network:
            which = "gradient and hvp belong" if self.hessian else "the gradient belongs"
            found.append(
                f"{which} to the value: checked by differences, in exact numbers to 1e-12, or in "
                "float64 to 1e-5 where the activation needs floats"
            )
        if any(not expression_of(e).is_positive for e in made.member.positive):
            found.append("the scales of the element given are positive: checked at numbers only")
        return found

    # -- the check ----------------------------------------------------------------
    def counterexample(self, seed: int) -> dict[str, Any] | None:
        """Return numbers at which the sides differ, or ``None``.

        At points in general position and at special ones: zeros, equal entries, both signs, small
        and large; in exact rational arithmetic as far as the code keeps to it, else with fifty
        digits, and in float64 with what was passed.
        """
        try:
            witness = self._in_numbers(seed)
        except CannotRunError:
            if self.setting.floating is None:
                raise
            witness = None
        if witness is None and self.setting.floating is not None:
            witness = self._in_floats(seed)
        return witness

    def _in_numbers(self, seed: int) -> dict[str, Any] | None:
        reached = 0
        for i, kind in enumerate(KINDS):
            for attempt in range(TRIES if kind == GENERIC else 1):
                # large numbers saturate the losses that are compared in float64
                calm = self.setting.network
                draw = Draw(Random(f"{seed} {i} {attempt}"), kind, calm=calm)
                try:
                    v = self.setting.draw(draw)
                    if self._unoriented(v):
                        continue
                    with np.errstate(all="ignore"):
                        witness = self._differs(v, draw)
                except (DomainError, ZeroDivisionError):
                    continue  # outside the domain, or a determinant is zero: draw again
                if witness is not None:
                    return witness
                reached += kind == GENERIC
                break
        if not reached:
            raise DomainError("no point of the domain was met in random draws")
        return None

    def _unoriented(self, v: Mapping[str, Any]) -> bool:
        from ._numbers import evaluate

        values = v.get("values", {})
        return any(not evaluate(expression_of(e), values) > 0 for e in self.setting.member.oriented)

    def _differs(self, v: Mapping[str, Any], draw: Draw) -> dict[str, Any] | None:
        made = self.setting
        group, loss = made.numeric(dict(v))
        witness: dict[str, Any] = {
            name: as_floats(v[name]) for name in ("w", "g", "x", "X") if name in v
        }
        how = Numbers()
        left, right = self._run(NUMBERS, group, loss, v, how)
        pairs = list(zip(entries(left), entries(right), strict=True))
        unequal = _unequal(pairs, exactly=not how.used, noise=how.noise)
        if self.compares_losses and made.shipped is not None:
            before, after, allowed = self._losses(made.shipped, group, v)
            witness |= {"loss_before": before, "loss_after": after}
            if unequal is None and abs(after - before) > allowed:  # not where they overflow
                unequal = after, before
        elif self.compares_losses and unequal is not None:
            witness |= self._values(group, loss, v)
        if unequal is not None:
            return {**witness, "left": float(unequal[0]), "right": float(unequal[1])}
        if "values" in v and (why := made.outside(v["values"])) is not None:
            return {**witness, "outside": why}
        wrong = self._wrong(loss, v, draw) if self.gradient and draw.kind == GENERIC else None
        if wrong is None:
            return None
        return witness | {k: a if isinstance(a, str) else float(a) for k, a in wrong.items()}

    def _wrong(self, loss: Any, v: Mapping[str, Any], draw: Draw) -> dict[str, Any] | None:
        """Return where gradient or hvp do not belong to the value."""
        made, w = self.setting, v["w"]
        activation = getattr(loss, "activation", None)
        if made.shipped is not None and not getattr(activation, "homogeneous", True):
            # such activations go through floats, which differences of 1e-20 do not
            calm = Draw(draw.random, GENERIC, calm=True)
            v = made.draw(calm)
            loss, w = made.shipped(v), as_floats(v["w"])
        return wrong_derivative(loss, w, draw.modest, hessian=self.hessian)

    def _values(self, group: Any, loss: Any, v: Mapping[str, Any]) -> dict[str, float]:
        before, after = float(loss.value(v["w"])), float(loss.value(group.act(v["g"], v["w"])))
        return {"loss_before": before, "loss_after": after}

    @staticmethod
    def _losses(
        shipped: Callable[[Any], Any], group: Any, v: Mapping[str, Any]
    ) -> tuple[float, float, float]:
        """Return the shipped loss before and after, in float64, and what rounding may change."""
        moved = as_floats(group.act(v["g"], v["w"]))
        there = dict(v)
        if group.moves_inputs:
            there["X"] = group.act_on_inputs(v["g"], v["X"])
        loss = shipped(there)
        before = float(shipped(dict(v)).value(as_floats(v["w"])))
        # the exact point was rounded to floats: far more than rounding would do is a difference
        allowed = 1e-9 * (abs(before) + norm(loss.gradient(moved)) * norm(moved))
        return before, float(loss.value(moved)), allowed

    def _in_floats(self, seed: int) -> dict[str, Any] | None:
        """Return where the sides differ in float64, by what was passed and its own elements."""
        made = self.setting
        if made.floating is None:
            return None
        group, loss = made.floating
        rng = np.random.default_rng(seed)
        for i, kind in enumerate(CALM):
            draw = Draw(Random(f"floats {seed} {i}"), kind, calm=True)
            try:
                with np.errstate(all="ignore"):
                    v = self._floating(group, draw, rng)
                    how = Floats()
                    left, right = self._run(FLOATS, group, loss, v, how)
            except (DomainError, ZeroDivisionError):
                continue
            pairs = [
                (float(a), float(b)) for a, b in zip(entries(left), entries(right), strict=True)
            ]
            if not all(np.isfinite(a) and np.isfinite(b) for a, b in pairs):
                continue
            allowed = 1e-5 * (1 + size([a for a, _ in pairs]) + size([b for _, b in pairs]))
            allowed += how.noise
            for a, b in pairs:
                if abs(a - b) > allowed:
                    shown: dict[str, Any] = {n: v[n] for n in ("w", "g", "x") if n in v}
                    return shown | {"left": a, "right": b}
        return None

    def _floating(self, group: Any, draw: Draw, rng: np.random.Generator) -> dict[str, Any]:
        made = self.setting
        v = {name: as_floats(drawer(draw)) for name, drawer in made.drawers.items()}
        for name in made.elements:
            if made.element is None:
                v[name] = group.random_element(rng, 0.5)
            else:
                v[name] = as_floats(made.draw(draw)["g"])
        return v


def _unequal(
    pairs: list[tuple[Any, Any]], *, exactly: bool, noise: float = 0.0
) -> tuple[Any, Any] | None:
    """Return the first pair that differs: by anything where both sides are exact.

    Derivatives by differences of exact numbers are right to 1e-60 of the largest entry, fifty
    digits to 1e-25 and what differences lose; of floats that the code put in, nine digits count.
    """
    read = [(_number(a), _number(b)) for a, b in pairs]
    largest = Number(1)
    for entry in (entry for pair in read for entry, _ in pair):
        largest = max(largest, abs(entry))
    for (a, rounded_a), (b, rounded_b) in read:
        exact = a.exact and b.exact and not (rounded_a or rounded_b)
        if exact and (a == b or exactly):
            if a != b:
                return a, b
            continue
        allowed = 1e-9 if rounded_a or rounded_b else 1e-60 if exact else 1e-25
        if not abs(a - b) <= number(allowed) * largest + noise:
            return a, b
    return None


def _number(value: Any) -> tuple[Number, bool]:
    """Return a number, and whether it went through floats."""
    return number(value), isinstance(value, float | np.floating)
