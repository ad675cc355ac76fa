"""Time limits, normal forms and exact numbers."""

from __future__ import annotations

import time
from fractions import Fraction
from random import Random

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import liegroup_teleport as lt
from liegroup_teleport import symbolic
from liegroup_teleport.symbolic._draws import GENERIC, Draw, exact_inverse
from liegroup_teleport.symbolic._elements import inverse_matrix, rotation
from liegroup_teleport.symbolic._limits import TimeLimitError, _in_thread, limited
from liegroup_teleport.symbolic._normal_form import normal_form, remainder
from liegroup_teleport.symbolic._numbers import Number, evaluate, numbers_of
from liegroup_teleport.symbolic._symbols import Definitions, symbol_array
from tests.symbolic.planted import network

X = sympy.symbols("x0:3", real=True)
POLYNOMIALS = st.lists(
    st.tuples(st.integers(-3, 3), st.tuples(*[st.integers(0, 2)] * 3)), min_size=1, max_size=4
).map(lambda terms: sum(c * sympy.Mul(*(x**k for x, k in zip(X, p))) for c, p in terms))  # noqa: B905


def forever():
    while True:
        time.sleep(1e-4)


def one_long_instruction():
    return 3 ** (10**9) % 7


@pytest.mark.parametrize("run", [forever, one_long_instruction])
def test_a_computation_is_really_stopped(run):
    started = time.perf_counter()
    with pytest.raises(TimeLimitError, match=r"time limit of 0\.3 s"):
        limited(run, 0.3)
    assert time.perf_counter() - started < 5


def test_a_thread_is_stopped_where_there_is_no_fork():
    ended = []

    def run():
        try:
            forever()
        finally:
            ended.append(True)

    with pytest.raises(TimeLimitError):
        _in_thread(run, 0.2)
    assert ended == [True]
    assert _in_thread(lambda: 3, 5) == 3
    with pytest.raises(ZeroDivisionError):
        _in_thread(lambda: 1 / 0, 5)


def test_results_and_errors_come_back():
    assert limited(lambda: X[0] + 1, 5) == X[0] + 1
    with pytest.raises(KeyError, match="name"):
        limited(lambda: {}["name"], 5)
    with pytest.raises(RuntimeError, match="cannot be sent"):
        limited(lambda: lambda: 0, 5)
    with pytest.raises(ValueError, match="time_limit is 0"):
        limited(lambda: 0, 0)


def test_a_proof_that_takes_too_long_says_so():
    loss = network([24, 24, 24, 2], "linear")
    started = time.perf_counter()
    certificate = symbolic.prove_invariance(loss.symmetry(), loss, time_limit=1.0)
    assert time.perf_counter() - started < 10
    assert not certificate.proved
    assert certificate.residual is None
    assert certificate.witness is None
    assert "time limit" in certificate.method


def test_a_counterexample_survives_a_proof_that_takes_too_long():
    certificate = symbolic.certify(
        name="n", statement="s", method="m", scope="loss",
        residual=forever, counterexample=lambda seed: {"w": 1.0}, time_limit=0.5,
    )  # fmt: skip
    assert not certificate.proved
    assert certificate.witness == {"w": 1.0}


def test_certificates_weigh_both_sides():
    def certificate(residual, witness):
        return symbolic.certify(
            name="n", statement="s", method="m", scope="loss",
            residual=lambda: residual, counterexample=lambda seed: witness,
        )  # fmt: skip

    assert certificate(0, None).proved
    assert not certificate(X[0], None).proved
    assert not certificate(0, {"w": 1.0}).proved
    assert not certificate(0, {"w": 1.0}).verify()


