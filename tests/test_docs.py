"""The API reference is whole: every public name is listed, and its docstring says all it must.

Of a function that is parameters, results, errors, an example and a source; of a class the same,
without results; of a method parameters, results and errors. A method that a base class declares
may say in one line what is special about it: the base documents the rest.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import doctest
import functools
import importlib
import inspect
import re
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import liegroup_teleport as lt

DOCS = Path(__file__).resolve().parent.parent / "docs"
PACKAGE = Path(lt.__file__).parent
MODULES = [
    "liegroup_teleport",
    "liegroup_teleport.groups",
    "liegroup_teleport.losses",
    "liegroup_teleport.training",
    "liegroup_teleport.symbolic",
    "liegroup_teleport.testing",
    "liegroup_teleport.testing.strategies",
    "liegroup_teleport.plotting",
]
# Of the search itself only what the signatures of others name is promised to users.
FURTHER = ["liegroup_teleport.orbit.Objective", "liegroup_teleport.orbit.Preconditioner"]

# Names with no mathematics of their own, hence without References.
NO_SOURCE = {
    "Teleport": "a record of results",
    "InvarianceReport": "a record of results",
    "Discovery": "a record of results; the methods' own sources are at the functions that make it",
    "Certificate": "a record of results",
    "History": "a record of results",
    "TeleportEvent": "a record of results",
    "Decision": "a record of results; the rule and its source are at Teleports",
    "HiddenIndex": "names axes; the groups on them have sources",
    "Resets": "a control of experiments: no teleport",
    "DomainError": "an exception",
    "InvarianceError": "an exception",
    "UnboundedOrbitError": "an exception",
    "Objective": "a base class",
    "Optimizer": "a base class",
    "OptimizerState": "a record",
    "Loss": "a protocol",
    "from_function": "wraps the caller's functions",
    "certify": "runs the caller's proof",
    "shipped_proofs": "a list of other functions",
    "assert_group_laws": "tests the laws that SymmetryGroup states",
    "assert_symmetry": "tests the laws that SymmetryGroup states",
    "elements": "draws random input for tests",
    "algebra_vectors": "draws random input for tests",
    "parameters": "draws random input for tests",
    "plot_level_set": "draws a picture",
    "plot_losses": "draws a picture",
    "plot_spectrum": "draws a picture",
}
# Names that refuse nothing, hence without Raises.
NO_ERRORS = {
    "Teleport": "a record, made by the library",
    "InvarianceReport": "a record, made by the library",
    "Discovery": "a record, made by the library",
    "Certificate": "a record, made by the library; its methods name their errors",
    "History": "a record, made by the library",
    "TeleportEvent": "a record, made by the library",
    "Decision": "a record, made by the library",
    "OptimizerState": "a record, made by optimizers",
    "DomainError": "is an error itself",
    "InvarianceError": "is an error itself",
    "UnboundedOrbitError": "is an error itself",
    "Loss": "a protocol",
    "SymmetryGroup": "abstract; its methods name their errors",
    "Optimizer": "abstract; its methods name their errors",
    "Objective": "abstract",
    "GradientNorm": "has no parameters",
    "ParameterNorm": "has no parameters",
    "LineSearchDecrease": "has no parameters",
    "Booth": "has no parameters",
    "Rosenbrock": "has no parameters",
    "shipped_proofs": "only lists; the proofs raise what they do",
    "style": "has no parameters",
}
# Exceptions that say that this line cannot be reached by a caller who follows the protocol.
INTERNAL = {"NotImplementedError"}


# -- what is public ------------------------------------------------------------
def public() -> dict[str, Any]:
    """Return every public function and class by the dotted path that comes first."""
    found: dict[str, Any] = {}
    for path in MODULES:
        module = importlib.import_module(path)
        for name in module.__all__:
            thing = getattr(module, name)
            if not inspect.ismodule(thing) and not any(thing is other for other in found.values()):
                found[f"{path}.{name}"] = thing
    return found | {path: resolve(path) for path in FURTHER}


def resolve(path: str) -> Any:
    """Return the object with a dotted path."""
    thing: Any = lt
    for part in path.split(".")[1:]:
        thing = getattr(thing, part)
    return thing


def listed() -> list[str]:
    """Return the names in the autosummary tables of the reference, as dotted paths."""
    names, inside = [], False
    for line in (DOCS / "api.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. autosummary::"):
            inside = True
        elif line and not line.startswith(" "):
            inside = False
        elif inside and line.strip() and not line.strip().startswith(":"):
            names.append(f"liegroup_teleport.{line.strip()}")
    return names


PUBLIC = public()
PARSER = doctest.DocTestParser()
PROPERTY = property | functools.cached_property
ORDER = [
    "", "Parameters", "Attributes", "Returns", "Raises", "Warns", "See Also", "Notes",
    "References", "Examples",
]  # fmt: skip


# -- reading a docstring -------------------------------------------------------
def sections(thing: Any) -> dict[str, list[str]]:
    """Return the lines below each underlined heading of a docstring; the text above is ``""``."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    found: dict[str, list[str]] = {"": []}
    heading = ""
    for i, line in enumerate(lines):
        below = lines[i + 1] if i + 1 < len(lines) else ""
        if line and set(below) == {"-"} and len(below) == len(line):
            heading = line
            found[heading] = []
        elif not (line and set(line) == {"-"} and i and lines[i - 1] == heading):
            found[heading].append(line)
    return found


