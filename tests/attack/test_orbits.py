"""Teleports over orbits that are closed or not, against mathematics and brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.optimize

import liegroup_teleport as lt
from tests.attack.orbits import Orbit, least_norm, network_orbits, orbits

ERRORS = (lt.DomainError, lt.UnboundedOrbitError)  # an InvarianceError would blame the group


def pairs(g: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the matrices of an element with their inverses."""
    if isinstance(g, np.ndarray):
        return [(np.diag(g), np.diag(1 / g))] if g.ndim == 1 else [(g, g.T)]
    if len(g) == 2 and all(isinstance(a, np.ndarray) and a.ndim == 2 for a in g):
        return [g]
    return [pair for part in g for pair in pairs(part)]


def check_move(loss: Any, group: Any, w: Any, found: lt.Teleport, eps: float) -> None:
    """Hold a result to what every teleport owes, whatever its status."""
    assert found.drift <= found.allowed_drift
    for a, b in pairs(found.element):
        if np.array_equal(a, np.diag(np.diag(a))):
            assert np.allclose(np.diag(a) * np.diag(b), 1, rtol=0, atol=1e-15)
            continue
        far = np.linalg.norm(a) * np.linalg.norm(b)
        assert np.isfinite(far)
        assert np.linalg.norm(a @ b - np.eye(len(a))) <= 1e4 * np.finfo(float).eps * far < 1e-3
    back = group.act(group.inverse(found.element), found.params)
    lost = np.sqrt(sum(float(np.sum((np.float64(back[n]) - a) ** 2)) for n, a in w.items()))
    size = np.sqrt(sum(float(np.sum(np.float64(a) ** 2)) for a in w.values()))
    assert lost <= found.undo_error * size <= 1e5 * eps**0.5 * size
    moved = group.act(found.element, w)
    for name, a in moved.items():
        np.testing.assert_array_equal(a, found.params[name])
        assert np.any(a) == np.any(w[name])  # nothing that moves becomes zero


def check_orbit(orbit: Orbit, dtype: Any, seed: int) -> str:
    """Teleport to the least norm and judge what is said of it; return the status."""
    w = {name: a.astype(dtype) for name, a in orbit.w.items()}
    found = lt.teleport(orbit.loss, orbit.group, w, lt.ParameterNorm())
    check_move(orbit.loss, orbit.group, w, found, float(np.finfo(dtype).eps))
    exact = all(np.array_equal(w[n], a) for n, a in orbit.w.items())
    attained = orbit.attained if exact else None
    claimed = found.status == "optimal" or found.message == "the starting point is already optimal"
    if claimed:
        assert attained is not False, orbit.name
    if found.status == "unattained":
        assert attained is not True, orbit.name
    for form in orbit.forms:
        assert form(found.element[0]) <= 1e-12
    if claimed or found.bound is not None:
        start = Orbit(**(orbit.__dict__ | {"w": {n: np.float64(a) for n, a in w.items()}}))
        best = least_norm(start, np.random.default_rng(seed))
        slack = 1e-9 if dtype is np.float64 else 1e-5
        if claimed:
            assert found.objective_after <= best * (1 + slack) + 1e-290, orbit.name
        if found.bound is not None:
            assert found.bound <= best * (1 + slack) + 1e-290, orbit.name
    return found.status


def sweep_orbits(seeds: range, every: int = 1) -> dict[str, int]:
    counts: dict[str, int] = {}
    for seed in seeds:
        for orbit in list(orbits(np.random.default_rng(seed)))[seed % every :: every]:
            for dtype in (np.float64, np.float32):
                status = check_orbit(orbit, dtype, seed)
                counts[status] = counts.get(status, 0) + 1
    return counts


def check_network(name: str, loss: Any, w: Any, objective: Any, sense: str, dtype: Any) -> str:
    w = {n: a.astype(dtype) for n, a in w.items()}
    group = loss.symmetry()
    try:
        found = lt.teleport(loss, group, w, objective, sense=sense,
                            radius=None if sense == "min" else 1.0)  # fmt: skip
    except ERRORS as error:
        return type(error).__name__
    check_move(loss, group, w, found, float(np.finfo(dtype).eps))
    if found.status == "optimal" and isinstance(objective, lt.ParameterNorm):
        best = least_network_norm(group, w)
        assert found.objective_after <= best * (1 + 1e-6), name
    if found.bound is not None and sense == "min":
        assert found.objective_after >= found.bound * (1 - 1e-5), name
    return found.status


