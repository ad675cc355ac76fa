"""Losses that change what they are given or answer nonsense, and doors in front of own groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import liegroup_teleport as lt
from liegroup_teleport._guarded import Guarded, check_value, owned

BOOTH = lt.losses.Booth()
GROUP = BOOTH.symmetry()


def start():
    return {"w": np.array([5.0, -5.0])}


class Own:
    """A loss of the user's: methods may be replaced one by one."""

    def __init__(self, **methods):
        for name in ("value", "gradient", "hvp", "gauss_newton_product"):
            setattr(self, name, methods.get(name, getattr(BOOTH, name)))


def changing(method):
    def changed(w, *rest):
        w["w"][0] += 1.0
        return method(w, *rest)

    return changed


DOORS = {
    "teleport": lambda loss, w: lt.teleport(loss, GROUP, w, lt.GradientNorm()),
    "teleport by default": lambda loss, w: lt.teleport(loss, GROUP, w),
    "minimize": lambda loss, w: lt.training.minimize(loss, w, lt.training.SGD(0.01), 2),
    "line search": lambda loss, w: lt.training.minimize(loss, w, lt.training.LineSearch(), 2),
    "check_invariance": lambda loss, w: GROUP.check_invariance(
        loss, w, rng=np.random.default_rng(0), trials=2
    ),
}


@pytest.mark.parametrize("method", ["value", "gradient"])
@pytest.mark.parametrize("door", DOORS)
def test_a_loss_that_changes_its_input_is_named_and_changes_nothing(door, method):
    w = start()
    loss = Own(**{method: changing(getattr(BOOTH, method))})
    with pytest.raises(ValueError, match=f"the loss's {method} changes the parameters"):
        DOORS[door](loss, w)
    assert w["w"].tolist() == [5.0, -5.0]
    assert w["w"].flags.writeable


@pytest.mark.parametrize("method", ["value", "gradient"])
@pytest.mark.parametrize("door", DOORS)
def test_the_same_on_tensors(door, method):
    torch = pytest.importorskip("torch")
    w = {"w": torch.tensor([5.0, -5.0], dtype=torch.float64)}
    loss = Own(**{method: changing(getattr(BOOTH, method))})
    with pytest.raises(ValueError, match=f"the loss's {method} changes the parameters"):
        DOORS[door](loss, w)
    assert w["w"].tolist() == [5.0, -5.0]


@pytest.mark.parametrize("answer", [None, "1.0", b"1", True, 1j, [1.0], np.ones(3), {}, object()])
@pytest.mark.parametrize("door", DOORS)
def test_values_that_are_no_numbers(door, answer):
    with pytest.raises(TypeError, match=r"value\(w\) returned .*; expected one"):
        DOORS[door](Own(value=lambda w: answer), start())


GRADIENTS = {
    "None": (lambda w: None, "gradient must be a dict of arrays, got NoneType"),
    "an array": (lambda w: w["w"] * 1.0, "gradient must be a dict of arrays, got ndarray"),
    "lists": (lambda w: {"w": [1.0, 2.0]}, "gradient 'w' is a list"),
    "other names": (lambda w: {"v": w["w"]}, r"gradient: missing \['w'\]"),
    "other shapes": (lambda w: {"w": np.ones(3)}, r"gradient 'w' has shape \(3,\)"),
    "complex": (lambda w: {"w": w["w"] + 0j}, "gradient 'w' .*complex128"),
}


@pytest.mark.parametrize("kind", GRADIENTS)
@pytest.mark.parametrize("door", DOORS)
def test_gradients_that_are_none(door, kind):
    gradient, message = GRADIENTS[kind]
    with pytest.raises((TypeError, ValueError), match=message):
        DOORS[door](Own(gradient=gradient), start())


def test_numbers_of_any_kind_are_values():
    for value in (1, 1.0, np.float32(1), np.array(1.0), np.array([1.0])):
        assert check_value(value) == 1.0
        assert type(check_value(value)) is float


