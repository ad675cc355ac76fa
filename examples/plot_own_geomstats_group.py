r"""
A geomstats group of one's own
==============================

`geomstats <https://geomstats.github.io>`_ has the classical groups. Others are a few lines: derive
from its ``MatrixLieGroup``, say which matrices belong, and give a basis of the Lie algebra. Here
the **Galilei group** of one space dimension, which acts on events :math:`(t, x, 1)` by boosts and
by translations of time and of place,

.. math::

   \begin{pmatrix} t' \\ x' \\ 1 \end{pmatrix} =
   \begin{pmatrix} 1 & 0 & b \\ v & 1 & a \\ 0 & 0 & 1 \end{pmatrix}
   \begin{pmatrix} t \\ x \\ 1 \end{pmatrix}.

:class:`~liegroup_teleport.groups.MatrixRepresentation` takes it like any other. In a test suite,
:func:`~liegroup_teleport.testing.assert_group_laws` and
:func:`~liegroup_teleport.testing.assert_symmetry` tell whether what was written down is a group,
and one of the loss.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from geomstats.geometry.lie_algebra import MatrixLieAlgebra
from geomstats.geometry.lie_group import MatrixLieGroup

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())

# %%
# The group
# ---------
# The algebra is the span of three matrices, a boost and the two translations. The boost and the
# translation of time do not commute: their bracket is the translation of place.

BOOST, TIME, PLACE = (np.zeros((3, 3)) for _ in range(3))
BOOST[1, 0] = TIME[0, 2] = PLACE[1, 2] = 1.0


class GalileiAlgebra(MatrixLieAlgebra):
    """Boosts and translations of events (t, x, 1)."""

    def __init__(self) -> None:
        super().__init__(representation_dim=3, dim=3, equip=False)

    def _create_basis(self) -> np.ndarray:
        return np.stack([BOOST, TIME, PLACE])

    def basis_representation(self, matrix_representation: np.ndarray) -> np.ndarray:
        """Return the coordinates (v, b, a) of a matrix."""
        X = matrix_representation
        return np.stack([X[..., 1, 0], X[..., 0, 2], X[..., 1, 2]], axis=-1)


class Galilei(MatrixLieGroup):
    """The Galilei group of one space dimension."""

    def __init__(self) -> None:
        super().__init__(representation_dim=3, lie_algebra=GalileiAlgebra(), dim=3, equip=False)

    def belongs(self, point: np.ndarray, atol: float = 1e-9) -> bool:
        """Whether a matrix is 1 on the diagonal and 0 where boosts and translations are not."""
        free = self.lie_algebra.basis.sum(axis=0) != 0
        return bool(np.all(np.abs(np.where(free, 0.0, point - np.eye(3))) <= atol))

    def random_point(self, n_samples: int = 1, bound: float = 1.0) -> np.ndarray:
        """Return a boost with translations."""
        return self.exp(self.lie_algebra.random_point(n_samples, bound))


galilei = lt.groups.MatrixRepresentation(Galilei())
print(f"dimension {galilei.dim}, compact {galilei.compact}, self-adjoint {galilei.self_adjoint}")
rng = np.random.default_rng(0)
g, h = galilei.random_element(rng), galilei.random_element(rng)
assert galilei.geomstats_group.belongs(galilei.compose(g, h)[0])
assert np.allclose(galilei.log(galilei.exp(np.array([0.3, -2.0, 5.0]))), [0.3, -2.0, 5.0])

# %%
# Planted: a "group" without the translation of place is not closed under brackets, and is refused
# when it is made.


class Forgetful(GalileiAlgebra):
    """Boosts and translations of time only."""

    def __init__(self) -> None:
        MatrixLieAlgebra.__init__(self, representation_dim=3, dim=2, equip=False)

    def _create_basis(self) -> np.ndarray:
        return np.stack([BOOST, TIME])


class NoGroup(Galilei):
    """What is left does not contain the products of its elements."""

    def __init__(self) -> None:
        MatrixLieGroup.__init__(
            self, representation_dim=3, lie_algebra=Forgetful(), dim=2, equip=False
        )


try:
    lt.groups.MatrixRepresentation(NoGroup())
except ValueError as error:
    refused = str(error)
print(f"refused: {refused}")
assert "brackets" in refused

# %%
# A loss that has it
# ------------------
# Five events, the columns of ``w``, of which only areas of triangles in space-time are known. These
# are determinants, which boosts and translations keep.

TRIANGLES = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 4], [0, 3, 4]])
wanted = rng.normal(size=len(TRIANGLES))


def errors(w: dict[str, np.ndarray]) -> np.ndarray:
    """Return the errors of the areas, twice over."""
    return np.linalg.det(w["w"].T[TRIANGLES]) - wanted


def misfit(w: dict[str, np.ndarray]) -> float:
    """Return half the squared errors."""
    return float(np.sum(errors(w) ** 2) / 2)


def misfit_gradient(w: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return its gradient: the derivative of a determinant is a cross product of the others."""
    gradient = np.zeros_like(w["w"])
    for (i, j, k), error in zip(TRIANGLES, errors(w), strict=True):
        for a, b, c in ((i, j, k), (j, k, i), (k, i, j)):
            gradient[:, a] += error * np.cross(w["w"][:, b], w["w"][:, c])
    return {"w": gradient}


loss = lt.losses.from_function(misfit, misfit_gradient, lower_bound=0.0)
events = {"w": np.vstack([rng.normal(2, 1, 5), rng.normal(9, 1, 5), np.ones(5)])}
events["w"][1] += 3 * events["w"][0]  # all of them move fast, and far away
report = galilei.check_invariance(loss, events, rng=rng)
print(f"invariant     {report.passed}, largest drift {report.max_drift:.1e}")
assert report.passed
jump = lt.teleport(loss, galilei, events, lt.ParameterNorm())
print(f"status        {jump.status}")
print(f"squared norm  {jump.objective_before:.1f} -> {jump.objective_after:.2f}")
print(f"drift         {jump.drift:.1e}, allowed {jump.allowed_drift:.1e}")
assert jump.drift <= jump.allowed_drift
assert jump.objective_after < jump.objective_before / 10
assert np.allclose(jump.params["w"][2], 1.0, rtol=1e-13)

# %%
# The smallest of all equivalent descriptions is the one in the frame of an observer who moves
# along with the events and whom they surround. The group is not closed under transposes: the
# library finds this place, and does not call it proved.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
one = galilei.identity()
for k, s in enumerate(np.linspace(0, 1, 5)):
    t, x, _ = galilei.act(galilei.geodesic(one, jump.element, float(s)), events)["w"]
    for i, j, m in TRIANGLES[:2]:
        left.fill(t[[i, j, m]], x[[i, j, m]], color=f"C{k}", alpha=0.25, lw=0)
    left.plot(t, x, "o", color=f"C{k}", ms=4, label=f"$s = {s:.2f}$")
left.set(xlabel="time $t$", ylabel="place $x$", title="One way from there to here")
left.legend(loc="upper left")
t, x, _ = jump.params["w"]
for i, j, m in TRIANGLES:
    right.fill(t[[i, j, m]], x[[i, j, m]], color="C4", alpha=0.15, lw=0)
right.plot(t, x, "o", color="C4")
right.axhline(0, color="0.8", lw=0.8, zorder=0)
right.axvline(0, color="0.8", lw=0.8, zorder=0)
right.set(xlabel="time $t$", ylabel="place $x$", title="The same areas, seen from the middle")
plt.show()
