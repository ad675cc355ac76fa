"""The ball and the box of a search: nearest points, and what counts as their boundary."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport.orbit._ball import _outside, project

X = np.array([3.0, -4.0])


def test_nearest_points():
    np.testing.assert_allclose(project(X, 2.5), [1.5, -2.0])
    assert project(X, 5.0) is X
    assert project(X, 6.0) is X
    assert project(X, None) is X
    np.testing.assert_array_equal(project(np.zeros(2), 1.0), np.zeros(2))


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_boundary_to_a_millionth(size):
    for part, outside in ((1.0, True), (1 - 0.9e-6, True), (1 - 1.1e-6, False), (0.5, False)):
        assert _outside(X * size * part, 5.0 * size, None) is outside
        assert _outside(X * size * part, None, 4.0 * size) is outside
    assert _outside(X, None, None) is False
    assert _outside(np.zeros(0), None, 1.0) is False
