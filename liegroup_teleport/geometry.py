"""The spaces that the groups are, built by geomstats, which only this module imports."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from ._errors import DomainError

__all__ = ["general_linear", "positive_scales", "product", "special_orthogonal"]

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
