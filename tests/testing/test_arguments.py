"""Hostile arguments of the testing tools and of discovery: an error that names the argument."""

from __future__ import annotations

import numpy as np
import pytest

import liegroup_teleport as lt
from liegroup_teleport.testing import assert_group_laws, assert_symmetry, strategies

LOSS = lt.losses.Quadratic(np.eye(2))
GROUP = LOSS.symmetry()
HOSTILE = [
    "x", b"x", -1, 1.5, float("nan"), float("inf"), True, 1j, [1.0], (), {}, {"w": 1}, set(),
    object(), np.ones(3), np.complex64, lambda *arguments: None,
]  # fmt: skip


def draw(rng):
    return {"w": rng.normal(size=2)}


# argument, call, and what of HOSTILE it takes
CALLS = [
    ("group", lambda v: assert_group_laws(v), ()),
    ("max_examples", lambda v: assert_group_laws(GROUP, max_examples=v), ()),
    ("dtype", lambda v: assert_group_laws(GROUP, dtype=v), ()),
    ("scale", lambda v: assert_group_laws(GROUP, scale=v, max_examples=1), (1.5,)),
    ("shapes", lambda v: assert_group_laws(GROUP, shapes=v), ()),
    ("group", lambda v: assert_symmetry(v, LOSS), ()),
    ("loss", lambda v: assert_symmetry(GROUP, v), ()),
    ("max_examples", lambda v: assert_symmetry(GROUP, LOSS, max_examples=v), ()),
    ("dtype", lambda v: assert_symmetry(GROUP, LOSS, dtype=v), ()),
    ("scale", lambda v: assert_symmetry(GROUP, LOSS, scale=v, max_examples=1), (1.5,)),
    (
        "parameter_scale",
        lambda v: assert_symmetry(GROUP, LOSS, parameter_scale=v, max_examples=1),
        (1.5,),
    ),
    ("group", lambda v: strategies.elements(v), ()),
    ("group", lambda v: strategies.algebra_vectors(v), ()),
    ("scale", lambda v: strategies.elements(GROUP, v), (1.5,)),
    ("dtype", lambda v: strategies.parameters(LOSS, dtype=v), ()),
    ("scale", lambda v: strategies.parameters(LOSS, scale=v), (1.5,)),
    ("sample", lambda v: lt.discover_generators(LOSS, v), ()),
    ("ansatz", lambda v: lt.discover_generators(LOSS, draw, ansatz=v), ()),
    ("level", lambda v: lt.discover_generators(LOSS, draw, level=v), ()),
    ("noise", lambda v: lt.discover_generators(LOSS, draw, noise=v), ()),
    ("rng", lambda v: lt.discover_generators(LOSS, draw, rng=v), ()),
    ("gradient", lambda v: lt.discover_generators(v, draw), ()),
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: repr(v)[:16])
def test_hostile_arguments_are_named(value):
    for name, call, taken in CALLS:
        if any(type(value) is type(good) and value == good for good in taken):
            call(value)
            continue
        if isinstance(value, type) and name in ("sample", "gradient"):
            continue  # a class can be called: what it then says is its own
        with pytest.raises((TypeError, ValueError), match=name):
            call(value)


def test_none_is_refused_where_it_means_nothing():
    for name, call in (
        ("dtype", lambda: assert_group_laws(GROUP, dtype=None)),
        ("scale", lambda: assert_group_laws(GROUP, scale=None)),
        ("sample", lambda: lt.discover_generators(LOSS, lambda rng: None)),
    ):
        with pytest.raises(TypeError, match=name):
            call()


@pytest.mark.parametrize("dtype", [np.float16, "f2", np.int64, "complex128"])
def test_dtypes_whose_tolerance_would_mean_nothing(dtype):
    with pytest.raises(TypeError, match="dtype is"):
        assert_group_laws(GROUP, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float64", np.float32, "f4"])
def test_dtypes_by_any_name(dtype):
    assert_group_laws(GROUP, dtype=dtype, max_examples=1)