def entries(lines: list[str]) -> dict[str, str]:
    """Return names and what is said of them, from a section of ``name : type`` and text."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in lines:
        if line and not line.startswith(" "):
            head, _, kind = line.partition(" : ")
            names = [name.strip().lstrip("*") for name in head.split(",")]
            found |= dict.fromkeys(names, kind + "\n")
        for name in names if line.startswith(" ") else ():
            found[name] += line.strip() + "\n"
    return found


def errors(lines: list[str]) -> set[str]:
    """Return the exceptions that a section ``Raises`` names."""
    heads = [line for line in lines if line and not line.startswith(" ")]
    return {name.strip() for head in heads for name in head.split(",")}


# -- reading the code ----------------------------------------------------------
def arguments(thing: Any) -> list[str]:
    """Return the names of the parameters, without ``self``; none for what is not to be made."""
    if inspect.isclass(thing) and (
        inspect.isabstract(thing)
        or getattr(thing, "_is_protocol", False)
        or issubclass(thing, Exception)
    ):
        return []
    return [name for name in inspect.signature(thing).parameters if name not in ("self", "cls")]


def raised(function: Any) -> set[str]:
    """Return the exceptions that the body of a function raises itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(made, ast.Name) and isinstance(_exception(made.id, function), type):
                found.add(made.id)
    return found - INTERNAL


def _exception(name: str, function: Any) -> Any:
    scope = inspect.unwrap(function).__globals__
    builtins = scope["__builtins__"]
    return scope.get(name, builtins.get(name) if isinstance(builtins, dict) else None)


