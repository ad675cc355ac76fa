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
from liegroup_teleport.symbolic._elements import exact_inverse, inverse_matrix, rotation
from liegroup_teleport.symbolic._limits import TimeLimitError, _in_thread, limited
from liegroup_teleport.symbolic._symbols import (
    Definitions,
    fill,
    normal_form,
    numbers,
    remainder,
    symbol_array,
)
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
    """Numbers satisfy the equations that proofs divide by."""
    for array, definitions in (
        inverse_matrix(symbol_array("g", (3, 3)), "d"),
        rotation("r", 2),
        rotation("r", 3),
    ):
        unknowns = {"g": symbol_array("g", (3, 3)), "r": array}
        values = numbers(unknowns, definitions, Random(seed))
        for equation in definitions.equations:
            assert sympy.sympify(equation).xreplace(
                {symbol: sympy.Rational(str(value)) for symbol, value in values.items()}
            ).expand() == 0  # fmt: skip


def test_normal_form_reads_floats_and_roots():
    half = sympy.Float(0.5**0.5)
    assert normal_form(half * X[0] - X[0] / sympy.sqrt(2)) == 0
    assert normal_form(half * X[0] - X[0] * sympy.Rational(7, 10)) != 0
    d = sympy.Symbol("d")
    bound = Definitions({d: 1 / (1 + X[0] ** 2)}, (d * (1 + X[0] ** 2) - 1,), (d,))
    assert normal_form(d + d * X[0] ** 2, bound) == 1
    assert remainder([0, X[0] - X[0], X[1]], bound) == X[1]


def test_exact_numbers_stay_exact():
    x = symbol_array("x", (2, 2))
    values = numbers(x, Definitions(), Random(3))
    filled = fill({"x": x * x}, values)["x"]
    assert all(isinstance(entry, Fraction) for entry in filled.reshape(-1))
    assert filled[0, 1] == values[x[0, 1]] ** 2
    matrix = fill(x, values)
    assert (matrix @ exact_inverse(matrix) == np.eye(2)).all()
    with pytest.raises(ZeroDivisionError):
        exact_inverse(np.array([[Fraction(1), Fraction(2)], [Fraction(2), Fraction(4)]]))
    with pytest.raises(TypeError, match="no exact number"):
        fill(np.array([sympy.sin(X[0])], dtype=object), {X[0]: Fraction(1)})


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
