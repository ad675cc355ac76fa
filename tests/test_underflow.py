"""Numbers that underflow: zero where that is harmless, said where it is not, and never nan."""

from __future__ import annotations

import numpy as np
import pytest

import liegroup_teleport as lt
from tests.groups.all_groups import BY_NAME

CASES = ["rescaling-relu", "gl-deep", "chart-rosenbrock", "activation-leaky", "so3"]
OBJECTIVES = [lt.ParameterNorm(), lt.GradientNorm(), lt.LineSearchDecrease()]


@pytest.mark.parametrize("scale", [1e-160, 1e-320])
@pytest.mark.parametrize("name", CASES)
def test_errors_of_numpy_are_not_ours(name, scale):
    case = BY_NAME[name]
    w = {key: scale * array for key, array in case.start(1).items()}
    for objective in OBJECTIVES:
        with np.errstate(all="raise"):
            try:
                found = lt.teleport(
                    case.loss, case.group, w, objective, radius=0.5, max_iterations=5
                )
            except (lt.DomainError, TypeError):  # said, where there is nothing to compare
                continue
        numbers = (found.loss_after, found.objective_after, found.allowed_drift, found.drift)
        assert np.all(np.isfinite(numbers))


def test_training_and_actions_underflow_quietly():
    case = BY_NAME["rescaling-relu"]
    w = {key: 1e-170 * array for key, array in case.start(1).items()}
    tiny = {key: 1e-150 * array for key, array in w.items()}
    with np.errstate(all="raise"):
        run = lt.training.minimize(case.loss, w, lt.training.Adam(1e-3), 3)
        g = case.group.exp(np.full(case.group.dim, -3.0))
        moved = case.group.act(g, tiny)
        case.group.generator_adjoint(w, case.loss.gradient(w))
    assert run.status == "completed"
    assert all(np.isfinite(array).all() for array in moved.values())


def test_a_norm_whose_square_underflows_is_not_improved():
    case = BY_NAME["rescaling-relu"]
    w = {key: 1e-200 * array for key, array in case.start(1).items()}
    found = lt.teleport(case.loss, case.group, w, lt.ParameterNorm())
    assert found.status == "identity"
    assert "its square underflows" in found.message


def test_results_are_equal_by_identity():
    case = BY_NAME["chart-booth"]
    one, other = (
        lt.teleport(case.loss, case.group, case.start(1), lt.GradientNorm()) for _ in range(2)
    )
    assert one == one
    assert one != other
    assert len({one, other, one}) == 2
    run = lt.training.minimize(case.loss, case.start(1), lt.training.SGD(1e-3, 0.5), 1)
    assert len({run, run.state, run.state}) == 2
