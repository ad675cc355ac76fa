"""Mistakes that newcomers make, and what they are told."""

from __future__ import annotations

import numpy as np
import pytest

import liegroup_teleport as lt

HiddenIndex, from_function = lt.groups.HiddenIndex, lt.losses.from_function
Teleports, SGD = lt.training.Teleports, lt.training.SGD


def network():
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    net = lt.losses.MLP([4, 6, 2], activation="relu", inputs=X, targets=Y)
    return net, net.symmetry(), net.init(rng)


NET, GROUP, W = network()


class WithoutHessian:
    """A loss class that leaves out what is not always needed."""

    value, gradient = NET.value, NET.gradient
    gauss_newton_product = NET.gauss_newton_product


def lists(w):
    return {name: a.tolist() for name, a in NET.gradient(w).items()}


def train(loss, optimizer, teleports=None):
    return lambda: lt.training.minimize(loss, W, optimizer, 2, teleports=teleports)


def rescaling(*pairs):
    return lt.groups.PositiveRescaling([HiddenIndex(6, written=list(pairs))])


MISTAKES = {
    "a loss without hvp": (
        train(WithoutHessian(), SGD(1e-3), Teleports(GROUP, at=[0])),
        TypeError, r"WithoutHessian has no Hessian products.*from_function.*stability=None",
    ),
    "a stability bound without hvp": (
        lambda: lt.teleport(WithoutHessian(), GROUP, W, lt.GradientNorm(), stability=(1e-3, 1)),
        TypeError, "WithoutHessian has no Hessian products",
    ),
    "a function for a loss": (
        lambda: lt.teleport(NET.value, GROUP, W),
        TypeError, r"loss is a method; expected a loss with methods value\(w\) and gradient\(w\)",
    ),
    "a function to minimise": (
        train(NET.value, SGD(1e-3)), TypeError, "loss is a method; expected a loss",
    ),
    "the class of a loss": (
        lambda: lt.teleport(lt.losses.Booth, GROUP, W), TypeError, "loss is the class Booth",
    ),
    "a group for a schedule": (
        train(NET, SGD(1e-3), GROUP),
        TypeError, r"teleports is a PositiveRescaling; expected Teleports\(PositiveRescaling",
    ),
    "a number for a schedule": (
        train(NET, SGD(1e-3), 10), TypeError, "teleports is a int; expected Teleports$",
    ),
    "the class of an optimizer": (
        train(NET, SGD), TypeError, r"optimizer is the class SGD; expected an instance, SGD\(",
    ),
    "one pair for a list of pairs": (
        lambda: HiddenIndex(6, written=("W1", 0)),
        TypeError, r"written is \('W1', 0\); expected a list of pairs",
    ),
    "a word for a size": (
        lambda: HiddenIndex("6", written=[("W1", 0)]),
        ValueError, "hidden index has size '6'; expected an integer",
    ),
    "the wrong axis": (
        lambda: rescaling(("W2", 0)).act(np.ones(6), W),
        ValueError, r"'W2' has shape \(2, 6\); PositiveRescaling expected length 6 on axis 0",
    ),
    "an axis that is not there": (
        lambda: rescaling(("W1", 2)).act(np.ones(6), W),
        ValueError, r"'W1' has shape \(6, 4\); PositiveRescaling expected length 6 on axis 2",
    ),
    "a value of three numbers": (
        lambda: from_function(lambda w: np.ones(3), NET.gradient).value(W),
        TypeError, r"value\(w\) returned an array of shape \(3,\); expected one number",
    ),
    "a gradient that is a list": (
        lambda: from_function(NET.value, lambda w: [1, 2]).gradient(W),
        TypeError, "gradient must be a dict of arrays, got list",
    ),
    "a gradient of lists": (
        lambda: from_function(NET.value, lists).gradient(W),
        TypeError, "gradient 'W1' is a list; expected an array",
    ),
    "a seed for a generator": (
        lambda: GROUP.check_invariance(NET, W, rng=0),
        TypeError, "rng is a int; expected a numpy.random.Generator",
    ),
    "other names in an automatic schedule": (
        lambda: lt.training.minimize(
            from_function(lambda w: 1.0, lambda w: w), {"V": np.ones(2)}, lt.training.LineSearch(),
            5, teleports=Teleports(GROUP, at="auto"),
        ),
        ValueError, r"missing \['W1', 'W2'\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_message(name):
    mistake, kind, message = MISTAKES[name]
    with pytest.raises(kind, match=message):
        mistake()


def test_schedules_name_themselves():
    assert repr(Teleports(GROUP, at=[3, 1])) == "Teleports(PositiveRescaling, at=[1, 3])"
    assert repr(Teleports(GROUP, lt.GradientNorm(), every=5, radius=1.0)) == (
        "Teleports(PositiveRescaling, GradientNorm(), every=5, start=5)"
    )
    assert repr(Teleports(GROUP, at="auto")) == "Teleports(PositiveRescaling, at='auto')"
