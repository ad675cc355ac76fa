"""What every optimizer checks before its formulas run, those that users write as well."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .._arrays import Parameters, is_symbolic, namespace
from .._checks import check_instance
from .._guarded import check_layout, check_loss, check_value

__all__ = ["check_start", "check_state", "hang_doors"]

Method = Callable[..., Any]


def check_state(state: Any, kind: type, w: Parameters | None = None) -> None:
    """Raise unless ``state`` is an optimizer state, of the layout of ``w`` where that is given."""
    check_instance("state", state, kind, "an OptimizerState, as the optimizer's init(w) returns")
    if w is not None:
        for name in ("momentum", "second_moment"):
            part = getattr(state, name)
            if part is not None:
                check_layout(w, part, f"{name} of the state")


def check_start(w: Any) -> None:
    """Raise unless ``w`` are parameters made of numbers."""
    namespace(w)
    if any(is_symbolic(array) for array in w.values()):
        raise TypeError("parameters are object arrays; expected floating point numbers")


def hang_doors(cls: type, kind: type) -> None:
    """Put the checks in front of the methods that the class ``cls`` itself writes."""

    def init(method: Method) -> Method:
        @functools.wraps(method)
        def checked(self: Any, w: Parameters) -> Any:
            check_start(w)
            return method(self, w)

        return checked

    def step(method: Method) -> Method:
        @functools.wraps(method)
        def checked(self: Any, loss: Any, w: Any, value: Any, gradient: Any, state: Any) -> Any:
            check_loss(loss)
            check_start(w)
            check_layout(w, gradient, "gradient")
            check_state(state, kind, w)
            return method(self, loss, w, check_value(value, "value"), gradient, state)

        return checked

    def of_state(method: Method) -> Method:
        @functools.wraps(method)
        def checked(self: Any, state: Any) -> Any:
            check_state(state, kind)
            return method(self, state)

        return checked

    doors = {
        "init": init,
        "step": step,
        "effective_learning_rate": of_state,
        "preconditioner": of_state,
    }
    for name, door in doors.items():
        method = cls.__dict__.get(name)
        if inspect.isfunction(method):
            setattr(cls, name, door(method))
