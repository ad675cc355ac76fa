"""Proofs for matrices of every size: entries that do not commute stand for blocks."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import sympy

from .._checks import check_callable, check_flag, check_integer
from ..groups import GeneralLinear, HiddenIndex, QuadraticOrthogonal
from ..losses import MLP, Quadratic
from ._certificate import Certificate, certify
from ._doors import check_time
from ._draws import GENERIC, Draw
from ._running import as_floats
from ._settings import setting
from ._symbols import entries, fresh

__all__ = ["general_linear_for_every_n", "orthogonal_for_every_n", "words"]


MOST_LAYERS = 100  # a proof of more would not end


def block(name: str) -> sympy.Symbol:
    """Return a symbol that stands for a matrix: it does not commute."""
    return fresh(name, commutative=False)


def words(expression: sympy.Expr, rules: dict[tuple[Any, Any], Any] | None = None) -> sympy.Expr:
    """Return the expanded sum of words, with neighbours ``(a, b)`` replaced by rule."""
    total = sympy.Integer(0)
    pending = list(sympy.Add.make_args(sympy.expand(expression)))
    while pending:
        coefficient, letters = pending.pop().args_cnc()
        spelled = [b for a in letters for b in _letters(a)]
        for i in range(len(spelled) - 1):
            pair = spelled[i], spelled[i + 1]
            if rules and pair in rules:
                replaced = sympy.Mul(
                    *coefficient, *spelled[:i], sympy.sympify(rules[pair]), *spelled[i + 2 :]
                )
                pending += sympy.Add.make_args(sympy.expand(replaced))
                break
        else:
            total += sympy.Mul(*coefficient, *spelled)
    return total


def _letters(power: sympy.Expr) -> list[sympy.Expr]:
    base, exponent = power.as_base_exp()
    if not exponent.is_Integer:
        return [power]
    return [base if exponent > 0 else 1 / base] * abs(int(exponent))


def transpose(expression: sympy.Expr, of: dict[Any, Any]) -> sympy.Expr:
    """Return the transpose of a sum of words: reversed, every letter by its own transpose."""
    total = sympy.Integer(0)
    for term in sympy.Add.make_args(sympy.expand(expression)):
        coefficient, letters = term.args_cnc()
        spelled = [b for a in letters for b in _letters(a)]
        total += sympy.Mul(*coefficient, *(of.get(letter, letter) for letter in spelled[::-1]))
    return total


def general_linear_for_every_n(
    layers: int = 3,
    *,
    group: Callable[[Any], Any] = GeneralLinear,
    time_limit: float = 60.0,
) -> Certificate:
    r"""Prove that GL(n) leaves deep linear networks unchanged, for all widths at once.

    The group's ``act`` runs on weights and elements of 2 x 2 blocks that do not commute and whose
    sizes nobody fixed. The inverse is written with the Schur complement s of the first block; the
    product of all layers must come out the same. Re-checked on exact rational matrices of random
    widths from 1 to 5, with the network's own ``forward``.

    Parameters
    ----------
    layers : int
        Number of weight layers, at least 2; all but the last with biases.
    group : callable
        ``hidden indices -> group``, to be put to the proof.
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If ``layers`` is less than 2, or ``time_limit`` is not positive.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022 (linear
    layers).

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> certificate = lt.symbolic.general_linear_for_every_n(2)
    >>> certificate.proved
    True
    >>> print(certificate.statement)
    GL(n) on every hidden layer leaves a linear network of 2 layers unchanged, whatever the widths
    """
    layers = check_integer("layers", layers, least=2, most=MOST_LAYERS)
    check_callable("group", group, "a function from hidden indices to a group")
    check_time(time_limit)

    def residual() -> Any:
        sizes = [1, *[2] * (layers - 1), 1]
        w: dict[str, np.ndarray] = {}
        for m in range(1, layers + 1):
            w[f"W{m}"] = _blocks(f"W{m}", (sizes[m], sizes[m - 1]))
            w[f"b{m}"] = _blocks(f"b{m}", (sizes[m],))
        g = tuple(_invertible_blocks(f"g{m}") for m in range(1, layers))
        moved = group(_indices(sizes)).act(g, w)
        difference = [a - b for a, b in zip(_network(moved), _network(w), strict=True)]
        return remainder_of_words(difference)

    def counterexample(seed: int) -> dict[str, Any] | None:
        random = Random(seed)
        for _ in range(3):
            widths = [random.randint(1, 5) for _ in range(layers + 1)]
            loss = MLP(
                widths,
                activation="linear",
                inputs=np.ones((1, widths[0])),
                targets=np.ones((1, widths[-1])),
                bias=True,
            )
            made = setting(group(loss.hidden_indices()), loss, finite=False)
            draw = Draw(random, GENERIC)
            v = made.draw(draw)
            v["g"] = tuple(draw.invertible(k) for k in widths[1:-1])
            there, network = made.numeric(v)
            before = network.forward(v["w"], v["X"])
            after = network.forward(there.act(v["g"], v["w"]), v["X"])
            if any(a != b for a, b in zip(entries(before), entries(after), strict=True)):
                return {
                    "widths": widths,
                    "w": as_floats(v["w"]),
                    "g": as_floats(v["g"]),
                    "loss_before": float(network.value(v["w"])),
                    "loss_after": float(network.value(there.act(v["g"], v["w"]))),
                }
        return None

    return certify(
        name=f"GL(n) for every n, {layers} linear layers with biases",
        statement=f"GL(n) on every hidden layer leaves a linear network of {layers} layers "
        "unchanged, whatever the widths",
        method="the shipped action on 2 x 2 blocks of non-commuting symbols, products expanded; "
        "re-checked by exact rational matrices of random widths",
        assumptions=("the first diagonal block of g is invertible: a dense set, n >= 2",),
        scope="function",
        latex=r"W_L g_{L-1}^{-1}\, g_{L-1} W_{L-1} g_{L-2}^{-1}\cdots g_1 W_1 = W_L\cdots W_1",
        residual=residual,
        counterexample=counterexample,
        time_limit=time_limit,
    )


def remainder_of_words(differences: Any) -> sympy.Expr:
    """Return the first difference that is not zero, or 0."""
    return next((rest for d in differences if (rest := words(d)) != 0), sympy.Integer(0))


def _blocks(name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        array[place] = block("_".join([name, *map(str, place)]))
    return array


def _invertible_blocks(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a 2 x 2 block matrix and its inverse, by the Schur complement s."""
    a, b, c, s = (block(f"{name}_{letter}") for letter in "abcs")
    g = [[a, b], [c, s + c * a**-1 * b]]
    inverse = [
        [a**-1 + a**-1 * b * s**-1 * c * a**-1, -(a**-1) * b * s**-1],
        [-(s**-1) * c * a**-1, s**-1],
    ]
    return np.array(g, dtype=object), np.array(inverse, dtype=object)


