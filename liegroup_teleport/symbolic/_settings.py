"""A group and a loss as proofs see them: on symbols, on exact numbers, and in floats."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

import numpy as np

from ..groups import ActivationGL, DirectProduct, QuadraticOrthogonal, SymmetryGroup
from ..losses import MLP, Quadratic
from ._activations import Exact, Homogeneous, Opaque, is_linear
from ._batch import bound_right_inverses, right_inverse, with_right_inverses
from ._draws import GENERIC, Draw, draw_element, exact_inverse
from ._elements import general_element
from ._exact import (
    changed_twin,
    exact_group,
    is_exactly,
    is_shipped_activation,
    roundings,
    same_quadratic,
    with_root_symbols,
)
from ._membership import Membership, free_parameters, membership
from ._normal_form import normal_form
from ._numbers import Number, evaluate
from ._outputs import Differences
from ._scalars import expression_of
from ._symbols import Definitions, entries, fresh, map_entries, symbol_array

__all__ = ["Setting", "loss_setting", "setting"]

Unknowns = dict[str, Any]
Drawers = Mapping[str, Callable[[Draw], Any]]


@dataclass(frozen=True)
class Setting:
    """What a statement about a group and a loss quantifies over, and the code it is about.

    Attributes
    ----------
    unknowns : dict
        Nested object arrays of symbols: parameters ``w``, an element ``g``, an algebra vector
        ``x``, and what the loss is made of (inputs ``X`` and targets ``T``, or a matrix).
    symbolic : callable
        ``(unknowns, definitions) -> (group, loss)``, the code that is put to the proof, for
        arrays of unknown numbers.
    numeric : callable
        ``unknowns -> (group, loss)``, for arrays of exact numbers.
    drawers : dict of callable
        How the unknowns are drawn as numbers, without any symbol.
    elements : tuple of str
        Unknowns that are group elements.
    floating : tuple of (SymmetryGroup, Loss) or None
        What was passed, for arrays of floats; ``None`` where the statement is about a whole class.
    shipped : callable or None
        ``unknowns -> loss`` in float64, with nothing put in the place of its own activation.
    network : bool
        Whether the loss is a network, so that statements are made about its outputs.
    own_outputs : bool
        Whether it is a variant of a network, whose outputs count beside its value.
    subject : str
        What the unknowns run over, in words.
    assumptions : tuple of str
    definitions : Definitions
        What binds symbols that are not free.
    element : group element, optional
        One with expressions for entries, given by the user.
    member : Membership
        What has to hold of it.
    pending : tuple of callable
        ``setting -> setting``: unknowns that take time to write down, such as the inverse of a
        matrix of symbols; added by :meth:`completed`, where the time limit counts.
    """

    unknowns: Unknowns
    symbolic: Callable[[Unknowns, Definitions], tuple[SymmetryGroup, Any]]
    numeric: Callable[[Unknowns], tuple[SymmetryGroup, Any]]
    drawers: Drawers
    network: bool
    subject: str
    elements: tuple[str, ...] = ()
    floating: tuple[SymmetryGroup, Any] | None = None
    shipped: Callable[[Unknowns], Any] | None = None
    own_outputs: bool = False
    assumptions: tuple[str, ...] = ()
    definitions: Definitions = field(default_factory=Definitions)
    element: Any = None
    member: Membership = field(default_factory=Membership)
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

    def with_unknowns(self, definitions: Definitions | None = None, **more: Any) -> Setting:
        """Return the same setting with further unknowns, drawn by their shapes."""
        drawers = {
            name: (lambda draw, a=a: map_shapes(draw.generic, a)) for name, a in more.items()
        }
        return replace(
            self,
            unknowns={**self.unknowns, **more},
            drawers={**self.drawers, **drawers},
            definitions=self.definitions | (definitions or Definitions()),
        )

    def with_element(self, name: str = "g") -> Setting:
        """Return the same setting with a general group element as further unknown."""

        def add(made: Setting) -> Setting:
            group, _ = made.symbolic(made.unknowns, made.definitions)
            element, definitions = general_element(group, name)
            return replace(
                made,
                unknowns={**made.unknowns, name: element},
                definitions=made.definitions | definitions,
            )

        return replace(self, elements=(*self.elements, name)).later(add)

    def draw(self, draw: Draw) -> Unknowns:
        """Return numbers for all unknowns; elements are made of drawn numbers too.

        Raises
        ------
        DomainError, ZeroDivisionError
            Where there is nothing at the numbers drawn.
        """
        v = {name: drawer(draw) for name, drawer in self.drawers.items()}
        if self.element is not None:
            values = values_of(self.element, draw)
            v["g"] = map_entries(lambda e: evaluate(e, values), self.element)
            v["values"] = values
            return v
        group, _ = self.numeric(v)
        for name in self.elements:
            v[name] = draw_element(group, draw)
        return v

    def outside(self, values: Mapping[Any, Number]) -> str | None:
        """Return why an element of the user's is none of the group there, or ``None``."""
        given = dict(values)
        for e in map(expression_of, self.member.equal):
            if abs(evaluate(e, given)) > 1e-30:
                return f"the element is none of the group: {e} is not zero"
        for e in map(expression_of, self.member.positive):
            if not evaluate(e, given) > 0:
                return f"the element is none of the group: {e} is not positive"
        return None