def test_what_is_guarded_is_not_copied():
    seen = []
    w = start()
    guarded = Guarded.of(Own(value=lambda given: seen.append(given["w"]) or 0.0))
    assert Guarded.of(guarded) is guarded
    guarded.value(w)
    assert np.shares_memory(seen[0], w["w"])
    assert owned(w)["w"] is w["w"]
    assert not hasattr(Guarded(lt.losses.from_function(BOOTH.value, BOOTH.gradient)), "symmetry")


@dataclass(frozen=True)
class Scaling(lt.SymmetryGroup):
    """A group as users write them: formulas and no checks."""

    compact = False
    linear = True
    diagonal = True
    scope = "loss"
    dim = 1
    shapes = {"a": (2,)}  # noqa: RUF012
    acts_on = frozenset({("a", None)})
    manifold = None

    def identity(self):
        return np.ones(1)

    def compose(self, g, h):
        return g * h

    def inverse(self, g):
        return 1 / g

    def exp(self, x):
        return np.exp(x)

    def log(self, g):
        return np.log(g)

    def algebra_basis(self):
        return [np.ones((1, 1))]

    def distance(self, g):
        return abs(float(np.log(g[0])))

    def exp_pullback(self, x, m):
        return m

    def act(self, g, w):
        return {**w, "a": w["a"] * [g[0], 1 / g[0]]}

    def act_tangent(self, g, w, u):
        return self.act(g, u)

    def act_cotangent(self, g, w, v):
        return self.act(1 / g, v)

    def generator(self, x, w):
        return {**w, "a": w["a"] * [x[0], -x[0]]}

    def generator_adjoint(self, w, p):
        return np.array([w["a"][0] * p["a"][0] - w["a"][1] * p["a"][1]])


W, WRONG = {"a": np.array([2.0, 3.0])}, {"a": np.ones(3)}
MISTAKES = {
    "a list for parameters": (lambda G: G.act(np.ones(1), [1.0]), "parameters must be a dict"),
    "other parameters": (lambda G: G.act(np.ones(1), {"b": np.ones(2)}), r"missing \['a'\]"),
    "another shape": (lambda G: G.act(np.ones(1), WRONG), r"'a' has shape \(3,\)"),
    "a covector of another shape": (
        lambda G: G.act_cotangent(np.ones(1), W, WRONG), r"covector 'a' has shape \(3,\)",
    ),
    "a tangent that is None": (lambda G: G.act_tangent(np.ones(1), W, None), "tangent vector must"),
    "a covector without its name": (lambda G: G.generator_adjoint(W, {"b": W["a"]}), "covector: m"),
    "coordinates that are text": (lambda G: G.exp("1"), "algebra vector is '1'"),
    "too many coordinates": (lambda G: G.generator(np.ones(2), W), r"algebra vector has shape"),
    "coordinates that are not finite": (lambda G: G.exp([np.nan]), "algebra vector has 1 entries"),
    "a covector of coordinates": (lambda G: G.exp_pullback([1.0], None), "covector is None"),
    "a product that overflows": (
        lambda G: G.compose(np.array([1e200]), np.array([1e200])), "Scaling.compose overflows",
    ),
    "an inverse that overflows": (lambda G: G.inverse(np.array([0.0])), "Scaling.inverse overf"),
    "a seed": (lambda G: G.random_element(0), "rng is a int; expected a numpy.random.Generator"),
    "a scale of text": (
        lambda G: G.random_element(np.random.default_rng(0), "1"), "scale is '1'; expected",
    ),
    "a time of text": (lambda G: G.geodesic(np.ones(1), np.ones(1), "1"), "t is '1'; expected"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_every_group_has_the_doors(name):
    mistake, message = MISTAKES[name]
    with pytest.raises((TypeError, ValueError), match=message):
        mistake(Scaling())


def test_behind_the_doors_the_group_is_as_written():
    group = Scaling()
    assert group.act(group.exp([np.log(2.0)]), W)["a"].tolist() == [4.0, 1.5]
    assert Scaling.act.__name__ == "act"
