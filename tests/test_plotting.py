"""What the pictures show, read back from the axes."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.quiver import Quiver

import liegroup_teleport as lt


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def line(axes, label):
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return np.array(found.get_data()).T


def test_level_set_orbit_and_teleport():
    loss, w = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    group = loss.symmetry()
    result = lt.teleport(loss, group, w, lt.GradientNorm())
    axes = lt.plotting.plot_level_set(loss, group, w, result)
    for label in ("orbit", "teleport"):
        points = line(axes, label)
        values = [loss.value({"w": p}) for p in points]
        assert np.allclose(values, loss.value(w), rtol=1e-10)
    assert np.allclose(line(axes, "teleport")[0], w["w"])
    assert np.allclose(line(axes, "teleport")[-1], result.params["w"])
    assert np.allclose(line(axes, "start"), [w["w"]])
    assert np.allclose(line(axes, "after it"), [result.params["w"]])
    fields = [c for c in axes.collections if isinstance(c, Quiver)]
    small, *arrows = fields
    assert np.allclose(np.hypot(small.U, small.V), 1)
    sizes = [float(np.hypot(a.U, a.V)[0]) for a in arrows]
    ratio = np.sqrt(result.objective_after / result.objective_before)
    assert sizes[1] / sizes[0] == pytest.approx(ratio)
    left, right = axes.get_xlim()
    assert left < line(axes, "orbit")[:, 0].min() < line(axes, "orbit")[:, 0].max() < right
    axes.figure.canvas.draw()


def test_two_scalars_an_open_orbit_and_given_axes():
    loss = lt.losses.from_function(
        lambda w: (w["u"] * w["v"] - 1) ** 2,
        lambda w: {
            "u": 2 * (w["u"] * w["v"] - 1) * w["v"],
            "v": 2 * (w["u"] * w["v"] - 1) * w["u"],
        },
    )
    group = lt.groups.DiagonalGroup([[1.0, -1.0]], {"u": (), "v": ()})
    w = {"u": np.array(2.0), "v": np.array(2.0)}
    _, axes = pyplot.subplots()
    given = lt.plotting.plot_level_set(
        loss, group, w, window=(0, 5, 0, 5), gradient_field=False, ax=axes
    )
    assert given is axes
    assert axes.get_xlim() == (0, 5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("u", "v")
    orbit = line(axes, "orbit")
    assert np.allclose(orbit[:, 0] * orbit[:, 1], 4)
    axes.figure.canvas.draw()


def test_only_planes():
    loss = lt.losses.Quadratic(np.eye(3))
    with pytest.raises(ValueError, match="3 entries; a plane needs 2"):
        lt.plotting.plot_level_set(loss, loss.symmetry(), {"w": np.ones(3)})


@pytest.mark.parametrize("n", [3, 12])
def test_spectrum(n):
    found = lt.discover_generators(lambda w: dict(w), lambda rng: {"w": rng.normal(size=n)})
    axes = lt.plotting.plot_spectrum(found)
    kept, zero = line(axes, "not zero"), line(axes, f"zero: {found.dim} generators")
    assert len(kept) + len(zero) == n * n
    assert len(zero) == n * (n - 1) // 2
    assert kept[:, 1].min() > 1e6 * zero[:, 1].max()
    assert axes.get_title() == f"so({n})"
    axes.figure.canvas.draw()
    nothing = lt.discover_generators(
        lambda w: {"w": w["w"] ** 3 + 1}, lambda rng: {"w": rng.normal(size=3)}
    )
    assert len(lt.plotting.plot_spectrum(nothing).lines) == 1


def test_exact_discoveries_have_no_spectrum():
    with pytest.raises(ValueError, match="exact arithmetic"):
        lt.plotting.plot_spectrum(lt.symbolic.discover(lt.losses.Booth()))


@pytest.fixture
def runs():
    loss, w = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    jump = lt.training.Teleports(loss.symmetry(), lt.GradientNorm(), at=[4, 6])
    sgd = lt.training.SGD(0.08)
    return {
        "teleport": lt.training.minimize(loss, w, sgd, 10, teleports=jump),
        "plain": lt.training.minimize(loss, w, sgd, 10),
    }


@pytest.mark.parametrize("against", ["step", "seconds"])
def test_losses(runs, against):
    axes = lt.plotting.plot_losses(runs, against=against)
    assert axes.get_yscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == (against, "loss")
    for name, history in runs.items():
        x = np.arange(11) if against == "step" else history.seconds
        assert np.array_equal(line(axes, name), np.column_stack([x, history.losses]))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(runs)
    looks = {(one.get_color(), one.get_linestyle()) for one in axes.lines}
    assert len({color for color, _ in looks}) == len({shape for _, shape in looks}) == 2
    axes.figure.canvas.draw()


def test_losses_mark_teleports_that_moved(runs):
    results = [event.result.status for event in runs["teleport"].teleports]
    assert results == ["optimal", "identity"]  # the second one is there already
    moved, plain = lt.plotting.plot_losses(runs).lines
    assert moved.get_markevery() == [4]
    assert moved.get_marker() == "o"
    assert plain.get_marker() == "None"


def test_losses_below_the_floor_and_of_a_diverging_run_are_left_out(runs):
    loss, w = lt.losses.Booth(), {"w": np.array([5.0, -5.0])}
    wild = lt.training.minimize(loss, w, lt.training.SGD(1e3), 200)
    assert wild.status == "diverged"
    _, axes = pyplot.subplots()
    given = lt.plotting.plot_losses(runs | {"wild": wild}, floor=1e-2, ax=axes)
    assert given is axes
    for name in (*runs, "wild"):
        shown = line(axes, name)[:, 1]
        assert np.all(np.isfinite(shown) | np.isnan(shown))
        assert np.nanmin(shown) >= 1e-2
    assert np.isnan(line(axes, "teleport")[-1, 1])
    assert np.isnan(line(axes, "wild")[-1, 1])
    axes.figure.canvas.draw()


def test_losses_says_what_it_expects(runs):
    with pytest.raises(ValueError, match="against is 'epoch'; expected 'step' or 'seconds'"):
        lt.plotting.plot_losses(runs, against="epoch")
    with pytest.raises(ValueError, match=r"floor is 0; expected a number > 0"):
        lt.plotting.plot_losses(runs, floor=0)


def test_style_is_new_each_time_and_has_colours_that_differ_in_grey():
    settings = lt.plotting.style()
    settings["axes.titlesize"] = 1.0
    assert lt.plotting.style()["axes.titlesize"] != 1.0
    with matplotlib.rc_context(lt.plotting.style()):
        colours = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    rgb = np.array([matplotlib.colors.to_rgb(c) for c in colours[:2]])
    grey = rgb @ [0.299, 0.587, 0.114]
    assert abs(np.diff(grey)[0]) > 0.05
