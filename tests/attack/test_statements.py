"""Nothing false is proved, what is true mostly is, and ``verify`` takes no one's word."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import sympy

from tests.attack.statements import Statement, statements

SMALL, LARGE = 24, 1000


def _outcome(statement: Statement) -> Any:
    """Return the certificate, or the error in its place."""
    try:
        return statement.run()
    except (TypeError, ValueError, RuntimeError) as error:
        return error


def _states_its_rounding(certificate: Any, statement: Statement) -> bool:
    """Whether a proof takes for granted, in numbers, as much rounding as was planted."""
    if statement.size is None:
        return False
    text = " ".join(certificate.assumptions)
    sizes = [float(number) for number in re.findall(r"\d+(?:\.\d+)?e-\d+", text)]
    return any(size >= statement.size for size in sizes)


def _verdict(certificate: Any) -> bool | None:
    """Return what ``verify`` says, ``None`` if its time was not enough."""
    try:
        return bool(certificate.verify(seed=7))
    except RuntimeError:
        return None


def _attack(seed: int, count: int) -> None:
    proved_although_false: list[str] = []
    undecided: list[str] = []
    misjudged: list[str] = []
    met: Counter[bool] = Counter()
    for statement in statements(seed, count):
        if statement.true is None:
            continue
        met[statement.true] += 1
        found = _outcome(statement)
        proved = getattr(found, "proved", False)
        name = f"{statement.kind}: {statement.label}"
        if not statement.true:
            if proved and not _states_its_rounding(found, statement):
                proved_although_false.append(name)
            elif not proved and not isinstance(found, Exception):
                planted = replace(found, proved=True, residual=sympy.Integer(0), witness=None)
                if _verdict(planted) and not _states_its_rounding(found, statement):
                    misjudged.append(f"accepts a planted proof of {name}")
        elif not proved:
            why = found if isinstance(found, Exception) else found.method
            undecided.append(f"{name}: {why}")
            if getattr(found, "witness", None):
                misjudged.append(f"refutes what is true: {name}")
        else:
            verdict = _verdict(found)
            if verdict is None:
                undecided.append(f"{name}: its check did not end in time")
            elif not verdict:
                misjudged.append(f"does not accept the proof of {name}")
    assert not proved_although_false, "\n".join(proved_although_false)
    assert not misjudged, "\n".join(misjudged)
    assert len(undecided) <= 0.05 * met[True], "\n".join(undecided)
    assert min(met[True], met[False]) >= count / 4, met


def test_a_sample_of_statements() -> None:
    _attack(seed=20, count=SMALL)


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(4))
def test_statements(part: int) -> None:
    """About 1,000 statements in all, a third of them true."""
    _attack(seed=100 + part, count=LARGE // 4)
