"""The remark that near a minimum teleportation approximates Newton, as the gallery measures it."""

from __future__ import annotations

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plot_newton_rate.py"


def test_angle_goes_to_zero_with_the_distance_for_transitive_groups_only(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    measured = runpy.run_path(str(EXAMPLE))
    plt.close("all")
    angles, slopes = measured["angles"], measured["slopes"]
    assert {name for name, _ in angles} == {"valley", "cubic"}
    for name in ("valley", "cubic"):
        assert abs(slopes[name, "transitive"] - 1) < 0.05
        assert angles[name, "transitive"][-1] < 1e-4
        assert min(np.array(angles[name, "smaller"])[measured["near"]]) > 0.1
        assert abs(slopes[name, "smaller"]) < 0.3
