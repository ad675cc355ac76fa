"""What an import loads, and that every public name exists and is documented."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import liegroup_teleport

HEAVY = [
    "geomstats", "sympy", "hypothesis", "torch", "matplotlib", "sklearn", "rich", "click",
    "jinja2", "joblib",
]  # fmt: skip
PUBLIC = [
    "liegroup_teleport",
    "liegroup_teleport.groups",
    "liegroup_teleport.losses",
    "liegroup_teleport.orbit",
    "liegroup_teleport.symbolic",
    "liegroup_teleport.training",
    "liegroup_teleport.testing",
]


def test_bare_import_is_light():
    code = (
        "import sys, liegroup_teleport\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])\n"
        "import logging; print(logging.getLogger().handlers)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["[]", "[]"]
    assert run.stderr == ""


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_exist_and_have_docstrings(module):
    module = importlib.import_module(module)
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isroutine(thing) or inspect.ismodule(thing):
            assert inspect.getdoc(thing), f"{module.__name__}.{name} has no docstring"


@pytest.mark.parametrize(
    "name",
    [
        "DomainError", "GradientNorm", "InvarianceError", "LineSearchDecrease", "ParameterNorm",
        "PredictedDecrease", "SymmetryGroup", "Teleport", "UnboundedOrbitError", "teleport",
        "groups", "losses", "training",
    ],
)  # fmt: skip
def test_contract_names(name):
    assert name in liegroup_teleport.__all__
    assert hasattr(liegroup_teleport, name)


def test_public_methods_have_docstrings():
    for name in liegroup_teleport.groups.__all__:
        cls = getattr(liegroup_teleport.groups, name)
        for attribute, method in vars(cls).items():
            if not attribute.startswith("_") and (
                inspect.isfunction(method) or isinstance(method, property)
            ):
                assert inspect.getdoc(getattr(cls, attribute)), f"{name}.{attribute}"


def test_every_module_has_all_that_exists():
    for info in pkgutil.walk_packages(liegroup_teleport.__path__, "liegroup_teleport."):
        top = info.name.split(".")[1]
        if top in ("experiments", "cli", "symbolic", "pytorch") or info.name.endswith("__main__"):
            continue  # need libraries of their own; they have their own tests
        module = importlib.import_module(info.name)
        assert module.__doc__, info.name
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{info.name}.{name}"


def test_errors_are_value_errors():
    for name in ("DomainError", "InvarianceError", "UnboundedOrbitError"):
        assert issubclass(getattr(liegroup_teleport, name), ValueError)