@given(POLYNOMIALS, POLYNOMIALS)
@settings(max_examples=40)
def test_normal_form_decides_polynomials(p, q):
    product = sympy.sympify(p) * sympy.sympify(q)
    assert normal_form(product - sympy.expand(product)) == 0
    assert normal_form(product - sympy.expand(product) + X[0] ** 3) == X[0] ** 3
    s = sympy.Symbol("s", positive=True)
    assert normal_form(sympy.sympify(p) / s * s**2 - s * sympy.sympify(p)) == 0
    assert normal_form(sympy.Function("f")(X[1]) * product - product) == 0 or product != 0


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_bound_symbols_are_what_they_say(seed):
    """Numbers made without any symbol satisfy the equations that proofs divide by."""
    draw = Draw(Random(seed), GENERIC)
    g, inverse = draw.invertible(3)
    symbols = symbol_array("g", (3, 3))
    adjugate, bound = inverse_matrix(symbols, "d")
    values = dict(zip(symbols.reshape(-1), g.reshape(-1), strict=True))
    values[bound.leading[0]] = inverse[0, 0] / evaluate(adjugate[0, 0].xreplace(
        {bound.leading[0]: sympy.Integer(1)}), values)  # fmt: skip
    assert all(evaluate(e, values) == 0 for e in bound.equations)
    assert all(evaluate(e, values) == f for e, f in zip(adjugate.flat, inverse.flat, strict=True))
    for n in (2, 3):
        array, bound = rotation("r", n)
        values = {}
        for e, f in zip(array.flat, draw.rotation(n).flat, strict=True):
            if e.is_Symbol:
                values[e] = f
        assert all(evaluate(e, values) == 0 for e in bound.equations)


def test_normal_form_reads_floats_exactly():
    """A float is the dyadic rational that it is, no simpler number near it."""
    half = sympy.Float(0.5**0.5)
    assert normal_form(half * X[0] - X[0] / sympy.sqrt(2)) != 0
    assert normal_form(sympy.Float(0.75) * X[0] - X[0] * sympy.Rational(3, 4)) == 0
    assert normal_form(sympy.Float(0.1) * X[0]) * 10 != X[0]
    d = sympy.Symbol("d")
    bound = Definitions((d * (1 + X[0] ** 2) - 1,), (d,))
    assert normal_form(d + d * X[0] ** 2, bound) == 1
    assert remainder([0, X[0] - X[0], X[1]], bound) == X[1]


def test_normal_form_of_roots_and_functions():
    a, b = X[0] ** 2 + 1, (X[0] + X[1]) ** 2
    assert normal_form(sympy.sqrt(a) ** 2 - a) == 0
    assert normal_form(a ** sympy.Rational(3, 2) - a * sympy.sqrt(a)) == 0
    assert normal_form(sympy.exp(b) - sympy.exp(sympy.expand(b))) == 0
    assert normal_form(sympy.sqrt(b.expand() + 1) - sympy.sqrt(b + 1)) == 0
    assert normal_form(sympy.exp(b) - sympy.exp(b + X[2])) != 0
    assert normal_form(sympy.sqrt(a) - a) != 0
    assert normal_form(1 / (1 + X[0]) - (1 - X[0]) / (1 - X[0] ** 2)) == 0


def test_exact_numbers_stay_exact():
    draw = Draw(Random(3), GENERIC)
    matrix = draw.generic((2, 2))
    assert (matrix @ exact_inverse(matrix) == np.eye(2)).all()
    assert all(entry.exact for entry in (matrix * 0.5 + matrix / 3).flat)
    with pytest.raises(ZeroDivisionError):
        exact_inverse(numbers_of([[1, 2], [2, 4]]))
    two = Number(Fraction(2))
    assert not two.sqrt().exact
    assert abs(two.sqrt() ** 2 - 2) < 1e-48
    assert (two * two).sqrt().value == 2
    with pytest.raises(lt.DomainError):
        np.log(np.array([-two], dtype=object))


def test_proofs_change_nothing_that_is_given():
    loss = network([2, 2, 1], "relu")
    group, inputs = loss.symmetry(), loss.inputs.copy()
    quadratic = lt.losses.Quadratic(np.eye(2))
    rotations = quadratic.symmetry()
    symbolic.prove_invariance(group, loss)
    symbolic.prove_invariance(rotations, quadratic)
    assert loss.activation.name == "relu"
    assert np.array_equal(loss.inputs, inputs)
    assert rotations.factor.dtype == np.float64
