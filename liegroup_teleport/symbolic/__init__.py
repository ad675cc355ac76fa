"""Proofs by computer algebra, as certificates that can be checked again."""

from ._certificate import Certificate as Certificate
from ._certificate import certify as certify
from ._discover import discover as discover
from ._eigenvector import (
    prove_gradient_is_hessian_eigenvector as prove_gradient_is_hessian_eigenvector,
)
from ._every_n import general_linear_for_every_n as general_linear_for_every_n
from ._every_n import orthogonal_for_every_n as orthogonal_for_every_n
from ._invariance import prove_invariance as prove_invariance
from ._kantorovich import prove_kantorovich as prove_kantorovich
from ._laws import prove_group_laws as prove_group_laws
from ._maximiser import quadratic_maximiser_for_every_n as quadratic_maximiser_for_every_n
from ._maximiser import smaller_orbit_counterexample as smaller_orbit_counterexample
from ._rules import prove_conserved as prove_conserved
from ._rules import prove_cotangent_rule as prove_cotangent_rule
from ._rules import prove_hessian_rule as prove_hessian_rule
from ._shipped import shipped_proofs as shipped_proofs

__all__ = [
    "Certificate",
    "certify",
    "discover",
    "general_linear_for_every_n",
    "orthogonal_for_every_n",
    "prove_conserved",
    "prove_cotangent_rule",
    "prove_gradient_is_hessian_eigenvector",
    "prove_group_laws",
    "prove_hessian_rule",
    "prove_invariance",
    "prove_kantorovich",
    "quadratic_maximiser_for_every_n",
    "shipped_proofs",
    "smaller_orbit_counterexample",
]