def map_shapes(make: Callable[[Any], np.ndarray], nested: Any) -> Any:
    """Return nested arrays made anew from their shapes."""
    if isinstance(nested, Mapping):
        return {name: map_shapes(make, part) for name, part in nested.items()}
    return make(nested.shape)


def values_of(element: Any, draw: Draw) -> dict[Any, Number]:
    """Return numbers for the symbols of an element, positive for those declared so."""
    values: dict[Any, Number] = {}
    for entry in entries(element):
        for symbol in sorted(entry.free_symbols, key=str):
            if symbol not in values:
                source = draw.positive if symbol.is_positive else draw.modest
                values[symbol] = draw.one(source)
    return values


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

    The networks and quadratics of the library, as they are, stand for their kind: widths,
    activation and biases are kept, inputs and targets become symbols; the size of a quadratic is
    kept, with its own symmetry ``A = F^T F`` and minimum become symbols. Every other loss, those
    of subclasses included, and every other pair of a group and a quadratic, is run as it is.
    """
    if not isinstance(group, SymmetryGroup):
        raise TypeError(f"group is a {type(group).__name__}; expected a SymmetryGroup")
    if isinstance(loss, type):
        raise TypeError(f"loss is the class {loss.__name__}; expected a loss")
    if is_exactly(loss, MLP):
        made = _network(group, loss, samples)
    elif isinstance(group, QuadraticOrthogonal) and element is None and _every(group, loss):
        made = _quadratic(group, loss)
    else:
        made = _plain(group, loss, shapes)
    x = symbol_array("x", (group.dim,))
    made = made.with_unknowns(x=x)
    made = replace(made, assumptions=(*made.assumptions, *roundings(group)))
    if element is not None:
        return _with_given(made, group, element)
    return made.with_element() if finite else made


def _every(group: QuadraticOrthogonal, loss: Any) -> bool:
    return is_exactly(loss, Quadratic) and same_quadratic(group.loss, loss)


def _with_given(made: Setting, group: SymmetryGroup, element: Any) -> Setting:
    """Add an element of the user's, which has to be as general as the group."""
    element = map_entries(expression_of, _arrays(element))
    found = membership(exact_group(group), element)
    free = free_parameters(element, values_of(element, Draw(Random(0), GENERIC)))
    if free < group.dim:
        raise ValueError(
            f"element has {free} free parameters, {type(group).__name__} has dimension "
            f"{group.dim}: it stands for a part of the group, and nothing would be proved of the "
            "rest; expected a general element"
        )
    return replace(
        made,
        unknowns={**made.unknowns, "g": element},
        elements=("g",),
        element=element,
        member=found,
        assumptions=(
            *made.assumptions,
            *found.open,
            *("the determinant of the element given is positive",) * bool(found.oriented),
        ),
    )


def _arrays(element: Any) -> Any:
    if isinstance(element, tuple):
        return tuple(map(_arrays, element))
    return np.asarray(element, dtype=object)