def raised_by_making(thing: Any) -> set[str]:
    """Return the exceptions of a function, or of making an object of a class."""
    if not inspect.isclass(thing):
        return raised(thing)
    found: set[str] = set()
    for name in ("__init__", "__post_init__"):
        function = vars(thing).get(name)
        if inspect.isfunction(function) and PACKAGE in Path(function.__code__.co_filename).parents:
            found |= raised(function)  # not what dataclass and Protocol write
    return found


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that a class defines itself, as functions."""
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        if isinstance(member, classmethod | staticmethod):
            yield name, member.__func__
        elif isinstance(member, PROPERTY) or inspect.isfunction(member):
            yield name, member


def declared(cls: type, name: str) -> Any:
    """Return the member of a public base, or of the ``Loss`` protocol, that a class gives a body.

    ``None`` if the name is the class's own.
    """
    bases = [base for base in cls.__mro__[1:] if base in PUBLIC.values()]
    if hasattr(cls, "hvp") and cls is not lt.losses.Loss:
        bases.append(lt.losses.Loss)
    return next((vars(base)[name] for base in bases if name in vars(base)), None)


# -- what is wrong -------------------------------------------------------------
def faults(name: str, thing: Any) -> list[str]:
    """Return what the docstring of a public function or class lacks or says too much."""
    found = sections(thing)
    wrong = order_faults(found)
    if not any(found[""]):
        wrong.append("no summary")
    wrong += parameter_faults(thing, found)
    if not inspect.isclass(thing) and returns(thing) and not any(found.get("Returns", ())):
        wrong.append("no section Returns")
    if "Raises" not in found and name not in NO_ERRORS:
        wrong.append("no section Raises, and not in NO_ERRORS")
    if "Raises" in found and name in NO_ERRORS:
        wrong.append("a section Raises, though in NO_ERRORS")
    wrong += error_faults(raised_by_making(thing), found)
    wrong += example_faults(found)
    wrong += source_faults(name, found)
    if inspect.isclass(thing):
        for method, member in members(thing):
            wrong += [f"{method}: {w}" for w in method_faults(thing, method, member)]
    return wrong


def order_faults(found: dict[str, list[str]]) -> list[str]:
    unknown = [f"numpydoc knows no section {name}" for name in found if name not in ORDER]
    known = [name for name in found if name in ORDER]
    return unknown or ([] if known == sorted(known, key=ORDER.index) else ["sections out of order"])


def parameter_faults(thing: Any, found: dict[str, list[str]]) -> list[str]:
    said = entries(found.get("Parameters", []))
    attributes = entries(found.get("Attributes", [])) if inspect.isclass(thing) else {}
    real = arguments(thing)
    wrong = [f"parameter {p} is not documented" for p in real if p not in said | attributes]
    wrong += [f"there is no parameter {p}" for p in said if p not in real]
    wrong += [f"there is no attribute {a}" for a in attributes if not has_attribute(thing, a)]
    for p, text in (said | attributes).items():
        kind = text.split("\n", 1)[0]
        if not kind.strip():
            wrong.append(f"{p} has no type")
        is_array = re.search(r"\barray\b", kind) and "dict" not in kind
        if is_array and not re.search(r"shape|\(", text):
            wrong.append(f"{p} is an array without a shape")
    return wrong


def has_attribute(cls: type, name: str) -> bool:
    annotated = set().union(*(vars(c).get("__annotations__", {}) for c in cls.__mro__))
    fields = {f.name for f in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    made = "__init__" in vars(cls) and f"self.{name}" in inspect.getsource(cls)
    return name in annotated | fields or hasattr(cls, name) or made


def returns(function: Any) -> bool:
    return inspect.signature(function).return_annotation not in (None, "None")


def error_faults(actual: set[str], found: dict[str, list[str]], *others: Any) -> list[str]:
    said = errors(found.get("Raises", []))
    for other in others:
        said |= errors(sections(other).get("Raises", []))
    return [f"{error} is raised and not documented" for error in sorted(actual - said)]


def example_faults(found: dict[str, list[str]]) -> list[str]:
    lines = found.get("Examples", [])
    code = [line for line in lines if line.startswith(">>> ")]
    if not code:
        return ["no example"]
    if all("+SKIP" in line or line.startswith(">>> import") for line in code):
        return ["the example is not run"]
    free = free_names("".join(part.source for part in PARSER.get_examples("\n".join(lines))))
    return [f"the example uses {name} without importing it" for name in sorted(free)]


def free_names(code: str) -> set[str]:
    """Return the names that a piece of code uses and does not bind, built-in ones aside."""
    used, bound = set(), set(dir(builtins))
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            bound.add(node.name or "")
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
    return used - bound


def source_faults(name: str, found: dict[str, list[str]]) -> list[str]:
    lines = [line for line in found.get("References", []) if line]
    if not lines:
        return [] if name in NO_SOURCE else ["no section References, and not in NO_SOURCE"]
    if name in NO_SOURCE:
        return ["a section References, though in NO_SOURCE"]
    keys = [match[1] for line in lines if (match := re.match(r"\[([^\]]+)\] \S", line))]
    if not keys or not lines[0].startswith("["):
        return ["References do not begin with a key, [Zha22] for instance"]
    return [f"the bibliography has no {key}" for key in keys if key not in bibliography()]


@functools.cache
def bibliography() -> set[str]:
    text = (DOCS / "references.bib").read_text(encoding="utf-8")
    return set(re.findall(r"^@\w+\{([^,]+),", text, re.MULTILINE))


def method_faults(cls: type, name: str, member: Any) -> list[str]:
    """Return what the docstring of a method or property lacks."""
    found = sections(member)
    if not any(found[""]):
        return ["no docstring"]
    if wrong := order_faults(found):
        return wrong
    base = declared(cls, name)
    if isinstance(member, PROPERTY):
        body = member.fget if isinstance(member, property) else member.func
        # what a cached property raises, making the object has raised before
        return error_faults(raised(body), found, base, cls)
    wrong = error_faults(raised(member), found, base)
    if base is None or "Parameters" in found:
        wrong += parameter_faults(member, found)
    if base is None and returns(member) and not any(found.get("Returns", ())):
        wrong.append("no section Returns")
    return wrong


# -- the tests -----------------------------------------------------------------
def test_reference_lists_every_public_name_once() -> None:
    names = listed()
    assert len(set(names)) == len(names)
    objects = [resolve(name) for name in names]  # fails where the package has no such name
    missing = [path for path, thing in PUBLIC.items() if not any(thing is o for o in objects)]
    assert not missing, f"docs/api.rst does not list {missing}"
    extra = [
        name
        for name, thing in zip(names, objects, strict=True)
        if not any(thing is o for o in PUBLIC.values())
    ]
    assert not extra, f"docs/api.rst lists {extra}, which no __all__ names"


@pytest.mark.parametrize("path", PUBLIC)
def test_docstring(path: str) -> None:
    wrong = faults(path.rpartition(".")[2], PUBLIC[path])
    assert not wrong, f"{path}:\n  " + "\n  ".join(wrong)


def test_exemptions_are_public_names() -> None:
    names = {path.rpartition(".")[2] for path in PUBLIC}
    assert set(NO_SOURCE) <= names
    assert set(NO_ERRORS) <= names


# -- negative controls: the checker sees what is missing -----------------------
WHOLE = """Return twice a vector.