def _indices(sizes: list[int]) -> list[HiddenIndex]:
    return [
        HiddenIndex(sizes[m], written=[(f"W{m}", 0), (f"b{m}", 0)], read=[(f"W{m + 1}", 1)])
        for m in range(1, len(sizes) - 1)
    ]


def _network(w: dict[str, np.ndarray]) -> list[Any]:
    """Return matrix and constant of the affine map that the layers make together."""
    layers = len(w) // 2
    matrix, constant = w["W1"], w["b1"]
    for m in range(2, layers + 1):
        matrix = w[f"W{m}"] @ matrix
        constant = w[f"W{m}"] @ constant + w[f"b{m}"]
        for array in (matrix, constant):
            array[...] = np.vectorize(sympy.expand, otypes=[object])(array)
    return [*matrix.reshape(-1), *constant]


def orthogonal_for_every_n(
    *,
    group: Callable[[Any], Any] = QuadraticOrthogonal,
    orthogonal: bool = True,
    time_limit: float = 60.0,
) -> Certificate:
    r"""Prove that O(n) leaves every quadratic unchanged, for all n at once.

    The group's ``act`` runs on one block: symbols that do not commute, ``A = s^-2`` with
    ``s = A^{-1/2}`` symmetric, and an orthogonal r. Transposes are pushed to the letters,
    ``r^T`` is ``r^-1``. Every element has this form with another r. Re-checked on
    exact rational quadratics and rotations of n = 2, 3, 4.

    Parameters
    ----------
    group : callable
        ``loss -> group``, to be put to the proof.
    orthogonal : bool
        ``False`` leaves r an arbitrary invertible matrix, for which the statement is false.
    time_limit : float
        Seconds, > 0; see :func:`certify`.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If ``time_limit`` is not positive.

    References
    ----------
    [Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022
    (quadratic functions).

    Examples
    --------
    >>> import liegroup_teleport as lt
    >>> lt.symbolic.orthogonal_for_every_n().proved
    True
    >>> false = lt.symbolic.orthogonal_for_every_n(orthogonal=False)
    >>> false.proved, false.witness["loss_before"] == false.witness["loss_after"]
    (False, False)
    """
    check_flag("orthogonal", orthogonal)
    check_callable("group", group, "a function from a quadratic to a group")
    check_time(time_limit)
    s, r, w, m = (block(name) for name in "srwm")
    column, row, r_transposed = block("y"), block("yT"), 1 / r if orthogonal else block("rT")

    def residual() -> Any:
        loss = Quadratic(np.array([[s**-2]], dtype=object), np.array([m], dtype=object))
        g = np.array([[s]], dtype=object), np.array([[r]], dtype=object)
        moved = group(loss).act(g, {"w": np.array([w], dtype=object)})["w"][0] - m
        moved = sympy.expand(sympy.expand(moved).subs(w, column + m))
        of = {column: row, r: r_transposed, 1 / r: r if orthogonal else 1 / r_transposed}
        after = transpose(moved, of) * s**-2 * moved / 2
        return words(after - row * s**-2 * column / 2)

    def counterexample(seed: int) -> dict[str, Any] | None:
        for n in (2, 3, 4):
            loss = Quadratic(np.eye(n))
            made = setting(group(loss), loss)
            for attempt in range(3):
                draw = Draw(Random(f"{seed} {n} {attempt}"), GENERIC)
                v = made.draw(draw)
                if not orthogonal:
                    v["g"] = v["g"][0], draw.modest((n, n))
                there, quadratic = made.numeric(v)
                before, after = (quadratic.value(w) for w in (v["w"], there.act(v["g"], v["w"])))
                if before != after:
                    return {
                        "w": as_floats(v["w"]),
                        "g": as_floats(v["g"]),
                        "loss_before": float(before),
                        "loss_after": float(after),
                    }
        return None

    return certify(
        name="O(n) on quadratics for every n" + " without orthogonality" * (not orthogonal),
        statement="O(n) leaves every positive definite quadratic of every size unchanged"
        if orthogonal
        else "every invertible matrix leaves every quadratic unchanged",
        method="the shipped action on non-commuting symbols, transposes pushed to the letters; "
        "re-checked on rational quadratics, n = 2, 3, 4",
        assumptions=("A^(1/2) exists: A is positive definite",) + ("R^T R = I",) * orthogonal,
        scope="loss",
        latex=r"\tfrac12 (g\cdot y)^{\mathsf T} A\,(g\cdot y) = \tfrac12 y^{\mathsf T} A\,y,"
        r"\quad g = A^{-1/2} R A^{1/2}",
        residual=residual,
        counterexample=counterexample,
        time_limit=time_limit,
    )
