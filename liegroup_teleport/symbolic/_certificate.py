"""The outcome of a proof: what was claimed, how it was shown, and how to check it again."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy

from .._checks import check_callable, check_integer, check_number, check_sequence, check_text
from ._limits import TimeLimitError, limited
from ._normal_form import load_algebra
from ._running import CannotRunError
from ._symbols import printable

__all__ = ["Certificate", "Finding", "certify"]

LONG = 1000  # operations in a residual
REFUTED = 5.0  # seconds for the residual of a statement that numbers refute


@dataclass(frozen=True)
class Finding:
    """What a proof found: what is left, an example, and what it took for granted on the way."""

    residual: Any
    example: Mapping[str, Any] | None = None
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """A proved or refuted statement.

    Attributes
    ----------
    name : str
        Short name.
    statement : str
        What is claimed, in words.
    method : str
        How it was shown; after a time-out, what was stopped.
    assumptions : tuple of str
        What is taken for granted beyond the rules of algebra.
    scope : str
        Where it holds: ``"function"``, ``"loss"`` or ``"batch"`` for invariances (as for groups),
        otherwise what it is about.
    residual : sympy.Expr or None
        What is left of the difference of the two sides: 0 if proved, ``None`` if the time limit
        came first, the symbol ``too_long_to_print`` instead of thousands of terms.
    proved : bool
        Whether the residual is zero and no counterexample was met.
    seconds : float
        Wall-clock time of the proof.
    witness : dict or None
        Of a false statement: numbers at which it fails, such as parameters, group element and
        the two loss values. A theorem of existence carries its example here.
    latex : str
        The statement as a formula.
    recheck : callable
        ``seed -> witness or None``, behind :meth:`verify`.

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> loss = lt.losses.Booth()
    >>> certificate = lt.symbolic.prove_invariance(loss.symmetry(), loss)
    >>> certificate.proved, certificate.residual, certificate.scope
    (True, 0, 'loss')
    >>> certificate.verify(seed=7)  # at other points, by another method
    True
    >>> sorted(certificate.to_dict())[:4]
    ['assumptions', 'latex', 'method', 'name']
    """

    name: str
    statement: str
    method: str
    assumptions: tuple[str, ...]
    scope: str
    residual: Any
    proved: bool
    seconds: float
    witness: Mapping[str, Any] | None
    latex: str = ""
    recheck: Callable[[int], Mapping[str, Any] | None] | None = field(
        default=None, repr=False, compare=False
    )

    def verify(self, *, seed: int = 1, time_limit: float = 60.0) -> bool:
        """Check the statement again by a method independent of the proof.

        Invariances and rules are evaluated at points drawn as numbers, in general position and
        special ones (zeros, equal entries, both signs, small and large), by the code that was
        passed: in exact rational arithmetic where it keeps to that, else with fifty digits, and
        in float64. No symbol and no simplifier takes part. Two different polynomials agree at a
        random point with probability next to zero (Schwartz-Zippel); :attr:`assumptions` say to
        which precision what is not rational was compared. Other certificates say in
        :attr:`method` how they are checked.

        Parameters
        ----------
        seed : int
            Of the random points.
        time_limit : float
            Seconds.

        Returns
        -------
        bool
            ``True`` if the check found the statement true, ``False`` if it found a
            counterexample.

        Raises
        ------
        RuntimeError
            If the time limit came first, or there is no check: one that was made of functions
            that cannot be pickled is lost with pickling.
        """
        recheck = self.recheck
        if recheck is None:
            raise RuntimeError(
                f"certificate {self.name!r} has no independent check (pickling loses it); prove "
                "it again"
            )
        seed = check_integer("seed", seed)
        return limited(lambda: recheck(seed), time_limit) is None

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields; a check that cannot be pickled is left out."""
        state = dict(self.__dict__)
        try:
            pickle.dumps(self.recheck)
        except Exception:  # functions inside functions, whatever a group or a loss holds
            state["recheck"] = None
        return state

    def __copy__(self) -> Certificate:
        return replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Certificate:
        """Return a copy with the same check: it is made of what was passed."""
        return replace(self, witness=copy.deepcopy(self.witness, memo))

    def _repr_latex_(self) -> str:
        """Return the statement and the verdict for notebooks."""
        verdict = r"\text{proved}" if self.proved else r"\text{not proved}"
        formula = self.latex or rf"\text{{{self.statement}}}"
        return rf"$\displaystyle {formula}\qquad({verdict})$"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values that ``json.dumps`` takes.

        Returns
        -------
        dict of str to object
            Strings, numbers, booleans, lists and dicts of them.
        """
        return {
            "name": self.name,
            "statement": self.statement,
            "latex": self.latex,
            "method": self.method,
            "assumptions": list(self.assumptions),
            "scope": self.scope,
            "residual": None if self.residual is None else str(self.residual),
            "proved": self.proved,
            "seconds": self.seconds,
            "witness": _plain(self.witness),
        }


def certify(
    *,
    name: str,
    statement: str,
    method: str,
    scope: str,
    residual: Callable[[], Any],
    counterexample: Callable[[int], Mapping[str, Any] | None],
    assumptions: Sequence[str] = (),
    latex: str = "",
    time_limit: float = 60.0,
) -> Certificate:
    """Look for a counterexample, then prove the statement, within ``time_limit`` seconds.

    Parameters
    ----------
    name, statement, method, scope, assumptions, latex : str
        ``assumptions`` is a sequence of them. As in :class:`Certificate`.
    residual : callable
        ``() -> sympy.Expr``, zero exactly if the statement is true; a pair of that and the
        witness of a theorem of existence.
    counterexample : callable
        ``seed -> mapping or None``: evaluate the statement at numbers, and return those at which
        it fails. Independent of ``residual``; it also serves :meth:`Certificate.verify`.
    time_limit : float
        Seconds for both together; a statement that numbers refute gets five of them at most for
        its residual. Each is really stopped then (see ``_limits.limited``), and
        the certificate says so; a counterexample met before that is kept.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If ``time_limit`` is not positive.
    TypeError
        If ``residual`` or ``counterexample`` is no function, or ``time_limit`` no number.
    Exception
        Whatever ``residual`` or ``counterexample`` raises.

    Examples
    --------
    >>> import random
    >>> import sympy
    >>> import liegroup_teleport as lt
    >>> x, y = sympy.symbols("x y")
    >>> def counterexample(seed):
    ...     a, b = (random.Random(seed).randint(1, 99) for _ in range(2))
    ...     return None if (a + b) ** 2 == a**2 + 2 * a * b + b**2 else {"a": a, "b": b}
    >>> certificate = lt.symbolic.certify(
    ...     name="binomial", statement="(x + y)^2 = x^2 + 2 x y + y^2", method="expansion",
    ...     scope="all numbers", counterexample=counterexample,
    ...     residual=lambda: sympy.expand((x + y) ** 2 - x**2 - 2 * x * y - y**2),
    ... )
    >>> certificate.proved, certificate.verify()
    (True, True)
    """
    for what, text in (
        ("name", name), ("statement", statement), ("method", method), ("scope", scope),
        ("latex", latex),
    ):  # fmt: skip
        check_text(what, text)
    assumptions = check_sequence("assumptions", assumptions, "a list of strings")
    for text in assumptions:
        check_text("an entry of assumptions", text)
    check_callable("residual", residual)
    check_callable("counterexample", counterexample)
    time_limit = check_number("time_limit", time_limit, above=0.0, infinite=True)
    started = time.perf_counter()
    load_algebra()  # here, once, and not again in every child process
    witness: Mapping[str, Any] | None = None
    found = Finding(None)
    try:
        witness = limited(lambda: counterexample(0), time_limit)
        left = max(time_limit - (time.perf_counter() - started), 1e-3)
        if witness is not None:
            left = min(left, REFUTED)
        found = limited(lambda: _abridged(residual()), left)
    except TimeLimitError as error:
        method = f"{method} ({error})"
    except CannotRunError as error:
        if witness is None:
            raise TypeError(str(error)) from error
    except Exception:
        if witness is None:  # else the statement is false, whatever became of the proof
            raise
    remains = found.residual
    proved = witness is None and remains is not None and bool(remains == 0)
    return Certificate(
        name=name,
        statement=statement,
        method=method,
        assumptions=tuple(dict.fromkeys((*assumptions, *found.assumptions))),
        scope=scope,
        residual=remains,
        proved=proved,
        seconds=time.perf_counter() - started,
        witness=found.example if proved else witness,
        latex=latex,
        recheck=counterexample,
    )


def _abridged(found: Any) -> Finding:
    """Return a finding to read: plain symbols, and of a long residual only that it is not zero."""
    if isinstance(found, tuple):
        found = Finding(*found)
    elif not isinstance(found, Finding):
        found = Finding(found)
    remains = sympy.sympify(found.residual)
    if not isinstance(remains, sympy.Expr):
        raise TypeError(
            f"residual() returned {remains!r:.60}; expected an expression, zero if the statement "
            "is true"
        )
    if remains.count_ops() > LONG:
        remains = sympy.Symbol("too_long_to_print", zero=False)
    return replace(found, residual=printable(remains))


def _plain(value: Any) -> Any:
    """Turn arrays, expressions and numbers into what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if np.isfinite(number) else str(number)