Parameters
----------
x : array (n,)
    The vector.

Returns
-------
array (n,)
    Twice that.

Raises
------
ValueError
    If it is empty.

References
----------
[Zha22] Zhao et al., *Symmetry Teleportation for Accelerated Optimization*, NeurIPS 2022.

Examples
--------
>>> import numpy as np
>>> np.ones(1) * 2
array([2.])
"""


def twice(x: list[float]) -> list[float]:
    if not x:
        raise ValueError("empty")
    return [2 * a for a in x]


class Twice:
    """A class whose method says less than it must."""

    def double(self, x: list[float]) -> list[float]:
        return twice(x)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("", "", None),
        ("x : array (n,)\n    The vector.\n", "", "parameter x is not documented"),
        ("x : array", "y : float\n    Of old.\nx : array", "there is no parameter y"),
        ("x : array (n,)", "x : array", "x is an array without a shape"),
        ("x : array (n,)", "x", "x has no type"),
        ("Returns\n-------\narray (n,)\n    Twice that.\n\n", "", "no section Returns"),
        ("Raises\n------\nValueError", "Raises\n------\nKeyError", "ValueError is raised"),
        ("Raises\n------\nValueError\n    If it is empty.\n\n", "", "no section Raises"),
        ("[Zha22] ", "", "References do not begin with a key"),
        ("[Zha22] ", "[Zha99] ", "the bibliography has no Zha99"),
        (">>> ", "", "no example"),
        ("* 2\n", "* 2  # doctest: +SKIP\n", "the example is not run"),
        (">>> import numpy as np\n", "", "the example uses np without importing it"),
        ("Raises\n------", "Notes\n-----\nNone.\n\nRaises\n------", "sections out of order"),
        ("Raises\n------", "Throws\n------", "numpydoc knows no section Throws"),
        (WHOLE, "", "no summary"),
    ],
)
def test_checker_finds(old: str, new: str, fault: str | None) -> None:
    assert old in WHOLE
    copy = types.FunctionType(twice.__code__, twice.__globals__, "twice")
    copy.__annotations__ = twice.__annotations__
    copy.__doc__ = WHOLE.replace(old, new)
    found = faults("twice", copy)
    if fault is None:
        assert found == []
    else:
        assert any(fault in wrong for wrong in found), found


def test_checker_looks_at_methods() -> None:
    found = faults("Twice", Twice)
    assert "double: no docstring" in found
    Twice.double.__doc__ = "Return twice x."
    try:
        found = faults("Twice", Twice)
    finally:
        Twice.double.__doc__ = None
    assert {"double: parameter x is not documented", "double: no section Returns"} <= set(found)
