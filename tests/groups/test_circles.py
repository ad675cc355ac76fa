"""Groups of one generator: circles where all speeds are whole multiples of one, exactly."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

import liegroup_teleport as lt
from liegroup_teleport.groups import MatrixGroup
from liegroup_teleport.groups._rational import whole_speeds

TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def planes(*speeds):
    return scipy.linalg.block_diag(*(s * TURN for s in speeds))


def test_u1_on_pairs_of_complex_numbers_is_compact():
    group = MatrixGroup([np.kron(np.eye(2), TURN)], {"w": (2, 2)})
    assert group.compact
    assert group.speeds == (1, 1)


@pytest.mark.parametrize(
    ("speeds", "whole"),
    [
        ((1.0,), (1,)), ((3.0, 0.0), (1,)), ((2.0, 3.0), (2, 3)), ((0.5, 0.75, 5.0), (2, 3, 20)),
        ((1.0, np.sqrt(2)), None), ((1.0, 1 + 1e-12), None), ((1.0, 1.0, np.pi), None),
        ((0.1, 0.2), (1, 2)), ((0.1, 0.3), None),  # 0.3 is not three times 0.1 in binary
    ],
)  # fmt: skip
def test_speeds(speeds, whole):
    X = planes(*speeds)
    group = MatrixGroup([X], {"w": (len(X),)})
    assert group.speeds == whole
    assert group.compact == (whole is not None)
    if whole is not None:
        # once around is the identity, in coordinates that are not orthonormal as well
        once = 2 * np.pi * max(whole) / max(speeds)
        assert np.allclose(scipy.linalg.expm(once * X), np.eye(len(X)), atol=1e-12)


def test_speeds_in_other_coordinates():
    rng = np.random.default_rng(0)
    P = np.eye(4) + np.triu(rng.integers(-2, 3, (4, 4)), 1).astype(float)
    back = np.rint(np.linalg.inv(P))
    assert whole_speeds(P @ planes(2.0, 3.0) @ back) == (2, 3)
    assert whole_speeds(P @ (planes(2.0, 2.0) + np.diag([1.0, 1.0], 2)) @ back) is None  # drifts
    assert MatrixGroup([P @ planes(2.0, 3.0) @ back], {"w": (4,)}).compact


def test_a_circle_of_several_planes_is_searched_without_a_radius():
    group = MatrixGroup([planes(1.0, 5.0)], {"w": (4,)})
    A = np.diag([1.0, 9.0, 2.0, 30.0])
    loss = lt.losses.from_function(lambda w: 1.0, lambda w: {"w": w["w"] @ A})
    w = {"w": np.array([3.0, 1.0, 1.0, 0.5])}
    found = lt.teleport(loss, group, w, lt.GradientNorm())
    assert found.status != "optimal"  # turned gradients keep their norm here
    assert found.objective_after >= found.objective_before
