"""Valid calls of every public callable: what the hostile calls are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import liegroup_teleport as lt
from tests.groups.all_groups import ALL, Case, mlp, quadratic

__all__ = ["Base", "bases"]

groups, losses, orbit, training = lt.groups, lt.losses, lt.orbit, lt.training

KINDS = {
    "g": "element", "h": "element", "x": "array", "m": "array", "X": "array",
    "w": "parameters", "v": "parameters", "u": "parameters", "p": "parameters",
    "loss": "loss", "radius": "number", "box": "number", "tol": "number", "scale": "number",
    "t": "number", "rtol": "number", "time_limit": "number", "lower_bound": "number",
    "trials": "integer", "max_iterations": "integer", "steps": "integer",
}  # fmt: skip


@dataclass(frozen=True)
class Base:
    """A valid call: a callable and a maker of fresh arguments."""

    name: str
    call: Callable[..., Any]
    make: Callable[[], dict[str, Any]]
    kinds: dict[str, str] = field(default_factory=dict)
    slow: bool = False

    def calls(self, argument: str) -> bool:
        """Return whether the argument is a function that is called."""
        return self.kind(argument) == "function" or callable(self.make()[argument])

    def kind(self, argument: str) -> str:
        """Return what kind of argument it is."""
        return self.kinds.get(argument, KINDS.get(argument, "other"))


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


# -- groups -------------------------------------------------------------------------------------
def _of_group(case: Case) -> Iterator[Base]:
    group, loss = case.group, case.loss
    scale = 0.05 * case.scale

    def some() -> dict[str, Any]:
        rng = np.random.default_rng(1)
        w = case.start(1)
        g, h = (group.random_element(rng, scale) for _ in range(2))
        x, m = rng.normal(size=(2, group.dim)) * scale
        return {
            "g": g, "h": h, "x": x, "m": m, "w": w, "v": loss.gradient(w), "u": case.start(2),
            "p": loss.gradient(w), "t": 0.5, "rng": rng, "scale": scale, "loss": loss,
            "trials": 1, "rtol": 1e-3, "X": getattr(loss, "inputs", np.ones((2, 3))).copy(),
        }  # fmt: skip

    def base(method: str, *names: str) -> Base:
        call = getattr(group, method)
        return Base(f"{case.name}.{method}", call, lambda: {name: some()[name] for name in names})

    yield base("act", "g", "w")
    yield base("act_tangent", "g", "w", "u")
    yield base("act_cotangent", "g", "w", "v")
    yield base("generator", "x", "w")
    yield base("generator_adjoint", "w", "p")
    yield base("exp", "x")
    yield base("log", "g")
    yield base("compose", "g", "h")
    yield base("inverse", "g")
    yield base("distance", "g")
    yield base("exp_pullback", "x", "m")
    yield base("geodesic", "g", "h", "t")
    yield base("random_element", "rng", "scale")
    if "sigmoid" not in case.name and "tanh" not in case.name:  # others bear elements of length 1
        yield base("check_invariance", "loss", "w", "rng", "trials", "rtol")
    yield base("check_parameters", "w")
    if group.linear:
        yield base("moment_map", "v", "u")
    if group.linear or group.translational:
        yield base("conserved", "w")
    if group.moves_inputs:
        yield base("act_on_inputs", "g", "X")
    if hasattr(group, "dyadic"):
        yield base("dyadic", "g")
    if group.moves_inputs:
        yield Base(
            f"{case.name}.act_on_loss",
            group.act_on_loss,
            lambda: {"g": some()["g"], "loss": loss},
            {"loss": "other"},
        )


def _group_constructors() -> Iterator[Base]:
    relu, chart = mlp((3, 4, 2), "relu"), losses.Booth()
    index = relu.hidden_indices()[0]
    yield Base(
        "HiddenIndex",
        groups.HiddenIndex,
        lambda: {"size": 4, "written": [("W1", 0)], "read": [("W2", 1)]},
        {"size": "integer"},
    )
    for kind in (groups.PositiveRescaling, groups.GeneralLinear, groups.Orthogonal):
        yield Base(kind.__name__, kind, lambda: {"indices": [index]})
    yield Base(
        "GeneralLinear.element",
        lambda matrix: groups.GeneralLinear([index]).element(matrix),
        lambda: {"matrix": np.eye(4) + 0.1},
        {"matrix": "array"},
    )
    yield Base(
        "QuadraticOrthogonal",
        groups.QuadraticOrthogonal,
        lambda: {"loss": quadratic(3)},
        {"loss": "other"},
    )
    yield Base(
        "ChartRotation",
        groups.ChartRotation,
        lambda: {
            "chart": chart.chart,
            "inverse_chart": chart.inverse_chart,
            "jacobian": chart.jacobian,
            "inverse_jacobian": chart.inverse_jacobian,
            "size": 2,
            "name": "w",
        },
        {"size": "integer"},
    )
    for name in ("chart", "inverse_chart", "jacobian", "inverse_jacobian"):
        # what the functions return is seen when they are used
        def rotate(_name: str = name, **functions: Any) -> Any:
            given = {
                n: getattr(chart, n)
                for n in ("chart", "inverse_chart", "jacobian", "inverse_jacobian")
            }
            group = groups.ChartRotation(**{**given, **functions})
            g, w = group.exp(np.array([0.3])), {"w": np.array([5.0, -5.0])}
            return group.act(g, w), group.act_tangent(g, w, w), group.act_cotangent(g, w, w)

        yield Base(
            f"ChartRotation.{name}",
            rotate,
            lambda name=name: {name: getattr(chart, name)},
            {name: "function"},
        )
    yield Base(
        "ActivationGL", groups.ActivationGL, lambda: {"mlp": mlp((4, 5, 2), "tanh", samples=2)}
    )
    network = mlp((3, 4, 2), "tanh")
    yield Base("InputTransformation", groups.InputTransformation, lambda: {"mlp": network})
    inputs = groups.InputTransformation(network)
    yield Base(
        "InputTransformation.element",
        inputs.element,
        lambda: {"matrix": np.eye(3) + 0.1},
        {"matrix": "array"},
    )
    yield Base("InputTransformation.whitening", inputs.whitening, lambda: {"X": np.eye(3) + 0.1})
    yield Base(
        "Translation",
        groups.Translation,
        lambda: {"directions": [{"a": np.array([3.0, 4.0])}], "scope": "loss"},
    )
    yield Base(
        "Translation of one direction",
        groups.Translation,
        lambda: {"directions": {"a": np.array([3.0, 4.0]), "b": np.ones((2, 2))}},
        {"directions": "parameters"},
    )
    yield Base(
        "Translation.softmax_shift",
        groups.Translation.softmax_shift,
        lambda: {"mlp": mlp((3, 4, 3), "relu", loss="cross_entropy", bias=True), "weights": True},
    )
    rotation = [[[0.0, -1.0], [1.0, 0.0]]]
    yield Base(
        "MatrixGroup",
        groups.MatrixGroup,
        lambda: {
            "generators": np.array(rotation),
            "parameters": {"w": (2,)},
            "scope": "loss",
            "tol": 1e-8,
        },
        {"generators": "array"},
    )
    yield Base(
        "DiagonalGroup",
        groups.DiagonalGroup,
        lambda: {"directions": np.array([[1.0, -1.0]]), "parameters": {"w": (2,)}, "scope": "loss"},
        {"directions": "array"},
    )
    yield Base(
        "DirectProduct",
        groups.DirectProduct,
        lambda: {"groups": [relu.symmetry(), groups.Translation([{"a": np.ones(2)}])]},
    )
    so3 = next(case.group for case in ALL if case.name == "so3")
    yield Base(
        "MatrixRepresentation",
        groups.MatrixRepresentation,
        lambda: {
            "geomstats_group": so3.geomstats_group,
            "representation": lambda g: g,
            "name": "w",
            "scope": "loss",
        },
        {"representation": "function"},
    )
    yield Base(
        "MatrixRepresentation.element",
        so3.element,
        lambda: {"point": np.eye(3)},
        {"point": "array"},
    )


# -- losses -------------------------------------------------------------------------------------
def _of_loss(name: str, loss: Any, w: Callable[[], dict[str, Any]]) -> Iterator[Base]:
    def base(method: str, *names: str) -> Base:
        return Base(f"{name}.{method}", getattr(loss, method), lambda: {n: w() for n in names})

    yield base("value", "w")
    yield base("gradient", "w")
    if hasattr(loss, "value_and_gradient"):
        yield base("value_and_gradient", "w")
    yield base("hvp", "w", "v")
    if hasattr(loss, "gauss_newton_product"):
        yield base("gauss_newton_product", "w", "v")
    for method in (
        "hvp_operator",
        "gauss_newton_operator",
        "hidden",
        "output_gradient",
        "output_jacobian",
    ):
        if hasattr(loss, method):
            yield base(method, "w")
    for method in ("hvp_operator", "gauss_newton_operator"):
        if hasattr(loss, method):
            yield Base(f"{name}.{method}(w)", getattr(loss, method)(w()), lambda: {"v": w()})


def _losses() -> Iterator[Base]:
    relu, labels = mlp((3, 4, 2), "relu"), mlp((3, 4, 3), "tanh", loss="cross_entropy", bias=True)
    for name, loss in (("MLP", relu), ("MLP.cross_entropy", labels)):
        yield from _of_loss(name, loss, lambda loss=loss: loss.init(_rng()))
        yield Base(
            name,
            losses.MLP,
            lambda loss=loss: {
                "widths": list(loss.widths), "activation": "relu", "inputs": loss.inputs.copy(),
                "targets": loss.targets.copy(), "loss": loss.loss, "bias": loss.bias,
            },
            {"inputs": "array", "targets": "array", "loss": "other"},
        )  # fmt: skip
        yield Base(f"{name}.init", loss.init, lambda: {"rng": _rng(), "dtype": np.float64})
        yield Base(
            f"{name}.batch", loss.batch, lambda: {"index": np.array([0, 1])}, {"index": "array"}
        )
        yield Base(
            f"{name}.with_inputs",
            loss.with_inputs,
            lambda loss=loss: {"inputs": loss.inputs.copy()},
            {"inputs": "array"},
        )
        yield Base(
            f"{name}.forward",
            loss.forward,
            lambda loss=loss: {"w": loss.init(_rng()), "X": loss.inputs.copy()},
        )
        axes = dict.fromkeys(loss.shapes, (0,))
        yield Base(
            f"{name}.gauss_newton_gram",
            loss.gauss_newton_gram,
            lambda loss=loss, axes=axes: {
                "w": loss.init(_rng()),
                "v": loss.init(_rng()),
                "axes": axes,
            },
        )
        yield Base(
            f"{name}.gauss_newton_gram_cost",
            loss.gauss_newton_gram_cost,
            lambda axes=axes: {"axes": axes},
        )
    yield from _of_loss("Quadratic", quadratic(3), lambda: {"w": np.arange(3.0)})
    yield Base(
        "Quadratic",
        losses.Quadratic,
        lambda: {"A": np.diag([1.0, 2.0, 3.0]), "minimum": np.ones(3)},
        {"A": "array", "minimum": "array"},
    )
    for loss in (losses.Booth(), losses.Rosenbrock()):
        name = type(loss).__name__
        yield from _of_loss(name, loss, lambda: {"w": np.array([5.0, -5.0])})
        for method, argument in (
            ("chart", "w"), ("inverse_chart", "z"), ("jacobian", "w"), ("inverse_jacobian", "z"),
        ):  # fmt: skip
            yield Base(
                f"{name}.{method}",
                getattr(loss, method),
                lambda argument=argument: {argument: np.array([5.0, -5.0])},
                {argument: "array"},
            )
    yield Base("LeakyReLU", losses.LeakyReLU, lambda: {"slope": 0.1}, {"slope": "number"})
    for method, argument in (
        ("__call__", "z"), ("derivative", "z"), ("second_derivative", "z"), ("inverse", "h"),
    ):  # fmt: skip
        yield Base(
            f"LeakyReLU.{method}",
            getattr(losses.LeakyReLU(), method),
            lambda argument=argument: {argument: np.array([5.0, -5.0])},
            {argument: "array"},
        )
    booth = losses.Booth()
    yield Base(
        "from_function",
        losses.from_function,
        lambda: {
            "value": booth.value, "gradient": booth.gradient, "hvp": booth.hvp,
            "gauss_newton_product": booth.gauss_newton_product, "lower_bound": 0.0,
        },
    )  # fmt: skip

    def use(**functions: Any) -> Any:
        given = {n: getattr(booth, n) for n in ("value", "gradient", "hvp", "gauss_newton_product")}
        loss: Any = losses.from_function(**{**given, **functions})
        w = {"w": np.array([5.0, -5.0])}
        return loss.value(w), loss.gradient(w), loss.hvp(w, w), loss.gauss_newton_product(w, w)

    for name in ("value", "gradient", "hvp", "gauss_newton_product"):
        yield Base(
            f"from_function.{name}",
            use,
            lambda name=name: {name: getattr(booth, name)},
            {name: "function"},
        )
    own = losses.from_function(booth.value, booth.gradient)
    yield from _of_loss("from_function(...)", own, lambda: {"w": np.array([5.0, -5.0])})


# -- teleports and training ---------------------------------------------------------------------
def _objectives() -> Iterator[Base]:
    yield Base(
        "PredictedDecrease",
        lt.PredictedDecrease,
        lambda: {"learning_rate": 0.1},
        {"learning_rate": "number"},
    )
    adam = training.Adam(0.1)
    live = adam.preconditioner(adam.init({"w": np.ones(2)}))
    yield Base("PredictedDecrease.state", lt.PredictedDecrease, lambda: {"optimizer_state": live})
    yield Base(
        "Preconditioner",
        orbit.Preconditioner,
        lambda: {"second_moment": {"w": np.ones(2)}, "decay": 0.9, "weight": 0.1, "epsilon": 1e-8},
        {"second_moment": "parameters", "decay": "number", "weight": "number", "epsilon": "number"},
    )
    yield Base(
        "Preconditioner.root",
        live.root,
        lambda: {"name": "w", "s": np.ones(2), "v": np.ones(2)},
        {"s": "array", "v": "array"},
    )
    yield Base(
        "Sharpness",
        lt.Sharpness,
        lambda: {"measure": "trace", "probes": 8, "accuracy": 1e-3, "seed": 0},
        {"probes": "integer", "accuracy": "number", "seed": "integer"},
    )
    yield Base(
        "PerturbedLoss",
        lt.PerturbedLoss,
        lambda: {"radii": (0.1, 0.2), "directions": 3, "seed": 0},
        {"radii": "array", "directions": "integer", "seed": "integer"},
    )
    yield Base(
        "OrbitCurvature",
        lt.OrbitCurvature,
        lambda: {"directions": 3, "seed": 0},
        {"directions": "integer", "seed": "integer"},
    )


def _teleports() -> Iterator[Base]:
    relu, booth = mlp((2, 3, 1), "relu"), losses.Booth()
    own = losses.from_function(
        relu.value, relu.gradient, relu.hvp, gauss_newton_product=relu.gauss_newton_product
    )

    def options() -> dict[str, Any]:
        return {
            "sense": "max", "radius": 0.5, "box": None, "stability": (0.01, 1.0), "rng": _rng(),
            "tol": 1e-3, "max_iterations": 10,
        }  # fmt: skip

    yield Base(
        "teleport",
        lt.teleport,
        lambda: {
            "loss": own, "group": relu.symmetry(), "w": relu.init(_rng()),
            "objective": lt.GradientNorm(), **options(),
        },
    )  # fmt: skip
    yield Base(
        "teleport in a box",
        lt.teleport,
        lambda: {"loss": own, "group": relu.symmetry(), "w": relu.init(_rng()),
                 "objective": lt.GradientNorm(), "box": 0.5},
    )  # fmt: skip
    yield Base(
        "teleport by default",
        lt.teleport,
        lambda: {"loss": own, "group": relu.symmetry(), "w": relu.init(_rng())},
    )
    yield Base(
        "teleport on a chart",
        lt.teleport,
        lambda: {"loss": losses.from_function(booth.value, booth.gradient, booth.hvp),
                 "group": booth.symmetry(), "w": {"w": np.array([5.0, -5.0])},
                 "objective": lt.GradientNorm()},
    )  # fmt: skip
    yield Base(
        "Teleports",
        lambda **given: training.minimize(
            relu, relu.init(_rng()), training.SGD(1e-3), 2, teleports=training.Teleports(**given)
        ),
        lambda: {
            "group": relu.symmetry(), "objective": lt.GradientNorm(), "at": [1], "state": "keep",
            "loss": own, "radius": 0.5, "stability": None, "rng": _rng(), "tol": 1e-3,
            "max_iterations": 10, "sense": "max",
        },
    )  # fmt: skip
    yield Base(
        "Teleports(every)",
        training.Teleports,
        lambda: {"group": relu.symmetry(), "every": 2, "start": 1},
        {"every": "integer", "start": "integer"},
    )
    yield Base(
        "Teleports(auto)",
        training.Teleports,
        lambda: {"group": relu.symmetry(), "at": "auto", "window": 2},
        {"window": "integer"},
    )
    schedule = training.Teleports(relu.symmetry(), every=2)
    for owner in (schedule, training.Resets(every=2)):
        yield Base(f"{type(owner).__name__}.due", owner.due, lambda: {"t": 2}, {"t": "integer"})
    sgd = training.SGD(1e-3, momentum=0.5)
    yield Base(
        "Teleports.apply",
        schedule.apply,
        lambda: {"t": 1, "loss": own, "optimizer": sgd, "w": relu.init(_rng()),
                 "state": sgd.init(relu.init(_rng())), "clock": lambda: 0.0},
        {"t": "integer"},
    )  # fmt: skip
    yield Base(
        "Teleports.automatic",
        schedule.automatic,
        lambda: {"loss": relu, "batches": True},
        {"loss": "other"},
    )
    yield Base("Resets", training.Resets, lambda: {"at": [1, 2]})
    yield Base(
        "Resets(every)",
        training.Resets,
        lambda: {"every": 2, "start": 1},
        {"every": "integer", "start": "integer"},
    )


OPTIMIZERS = {
    "SGD": {"learning_rate": 0.01, "momentum": 0.5},
    "LineSearch": {"initial_step": 10.0, "shrink": 0.3, "armijo": 0.5, "grow": 2.0, "floor": 1e-10},
    "AdaGrad": {"learning_rate": 0.01, "epsilon": 1e-8},
    "RMSProp": {"learning_rate": 0.01, "decay": 0.9, "epsilon": 1e-8},
    "Adam": {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8},
}


def _training() -> Iterator[Base]:
    relu = mlp((2, 3, 1), "relu")
    own = losses.from_function(relu.value, relu.gradient)
    for name, given in OPTIMIZERS.items():
        kind = getattr(training, name)
        yield Base(name, kind, lambda given=given: dict(given), dict.fromkeys(given, "number"))
        optimizer = kind(**given)

        def step(optimizer: Any = optimizer) -> dict[str, Any]:
            w = relu.init(_rng())
            return {"loss": relu, "w": w, "value": relu.value(w), "gradient": relu.gradient(w),
                    "state": optimizer.init(w)}  # fmt: skip

        yield Base(f"{name}.init", optimizer.init, lambda: {"w": relu.init(_rng())})
        yield Base(
            f"{name}.step",
            optimizer.step,
            step,
            {"gradient": "parameters", "value": "number", "loss": "other"},
        )
        for method in ("effective_learning_rate", "preconditioner"):
            yield Base(
                f"{name}.{method}",
                getattr(optimizer, method),
                lambda step=step: {"state": step()["state"]},
            )
        yield Base(
            f"{name}.bind",
            optimizer.bind,
            lambda step=step: {"objective": lt.PredictedDecrease(), "state": step()["state"]},
        )
        group = relu.symmetry()
        yield Base(
            f"{name}.transport",
            optimizer.transport,
            lambda step=step, group=group: {
                "state": step()["state"], "group": group,
                "g": group.random_element(_rng(), 0.1), "w": step()["w"],
            },
        )  # fmt: skip
    yield Base(
        "minimize",
        training.minimize,
        lambda: {
            "loss": own, "w": relu.init(_rng()), "optimizer": training.SGD(1e-3), "steps": 2,
            "teleports": training.Teleports(relu.symmetry(), lt.GradientNorm(), at=[1], radius=0.1),
            "callback": lambda t, w, value: False, "record": "full",
            "state": training.SGD(1e-3).init(relu.init(_rng())), "clock": lambda: 0.0,
        },
        {"callback": "other", "clock": "function"},
    )  # fmt: skip
    yield Base(
        "minimize by line search",
        training.minimize,
        lambda: {
            "loss": own,
            "w": relu.init(_rng()),
            "optimizer": training.LineSearch(),
            "steps": 2,
        },
    )
    yield Base(
        "minimize on batches",
        training.minimize,
        lambda: {"loss": relu, "w": relu.init(_rng()), "optimizer": training.SGD(1e-3), "steps": 2,
                 "batches": [np.array([0, 1]), np.array([2, 3])], "record": "batch"},
        {"loss": "other"},
    )  # fmt: skip


# -- leaves -------------------------------------------------------------------------------------
def _discovery() -> Iterator[Base]:
    booth = losses.Booth()

    def sample(rng: np.random.Generator) -> dict[str, Any]:
        return {"w": rng.normal(size=2)}

    yield Base(
        "discover_generators",
        lt.discover_generators,
        lambda: {"gradient": booth, "sample": sample, "ansatz": "affine", "level": "loss",
                 "noise": None, "rng": _rng()},
        {"gradient": "loss", "sample": "function"},
        slow=True,
    )  # fmt: skip
    found = lt.discover_generators(booth, sample, ansatz="affine")
    yield Base("Discovery.describe", found.describe, lambda: {"index": 0}, {"index": "integer"})


def _symbolic() -> Iterator[Base]:
    linear = mlp((1, 1, 1), "linear", samples=1)
    group = linear.symmetry()
    booth = losses.Booth()
    S = lt.symbolic
    for prove in (S.prove_invariance, S.prove_cotangent_rule, S.prove_hessian_rule):
        yield Base(
            prove.__name__,
            prove,
            lambda: {"group": group, "loss": linear, "samples": 1, "time_limit": 30.0},
            {"samples": "integer"},
            slow=True,
        )
    yield Base(
        "prove_conserved",
        S.prove_conserved,
        lambda: {"group": group, "loss": linear, "samples": 1, "shapes": None, "time_limit": 30.0},
        {"samples": "integer"},
        slow=True,
    )
    yield Base(
        "prove_group_laws",
        S.prove_group_laws,
        lambda: {"group": group, "loss": linear, "shapes": None, "time_limit": 30.0},
        slow=True,
    )
    yield Base(
        "prove_gradient_is_hessian_eigenvector",
        S.prove_gradient_is_hessian_eigenvector,
        lambda: {"loss": booth, "level": 10, "time_limit": 30.0},
        slow=True,
    )
    yield Base(
        "symbolic.discover",
        S.discover,
        lambda: {"loss": booth, "variables": None, "level": "loss", "time_limit": 30.0},
        slow=True,
    )
    yield Base(
        "general_linear_for_every_n",
        S.general_linear_for_every_n,
        lambda: {"layers": 2, "group": groups.GeneralLinear, "time_limit": 30.0},
        {"layers": "integer"},
        slow=True,
    )
    yield Base(
        "orthogonal_for_every_n",
        S.orthogonal_for_every_n,
        lambda: {"group": groups.QuadraticOrthogonal, "orthogonal": True, "time_limit": 30.0},
        slow=True,
    )
    for name in (
        "smaller_orbit_counterexample",
        "quadratic_maximiser_for_every_n",
        "prove_kantorovich",
    ):
        yield Base(name, getattr(S, name), lambda: {"time_limit": 60.0}, slow=True)
    yield Base("shipped_proofs", S.shipped_proofs, lambda: {"time_limit": 60.0})
    yield Base(
        "certify",
        S.certify,
        lambda: {
            "name": "zero", "statement": "0 = 0", "method": "by hand", "scope": "loss",
            "residual": lambda: 0, "counterexample": lambda seed: None, "assumptions": (),
            "latex": "0", "time_limit": 30.0,
        },
        {"residual": "function", "counterexample": "function"},
        slow=True,
    )  # fmt: skip
    certificate = S.smaller_orbit_counterexample()
    yield Base("Certificate.verify", certificate.verify, lambda: {})


def _testing() -> Iterator[Base]:
    relu = mlp((2, 3, 1), "relu")
    group = relu.symmetry()
    testing = lt.testing
    yield Base(
        "assert_group_laws",
        testing.assert_group_laws,
        lambda: {"group": group, "max_examples": 2, "dtype": np.float64, "scale": 0.5},
        {"max_examples": "integer"},
        slow=True,
    )
    yield Base(
        "assert_symmetry",
        testing.assert_symmetry,
        lambda: {"group": group, "loss": relu, "max_examples": 2, "dtype": np.float64,
                 "scale": 0.5, "parameter_scale": 1.0},
        {"max_examples": "integer", "parameter_scale": "number"},
        slow=True,
    )  # fmt: skip
    for strategy in (testing.strategies.algebra_vectors, testing.strategies.elements):
        yield Base(strategy.__name__, strategy, lambda: {"group": group, "scale": 0.5})
    yield Base(
        "parameters",
        testing.strategies.parameters,
        lambda: {"loss": relu, "dtype": np.float64, "scale": 0.5},
        {"loss": "other"},
    )


def _plotting() -> Iterator[Base]:
    from matplotlib import pyplot

    booth = losses.Booth()
    w = {"w": np.array([5.0, -5.0])}
    result = lt.teleport(booth, booth.symmetry(), w, lt.GradientNorm())
    history = training.minimize(booth, w, training.SGD(0.01), 3)
    found = next(b for b in _discovery() if b.name == "Discovery.describe").call.__self__

    def closing(draw: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(**given: Any) -> None:
            try:
                draw(**given)
            finally:
                pyplot.close("all")

        return drawn

    yield Base(
        "plot_level_set",
        closing(lt.plotting.plot_level_set),
        lambda: {"loss": booth, "group": booth.symmetry(), "w": {"w": np.array([5.0, -5.0])},
                 "result": result, "window": (-9.0, 9.0, -9.0, 9.0), "length": 3.0,
                 "gradient_field": False},
        {"length": "number"},
        slow=True,
    )  # fmt: skip
    yield Base(
        "plot_losses",
        closing(lt.plotting.plot_losses),
        lambda: {"histories": {"a": history}, "against": "step", "floor": 1e-30},
        {"floor": "number"},
        slow=True,
    )
    yield Base(
        "plot_spectrum", closing(lt.plotting.plot_spectrum), lambda: {"discovery": found}, slow=True
    )


def _experiments() -> Iterator[Base]:
    from liegroup_teleport import experiments

    yield Base(
        "experiments.Context",
        experiments.Context,
        lambda: {"seeds": 1, "quick": True, "dataset": "digits", "workers": 1},
        {"seeds": "integer", "workers": "integer"},
    )
    yield Base(
        "experiments.run",
        experiments.run,
        lambda: {"name": "booth", "context": experiments.Context(quick=True)},
        slow=True,
    )


def bases() -> list[Base]:
    """Return a valid call of every public callable and method."""
    makers = (
        _group_constructors, _losses, _objectives, _teleports, _training, _discovery, _symbolic,
        _testing, _plotting, _experiments,
    )  # fmt: skip
    of_groups = [base for case in ALL for base in _of_group(case)]
    return of_groups + [base for make in makers for base in make()]
