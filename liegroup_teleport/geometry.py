"""The spaces that the groups are, built by geomstats, which only this module imports."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ._errors import DomainError

__all__ = [
    "euclidean",
    "general_linear",
    "matrix_algebra",
    "positive_scales",
    "product",
    "special_orthogonal",
]

DENSE_LIMIT = 2000


def _import(name: str) -> ModuleType:
    """Import a geomstats module and undo what its import does to the root logger."""
    import importlib

    if os.environ.get("GEOMSTATS_BACKEND", "numpy") != "numpy":
        raise RuntimeError(
            f"GEOMSTATS_BACKEND is {os.environ['GEOMSTATS_BACKEND']!r}; liegroup_teleport needs "
            "geomstats with its numpy backend (others change global defaults on import)"
        )
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="BackendImporter.exec_module")
            return importlib.import_module(name)
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


def _check_size(what: str, n: int) -> None:
    if n < 2:
        raise DomainError(f"geomstats cannot build {what} of size {n}; it needs at least 2")
    if n > DENSE_LIMIT:
        raise DomainError(f"geomstats' {what} uses dense arrays; size {n} is beyond {DENSE_LIMIT}")


def special_orthogonal(n: int) -> Any:
    """Return SO(n) with its bi-invariant metric, points as matrices."""
    _check_size("SO(n)", n)
    module = _import("geomstats.geometry.special_orthogonal")
    return module.SpecialOrthogonal(n=n, point_type="matrix")


def general_linear(sizes: Sequence[int]) -> Any:
    """Return the product of GL+(k), each with its left-invariant metric."""
    module = _import("geomstats.geometry.general_linear")
    metrics = _import("geomstats.geometry.invariant_metric")
    factors = []
    for k in sizes:
        _check_size("GL(n)", k)
        space = module.GeneralLinear(n=k, positive_det=True, equip=False)
        space.equip_with_metric(metrics.InvariantMetric)
        factors.append(space)
    return product(factors)


def positive_scales(n: int) -> Any:
    """Return n half-lines with the metric in which scales are measured by their logarithms."""
    _check_size("a product of half-lines", n)
    reals = _import("geomstats.geometry.positive_reals")
    folds = _import("geomstats.geometry.nfold_manifold")
    return folds.NFoldManifold(reals.PositiveReals(), n)


def product(factors: Sequence[Any]) -> Any:
    """Return the product of geomstats spaces."""
    if len(factors) == 1:
        return factors[0]
    module = _import("geomstats.geometry.product_manifold")
    return module.ProductManifold(list(factors))


def euclidean(n: int) -> Any:
    """Return R^n."""
    return _import("geomstats.geometry.euclidean").Euclidean(n)


def matrix_algebra(group: Any) -> np.ndarray:
    """Return the basis that geomstats gives the algebra of a matrix group, (dim, n, n).

    Raises
    ------
    TypeError
        If ``group`` is no ``MatrixLieGroup`` of geomstats with a Lie algebra.
    ValueError
        If the basis is not one of real (n, n) matrices.
    """
    kind = _import("geomstats.geometry.lie_group").MatrixLieGroup
    if not isinstance(group, kind):
        raise TypeError(
            f"group is a {type(group).__name__}; expected a MatrixLieGroup of geomstats "
            '(for SO(n) and SE(n): point_type="matrix")'
        )
    if not hasattr(group.lie_algebra, "basis"):
        raise TypeError(f"{type(group).__name__} has no lie_algebra with a basis")
    basis = np.asarray(group.lie_algebra.basis)
    n = int(group.representation_dim)
    if basis.ndim != 3 or not len(basis) or basis.shape[1:] != (n, n) or np.iscomplexobj(basis):
        raise ValueError(
            f"the basis of the Lie algebra has shape {basis.shape} and dtype {basis.dtype}; "
            f"expected real matrices, (dim, {n}, {n})"
        )
    return basis.astype(np.float64)
