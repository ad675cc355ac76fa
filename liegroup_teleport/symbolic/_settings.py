"""A group and a loss as proofs see them: on symbols, and on exact numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import sympy

from ..groups import ActivationGL, DirectProduct, QuadraticOrthogonal, SymmetryGroup
from ..losses import MLP, Quadratic
from ._activations import Exact, Homogeneous, Opaque, is_linear
from ._batch import bound_right_inverses, right_inverse, with_right_inverses
from ._elements import general_element
from ._outputs import Differences
from ._symbols import Definitions, normal_form, symbol_array

__all__ = ["Setting", "setting"]

SLOPE = sympy.Symbol("slope", positive=True)
Unknowns = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """What a statement about a group and a loss quantifies over, and the code it is about.

    Attributes
    ----------
    unknowns : dict
        Nested object arrays of symbols: parameters ``w``, an element ``g``, an algebra vector
        ``x``, and what the loss is made of (inputs ``X`` and targets ``T``, or a matrix).
    symbolic : callable
        ``(unknowns, definitions) -> (group, loss)``, the shipped classes built on symbols.
    exact : callable
        ``unknowns -> (group, loss)``, built on ``Fraction``.
    shipped : callable
        ``unknowns -> loss`` in float64, with nothing put in the place of its own activation.
    network : bool
        Whether the loss is a network, so that statements are made about its outputs.
    subject : str
        What the unknowns run over, in words.
    assumptions : tuple of str
    definitions : Definitions
        What binds symbols that are not free.
    pending : tuple of callable
        ``setting -> setting``: unknowns that take time to write down, such as the inverse of a
        matrix of symbols; added by :meth:`completed`, where the time limit counts.
    """

    unknowns: Unknowns
    symbolic: Callable[[Unknowns, Definitions], tuple[SymmetryGroup, Any]]
    exact: Callable[[Unknowns], tuple[SymmetryGroup, Any]]
    shipped: Callable[[Unknowns], Any]
    network: bool
    subject: str
    assumptions: tuple[str, ...] = ()
    definitions: Definitions = field(default_factory=Definitions)
    pending: tuple[Callable[[Setting], Setting], ...] = ()

    def completed(self) -> Setting:
        """Return the setting with nothing pending."""
        done = replace(self, pending=())
        for step in self.pending:
            done = step(done)
        return done

    def later(self, step: Callable[[Setting], Setting]) -> Setting:
        """Return the setting with one more step pending."""
        return replace(self, pending=(*self.pending, step))

    def on_symbols(self) -> tuple[SymmetryGroup, Any]:
        """Return group and loss built on the symbols."""
        return self.symbolic(self.unknowns, self.definitions)

    def with_unknowns(self, definitions: Definitions | None = None, **more: Any) -> Setting:
        """Return the same setting with further unknowns."""
        return replace(
            self,
            unknowns={**self.unknowns, **more},
            definitions=self.definitions | (definitions or Definitions()),
        )

    def with_element(self, name: str = "g") -> Setting:
        """Return the same setting with a general group element as further unknown."""

        def add(made: Setting) -> Setting:
            element, definitions = general_element(made.on_symbols()[0], name)
            return made.with_unknowns(definitions, **{name: element})

        return self.later(add)


def setting(
    group: SymmetryGroup,
    loss: Any,
    *,
    element: Any = None,
    finite: bool = True,
    samples: int = 1,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Setting:
    """Return the setting of a group and a loss.

    Networks keep their widths, activation and biases; their inputs and targets become symbols.
    Quadratics keep their size; matrix and minimum become symbols, ``A = F^T F``. Other losses
    are run as they are, on symbols.
    """
    if not isinstance(group, SymmetryGroup):
        raise TypeError(f"group is a {type(group).__name__}; expected a SymmetryGroup")
    if isinstance(loss, MLP):
        made = _network(group, loss, samples)
    elif isinstance(loss, Quadratic):
        made = _quadratic(group, loss)
    else:
        made = _plain(group, loss, shapes)
    made = made.with_unknowns(x=symbol_array("x", (group.dim,)))
    if element is not None:
        return made.with_unknowns(g=element)
    return made.with_element() if finite else made


def _parameters(shapes: Mapping[str, tuple[int, ...]], prefix: str = "") -> dict[str, np.ndarray]:
    return {name: symbol_array(prefix + name, shape) for name, shape in shapes.items()}


def _plain(group: SymmetryGroup, loss: Any, shapes: Any) -> Setting:
    known: Any = shapes or getattr(loss, "shapes", None) or group.shapes
    if any(length is None for shape in known.values() for length in shape):
        raise ValueError(
            f"shapes of the parameters are not fixed by group and loss: {dict(known)}; give shapes="
        )
    return Setting(
        unknowns={"w": _parameters(known)},
        symbolic=lambda v, definitions: (group, loss),
        exact=lambda v: (group, loss),
        shipped=lambda v: loss,
        network=False,
        subject=f"all parameters of {type(loss).__name__}",
    )


def _quadratic(group: SymmetryGroup, loss: Quadratic) -> Setting:
    n = loss.n
    F = np.zeros((n, n), dtype=object)
    for i in range(n):
        F[i, i] = sympy.Symbol(f"F_{i}_{i}", positive=True)
        for j in range(i + 1, n):
            F[i, j] = sympy.Symbol(f"F_{i}_{j}", real=True)

    def build(v: Unknowns) -> tuple[SymmetryGroup, Any]:
        there = type(loss)(v["F"].T @ v["F"], v["minimum"])
        if not isinstance(group, QuadraticOrthogonal):
            return group, there
        moved = replace(group, loss=there)
        moved.__dict__["factor"] = v["F"]  # Cholesky's factor, which needs no roots here
        return moved, there

    def shipped(v: Unknowns) -> Any:
        there = np.asarray(v["F"], dtype=np.float64)
        return type(loss)(there.T @ there, np.asarray(v["minimum"], dtype=np.float64))

    minimum = symbol_array("m", (n,))
    return Setting(
        unknowns={"w": _parameters(loss.shapes), "F": F, "minimum": minimum},
        symbolic=lambda v, definitions: build(v),
        exact=build,
        shipped=shipped,
        network=False,
        subject=f"every positive definite A, {n} x {n}, every minimum and all w",
    )


def _network(group: SymmetryGroup, loss: MLP, samples: int) -> Setting:
    if samples < 1:
        raise ValueError(f"samples is {samples}; expected at least 1")
    widths = loss.widths
    batch = group.scope == "batch"
    T = symbol_array("T", (samples, widths[-1]))

    def twin(activation: Any, v: Unknowns) -> Any:
        there = type(loss)(
            widths, activation=activation, inputs=v["X"], targets=v["T"], bias=loss.bias
        )
        if loss.loss != "mse":
            there._output_loss = Differences()  # type: ignore[assignment]
        return there

    def symbolic(v: Unknowns, definitions: Definitions) -> tuple[SymmetryGroup, Any]:
        there = twin(_abstract(loss.activation, definitions, batch), v)
        if not isinstance(group, ActivationGL):
            return _on(group, there), there
        return with_right_inverses(group, there, lambda H, m: v["K"][m - 1]), there

    def exact(v: Unknowns) -> tuple[SymmetryGroup, Any]:
        if is_linear(loss.activation):
            there = twin(loss.activation, v)
        else:
            there = twin(Exact(loss.activation, None if batch else v["slope"]), v)
        if not isinstance(group, ActivationGL):
            return _on(group, there), there
        return with_right_inverses(group, there, right_inverse), there

    def shipped(v: Unknowns) -> Any:
        inputs = np.asarray(v["X"], dtype=np.float64)
        labels = np.arange(len(inputs)) % widths[-1]
        targets = np.asarray(v["T"], dtype=np.float64) if loss.loss == "mse" else labels
        there = copy.copy(loss).batch([0] * len(inputs)).with_inputs(inputs)
        there.targets = targets
        return there

    unknowns = {
        "w": _parameters(loss.shapes),
        "X": symbol_array("X", (samples, widths[0])),
        "T": T,
        "slope": SLOPE,
    }
    made = Setting(
        unknowns=unknowns,
        symbolic=symbolic,
        exact=exact,
        shipped=shipped,
        network=True,
        subject=_describe(loss, samples),
        assumptions=_assumed(loss.activation, batch),
    )
    if isinstance(group, ActivationGL):

        def invert(made: Setting) -> Setting:
            there = twin(_abstract(loss.activation, Definitions(), batch), unknowns)
            inverses, definitions = bound_right_inverses(there.hidden(unknowns["w"])[1])
            return made.with_unknowns(definitions, K=inverses)

        made = made.later(invert)
    return made


def _assumed(activation: Any, batch: bool) -> tuple[str, ...]:
    """Return what proofs use of an activation."""
    if is_linear(activation):
        return ()
    if batch:
        return ("the activation is a bijection", "the batch has full row rank at every layer")
    if activation.homogeneous:
        return ("f(s z) = s f(z) for s > 0: the activation is positively homogeneous",)
    return ("nothing about the activation",)


def _abstract(activation: Any, definitions: Definitions, batch: bool) -> Any:
    """Return an activation of which only the laws are known."""
    if is_linear(activation):
        return activation
    if activation.homogeneous and not batch:
        return Homogeneous()
    # equal arguments of an unknown function are recognised in their normal form
    bijective = bool(getattr(activation, "bijective", False))
    return Opaque(partial(normal_form, definitions=definitions), bijective=bijective)


def _on(group: SymmetryGroup, loss: Any) -> SymmetryGroup:
    """Return the group acting on a network's twin, where it refers to the network."""
    if isinstance(group, DirectProduct):
        return replace(group, groups=tuple(_on(part, loss) for part in group.groups))
    return replace(group, mlp=loss) if hasattr(group, "mlp") else group  # type: ignore[type-var]


def _describe(loss: MLP, samples: int) -> str:
    name = loss.activation.name
    slopes = " of every slope" if name == "leaky_relu" else ""
    biases = " with biases" if loss.bias else ""
    count = "every input" if samples == 1 else f"every {samples} inputs"
    return (
        f"{'-'.join(map(str, loss.widths))} network, {name}{slopes}{biases}, {count}, all weights"
    )
