"""Quadratics, charts and circles against brute force: what is called optimal is.

No bound is exceeded either, no radius, and what can be proved is.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator

from liegroup_teleport import GradientNorm, teleport
from tests.attack.circles import best_turn, turning
from tests.attack.ellipsoids import best_value, ellipsoid

SIZES = [pytest.param(60, id="small"), pytest.param(2500, id="all", marks=pytest.mark.sweep)]


def faults_of(seed):
    """Return what is wrong with one teleport, and its status."""
    rng = np.random.default_rng(seed)
    case = ellipsoid(rng)
    group = case.loss.symmetry()
    result = teleport(
        case.loss, group, case.w, GradientNorm(), sense=case.sense, radius=case.radius
    )
    sign = 1.0 if case.sense == "max" else -1.0
    single = case.w["w"].dtype == np.float32
    best = best_value(case, rng)
    # the level set itself is known to the rounding of y^T A y, relative to that
    rounding = (4e-6 if single else 1e-7) + 64 * len(case.values) * 2.2e-16 * case.condition
    short = sign * (best - result.objective_after) / abs(best)
    faults = []
    claimed = result.status == "optimal" or "a proved" in result.message
    if short > rounding and claimed:
        faults.append(f"claims the best and is {short:.2g} short")
    if result.bound is not None and sign * (best - result.bound) / abs(best) > rounding:
        faults.append(f"bound {result.bound:.17g}, but {best:.17g} is reached")
    if result.bound is not None and sign * (result.objective_after - result.bound) > 0:
        faults.append(f"bound {result.bound:.17g} exceeded: {result.objective_after:.17g}")
    if case.radius is not None and group.distance(result.element) > case.radius:
        faults.append(f"turned by {group.distance(result.element):.17g}")
    if isinstance(case.loss.A, LinearOperator) and (
        result.status == "optimal" or result.bound is not None
    ):
        faults.append("proves something of an operator")
    moved = group.act(group.inverse(result.element), result.params)["w"]
    back = np.max(np.abs(moved.astype(float) - case.w["w"]))
    if back > 2 * result.undo_error * float(np.linalg.norm(case.w["w"].astype(float))):
        faults.append(f"undoing it ends {back:.2g} away")
    return (
        [f"seed {seed}: {case.what}: {fault} ({result.status})" for fault in faults],
        case,
        result,
    )


@pytest.mark.parametrize("count", SIZES)
def test_no_false_optimum_on_an_ellipsoid(count):
    faults, claimed, within = [], 0, 0
    for seed in range(count):
        found, case, result = faults_of(seed)
        faults += found
        proved = "a proved" in result.message or result.status in ("optimal", "identity")
        if case.condition < 1e4 and not isinstance(case.loss.A, LinearOperator):
            within += 1
            claimed += proved
    assert not faults, "\n".join(faults[:20])
    assert claimed >= 0.95 * within  # and what can be proved is


def faults_of_turning(seed):
    """Return what is wrong with one teleport along a circle, and whether it was proved."""
    case = turning(np.random.default_rng(seed))
    result = teleport(
        case.loss, case.group, case.w, case.objective, sense=case.sense, radius=case.radius
    )
    faults = []
    sign = 1.0 if case.sense == "max" else -1.0
    if result.bound is not None and sign * (result.objective_after - result.bound) > 0:
        faults.append(f"bound {result.bound:.17g} exceeded: {result.objective_after:.17g}")
    proved = result.status == "optimal" or result.bound is not None
    if proved:
        best = best_turn(case)
        if sign * (best - result.objective_after) > 1e-7 * abs(best):
            faults.append(f"claims {result.objective_after:.17g}, but {best:.17g} is reached")
    narrow = "chart" in case.what and "polynomial" not in case.what
    if proved and narrow:
        faults.append("proves something of a chart that does more than add and multiply")
    where = f"seed {seed}: {case.what}"
    return [f"{where}: {fault} ({result.status})" for fault in faults], narrow, proved


@pytest.mark.parametrize(
    "count", [pytest.param(14, id="small"), pytest.param(1500, id="all", marks=pytest.mark.sweep)]
)
def test_no_false_optimum_on_a_circle(count):
    faults, plain, proofs = [], 0, 0
    for seed in range(count):
        found, narrow, proved = faults_of_turning(seed)
        faults += found
        plain += not narrow
        proofs += proved and not narrow
    assert not faults, "\n".join(faults[:20])
    assert proofs >= 0.8 * plain
