"""A certificate is proved only if nothing refutes it and nothing is left; its check can fail."""

from __future__ import annotations

import copy
import json
import pickle
import time
from fractions import Fraction

import numpy as np
import pytest
import sympy

import liegroup_teleport as lt
from liegroup_teleport.symbolic._certificate import LONG, Finding, _abridged, _plain, certify
from liegroup_teleport.symbolic._identity import _unequal

X, Y = sympy.symbols("x y")
WORDS = {"name": "name", "statement": "words", "method": "method", "scope": "all"}


def made(residual=lambda: 0, counterexample=lambda seed: None, **more):
    return certify(**{**WORDS, **more}, residual=residual, counterexample=counterexample)


def raises(error):
    def function(*_):
        raise error

    return function


class TestProved:
    def test_nothing_left_and_nothing_against_it(self):
        found = made(latex="x = x", assumptions=("a", "b"))
        assert (found.proved, found.residual, found.witness) == (True, 0, None)
        assert (found.name, found.statement, found.method, found.scope, found.latex) == (
            "name",
            "words",
            "method",
            "all",
            "x = x",
        )
        assert found.assumptions == ("a", "b")
        assert found.verify() is True

    @pytest.mark.parametrize("residual", [1, X, X - Y, 1e-30, sympy.Rational(1, 10**40)])
    def test_something_left(self, residual):
        found = made(lambda: residual)
        assert not found.proved
        assert found.residual == residual

    def test_a_counterexample_against_a_residual_of_zero(self):
        found = made(counterexample=lambda seed: {"x": 1.0})
        assert not found.proved
        assert found.witness == {"x": 1.0}
        assert found.verify() is False

    def test_the_first_point_is_that_of_seed_zero(self):
        found = made(counterexample=lambda seed: {"seed": 0} if seed == 0 else None)
        assert (found.proved, found.witness) == (False, {"seed": 0})

    def test_examples_of_existence_and_their_assumptions(self):
        found = made(lambda: Finding(sympy.S.Zero, {"x": 2}, ("b", "c")), assumptions=("a", "b"))
        assert (found.proved, found.witness) == (True, {"x": 2})
        assert found.assumptions == ("a", "b", "c")
        assert made(lambda: (0, {"x": 3})).witness == {"x": 3}
        refuted = made(lambda: (0, {"x": 3}), lambda seed: {"x": 4})
        assert refuted.witness == {"x": 4}
        open_ = made(lambda: (1, {"x": 3}))
        assert (open_.proved, open_.witness) == (False, None)

    def test_errors_are_raised_unless_the_statement_is_false_already(self):
        with pytest.raises(ZeroDivisionError):
            made(raises(ZeroDivisionError("oh")))
        with pytest.raises(ZeroDivisionError):
            made(counterexample=raises(ZeroDivisionError("oh")))
        found = made(raises(ZeroDivisionError("oh")), lambda seed: {"x": 1})
        assert (found.proved, found.residual, found.witness) == (False, None, {"x": 1})

    def test_no_time_is_no_proof(self):
        def slow(*_):
            time.sleep(30)
            return 0

        started = time.perf_counter()
        found = made(slow, time_limit=0.5)
        assert time.perf_counter() - started < 10
        assert (found.proved, found.residual, found.witness) == (False, None, None)
        assert found.method.startswith("method (")
        assert 0.4 < found.seconds < 10
        checked = made(counterexample=slow, time_limit=0.5)
        assert (checked.proved, checked.residual) == (False, None)


class TestVerify:
    def test_asks_at_the_seed_given_and_says_no_where_it_fails(self):
        found = made(counterexample=lambda seed: None if seed in (0, 1) else {"seed": seed})
        assert found.proved
        assert found.verify() is True
        assert found.verify(seed=1) is True
        assert found.verify(seed=5) is False

    def test_a_planted_proof_is_not_believed(self):
        object.__setattr__(found := made(counterexample=lambda seed: {"x": 1}), "proved", True)
        assert found.verify() is False

    def test_without_a_check_or_time(self):
        found = made()
        object.__setattr__(found, "recheck", None)
        with pytest.raises(RuntimeError, match=r"^certificate 'name' has no independent check"):
            found.verify()
        slow = made(counterexample=lambda seed: time.sleep(30 * seed))
        with pytest.raises(RuntimeError):
            slow.verify(time_limit=0.3)


class TestCopies:
    def test_copies_keep_the_check(self):
        found = made(counterexample=lambda seed: None if seed < 2 else {"x": [seed]})
        for twin in (copy.copy(found), copy.deepcopy(found)):
            assert twin.verify() is True
            assert twin.verify(seed=3) is False
            assert twin.to_dict() == found.to_dict()
        refuted = made(counterexample=lambda seed: {"x": [1]})
        assert copy.deepcopy(refuted).witness == refuted.witness
        assert copy.deepcopy(refuted).witness["x"] is not refuted.witness["x"]

    def test_pickles_lose_what_cannot_be_pickled_and_say_so(self):
        found = made(counterexample=lambda seed: None)
        twin = pickle.loads(pickle.dumps(found))
        assert twin.to_dict() == found.to_dict()
        with pytest.raises(RuntimeError, match="pickling loses it"):
            twin.verify()
        kept = made(counterexample=nothing_against)
        assert pickle.loads(pickle.dumps(kept)).verify() is True


