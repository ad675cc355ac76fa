"""When teleports happen, on what, and what the record says."""

from __future__ import annotations

import numpy as np
import pytest

from liegroup_teleport import DomainError, InvarianceError
from liegroup_teleport.groups import InputTransformation
from liegroup_teleport.orbit import GradientNorm, ParameterNorm, PredictedDecrease
from liegroup_teleport.training import (
    SGD,
    AdaGrad,
    Adam,
    LineSearch,
    Resets,
    TeleportEvent,
    Teleports,
    minimize,
)


@pytest.fixture
def group(network):
    return network.symmetry()


class TestSchedule:
    @pytest.mark.parametrize(
        ("schedule", "steps"),
        [
            ({"at": [5, 0, 5]}, [0, 5]),
            ({"at": np.array([3, 7])}, [3, 7]),
            ({"at": 4}, [4]),
            ({"at": []}, []),
            ({"at": [100]}, []),
            ({"every": 10}, [10, 20]),
            ({"every": 10, "start": 5}, [5, 15, 25]),
            ({"every": 10, "start": 0}, [0, 10, 20]),
        ],
    )
    def test_due(self, group, schedule, steps):
        for teleports in (Teleports(group, **schedule), Resets(**schedule)):
            assert [t for t in range(30) if teleports.due(t)] == steps

    @pytest.mark.parametrize(
        ("schedule", "message"),
        [
            ({}, "at is None and every is None; expected exactly one"),
            ({"at": [1], "every": 2}, "expected exactly one"),
            ({"at": [1], "start": 2}, "start is 2"),
            ({"at": [-1]}, "at has -1; expected integers >= 0"),
            ({"at": [1.5]}, "at has 1.5; expected integers >= 0"),
            ({"every": 0}, "every has 0; expected integers >= 1"),
            ({"every": 2, "start": -1}, "start has -1"),
        ],
    )
    def test_errors(self, group, schedule, message):
        with pytest.raises(ValueError, match=message):
            Teleports(group, **schedule)
        with pytest.raises(ValueError, match=message):
            Resets(**schedule)

    def test_other_errors(self, group):
        with pytest.raises(ValueError, match="state is 'forget'; expected 'keep' or 'reset'"):
            Teleports(group, at=[0], state="forget")
        with pytest.raises(TypeError, match=r"unknown teleport options \['raduis'\].*'radius'"):
            Teleports(group, at=[0], raduis=1.0)
        with pytest.raises(TypeError, match="group is a str; expected a SymmetryGroup"):
            Teleports("GL", at=[0])

    def test_groups_that_move_the_data_are_refused(self, network):
        for schedule in ({"at": [0]}, {"every": 3}, {"at": "auto"}):
            with pytest.raises(TypeError, match="InputTransformation moves the data along"):
                Teleports(InputTransformation(network), **schedule)


@pytest.mark.parametrize(
    "optimizer",
    [SGD(1e-3), SGD(1e-3, momentum=0.9), LineSearch(), AdaGrad(0.01), Adam(0.01)],
    ids=repr,
)
def test_default_objective_keeps_the_loss_and_helps(optimizer, network, network_start, group):
    run = minimize(network, network_start, optimizer, 12, teleports=Teleports(group, every=5))
    plain = minimize(network, network_start, optimizer, 12)
    assert [event.step for event in run.teleports] == [5, 10]
    np.testing.assert_array_equal(run.losses[:5], plain.losses[:5])
    for event in run.teleports:
        assert isinstance(event, TeleportEvent)
        assert event.result.drift < 1e-12
        assert event.seconds > 0
        assert run.losses[event.step] == pytest.approx(event.result.loss_before, rel=1e-12)
        assert event.result.objective_after >= event.result.objective_before


