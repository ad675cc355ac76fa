"""assert_group_laws: planted bugs are found, and valid groups pass however they are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from liegroup_teleport.groups import (
    DirectProduct,
    GeneralLinear,
    HiddenIndex,
    MatrixGroup,
    Orthogonal,
    PositiveRescaling,
    SymmetryGroup,
    Translation,
)
from liegroup_teleport.testing import assert_group_laws

INDEX = HiddenIndex(3, written=[("W1", 0)], read=[("W2", 1)])
OTHER = HiddenIndex(2, written=[("W3", 0)], read=[("W4", 1)])
SO2 = np.array([[[0.0, -1.0], [1.0, 0.0]]])


@dataclass(frozen=True)
class Circle(SymmetryGroup):
    """Rotations of the plane, written as one angle: in [0, 2 pi), in (-pi, pi], or as it comes."""

    turns: str = "positive"

    compact = True
    linear = True
    diagonal = False
    scope = "loss"
    dim = 1
    shapes = {"w": (2,)}  # noqa: RUF012
    acts_on = frozenset({("w", 0)})

    def angle(self, t):
        t = np.reshape(np.asarray(t, dtype=float), (1,))
        if self.turns == "any":
            return t
        wrapped = np.mod(t, 2 * np.pi)
        return (
            wrapped
            if self.turns == "positive"
            else np.where(wrapped > np.pi, wrapped - 2 * np.pi, wrapped)
        )

    def identity(self):
        return np.zeros(1)

    def compose(self, g, h):
        return self.angle(g + h)

    def inverse(self, g):
        return self.angle(-g)

    def exp(self, x):
        return self.angle(x / np.sqrt(2))

    def principal(self, g):
        return np.angle(np.exp(1j * g))

    def log(self, g):
        return self.principal(g) * np.sqrt(2)

    def algebra_basis(self):
        return list(SO2 / np.sqrt(2))

    def distance(self, g):
        return abs(float(self.principal(g)[0]))

    def exp_pullback(self, x, m):
        return m

    def turn(self, g, w):
        a = w["w"]
        c, s = (f(float(g[0])) for f in (np.cos, np.sin))
        turned = np.stack([c * a[0] - s * a[1], s * a[0] + c * a[1]])
        return {**w, "w": turned.astype(a.dtype)}

    def act(self, g, w):
        return dict(w) if np.all(g == 0) else self.turn(g, w)

    def act_tangent(self, g, w, u):
        return self.turn(g, u)

    def act_cotangent(self, g, w, v):
        return self.turn(g, v)

    def generator(self, x, w):
        a, t = w["w"], float(x[0]) / np.sqrt(2)
        return {
            n: (t * np.stack([-a[1], a[0]])).astype(a.dtype) if n == "w" else 0 * b
            for n, b in w.items()
        }

    def generator_adjoint(self, w, p):
        a, b = w["w"], p["w"]
        return np.array([float(a[0] * b[1] - a[1] * b[0]) / np.sqrt(2)])

    @property
    def manifold(self):
        return None


@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("turns", ["positive", "both", "any"])
def test_a_circle_passes_however_its_angles_are_written(turns, scale):
    assert_group_laws(Circle(turns), scale=scale, max_examples=60)


@pytest.mark.parametrize(
    "group",
    [
        PositiveRescaling([INDEX]),
        GeneralLinear([INDEX]),
        Orthogonal([INDEX]),
        MatrixGroup(SO2, {"w": (2,)}),
        DirectProduct([Orthogonal([INDEX]), PositiveRescaling([OTHER])]),
    ],
    ids=lambda group: type(group).__name__,
)
def test_far_elements_of_valid_groups_pass(group):
    assert_group_laws(group, scale=10.0, max_examples=40)


# -- planted bugs in the distance -----------------------------------------------------------
BUGS = {
    "zero": lambda self, d, g: 0.0,
    "half": lambda self, d, g: d / 2,
    "seven tenths": lambda self, d, g: 0.7 * d,
    "twice": lambda self, d, g: 2 * d,
    "a little more": lambda self, d, g: 1.001 * d,
    "squared": lambda self, d, g: d * d,
    "root": lambda self, d, g: np.sqrt(d),
    "bounded": lambda self, d, g: min(d, 0.5),
    "saturating": lambda self, d, g: np.tanh(d),
    "an offset": lambda self, d, g: d + 0.1 if d > 0 else d,
    "a step": lambda self, d, g: float(np.ceil(4 * d) / 4),
    "negative": lambda self, d, g: -d,
    "largest": lambda self, d, g: float(np.max(np.abs(self.log(g)))),
    "sum": lambda self, d, g: float(np.sum(np.abs(self.log(g)))),
    "one coordinate": lambda self, d, g: abs(float(self.log(g)[0])),
    "without the last": lambda self, d, g: float(np.linalg.norm(self.log(g)[:-1])),
    "a linear form": lambda self, d, g: abs(float(np.sum(self.log(g)))),
    "of the square": lambda self, d, g: type(self).__mro__[1].distance(self, self.compose(g, g)),
    "asymmetric": lambda self, d, g: d * (1.2 if float(np.sum(self.log(g))) > 0 else 1.0),
}
KINDS = {
    "rescaling": (PositiveRescaling, [INDEX]),
    "linear": (GeneralLinear, [INDEX]),
    "orthogonal": (Orthogonal, [INDEX]),
    "product": (DirectProduct, [Orthogonal([INDEX]), PositiveRescaling([OTHER])]),
    "translation": (Translation, [{"w": np.array([3.0, 4.0])}, {"w": np.array([4.0, -3.0])}]),
}


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("kind", KINDS)
def test_bugs_in_the_distance_are_found(kind, bug):
    base, arguments = KINDS[kind]

    def distance(self, g):
        return BUGS[bug](self, base.distance(self, g), g)

    planted = type("Planted", (base,), {"distance": distance})(arguments)
    with pytest.raises(AssertionError, match="distance"):
        assert_group_laws(planted)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, np.sqrt(2)])
def test_the_unit_of_an_angle_is_found(factor):
    class Wrong(Circle):
        def distance(self, g):
            return factor * super().distance(g)

    with pytest.raises(AssertionError, match="distance"):
        assert_group_laws(Wrong())


def test_a_distance_that_sees_how_an_element_is_written():
    class Unwrapped(Circle):
        def distance(self, g):
            return abs(float(g[0]))

    with pytest.raises(AssertionError, match="distance"):
        assert_group_laws(Unwrapped("positive"), scale=3.0)


def test_elements_that_act_alike_on_vectors_only():
    class Pair(GeneralLinear):  # the inverse that gradients move with is forgotten
        def compose(self, g, h):
            return tuple((a, b) for (a, _), (_, b) in zip(super().compose(g, h), g, strict=True))

    with pytest.raises(AssertionError):
        assert_group_laws(Pair([INDEX]))


# -- shapes ----------------------------------------------------------------------------------
def test_open_sizes_are_given():
    group = PositiveRescaling([INDEX])
    assert dict(group.shapes) == {"W1": (3,), "W2": (None, 3)}  # further axes may follow
    assert_group_laws(group, shapes={"W1": (3, 7), "W2": (1, 3)}, max_examples=5)
    assert_group_laws(group, shapes={"W1": (3, 2, 5), "W2": (4, 3), "bias": (6,)}, max_examples=5)


@dataclass(frozen=True)
class Square(PositiveRescaling):
    """Says that lengths are open, and needs them to be equal."""

    def act(self, g, w):
        if w["W1"].shape[1] != w["W2"].shape[0]:
            raise ValueError("W1 and W2 must be transposes in shape")
        return super().act(g, w)


def test_a_group_whose_open_sizes_belong_together():
    assert_group_laws(Square([INDEX]), shapes={"W1": (3, 5), "W2": (5, 3)}, max_examples=5)
    with pytest.raises(ValueError, match="transposes"):
        assert_group_laws(Square([INDEX]), shapes={"W1": (3, 5), "W2": (4, 3)}, max_examples=5)


def test_what_is_not_acted_on_must_stay():
    class Greedy(PositiveRescaling):
        def act(self, g, w):
            moved = super().act(g, w)
            return {n: a if n in self.shapes else 2 * a for n, a in moved.items()}

    with pytest.raises(AssertionError, match="'bias'"):
        assert_group_laws(Greedy([INDEX]), shapes={"W1": (3, 2), "W2": (2, 3), "bias": (1,)})


@pytest.mark.parametrize(
    ("shapes", "error", "message"),
    [
        ({"W1": (3, 2)}, ValueError, r"shapes: missing \['W2'\]"),
        ({"W1": (2, 2), "W2": (2, 3)}, ValueError, r"shapes\['W1'\] is \(2, 2\)"),
        ({"W1": (3, 2), "W2": (3,)}, ValueError, r"shapes\['W2'\] is \(3,\)"),
        ({"W1": (3, 0), "W2": (2, 3)}, ValueError, "a length of shapes"),
        ({"W1": (3, None), "W2": (2, 3)}, TypeError, "a length of shapes"),
        ({"W1": (3, 1.5), "W2": (2, 3)}, ValueError, "a length of shapes"),
        ([(3, 2), (2, 3)], TypeError, "shapes"),
        ("W1", TypeError, "shapes"),
    ],
)
def test_shapes_that_do_not_fit(shapes, error, message):
    with pytest.raises(error, match=message):
        assert_group_laws(PositiveRescaling([INDEX]), shapes=shapes)