def least_network_norm(group: Any, w: Any) -> float:
    """Return the least squared norm of parameters that SciPy finds, by a formula of its own."""
    linear = isinstance(group, lt.groups.GeneralLinear)
    sizes = [index.size for index in group.indices]
    lengths = [k * k if linear else k for k in sizes]

    def value(x: np.ndarray) -> float:
        moved = {n: np.float64(a) for n, a in w.items()}
        for index, part in zip(group.indices, np.split(x, np.cumsum(lengths)[:-1]), strict=True):
            g = np.eye(index.size) + part.reshape(index.size, -1) if linear else np.exp(part)
            if linear and np.linalg.det(g) <= 1e-12:
                return 1e300
            inverse = np.linalg.inv(g) if linear else 1 / g
            for n, _ in index.written:
                moved[n] = g @ moved[n] if linear else (moved[n].T * g).T
            for n, _ in index.read:
                moved[n] = moved[n] @ inverse if linear else moved[n] * inverse
        return float(sum(np.sum(a**2) for a in moved.values()))

    rng = np.random.default_rng(0)
    return min(
        float(scipy.optimize.minimize(
            value, k * 0.1 * rng.standard_normal(sum(lengths)), method="BFGS",
            options={"maxiter": 40},
        ).fun)
        for k in range(2)
    )  # fmt: skip


def sweep_networks(seeds: range, every: int = 1) -> dict[str, int]:
    counts: dict[str, int] = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        for k, (name, loss, w) in enumerate(network_orbits(rng)):
            if k % every:
                continue
            dtype = (np.float64, np.float32)[int(rng.integers(2))]
            objective, sense = [
                (lt.ParameterNorm(), "min"), (lt.GradientNorm(), "min"),
                (lt.Sharpness(probes=8), "min"),
                (lt.LineSearchDecrease(), "max"),
            ][int(rng.integers(4))]  # fmt: skip
            status = check_network(name, loss, w, objective, sense, dtype)
            counts[status] = counts.get(status, 0) + 1
    return counts


def test_orbits_of_matrices_and_scales():
    counts = sweep_orbits(range(1), every=6)
    assert {"optimal", "unattained"} <= set(counts)


def test_orbits_of_networks():
    counts = sweep_networks(range(1), every=3)
    assert {"optimal", "unattained"} <= set(counts)


@pytest.mark.sweep
def test_many_orbits_of_matrices_and_scales():
    assert sum(sweep_orbits(range(1, 13)).values()) >= 1000


@pytest.mark.sweep
def test_many_orbits_of_networks():
    assert sum(sweep_networks(range(1, 11)).values()) >= 1000


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_training_from_orbits_that_are_not_closed_gets_as_far(dtype):
    # a proved minimum is where it was asked for; on the way to none training must not be lost
    descent = lt.training.LineSearch()
    tried = 0
    for orbit in list(orbits(np.random.default_rng(0)))[:: 2 if dtype is np.float64 else 3]:
        w = {name: a.astype(dtype) for name, a in orbit.w.items()}
        if orbit.attained or not any(np.any(g) for g in orbit.loss.gradient(w).values()):
            continue
        for objective in (lt.ParameterNorm(), lt.GradientNorm()):
            found = lt.teleport(orbit.loss, orbit.group, w, objective, sense="min")
            plain = lt.training.minimize(orbit.loss, w, descent, 40).losses
            after = lt.training.minimize(orbit.loss, found.params, descent, 40).losses
            reached = max(1e-2 * plain[0], plain[-1], 1e4 * np.finfo(dtype).eps ** 2)
            assert after[-1] <= reached, (orbit.name, objective, plain[-1], after[-1])
            tried += 1
    assert tried >= 8