def test_reset_keep_and_control(network, network_start, group):
    optimizer = AdaGrad(0.05)
    options = {"at": [6], "radius": 0.5}
    keep = minimize(
        network, network_start, optimizer, 20, teleports=Teleports(group, GradientNorm(), **options)
    )
    reset = minimize(
        network,
        network_start,
        optimizer,
        20,
        teleports=Teleports(group, GradientNorm(), state="reset", **options),
    )
    control = minimize(network, network_start, optimizer, 20, teleports=Resets(at=[6]))
    assert [event.state for event in keep.teleports] == ["transported"]
    assert [event.state for event in reset.teleports] == ["reset"]
    assert (control.teleports, control.resets) == ((), (6,))
    assert keep.resets == reset.resets == ()
    assert len({run.losses[-1] for run in (keep, reset, control)}) == 3
    restart = minimize(
        network, minimize(network, network_start, optimizer, 6).params, optimizer, 14
    )
    np.testing.assert_array_equal(control.losses[6:], restart.losses)


def test_states_on_record(network, network_start, group):
    def how(optimizer, **options):
        teleports = Teleports(group, GradientNorm(), at=[1], radius=0.3, **options)
        return (
            minimize(network, network_start, optimizer, 2, teleports=teleports).teleports[0].state
        )

    assert how(SGD(1e-3)) == "none"
    assert how(SGD(1e-3), state="reset") == "none"
    assert how(SGD(1e-3, momentum=0.5)) == "transported"
    assert how(LineSearch()) == "reset"
    assert how(LineSearch(), state="reset") == "reset"
    assert how(Adam(1e-3)) == "transported"


def test_batch_group_needs_its_batch(network, network_start):
    part = network.batch(np.arange(3))
    group = part.batch_symmetry()
    options = {"at": [2], "radius": 0.2}
    optimizer = SGD(1e-3, momentum=0.5)
    good = Teleports(group, GradientNorm(), loss=part, **options)
    run = minimize(network, network_start, optimizer, 3, teleports=good)
    assert [event.state for event in run.teleports] == ["kept"]
    assert run.teleports[0].result.drift < 1e-11
    with pytest.raises((InvarianceError, DomainError)):
        minimize(
            network,
            network_start,
            optimizer,
            3,
            teleports=Teleports(group, GradientNorm(), **options),
        )


def test_no_better_point_keeps_the_state(network, network_start, group):
    optimizer = AdaGrad(0.05)
    twice = Teleports(group, ParameterNorm(), at=[3])
    run = minimize(network, network_start, optimizer, 4, teleports=[twice, twice])
    first, second = run.teleports
    assert first.state == "transported"
    if second.result.status == "identity":
        assert second.state == "kept"
    assert second.result.objective_after == pytest.approx(first.result.objective_after)


def test_objective_sees_the_live_optimizer(network, network_start, group, monkeypatch):
    seen = []
    bind = AdaGrad.bind

    def spy(self, objective, state):
        seen.append(bind(self, objective, state))
        return seen[-1]

    monkeypatch.setattr(AdaGrad, "bind", spy)
    optimizer = AdaGrad(0.05)
    for state in ("keep", "reset"):
        teleports = Teleports(group, PredictedDecrease(), at=[3], state=state)
        minimize(network, network_start, optimizer, 4, teleports=teleports)
    kept, reset = seen
    assert kept.learning_rate == reset.learning_rate == 0.05
    assert all(
        np.all(s >= 0) and np.any(s > 0) for s in kept.optimizer_state.second_moment.values()
    )
    assert all(np.all(s == 0) for s in reset.optimizer_state.second_moment.values())


def test_full_loss_unless_told_otherwise(network, network_start, group):
    def before(**options):
        teleports = Teleports(group, GradientNorm(), at=[0], radius=0.3, **options)
        run = minimize(
            network,
            network_start,
            SGD(1e-3),
            1,
            batches=[np.arange(4)],
            teleports=teleports,
            record="batch",
        )
        return run.teleports[0].result.loss_before

    assert before() == pytest.approx(network.value(network_start))
    part = network.batch(np.arange(5))
    assert before(loss=part) == pytest.approx(part.value(network_start))


def test_torch_and_float32(network, network_start, group):
    torch = pytest.importorskip("torch")
    w = {n: torch.asarray(a.astype(np.float32)) for n, a in network_start.items()}
    teleports = Teleports(group, GradientNorm(), every=3, radius=0.3)
    run = minimize(network, w, Adam(0.01), 8, teleports=teleports)
    assert all(a.dtype == torch.float32 for a in run.params.values())
    assert [event.state for event in run.teleports] == ["transported"] * 2
