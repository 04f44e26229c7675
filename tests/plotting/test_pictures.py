"""Pictures: axes taken and returned, units on every label, right way up."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.plotting import (
    plot_comparison,
    plot_coverage,
    plot_gather,
    plot_history,
    plot_profile,
    plot_training,
    plot_uncertainty,
    plot_velocity,
)
from pylops_vmb.survey import Acquisition, Grid

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib")

GRID = Grid((4, 3), (10.0, 20.0), (100.0, 0.0))
VP = np.arange(12.0).reshape(GRID.dims) * 100.0 + 1500.0


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


def labels(ax):
    return ax.get_xlabel(), ax.get_ylabel()


def test_velocity_lies_the_right_way_up_and_in_its_place():
    ax = plot_velocity(torch.from_numpy(VP).ravel(), GRID, title="true", vmin=1000, vmax=3000)
    assert labels(ax) == ("x (m)", "z (m)")
    image = ax.images[0]
    assert np.allclose(image.get_array(), VP.T / 1000.0)
    assert image.get_extent() == [95.0, 135.0, 50.0, -10.0]
    assert image.get_clim() == (1.0, 3.0)
    assert ax.get_title() == "true"
    assert ax.figure.axes[1].get_ylabel() == "velocity (km/s)"


def test_the_axis_that_came_in_goes_out_without_a_colour_bar():
    figure, ax = plt.subplots()
    assert plot_velocity(VP, GRID, ax=ax, colorbar=False) is ax
    assert figure.axes == [ax]


def test_gather_has_time_downwards_and_the_shot_asked_for(rng):
    acq = Acquisition.streamer([0.0, 50.0], [20.0, 10.0, 0.0], nt=60, dt=0.004, f0=30.0)
    d = rng.normal(size=acq.dimsd)
    ax = plot_gather(d, acq, shot=1, clip=100.0, ax=plt.subplots()[1])
    assert labels(ax) == ("receiver x (m)", "time (s)")
    image = ax.images[0]
    assert np.array_equal(image.get_array(), d[1].T)
    assert np.allclose(image.get_extent(), [75.0, 45.0, 0.238, -0.002])
    assert image.get_clim()[1] == np.abs(d[1]).max()


def test_receivers_at_uneven_distances_are_numbered():
    acq = Acquisition.fixed_spread([0.0], [0.0, 10.0, 35.0], nt=60, dt=0.004, f0=30.0)
    ax = plot_gather(np.zeros(acq.dimsd), acq)
    assert ax.get_xlabel() == "receiver (number)"
    assert ax.images[0].get_clim() == (-1.0, 1.0)


def test_comparison_shares_the_scale_of_the_first_model():
    axes = plot_comparison({"true": VP, "start": VP + 500.0, "FWI": VP}, GRID)
    assert [ax.get_title() for ax in axes] == ["true", "start", "FWI"]
    assert {ax.images[0].get_clim() for ax in axes} == {(1.5, 2.6)}
    assert labels(axes[0]) == ("x (m)", "z (m)")
    assert axes[0].figure.axes[-1].get_ylabel() == "velocity (km/s)"


def test_comparison_draws_into_given_axes():
    _, row = plt.subplots(1, 2)
    assert plot_comparison({"a": VP, "b": VP}, GRID, axes=row, vmin=0, vmax=5000)[1] is row[1]
    assert row[1].images[0].get_clim() == (0.0, 5.0)


def test_history_is_logarithmic_where_it_can_be():
    ax = plot_history([4.0, 2.0, 1.0], label="FWI")
    assert ax.get_yscale() == "log"
    assert labels(ax) == ("iteration", "cost (unit of the misfit)")
    assert ax.lines[0].get_ydata().tolist() == [4.0, 2.0, 1.0]
    assert ax.get_legend().get_texts()[0].get_text() == "FWI"
    assert plot_history([1.0, 0.0]).get_yscale() == "linear"


def test_training_is_drawn_with_losses_left_and_error_right():
    rows = [
        {"epoch": 1, "loss": 0.5, "misfit": 2.0, "mae": 300.0, "lr": 1e-3, "seconds": 3.0},
        {"epoch": 2, "loss": 0.25, "misfit": 1.0, "mae": 150.0, "lr": 0.0, "seconds": 3.0},
    ]
    ax = plot_training(rows)
    right = ax.figure.axes[-1]
    assert labels(ax) == ("epoch", "training loss (unit of the loss)")
    assert right.get_ylabel() == "validation MAE (m/s)"
    drawn = {line.get_label(): line.get_xydata().tolist() for line in (*ax.lines, *right.lines)}
    assert drawn == {
        "loss": [[1.0, 0.5], [2.0, 0.25]],
        "misfit": [[1.0, 2.0], [2.0, 1.0]],
        "validation MAE": [[1.0, 300.0], [2.0, 150.0]],
    }
    assert [text.get_text() for text in right.get_legend().get_texts()] == list(drawn)
    assert (ax.get_yscale(), right.get_ylim()) == ("log", (0.0, 315.0))
    assert right in ax.get_shared_x_axes().get_siblings(ax)
    own = plt.subplots()[1]
    assert plot_training([rows[0] | {"misfit": -1.0}], ax=own) is own
    assert own.get_yscale() == "linear"


def test_uncertainty_is_drawn_from_zero_in_metres_a_second():
    ax = plot_uncertainty(VP, GRID, title="deviation")
    image = ax.images[0]
    assert np.allclose(image.get_array(), VP.T)
    assert image.get_clim() == (0.0, VP.max())
    assert ax.figure.axes[1].get_ylabel() == "standard deviation (m/s)"
    assert plot_uncertainty(VP, GRID, vmax=50.0).images[0].get_clim() == (0.0, 50.0)
    ax = plot_uncertainty(VP, GRID, label="absolute error (m/s)")
    assert ax.figure.axes[-1].get_ylabel() == "absolute error (m/s)"


def test_profile_shows_the_column_asked_for_with_its_interval():
    std = 10.0 * np.arange(12.0).reshape(GRID.dims)
    ax = plot_profile(VP, std, GRID, x=118.0, true=VP + 500.0, width=3.0, ax=plt.subplots()[1])
    assert labels(ax) == ("velocity (km/s)", "z (m)")
    estimate, truth = ax.lines
    np.testing.assert_allclose(estimate.get_xdata(), VP[2] / 1000.0)
    np.testing.assert_allclose(truth.get_xdata(), VP[2] / 1000.0 + 0.5)
    np.testing.assert_allclose(estimate.get_ydata(), [0.0, 20.0, 40.0])
    band = ax.collections[0].get_paths()[0].vertices[:, 0]
    deepest = VP[2, 2] + 3.0 * std[2, 2]
    assert band.max() == pytest.approx(deepest / 1000.0)
    assert ax.get_ylim() == (40.0, 0.0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "± 3 standard deviations",
        "estimate",
        "true",
    ]
    assert len(plot_profile(VP, std, GRID, x=100.0).lines) == 1


def test_coverage_is_drawn_against_its_diagonal():
    ax = plot_coverage((0.5, 0.9), (0.3, 0.7), label="raw")
    assert labels(ax) == ("probability of the interval", "share of cells in it")
    assert ax.lines[0].get_xydata().tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert ax.lines[1].get_xydata().tolist() == [[0.5, 0.3], [0.9, 0.7]]


def test_figures_can_be_saved(tmp_path):
    axes = plot_comparison({"true": VP, "FWI": VP}, GRID)
    axes[0].figure.savefig(tmp_path / "demo.png")
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda _: plot_velocity(VP.T, GRID), "vp: must have shape"),
        (lambda _: plot_comparison({}, GRID), "at least one model"),
        (lambda _: plot_training([]), "history: must hold an epoch, got none. Train"),
        (lambda _: plot_coverage((0.5, 0.9), (0.3,)), "covered: must hold 2 shares, got 1"),
        (lambda _: plot_profile(VP, VP, GRID, x=131.0), "x: must be at most 130.0 m"),
        (lambda _: plot_profile(VP, VP[1:], GRID, x=100.0), "must have shape"),
        (
            lambda _: plot_comparison({"a": VP}, GRID, axes=[1, 2]),
            "axes: must be one a model, got .2,.. Pass 1 axes",
        ),
        (lambda acq: plot_gather(np.zeros(acq.dimsd), acq, shot=1), "shot: must be below 1"),
        (lambda acq: plot_gather(np.zeros(acq.dimsd), acq, clip=101.0), "at most 100"),
        (lambda acq: plot_gather(np.zeros((1, 60, 2)), acq), "axes seem to be swapped"),
    ],
)
def test_refusals(draw, message):
    acq = Acquisition.fixed_spread([0.0], [0.0, 10.0], nt=60, dt=0.004, f0=30.0)
    with pytest.raises(VMBValueError, match=message):
        draw(acq)
