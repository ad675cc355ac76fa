"""Hostile calls: every public callable with wrong kinds of each argument, judged mechanically.

A call made from a valid one by spoiling one argument must end in an error of
ours that names the argument, or mean the same as a valid call; and whatever it
does, it changes nothing that it was given. To widen the attack add values to
``hostile.py`` or valid calls to ``bases.py``.
"""

from __future__ import annotations

import dataclasses
import linecache
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

import liegroup_teleport as lt
from tests.attack.bases import Base
from tests.attack.hostile import Hostile, hostile_values

__all__ = ["Call", "Verdict", "calls", "judge"]

PACKAGE = str(Path(lt.__file__).parent)
OURS = (ValueError, TypeError, IndexError)  # the library's own errors are ValueErrors

ENDLESS = ("trials", "steps", "max_examples", "max_iterations")  # so many take so long

# Words that name an argument beside its own name: what the documentation calls it.
WORDS = {
    "w": ("parameter", "inverse of"),  # an action through an activation ends at its range
    "g": ("element", "rotation", "factor"),
    "h": ("element", "rotation", "factor"),
    "x": ("algebra vector", "exponential"),
    "m": ("covector", "algebra vector"),
    "v": ("vector", "covector", "gradient", "parameter"),
    "p": ("covector",),
    "u": ("vector", "covector", "tangent"),
    "X": ("inputs",),
    "directions": ("direction",),
    "loss": ("value", "gradient", "hvp", "no inputs", "needs its variables"),
    "variables": ("parameter",),
    "matrix": ("element",),
    "point": ("element",),
    "sample": ("parameters",),
    "geomstats_group": ("group",),
    "z": ("array",),
    "representation": ("image",),
}


class Call(NamedTuple):
    """One hostile call."""

    base: Base
    argument: str
    hostile: Hostile

    def __str__(self) -> str:
        return f"{self.base.name}({self.argument}: {self.hostile.label})"


class Verdict(NamedTuple):
    """What a hostile call came to: ``kind`` is ``"clear"`` or ``"harmless"``, or a fault."""

    kind: str
    detail: str

    @property
    def fault(self) -> bool:
        return self.kind not in ("clear", "harmless")


def calls(bases: list[Base]) -> Iterator[Call]:
    """Yield every hostile call that the valid ones give rise to."""
    for base in bases:
        for argument, valid in base.make().items():
            for hostile in hostile_values(valid, base.kind(argument)):
                if hostile.label != "huge integer" or argument not in ENDLESS:
                    yield Call(base, argument, hostile)