def nothing_against(seed):
    return None


class TestShown:
    def test_a_dictionary_for_json(self):
        found = made(
            lambda: (0, {"x": np.array([1.0, 2.0]), "n": np.inf, "f": Fraction(1, 2), "s": X,
                         "t": (1, True, None, "a"), 3: {"y": sympy.Rational(1, 4)}}),
            latex="L",
            assumptions=("a",),
        )  # fmt: skip
        shown = found.to_dict()
        seconds = shown.pop("seconds")
        assert seconds == found.seconds >= 0
        assert json.loads(json.dumps(shown)) == {
            "name": "name", "statement": "words", "latex": "L", "method": "method",
            "assumptions": ["a"], "scope": "all", "residual": "0", "proved": True,
            "witness": {"x": [1.0, 2.0], "n": "inf", "f": 0.5, "s": "x",
                        "t": [1, True, None, "a"], "3": {"y": 0.25}},
        }  # fmt: skip
        object.__setattr__(found, "residual", None)
        assert found.to_dict()["residual"] is None
        assert _plain(-np.inf) == "-inf"

    def test_latex(self):
        assert made(latex="a")._repr_latex_() == r"$\displaystyle a\qquad(\text{proved})$"
        assert made(lambda: 1)._repr_latex_() == (
            r"$\displaystyle \text{words}\qquad(\text{not proved})$"
        )


class TestAbridged:
    def test_of_a_long_residual_only_that_it_is_not_zero(self):
        terms = sympy.symbols(f"z0:{LONG + 2}")
        short, long_ = sympy.Add(*terms[: LONG + 1]), sympy.Add(*terms)
        assert short.count_ops() == LONG
        assert _abridged(short).residual == short
        shown = _abridged(long_).residual
        assert str(shown) == "too_long_to_print"
        assert shown.is_zero is False
        assert shown != 0

    def test_pairs_findings_and_numbers(self):
        assert _abridged(Finding(X, {"a": 1}, ("b",))) == Finding(X, {"a": 1}, ("b",))
        assert _abridged((0, {"a": 1})) == Finding(sympy.S.Zero, {"a": 1})
        assert _abridged(2).residual == 2

    @pytest.mark.parametrize("wrong", [True, sympy.Eq(X, Y)])
    def test_what_is_no_expression(self, wrong):
        with pytest.raises(TypeError, match=r"^residual\(\) returned .*; expected an expression"):
            _abridged(wrong)


class TestUnequal:
    """Exact numbers by anything; fifty digits to 1e-25; floats to nine digits."""

    def test_exact(self):
        half, close = Fraction(1, 2), Fraction(1, 2) + Fraction(1, 10**80)
        assert _unequal([(half, half)], exactly=True) is None
        found = _unequal([(half, half), (half, close)], exactly=True)
        assert found is not None
        assert found[0] != found[1]
        assert _unequal([(half, close)], exactly=False) is None  # derivatives are to 1e-60
        assert _unequal([(half, half + Fraction(1, 10**50))], exactly=False) is not None

    def test_floats(self):
        assert _unequal([(0.5, 0.5 + 1e-10)], exactly=True) is None
        assert _unequal([(0.5, 0.5 + 1e-8)], exactly=True) is not None
        assert _unequal([(0.5 + 1e-8, Fraction(1, 2))], exactly=True) is not None
        assert _unequal([(Fraction(1, 2), 0.5 + 1e-10)], exactly=True) is None

    def test_relative_to_the_largest_of_the_left_sides(self):
        assert _unequal([(1e6, 1e6), (0.5, 0.5 + 1e-4)], exactly=True) is None
        assert _unequal([(1e6, 1e6), (0.5, 0.5 + 1e-2)], exactly=True) is not None
        assert _unequal([(-1e6, -1e6), (0.5, 0.5 + 1e-4)], exactly=True) is None

    def test_noise_is_added(self):
        assert _unequal([(0.5, 0.6)], exactly=True, noise=0.2) is None
        assert _unequal([(0.5, 0.8)], exactly=True, noise=0.2) is not None

    def test_nan_is_no_number_to_compare(self):
        with pytest.raises(TypeError, match="nan is a float; expected a finite real number"):
            _unequal([(float("nan"), float("nan"))], exactly=True)


@pytest.mark.parametrize("wrong", [1.0 + 1e-7, -1.0, 2.0])
def test_a_loss_that_is_off_by_little_is_refuted_by_numbers(wrong):
    """The rescaling of ``(a b - 1)^2`` against the same with one power of b changed a little."""

    class Off:
        shapes = {"a": (2,), "b": (2,)}  # noqa: RUF012

        def value(self, w):
            return ((w["a"] * w["b"] - 1) ** 2).sum() + (wrong - 1) * w["a"][0] * 1

        def gradient(self, w):
            r = 2 * (w["a"] * w["b"] - 1)
            ones = np.array([1, 0])
            return {"a": r * w["b"] + (wrong - 1) * ones, "b": r * w["a"]}

    group = lt.groups.PositiveRescaling([lt.groups.HiddenIndex(2, [("a", 0)], [("b", 0)])])
    found = lt.symbolic.prove_invariance(group, Off())
    assert not found.proved
    assert found.witness is not None
    assert found.verify() is False