def _parameters(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    return {name: symbol_array(str(name), shape) for name, shape in shapes.items()}


def _point(shapes: Mapping[str, tuple[int, ...]]) -> Callable[[Draw], Any]:
    return lambda draw: {name: draw.point(shape) for name, shape in shapes.items()}


def loss_setting(loss: Any, shapes: Mapping[str, tuple[int, ...]] | None = None) -> Setting:
    """Return the setting of a loss by itself, with its own data."""
    return _plain(None, loss, shapes)


def _plain(group: Any, loss: Any, shapes: Any) -> Setting:
    known: Any = shapes or getattr(loss, "shapes", None) or getattr(group, "shapes", None)
    if not isinstance(known, Mapping):
        raise TypeError(f"shapes is a {type(known).__name__}; expected a dict from name to shape")
    if any(length is None for shape in known.values() for length in shape):
        raise ValueError(
            f"shapes of the parameters are not fixed by group and loss: {dict(known)}; give shapes="
        )
    homogeneous = isinstance(loss, MLP) and not is_linear(loss.activation)
    there, bound = with_root_symbols(group)

    def symbolic(v: Unknowns, definitions: Definitions) -> tuple[Any, Any]:
        if not isinstance(loss, MLP):
            return there, loss
        return there, _own_code(loss, _abstract(loss.activation, definitions, False))

    def numeric(v: Unknowns) -> tuple[Any, Any]:
        if not homogeneous:
            return exact_group(group), _own_code(loss) if isinstance(loss, MLP) else loss
        return exact_group(group), _own_code(loss, Exact(loss.activation))

    kind = type(loss).__name__
    subject = f"all parameters of {kind}" + " with its own data" * isinstance(loss, MLP | Quadratic)
    return Setting(
        unknowns={"w": _parameters(known)},
        symbolic=symbolic,
        numeric=numeric,
        drawers={"w": _point(known)},
        floating=(group, loss),
        network=False,
        own_outputs=isinstance(loss, MLP) and getattr(group, "scope", None) == "function",
        subject=subject,
        assumptions=_assumed(loss.activation, False) if homogeneous else (),
        definitions=bound,
    )


def _own_code(loss: Any, activation: Any = None) -> Any:
    """Return a variant of a network with another activation, its own methods kept."""
    there = copy.copy(loss)
    there._data = {}  # a cache of the data by dtype
    if activation is not None:
        there.activation = activation
    return there


def _quadratic(group: QuadraticOrthogonal, loss: Quadratic) -> Setting:
    n = loss.n
    F = np.zeros((n, n), dtype=object)
    for i in range(n):
        F[i, i] = fresh(f"F_{i}_{i}", positive=True)
        for j in range(i + 1, n):
            F[i, j] = fresh(f"F_{i}_{j}")

    def build(v: Unknowns, definitions: Definitions | None = None) -> tuple[SymmetryGroup, Any]:
        there = Quadratic(v["F"].T @ v["F"], v["minimum"])
        # Cholesky's factor needs no roots here
        return changed_twin(group, loss=there, factor=v["F"]), there

    def factor(draw: Draw) -> np.ndarray:
        drawn = np.triu(draw.modest((n, n)), 1)
        drawn[np.arange(n), np.arange(n)] = draw.positive((n,))
        return drawn

    minimum = symbol_array("m", (n,))
    return Setting(
        unknowns={"w": _parameters(loss.shapes), "F": F, "minimum": minimum},
        symbolic=build,
        numeric=build,
        drawers={
            "w": _point(loss.shapes),
            "F": factor,
            "minimum": lambda draw: draw.generic((n,)),
        },
        floating=(group, loss),
        network=False,
        subject=f"every positive definite A, {n} x {n}, every minimum and all w",
    )


def _network(group: SymmetryGroup, loss: MLP, samples: int) -> Setting:
    if samples < 1:
        raise ValueError(f"samples is {samples}; expected at least 1")
    _check_network(group, loss)
    widths = loss.widths
    batch = group.scope == "batch"

    def twin(activation: Any, v: Unknowns) -> Any:
        there = MLP(widths, activation=activation, inputs=v["X"], targets=v["T"], bias=loss.bias)
        if loss.loss != "mse":
            there._output_loss = Differences()  # type: ignore[assignment]
        return there

    def symbolic(v: Unknowns, definitions: Definitions) -> tuple[SymmetryGroup, Any]:
        there = twin(_abstract(loss.activation, definitions, batch), v)
        if not isinstance(group, ActivationGL):
            return _on(group, there), there
        return with_right_inverses(group, there, lambda H, m: v["K"][m - 1]), there

    def numeric(v: Unknowns) -> tuple[SymmetryGroup, Any]:
        if is_linear(loss.activation):
            there = twin(loss.activation, v)
        else:
            there = twin(Exact(loss.activation, None if batch else v["slope"]), v)
        if not isinstance(group, ActivationGL):
            return exact_group(_on(group, there)), there
        return with_right_inverses(group, there, partial(right_inverse, exact_inverse)), there

    def shipped(v: Unknowns) -> Any:
        inputs = np.asarray(v["X"], dtype=np.float64)
        labels = np.arange(len(inputs)) % widths[-1]
        targets = np.asarray(v["T"], dtype=np.float64) if loss.loss == "mse" else labels
        there = copy.copy(loss).batch([0] * len(inputs)).with_inputs(inputs)
        there.targets = targets
        return there

    made = Setting(
        unknowns={
            "w": _parameters(loss.shapes),
            "X": symbol_array("X", (samples, widths[0])),
            "T": symbol_array("T", (samples, widths[-1])),
        },
        symbolic=symbolic,
        numeric=numeric,
        drawers={
            "w": _point(loss.shapes),
            "X": lambda draw: draw.point((samples, widths[0])),
            "T": lambda draw: draw.generic((samples, widths[-1])),
            "slope": lambda draw: draw.one(draw.positive).value,
        },
        shipped=shipped,
        network=True,
        subject=_describe(loss, samples),
        assumptions=_assumed(loss.activation, batch),
    )
    if isinstance(group, ActivationGL):

        def invert(made: Setting) -> Setting:
            there = twin(_abstract(loss.activation, Definitions(), batch), made.unknowns)
            inverses, definitions = bound_right_inverses(there.hidden(made.unknowns["w"])[1])
            return replace(
                made,
                unknowns={**made.unknowns, "K": inverses},
                definitions=made.definitions | definitions,
            )

        made = made.later(invert)
    return made


def _check_network(group: SymmetryGroup, loss: MLP) -> None:
    """Raise unless what a group was built from is a network like ``loss``."""
    for part in group.groups if isinstance(group, DirectProduct) else (group,):
        other = getattr(part, "mlp", loss)
        if other is loss:
            continue
        alike = all(
            getattr(other, name, None) == getattr(loss, name)
            for name in ("widths", "activation", "bias", "loss")
        )
        if not (is_exactly(other, MLP) and alike):
            raise ValueError(
                f"group: {type(part).__name__} was built from {other!r}; expected one built from "
                f"the loss, {loss!r}"
            )


def _assumed(activation: Any, batch: bool) -> tuple[str, ...]:
    """Return what proofs use of an activation."""
    if is_linear(activation):
        return ()
    if batch:
        return ("the activation is a bijection", "the batch has full row rank at every layer")
    if activation.homogeneous:
        text = "f(s z) = s f(z) for s > 0: the activation is positively homogeneous"
        if is_shipped_activation(activation):
            return (text,)
        return (f"{text}, as {type(activation).__name__} says; checked at random numbers only",)
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
        twin: SymmetryGroup = changed_twin(
            group, groups=tuple(_on(part, loss) for part in group.groups)
        )
        return twin
    if not hasattr(group, "mlp"):
        return with_root_symbols(group)[0]
    moved: SymmetryGroup = changed_twin(group, mlp=loss)
    return moved


def _describe(loss: MLP, samples: int) -> str:
    name = loss.activation.name
    slopes = " of every slope" if name == "leaky_relu" else ""
    biases = " with biases" if loss.bias else ""
    count = "every input" if samples == 1 else f"every {samples} inputs"
    return (
        f"{'-'.join(map(str, loss.widths))} network, {name}{slopes}{biases}, {count}, all weights"
    )
