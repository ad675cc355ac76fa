"""Whether a least norm exists: zero patterns against linear programs over exponents."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from liegroup_teleport import ParameterNorm, teleport
from liegroup_teleport.groups import HiddenIndex, PositiveRescaling
from liegroup_teleport.losses import MLP
from liegroup_teleport.orbit._attained import is_attained, lasting

FIRST = HiddenIndex(3, written=[("W1", 0), ("b", 0)], read=[("W2", 1)])
SECOND = HiddenIndex(2, written=[("W2", 0)], read=[("W3", 1)])
THREE = HiddenIndex(2, written=[("T", 1)], read=[("U", 0)])
CASES = {
    "chain": (
        PositiveRescaling([FIRST, SECOND]),
        {"W1": (3, 2), "b": (3,), "W2": (2, 3), "W3": (1, 2)},
    ),
    "transposed": (
        PositiveRescaling(
            [
                HiddenIndex(3, written=[("W1", 1)], read=[("W2", 0)]),
                HiddenIndex(2, written=[("W2", 1)], read=[("W3", 0)]),
            ]
        ),
        {"W1": (2, 3), "W2": (3, 2), "W3": (2, 1)},
    ),
    "three axes": (PositiveRescaling([THREE]), {"T": (2, 2, 2), "U": (2, 3)}),
    "a free array": (PositiveRescaling([THREE]), {"T": (1, 2, 1), "U": (2, 1), "free": (2,)}),
}


def exponents(group, w):
    """Return (array, entry) and the exponents of its square under every log-scale."""
    starts = np.cumsum([0, *[i.size for i in group.indices]])
    rows, places = [], []
    for name, a in w.items():
        for place in np.argwhere(a != 0):
            row = np.zeros(starts[-1])
            for k, index in enumerate(group.indices):
                for sign, pairs in ((1.0, index.written), (-1.0, index.read)):
                    for other, axis in pairs:
                        if other == name:
                            row[starts[k] + place[axis]] += sign
            rows.append(row)
            places.append((name, tuple(place)))
    return places, np.array(rows).reshape(len(places), -1)


def support(E):
    """Return which entries have a weight above zero in some weights >= 0 that cancel.

    The sum of two such weights is one: all that can be positive are so at once, and as large as
    one likes. Weights are t + r with t <= 1, and the sum of t is made as large as possible.
    """
    n = len(E)
    balance = np.hstack([E.T, E.T])
    bounds = [(0, 1)] * n + [(0, None)] * n
    cost = np.concatenate([-np.ones(n), np.zeros(n)])
    found = linprog(cost, A_eq=balance, b_eq=np.zeros(E.shape[1]), bounds=bounds)
    return found.x[:n] > 0.5


def draw(shapes, rng, density):
    return {
        name: rng.normal(size=shape) * (rng.random(shape) < density)
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_patterns_against_linear_programs(name):
    group, shapes = CASES[name]
    rng = np.random.default_rng(0)
    seen = set()
    for density in (0.3, 0.5, 0.7, 0.9, 1.0):
        for _ in range(6):
            w = draw(shapes, rng, density)
            if not any(a.any() for a in w.values()):
                continue
            places, E = exponents(group, w)
            stays = support(E)
            expected = bool(stays.all())
            assert is_attained(group, w) is expected
            seen.add(expected)
            kept = lasting(group, w)
            for k, (array, place) in enumerate(places):
                assert kept[array][place] == (w[array][place] if stays[k] else 0.0)
            assert all((kept[n] == w[n])[w[n] == 0].all() for n in w)
    assert seen == {True, False}


def test_what_the_graph_does_not_cover_is_left_open():
    twice = PositiveRescaling(
        [HiddenIndex(2, [("A", 0), ("A", 1)], [("B", 0)])]
    )  # the same index on two written axes
    w = {"A": np.ones((2, 2)), "B": np.ones((2, 1))}
    assert is_attained(twice, w) is None
    with pytest.raises(ValueError, match="an array moves along more axes than the graph covers"):
        lasting(twice, w)


def test_verdicts_of_teleports_against_linear_programs():
    """``optimal`` only where it exists, ``unattained`` only where not, bounds below every point."""
    rng = np.random.default_rng(1)
    inputs, targets = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
    loss = MLP((2, 3, 2, 1), activation="relu", inputs=inputs, targets=targets)
    group = loss.symmetry()
    counts = {"optimal": 0, "unattained": 0}
    for seed in range(24):
        rng = np.random.default_rng(seed)
        w = draw({n: a.shape for n, a in loss.init(rng).items()}, rng, 0.75)
        if not all(a.any() for a in w.values()):
            continue
        _, E = exponents(group, w)
        exists = bool(support(E).all())
        result = teleport(loss, group, w, ParameterNorm())
        verdict = result.status
        if verdict == "identity":
            verdict = "optimal" if "optimal" in result.message else "other"
        if verdict in counts:
            counts[verdict] += 1
            assert (verdict == "optimal") is exists
        # squares by hand at random elements and at the one found
        squares = np.concatenate([(a[a != 0]) ** 2 for a in w.values()])
        for x in rng.normal(size=(50, group.dim)) * rng.choice([0.1, 1.0, 3.0], size=(50, 1)):
            value = float(np.sum(squares * np.exp(2 * E @ x)))
            if result.bound is not None:
                assert result.bound <= value * (1 + 1e-9)
            if verdict == "optimal":
                assert result.objective_after <= value * (1 + 1e-9)
    assert min(counts.values()) >= 3
