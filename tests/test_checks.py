"""The checks of single arguments: what they let through, and what they say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from liegroup_teleport import DomainError
from liegroup_teleport import _checks as checks

RAGGED = [[1.0], [1.0, 2.0]]
NO_NUMBERS = [None, "1", "", True, np.True_, 1j, [1.0], {}, {1}, object(), np.ones(1), float]


@pytest.mark.parametrize("value", [1, 1.0, np.float16(1), np.float32(1), np.int8(1), np.array(1.0)])
def test_numbers_of_every_precision_are_floats(value):
    number = checks.check_number("radius", value, above=0)
    assert type(number) is float
    assert number == 1.0


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_no_number(value):
    with pytest.raises(TypeError, match=r"^radius is .*; expected a finite number > 0$"):
        checks.check_number("radius", value, above=0)


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, 10**400, -(10**400), np.float16(0)])
def test_number_out_of_range(value):
    with pytest.raises(ValueError, match=r"^radius is .*; expected a finite number > 0$"):
        checks.check_number("radius", value, above=0)


def test_bounds_and_infinity():
    assert checks.check_number("a", np.inf, least=0, infinite=True) == np.inf
    assert checks.check_number("a", 0, least=0, most=0) == 0.0
    with pytest.raises(ValueError, match="expected a number >= 0"):
        checks.check_number("a", np.nan, least=0, infinite=True)
    with pytest.raises(ValueError, match="expected a finite number > 0 and < 1"):
        checks.check_number("a", 1.0, above=0, below=1)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_integers(value):
    number = checks.check_integer("probes", value, least=1)
    assert type(number) is int
    assert number == 3


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1.0, np.float64(2), np.array(True)])
def test_no_integer(value):
    number = isinstance(value, float)
    with pytest.raises(
        ValueError if number else TypeError, match=r"^probes is .*; expected an integer >= 1$"
    ):
        checks.check_integer("probes", value, least=1)


def test_integer_out_of_range():
    with pytest.raises(ValueError, match="probes is 0; expected an integer >= 1 and <= 5"):
        checks.check_integer("probes", 0, least=1, most=5)


@pytest.mark.parametrize("value", ["x", 1, True, [], np.ones(2), {}])
def test_choices_and_kinds(value):
    with pytest.raises(ValueError, match=r"^sense is .*; expected 'max', 'min' or None$"):
        checks.check_choice("sense", value, ("max", "min", None))
    with pytest.raises(TypeError, match=r"^group is a .*; expected a tuple$"):
        checks.check_instance("group", value, tuple, "a tuple")
    with pytest.raises(TypeError, match=r"^rng is a .*; expected a numpy.random.Generator"):
        checks.check_rng(value)
    with pytest.raises(TypeError, match=r"^value is .*; expected a function$"):
        checks.check_callable("value", value)


@pytest.mark.parametrize("value", [None, "ab", b"ab", {}, {1}, 3, np.array(1.0), list])
def test_no_sequence(value):
    with pytest.raises(TypeError, match=r"^groups is .*; expected a list of groups$"):
        checks.check_sequence("groups", value, "a list of groups")


def test_sequences():
    assert checks.check_sequence("groups", (a for a in (1, 2))) == [1, 2]
    assert checks.check_sequence("sizes", np.array([1, 2])) == [1, 2]


@pytest.mark.parametrize("value", [None, "1", {}, {1}, object(), float, np.ma.ones(2)])
def test_no_array(value):
    with pytest.raises(TypeError, match=r"^inputs is .*; expected a dense array of real numbers"):
        checks.check_array("inputs", value)


@pytest.mark.parametrize("value", [["1"], [1j], [True], np.array([None]), np.array(["a"])])
def test_no_real_numbers(value):
    with pytest.raises(TypeError, match=r"^inputs has entries of dtype .*; expected real numbers"):
        checks.check_array("inputs", value)


def test_arrays():
    with pytest.raises(ValueError, match="inputs cannot be read as a dense array of real numbers"):
        checks.check_array("inputs", RAGGED)
    given = np.array([1, 2], dtype=np.int8)
    array = checks.check_array("inputs", given, (2,))
    assert array.dtype == np.float64
    assert not np.shares_memory(array, given)
    symbols = np.array([Fraction(1, 3)], dtype=object)
    assert checks.check_array("g", symbols, symbols=True).dtype == object
    for entry in (None, "a", {}):
        with pytest.raises(TypeError, match=r"g has the entry .*; expected numbers or symbols"):
            checks.check_array("g", np.array([entry], dtype=object), symbols=True)
    with pytest.raises(ValueError, match=r"inputs has shape \(2,\); expected \(any, 2\)"):
        checks.check_array("inputs", given, (None, 2))
    with pytest.raises(DomainError, match="inputs has 1 entries that are not finite"):
        checks.check_array("inputs", [1.0, np.nan])


def test_other_libraries():
    torch = pytest.importorskip("torch")
    assert checks.check_number("radius", torch.tensor(2.0), above=0) == 2.0
    assert checks.check_integer("probes", torch.tensor(2), least=1) == 2
    array = checks.check_array("inputs", torch.ones(2, requires_grad=True))
    assert array.tolist() == [1.0, 1.0]
    for empty in (torch.ones(2, device="meta"), torch.ones(2, 2).to_sparse()):
        with pytest.raises(TypeError, match="inputs cannot be read as a dense array"):
            checks.check_array("inputs", empty)
    with pytest.raises(TypeError, match=r"radius is .*; expected a finite number"):
        checks.check_number("radius", torch.tensor(2.0, device="meta"))


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


def test_a_value_that_cannot_be_shown_is_still_named():
    with pytest.raises(TypeError, match="radius is a Unprintable; expected"):
        checks.check_number("radius", Unprintable())
