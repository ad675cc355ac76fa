"""The same code on PyTorch parameters."""

from __future__ import annotations

import numpy as np
import pytest

from tests.groups.all_groups import ALL, CASES

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_same_as_numpy(case, dtype):
    group, loss = case.group, case.loss
    w = case.start(dtype=np.dtype(dtype))
    v = case.start(seed=1, dtype=np.dtype(dtype))
    tw = {name: torch.tensor(a) for name, a in w.items()}
    tv = {name: torch.tensor(a) for name, a in v.items()}
    kept = {name: a.clone() for name, a in tw.items()}
    rng = np.random.default_rng(2)
    x = rng.normal(size=group.dim)
    x *= case.scale / np.linalg.norm(x)
    g = group.exp(x)
    gradient, tgradient = loss.gradient(w), loss.gradient(tw)
    tol = 1e-11 if dtype == "float64" else 2e-4
    for ours, theirs in (
        (group.act(g, w), group.act(g, tw)),
        (group.act_tangent(g, w, v), group.act_tangent(g, tw, tv)),
        (group.act_cotangent(g, w, gradient), group.act_cotangent(g, tw, tgradient)),
        (group.generator(x, w), group.generator(x, tw)),
    ):
        assert list(ours) == list(theirs)
        size = max(np.linalg.norm(a) for a in ours.values())
        for name, a in theirs.items():
            assert isinstance(a, torch.Tensor)
            assert a.dtype == getattr(torch, dtype)
            assert a.device == tw[name].device
            np.testing.assert_allclose(a.numpy(), ours[name], rtol=0, atol=tol * size)
    m = group.generator_adjoint(tw, tv)
    assert isinstance(m, np.ndarray)
    assert m.dtype == np.float64
    np.testing.assert_allclose(m, group.generator_adjoint(w, v), rtol=10 * tol, atol=10 * tol)
    assert all(torch.equal(tw[name], kept[name]) for name in tw)
    if group.linear:
        np.testing.assert_allclose(group.moment_map(tw), group.moment_map(w), rtol=1e-6, atol=1e-6)


def test_half_precision_and_gradients_recorded():
    case = CASES[0]
    group = case.group
    w = {n: torch.tensor(a, dtype=torch.bfloat16) for n, a in case.start().items()}
    g = group.dyadic(group.random_element(np.random.default_rng(0), 3.0))
    moved = group.act(g, w)
    assert all(a.dtype == torch.bfloat16 for a in moved.values())
    back = group.act(group.inverse(g), moved)
    assert all(torch.equal(back[n], w[n]) for n in w)
    leaf = {n: torch.tensor(a, requires_grad=True) for n, a in case.start().items()}
    assert isinstance(group.moment_map(leaf), np.ndarray)
