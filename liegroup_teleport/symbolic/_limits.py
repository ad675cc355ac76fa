"""Running a computation for a limited time, and really stopping it."""

from __future__ import annotations

import builtins
import ctypes
import gc
import math
import multiprocessing
import pickle
import signal
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from .._checks import check_number

__all__ = ["TimeLimitError", "limited"]

T = TypeVar("T")


class TimeLimitError(RuntimeError):
    """A computation was stopped because its time was up."""


class _Stop(BaseException):
    """Raised inside a thread to end it; no ``except Exception`` catches it."""


def limited(run: Callable[[], T], time_limit: float) -> T:
    """Return ``run()``, or stop it and raise :class:`TimeLimitError` after ``time_limit`` seconds.

    Where the system can fork, ``run`` works in a child process that is killed when its time is
    up, whatever it is doing; nothing it changes is seen here, and its result must be picklable.
    Elsewhere (Windows) it works in a thread that is told to stop at its next Python instruction.

    Raises
    ------
    TimeLimitError
        When the time is up.
    ValueError, TypeError
        If the limit is no positive number; infinity is no limit.
    Exception
        Whatever ``run`` raises.
    """
    time_limit = check_number("time_limit", time_limit, above=0.0, infinite=True)
    if "fork" in multiprocessing.get_all_start_methods():
        return _in_process(run, time_limit)
    return _in_thread(run, time_limit)


def _late(time_limit: float) -> TimeLimitError:
    return TimeLimitError(f"stopped after the time limit of {time_limit:g} s")


def _in_process(run: Callable[[], T], time_limit: float) -> T:
    context: Any = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        # Ctrl-C goes to the whole group of processes; the parent ends this one
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        receiver.close()
        gc.freeze()  # what is inherited lives as long as the child: collecting it copies its pages
        message: tuple[bool, Any]
        try:
            message = (True, run())
        except Exception as error:
            message = (False, error)
        try:
            pickle.loads(pickle.dumps(message))  # errors may have a form that cannot be read back
            sender.send(message)
        except Exception as error:  # what cannot be pickled
            sender.send((False, _plain_error(message[1], error)))

    process = context.Process(target=child, daemon=True)
    with warnings.catch_warnings():
        # libraries with threads warn of forks; the child calls none of them but BLAS, which may
        warnings.filterwarnings("ignore", ".*fork", RuntimeWarning)
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        process.start()
    sender.close()
    try:
        if not receiver.poll(None if math.isinf(time_limit) else time_limit):
            raise _late(time_limit)
        succeeded, result = receiver.recv()
    except EOFError:
        process.join()
        code = process.exitcode
        raise RuntimeError(f"the process of a proof ended with exit code {code}") from None
    finally:
        receiver.close()
        process.kill()
        process.join()
        process.close()
    if not succeeded:
        raise result
    return result  # type: ignore[no-any-return]


def _plain_error(result: Any, error: Exception) -> Exception:
    """Return an error that can be sent, of the nearest kind that Python has itself."""
    if not isinstance(result, Exception):
        return RuntimeError(f"{result!r:.500} cannot be sent: {error}")
    kinds = (kind for kind in type(result).__mro__ if kind.__module__ == builtins.__name__)
    return next(kinds)(f"{type(result).__name__}: {result}")  # type: ignore[return-value]


def _in_thread(run: Callable[[], T], time_limit: float) -> T:
    results: list[tuple[bool, Any]] = []

    def work() -> None:
        try:
            results.append((True, run()))
        except _Stop:
            pass
        except Exception as error:
            results.append((False, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(None if math.isinf(time_limit) else time_limit)
    deadline = time.monotonic() + 10.0
    while thread.is_alive() and time.monotonic() < deadline:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop)
        )
        thread.join(0.1)
    if not results:
        raise _late(time_limit)
    succeeded, result = results[0]
    if not succeeded:
        raise result
    return result  # type: ignore[no-any-return]