def judge(call: Call) -> Verdict:
    """Make the call and judge how it ends."""
    given = call.base.make() | {call.argument: call.hostile.value}
    before = _snapshot(given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = call.base.call(**given)
        except Exception as error:
            verdict = _of_error(call, error)
        else:
            verdict = _of_result(call, result)
    if _snapshot(given) != before:
        return Verdict("changed", f"arguments were changed; {verdict.detail}")
    return verdict


def _of_error(call: Call, error: Exception) -> Verdict:
    text = f"{type(error).__name__}: {error}"
    asserted = isinstance(error, AssertionError) and call.base.name.startswith("assert_")
    if not (isinstance(error, OURS) or asserted) or not _raised_by_us(error.__traceback__):
        # not finite in, not finite out, with NumPy's warning; a function's own error is its own
        passed_on = call.hostile.label in OF_FUNCTIONS and call.base.calls(call.argument)
        warned = call.hostile.label in NOT_FINITE and isinstance(
            error, (RuntimeWarning, ValueError)
        )
        return Verdict("harmless" if passed_on or warned else "raw", text)
    if call.hostile.harmless and not _mixes(call):
        return Verdict("refused", text)
    words = (call.argument, *WORDS.get(call.argument, ()))
    plain = str(error).replace("_", " ").lower()
    quoted = any(name in str(error) for name in _parameter_names(call))
    if not quoted and not any(
        re.search(rf"\b{re.escape(w.replace('_', ' ').lower())}", plain) for w in words
    ):
        return Verdict("unnamed", text)
    return Verdict("clear", text)


def _mixes(call: Call) -> bool:
    """Whether others of the arguments had to change dtype and library with this one."""
    alike = [name for name in call.base.make() if call.base.kind(name) == "parameters"]
    return len(alike) > 1 or "state" in call.base.make()


def _of_result(call: Call, result: Any) -> Verdict:
    if call.hostile.harmless or accepted(call):
        return Verdict("harmless", "accepted")
    return Verdict("silent", f"accepted: {result!r:.120}" if _shows(result) else "accepted")


def _shows(result: Any) -> bool:
    try:
        repr(result)
    except Exception:
        return False
    return True


def _raised_by_us(traceback: TracebackType | None) -> bool:
    """Whether the innermost frame is a ``raise`` of the package."""
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    file = traceback.tb_frame.f_code.co_filename
    line = linecache.getline(file, traceback.tb_lineno).strip()
    return file.startswith(PACKAGE) and line.startswith("raise")


def _parameter_names(call: Call) -> list[str]:
    """Names of parameters in the argument: an error that quotes one names what is wrong."""
    valid = call.base.make()[call.argument]
    return [f"'{name}'" for name in valid] if isinstance(valid, Mapping) else []


def _snapshot(value: Any, depth: int = 4) -> Any:
    """Return the contents of arrays in ``value``, to be compared."""
    if isinstance(value, np.ma.MaskedArray):
        return value.shape, value.data.tobytes(), value.mask.tobytes()
    if isinstance(value, np.ndarray):
        contents = [id(entry) for entry in value.flat] if value.dtype == object else value.tobytes()
        return value.shape, str(value.dtype), contents
    if type(value).__module__.partition(".")[0] == "torch":
        plain = str(getattr(value, "device", "")) != "meta" and not getattr(
            value, "is_sparse", False
        )
        return value.detach().numpy().tobytes() if plain and hasattr(value, "detach") else None
    if depth == 0:
        return None
    if isinstance(value, Mapping):
        return [(name, _snapshot(entry, depth - 1)) for name, entry in value.items()]
    if isinstance(value, (list, tuple)):
        return [_snapshot(entry, depth - 1) for entry in value]
    if isinstance(value, np.random.Generator):
        return None  # drawing from it is what it is for
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return [(f.name, _snapshot(getattr(value, f.name, None), depth - 1)) for f in fields]
    return value if isinstance(value, (str, bytes, int)) else None


def accepted(call: Call) -> bool:
    """Whether the call is no mistake after all: the value is one of those documented."""
    label, argument = call.hostile.label, call.argument
    base, _, method = call.base.name.rpartition(".")
    places = (
        argument,
        f"{method}.{argument}",
        f"{base}.*.{argument}",
        f"{call.base.name}.{argument}",
    )
    if any(label in ACCEPTED.get(place, ()) for place in places):
        return True
    kind = call.base.kind(argument)
    if argument == "loss" and label.startswith("gradient") and _leaves_gradients(call):
        return True
    if call.base.name == "LineSearch.transport" and argument == "g":
        return True  # the length of a step does not move
    if label == "list of a number" and kind in ("array", "element"):
        return True  # of a group of one dimension
    if label in NOT_FINITE and kind in ("parameters", "array"):
        # what is not finite goes through formulas as it is; searches and training refuse it
        return call.base.name.split()[0] not in ("teleport", "minimize") and method not in REFUSING
    if kind == "number":
        return label in NUMBERS and _in_range(call)
    return kind == "integer" and label in ("zero", "five", "huge integer")


def _leaves_gradients(call: Call) -> bool:
    """Whether a proof or a check has no use for the gradient of the loss given."""
    values_only = ("prove_invariance", "prove_group_laws", "inputs.check", "product-inputs.check")
    return call.base.name.startswith(values_only) or call.hostile.label == "gradient nan"


def _in_range(call: Call) -> bool:
    """Whether a number that was accepted is one that the argument's description allows."""
    return (call.argument, call.hostile.label) not in OUT_OF_RANGE


NOT_FINITE = ("nan in an entry", "inf in an entry", "nan entries", "inf entries")
OF_FUNCTIONS = ("class", "function of nothing")
REFUSING = ("check_invariance", "whitening", "with_inputs", "forward")
NUMBERS = ("zero", "five", "half", "minus one", "huge integer", "inf")
OUT_OF_RANGE = {
    *((name, label) for name in ("learning_rate", "epsilon", "radius", "box", "tol", "slope",
                                 "time_limit", "floor", "accuracy", "decay", "beta2")
      for label in ("zero", "minus one")),
    *((name, "inf") for name in ("learning_rate", "epsilon", "radius", "box", "tol", "slope", "t",
                                 "scale", "rtol", "lower_bound", "noise")),
    *((name, "minus one") for name in ("momentum", "rtol", "weight")),
    *((name, "five") for name in ("momentum", "beta1", "beta2", "decay", "shrink", "accuracy")),
}  # fmt: skip
AXES = ("an axis too many", "transposed", "too long", "empty", "no axis", "an entry is float64",
        "names wrong")  # fmt: skip

RETURNING = tuple(f"function that returns {what}" for what in (
    "text", "complex", "list", "dict", "object", "array", "an array of text"
))  # fmt: skip
TEXTS = ("name", "statement", "method", "scope", "latex")
FLAGS = ("quick", "gradient_field", "bias", "weights", "orthogonal", "infinitesimal", "batches")
FLAG_VALUES = ("True", "numpy bool")

# Where less is asked than the valid call gives: what the documentation allows.
ACCEPTED: dict[str, tuple[str, ...]] = {
    "shapes": ("None",), "objective": ("None",), "sense": ("None",), "stability": ("None",),
    "rng": (), "element": ("None",), "noise": ("None", "zero", "half"), "state": ("None",),
    "optimizer_state": ("None",), "representation": ("None",),
    "inverse_jacobian": ("None", *OF_FUNCTIONS),
    "hvp": ("None", *OF_FUNCTIONS), "gauss_newton_product": ("None", *OF_FUNCTIONS),
    "lower_bound": ("None",), "w": AXES[:1],
    "u": ("None", *AXES[:1]), "v": AXES[:1], "radius": ("None",), "box": ("None",),
    "rtol": ("None",), "result": ("None",), "window": ("None",), "variables": ("None",),
    "minimum": ("None",), "h": ("one axis less", "one axis more"),
    "z": ("one axis less", "one axis more"), "dtype": ("None",), "seeds": ("None",),
    "callback": OF_FUNCTIONS,
    "teleports": ("None", "empty list"), "batches": ("None",), "loss.loss": ("None",),
    "init.w": AXES, "transport.w": AXES, "transport.g": ("boolean entries",),
    "whitening.X": ("None",), "forward.X": ("None", "boolean entries"),
    "level": ("five", "huge integer", "half"), "targets": ("boolean entries",),
    "LineSearch.init.w": ("name missing",), "A": ("sparse",), "counterexample": RETURNING,
    "chart": OF_FUNCTIONS, "inverse_chart": OF_FUNCTIONS, "jacobian": OF_FUNCTIONS,
    "value": OF_FUNCTIONS, "gradient": OF_FUNCTIONS, "clock": OF_FUNCTIONS,
    "Translation of one direction.directions": (*AXES, "an entry is list", "integers"),
    **dict.fromkeys(TEXTS, ("empty string", "string")), **dict.fromkeys(FLAGS, FLAG_VALUES),
    "inputs": ("boolean entries",), "assumptions": ("empty list", "string array"),
}  # fmt: skip
