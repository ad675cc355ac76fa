"""True statements and false ones about random groups and losses, with an oracle of their own.

A loss is a polynomial, or a quotient of two, in the invariants of a group; a fault is planted in
its terms, its gradient, its code, the group's elements or the parameters' names. Whether the
statement is true is decided by :mod:`tests.attack.polynomials`, or it is false by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

import liegroup_teleport as lt
from tests.attack.families import FAMILIES, Family, metric, translation
from tests.attack.polynomials import Polynomial, RationalLoss

prove = lt.symbolic


@dataclass(frozen=True)
class Statement:
    """What is put to the proof.

    ``true`` is ``None`` where both answers are right: the value is invariant, and the gradient
    that is handed out beside it is not its own. ``size`` is how large, relative to the
    coefficients, a fault of rounding is: a proof may take that for granted where it says so.
    """

    kind: str
    label: str
    true: bool | None
    run: Callable[[], Any] = field(repr=False)
    size: float | None = None


# -- what the oracle says -----------------------------------------------------------------------


def is_invariant(family: Family, P: Polynomial, Q: Polynomial) -> bool:
    """Whether P / Q does not change along any field."""
    return all(not (P.along(f) * Q - P * Q.along(f)).terms for f in family.fields)


def rates_are_constant(family: Family, P: Polynomial) -> bool:
    """Whether P changes at constant rates at most: then its gradient moves by the rule."""
    zero = (0,) * P.n
    return all(set(P.along(f).terms) <= {zero} for f in family.fields)


# -- losses -------------------------------------------------------------------------------------


def invariant_polynomial(rng: np.random.Generator, family: Family) -> Polynomial:
    """Return a random polynomial in the invariants; coefficients are exact in binary."""
    P = Polynomial(family.n, {})
    while not any(any(e) for e in P.terms):
        for _ in range(int(rng.integers(1, 4))):
            term = Polynomial.constant(family.n, Fraction(int(rng.integers(1, 9)), 4))
            for _ in range(int(rng.integers(1, family.degree + 1))):
                term = term * family.invariants[rng.integers(len(family.invariants))]
            P = P + term * int(rng.choice([-1, 1]))
    return P


def _one(family: Family) -> Polynomial:
    return Polynomial.constant(family.n, 1)


def loss_of(rng: np.random.Generator, family: Family) -> tuple[Polynomial, Polynomial]:
    """Return numerator and denominator of an invariant loss."""
    P = invariant_polynomial(rng, family)
    if rng.random() < 0.25:
        q = invariant_polynomial(rng, family)
        return P, q * q + 1
    return P, _one(family)


# -- faults in the terms ------------------------------------------------------------------------


def _any_term(rng: np.random.Generator, P: Polynomial) -> tuple[Any, Fraction]:
    keys = sorted(e for e in P.terms if any(e))
    e = keys[rng.integers(len(keys))]
    return e, P.terms[e]


def wrong_sign(rng: np.random.Generator, P: Polynomial) -> Polynomial:
    e, c = _any_term(rng, P)
    return Polynomial(P.n, {**P.terms, e: -c})


def wrong_exponent(rng: np.random.Generator, P: Polynomial) -> Polynomial:
    e, c = _any_term(rng, P)
    i = int(rng.choice([i for i, power in enumerate(e) if power]))
    raised = tuple(power + (j == i) for j, power in enumerate(e))
    return P + Polynomial(P.n, {e: -c}) + Polynomial(P.n, {raised: c})


def missing_term(rng: np.random.Generator, P: Polynomial) -> Polynomial:
    e, _ = _any_term(rng, P)
    return Polynomial(P.n, {k: c for k, c in P.terms.items() if k != e})


def wrong_place(rng: np.random.Generator, P: Polynomial) -> Polynomial:
    """Exchange two entries in one term, as a transpose does."""
    e, c = _any_term(rng, P)
    i, j = rng.choice(P.n, size=2, replace=False)
    swapped = list(e)
    swapped[i], swapped[j] = swapped[j], swapped[i]
    return P + Polynomial(P.n, {e: -c}) + Polynomial(P.n, {tuple(swapped): c})


def added_term(rng: np.random.Generator, P: Polynomial) -> Polynomial:
    powers = tuple(int(p) for p in rng.integers(0, 3, size=P.n))
    return P + Polynomial(P.n, {powers: Fraction(int(rng.integers(1, 9)), 4)})


TERMS = (wrong_sign, wrong_exponent, missing_term, wrong_place, added_term)


# -- faults in the gradient ---------------------------------------------------------------------


def _zero_gradient(v: dict[str, Any]) -> dict[str, Any]:
    return {name: 0 * a for name, a in v.items()}


def _twice(v: dict[str, Any]) -> dict[str, Any]:
    return {name: 2 * a for name, a in v.items()}


def _missing_parameter(v: dict[str, Any]) -> dict[str, Any]:
    name = next(iter(v))
    return {**v, name: 0 * v[name]}


def _wrong_entry(v: dict[str, Any]) -> dict[str, Any]:
    name = next(reversed(v))
    a = v[name].copy()
    a.reshape(-1)[0] = a.reshape(-1)[0] * 2 + 1
    return {**v, name: a}


LIARS = (_zero_gradient, _twice, _missing_parameter, _wrong_entry)


# -- faults in the code: decisions that mean another thing on symbols ---------------------------


def _first(w: Any) -> Any:
    return next(iter(w.values()))


def _flat(w: Any) -> Any:
    return np.concatenate([a.reshape(-1) for a in w.values()])


def _count_nonzero(w: Any) -> Any:
    return 3 * np.count_nonzero(_flat(w))


def _if_equal(w: Any) -> Any:
    x = _flat(w)
    return x[0] ** 2 if x[0] == x[-1] else 0 * x[0]


def _if_zero(w: Any) -> Any:
    x = _flat(w)
    return x[-1] + 1 if x[0] == 0 else 0 * x[0]


def _where_unequal(w: Any) -> Any:
    x = _flat(w)
    return np.where(x != x[::-1], 0 * x, x + 1).sum()


def _where_positive(w: Any) -> Any:
    x = _flat(w)
    return np.where(x > 0, x, 0 * x).sum()


def _sorted_entries(w: Any) -> Any:
    x = _flat(w)
    return np.sort(x)[0] + 2 * np.sort(x)[-1]


def _largest(w: Any) -> Any:
    return np.max(_flat(w))


def _truth(w: Any) -> Any:
    x = _flat(w)
    return 0 * x[0] if x[0] else x[-1] + 1


def _all_close(w: Any) -> Any:
    x = _flat(w)
    return x[0] * 0 + 1 if np.array_equal(x, 0 * x) else x[0] * 0


def _by_dtype(w: Any) -> Any:
    x = _flat(w)
    return 0 * x[0] if x.dtype == object else x[0] + 2 * x[-1] ** 3


def _by_text(w: Any) -> Any:
    x = _flat(w)
    return 0 * x[0] if any(letter.isalpha() for letter in str(x[0])) else x[0] + 2 * x[-1] ** 3


def _imaginary(w: Any) -> Any:
    x = _flat(w)
    return ((x + 1j * x[::-1] ** 2) ** 2).imag.sum()


def _signs(w: Any) -> Any:
    return np.sign(_flat(w) - 1).sum()


def _rounded(w: Any) -> Any:
    x = _flat(w)
    return np.round(x[:1].astype(np.float64)).sum() if x.dtype != object else 0 * x[0]


def _unique(w: Any) -> Any:
    return float(len(set(_flat(w).tolist())))


def _membership(w: Any) -> Any:
    x = _flat(w)
    return x[-1] + 1 if 0.0 in x.tolist() else 0 * x[0]


def _absolute_root(w: Any) -> Any:
    x = _flat(w)
    return (x[0] ** 2) ** 0.5 - x[0] if x.dtype == object else abs(x[0]) - x[0]


CODE = (
    _count_nonzero, _if_equal, _if_zero, _where_unequal, _where_positive, _sorted_entries,
    _largest, _truth, _all_close, _by_dtype, _by_text, _imaginary, _signs, _rounded, _unique,
    _membership, _absolute_root,
)  # fmt: skip


def breaks(family: Family, extra: Callable[[Any], Any], rng: np.random.Generator) -> bool:
    """Whether a term changes along the group, at random and at special points, in float64."""
    for trial in range(60):
        w = {name: rng.standard_normal(shape) for name, shape in family.shapes.items()}
        if trial % 3:
            w = {name: np.round(a) for name, a in w.items()}  # zeros, equal entries
        if trial % 5 == 4:
            w = {name: 0 * a for name, a in w.items()}
        moved = family.group.act(family.group.random_element(rng, 1.0), w)
        before, after = float(extra(w)), float(extra(moved))
        if abs(after - before) > 1e-3 * (1 + abs(before)):
            return True
    return False


# -- statements ---------------------------------------------------------------------------------


def _proofs(family: Family, loss: Any) -> dict[str, Callable[[], Any]]:
    group, shapes = family.group, family.shapes
    found = {
        "invariance": lambda: prove.prove_invariance(group, loss, shapes=shapes),
        "infinitesimal": lambda: prove.prove_invariance(
            group, loss, shapes=shapes, infinitesimal=True
        ),
        "cotangent": lambda: prove.prove_cotangent_rule(group, loss, shapes=shapes),
    }
    if family.symmetric:
        found["conserved"] = lambda: prove.prove_conserved(group, loss, shapes=shapes)
    return found


def _choose(rng: np.random.Generator, proofs: dict[str, Any]) -> tuple[str, Callable[[], Any]]:
    what = sorted(proofs)[rng.integers(len(proofs))]
    return what, proofs[what]


def of_terms(rng: np.random.Generator, family: Family) -> Statement:
    """A fault in the terms, or none."""
    P, Q = loss_of(rng, family)
    fault = "none"
    if rng.random() < 0.4:
        plant = TERMS[rng.integers(len(TERMS))]
        P, fault = plant(rng, P), plant.__name__
    what, run = _choose(rng, _proofs(family, RationalLoss(family.shapes, P, Q)))
    true = is_invariant(family, P, Q)
    if what == "cotangent" and len(Q.terms) == 1:
        true = rates_are_constant(family, P)
    return Statement("terms", f"{what}, {family.label}, {fault}", true, run)


def of_rounding(rng: np.random.Generator, family: Family) -> Statement:
    """A coefficient off by the last bits, or a term below every tolerance."""
    P, Q = invariant_polynomial(rng, family), _one(family)
    size = float(rng.choice([2.0**-52, 2.0**-50, 1e-30, 1e-13]))
    e, c = _any_term(rng, P)
    if rng.random() < 0.5:
        if abs(float(c)) * size < 2**-54 or float(c) * (1 + size) == float(c):
            size = 2.0**-50
        P = Polynomial(P.n, {**P.terms, e: Fraction(float(c) * (1 + size))})
    else:
        powers = tuple(int(p) for p in rng.integers(1, 3, size=P.n))
        P = P + Polynomial(P.n, {powers: Fraction(size)})
    what, run = _choose(rng, _proofs(family, RationalLoss(family.shapes, P, Q)))
    true = is_invariant(family, P, Q)
    return Statement("rounding", f"{what}, {family.label}, {size:.1e}", true, run, size)


def of_gradient(rng: np.random.Generator, family: Family) -> Statement:
    """A gradient that does not belong to the value: the rule about it, and what follows from it."""
    P, Q = loss_of(rng, family)
    liar = LIARS[rng.integers(len(LIARS))]
    if rng.random() < 0.5:
        P = added_term(rng, P)
    loss = RationalLoss(family.shapes, P, Q, liar=liar)
    proofs = _proofs(family, loss)
    proofs.pop("invariance")
    what, run = _choose(rng, proofs)
    w = {name: rng.standard_normal(shape) for name, shape in family.shapes.items()}
    honest = RationalLoss(family.shapes, P, Q)
    same = all(np.array_equal(honest.gradient(w)[n], loss.gradient(w)[n]) for n in w)
    true: bool | None = False
    if is_invariant(family, P, Q) and (same or what == "infinitesimal"):
        true = True if same else None
    elif same and what == "cotangent" and len(Q.terms) == 1:
        true = rates_are_constant(family, P)
    return Statement("gradient", f"{what}, {family.label}, {liar.__name__}", true, run)


def of_code(rng: np.random.Generator, family: Family) -> Statement | None:
    """An invariant loss, and a term that decides on its argument."""
    extra = CODE[rng.integers(len(CODE))]
    if not breaks(family, extra, rng):
        return None
    P, Q = loss_of(rng, family)
    loss = RationalLoss(family.shapes, P, Q, extra=extra)
    proofs = _proofs(family, loss)
    what, run = _choose(rng, {name: proofs[name] for name in ("invariance", "infinitesimal")})
    return Statement("code", f"{what}, {family.label}, {extra.__name__}", False, run)


def of_names(rng: np.random.Generator) -> Statement:
    """so(3) on a vector and a loss that it does not leave alone, under the names of symbols."""
    while True:
        family = metric(rng)
        if family.n == 3:
            break
    P = invariant_polynomial(rng, family)
    true = bool(rng.random() < 0.3)
    if not true:
        P = P + family.entry(int(rng.integers(3))) * int(rng.integers(1, 9))
    what, run = _choose(rng, _proofs(family, RationalLoss(family.shapes, P, _one(family))))
    return Statement("names", f"{what}, {list(family.shapes)}, {family.label}", true, run)


def of_ratio(rng: np.random.Generator) -> Statement:
    """A translation along c, and a loss that only stays if a coordinate is the parameter."""
    family = translation(rng)
    i, j = rng.choice(family.n, size=2, replace=False)
    P, Q = family.entry(int(i)), family.entry(int(j))
    run = _proofs(family, RationalLoss(family.shapes, P, Q))["invariance"]
    return Statement("names", f"ratio, {list(family.shapes)}", is_invariant(family, P, Q), run)


def of_element(rng: np.random.Generator, family: Family) -> Statement | None:
    """Elements that are none of the group, with a loss that they leave alone."""
    group = family.group
    kind = type(group).__name__
    if kind == "PositiveRescaling":
        s = sympy.Symbol("s", real=True)
        scales = [np.array([s] * group.dim, dtype=object), np.array([-1] * group.dim, dtype=object)]
        element = scales[rng.integers(2)]
    elif kind == "Orthogonal":
        a, b = sympy.symbols("a b", real=True)
        matrices = [[[a, 0], [0, 1 / a]], [[1, 0], [0, -1]], [[1, b], [0, 1]]]
        element = (np.array(matrices[rng.integers(3)], dtype=object),)
    elif kind == "GeneralLinear":
        a, b = sympy.symbols("a b", real=True)
        one = np.array([[1, 0], [0, 1]], dtype=object)
        pairs = [
            (np.array([[a, 0], [0, b]], dtype=object), one),
            (np.array([[0, 1], [1, 0]], dtype=object), np.array([[0, 1], [1, 0]], dtype=object)),
            (0 * one, 0 * one),
        ]
        element = (pairs[rng.integers(3)],)
    else:
        return None
    P = Polynomial.constant(family.n, 1)  # a constant does not notice what is done to w
    loss = RationalLoss(family.shapes, P, P)
    run: Callable[[], Any] = lambda: prove.prove_invariance(  # noqa: E731
        group, loss, element=element, shapes=family.shapes
    )
    return Statement("element", f"{kind} {element!r:.60}", False, run)


# -- the classes of the library -----------------------------------------------------------------


def _spd(rng: np.random.Generator, n: int) -> np.ndarray:
    F = rng.integers(-2, 3, size=(n, n)) + 3 * np.eye(n)
    return np.asarray(F.T @ F, dtype=np.float64)


def of_quadratic(rng: np.random.Generator) -> Statement:
    """The symmetry of one quadratic on another, and quadratics that are more than that."""
    n = int(rng.integers(2, 4))
    A, B = _spd(rng, n), _spd(rng, n)
    m = rng.integers(-2, 3, size=n).astype(float)
    group = lt.losses.Quadratic(A, m).symmetry()

    class Heavier(lt.losses.Quadratic):
        def value(self, w: Any) -> Any:
            return super().value(w) + w["w"][0]

    losses = {
        "its own": (lt.losses.Quadratic(A, m), True),
        "another matrix": (lt.losses.Quadratic(B, m), bool(np.array_equal(A, B))),
        "another minimum": (lt.losses.Quadratic(A, m + np.eye(n)[0]), False),
        "a subclass": (Heavier(A, m), False),
        "one entry": (lt.losses.Quadratic(A + np.diag([2.0**-40] + [0.0] * (n - 1)), m), False),
    }
    name = sorted(losses)[rng.integers(len(losses))]
    loss, true = losses[name]
    proofs = {
        "invariance": lambda: prove.prove_invariance(group, loss),
        "infinitesimal": lambda: prove.prove_invariance(group, loss, infinitesimal=True),
    }
    what, run = _choose(rng, proofs)
    size = 2.0**-40 if name == "one entry" else None
    return Statement("class", f"{what}, Quadratic {n}, {name}", true, run, size)


def of_network(rng: np.random.Generator) -> Statement:
    """Networks of the library, of subclasses, with methods exchanged, with other activations."""
    activation = ["relu", "leaky_relu", "linear", "tanh", "gelu"][rng.integers(5)]
    bias = bool(rng.integers(2))
    data = {"inputs": np.ones((1, 2)), "targets": np.ones((1, 1))}
    proper = lt.losses.MLP([2, 2, 1], activation=activation, bias=bias, **data)
    indices = proper.hidden_indices()

    class Decayed(lt.losses.MLP):
        def value(self, w: Any) -> Any:
            return super().value(w) + (w["W1"] ** 2).sum()

    class Shifted(lt.losses.MLP):
        def forward(self, w: Any, X: Any) -> Any:
            return super().forward(w, X) + w["W1"][0, 0]

    fault = ["none", "none", "decay", "forward", "patched"][rng.integers(5)]
    loss: Any = proper
    if fault == "decay":
        loss = Decayed([2, 2, 1], activation=activation, bias=bias, **data)
    elif fault == "forward":
        loss = Shifted([2, 2, 1], activation=activation, bias=bias, **data)
    elif fault == "patched":
        loss = lt.losses.MLP([2, 2, 1], activation=activation, bias=bias, **data)
        honest = loss.value
        loss.value = lambda w: honest(w) + (w["W2"] ** 2).sum()
    kind = ["PositiveRescaling", "GeneralLinear"][rng.integers(2)]
    group = getattr(lt.groups, kind)(indices)
    allowed = {"PositiveRescaling": ("relu", "leaky_relu", "linear"), "GeneralLinear": ("linear",)}
    true = fault == "none" and activation in allowed[kind]
    proofs = {
        "invariance": lambda: prove.prove_invariance(group, loss),
        "infinitesimal": lambda: prove.prove_invariance(group, loss, infinitesimal=True),
    }
    what, run = _choose(rng, proofs)
    return Statement("class", f"{what}, {kind} on {activation}, {fault}", true, run)


def of_eigenvector(rng: np.random.Generator) -> Statement:
    """The gradient of a quadratic form or a cubic, right or wrong, at its critical points."""
    n = 2
    shapes = {"w": (n,)}
    x = [Polynomial.entry(n, i) for i in range(n)]
    a, b = (int(m) for m in rng.integers(1, 6, size=2))
    P = x[0] * x[0] * a + x[1] * x[1] * (b + a) + x[0] * x[1]
    liar = LIARS[rng.integers(len(LIARS))] if rng.random() < 0.5 else None
    loss: Any = RationalLoss(shapes, P, Polynomial.constant(n, 1), liar=liar)

    def hvp(w: Any, v: Any) -> dict[str, Any]:
        H = np.array([[2 * a, 1], [1, 2 * (a + b)]])
        return {"w": H @ v["w"]}

    loss.hvp = hvp
    level = int(rng.integers(1, 9))
    run: Callable[[], Any] = lambda: prove.prove_gradient_is_hessian_eigenvector(  # noqa: E731
        loss, level=level
    )
    label = f"level {level}, {getattr(liar, '__name__', 'right')}"
    return Statement("eigenvector", label, liar is None, run)


def statements(seed: int, count: int) -> Iterator[Statement]:
    """Yield statements of all kinds in turn; each is made by a generator of its own."""
    kinds: tuple[Callable[..., Statement | None], ...] = (
        of_terms, of_terms, of_terms, of_terms, of_rounding, of_gradient, of_code, of_element,
    )  # fmt: skip
    alone = (of_names, of_ratio, of_quadratic, of_network, of_eigenvector)
    made = number = 0
    while made < count:
        rng = np.random.default_rng([seed, number])
        number += 1
        kind = number % (len(kinds) + len(alone))
        if kind < len(alone):
            statement: Statement | None = alone[kind](rng)
        else:
            family = FAMILIES[rng.integers(len(FAMILIES))](rng)
            statement = kinds[kind - len(alone)](rng, family)
        if statement is not None:
            made += 1
            yield statement
