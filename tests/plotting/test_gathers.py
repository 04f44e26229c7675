"""Gathers as wiggles, before and after, predicted and observed: what is drawn is the data."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.plotting import (
    plot_before_after,
    plot_fit,
    plot_gather,
    plot_interleaved,
    plot_overlay,
    plot_wiggle,
)
from pylops_vmb.survey import Acquisition

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib")


def image_of(ax):
    return np.asarray(ax.images[0].get_array())


def entries(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_amplitude_of_the_strongest_colour_and_its_bar(acq, dobs):
    ax = plot_gather(dobs, acq, shot=2, vmax=0.5, colorbar=True)
    assert ax.images[0].get_clim() == (-0.5, 0.5)
    assert ax.figure.axes[1].get_ylabel() == "amplitude (unit of the data)"


def test_wiggles_stand_at_their_receivers_and_are_cut(acq, dobs):
    ax = plot_wiggle(torch.from_numpy(dobs), acq, shot=1, vmax=1.5, scale=2.0, title="shot 1")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("receiver x (m)", "time (s)")
    assert (ax.get_title(), ax.get_ylim()) == ("shot 1", (acq.t[-1], 0.0))
    assert len(ax.lines) == acq.nr == len(ax.collections)
    for x, trace, line in zip(acq.recs[0], dobs[1], ax.lines, strict=True):
        np.testing.assert_allclose(line.get_xdata(), x + 50.0 * np.clip(trace / 1.5, -1, 1))
        np.testing.assert_array_equal(line.get_ydata(), acq.t)
    for x, filled in zip(acq.recs[0], ax.collections, strict=True):
        assert min(path.vertices[:, 0].min() for path in filled.get_paths()) >= x


def test_wiggles_are_thinned_and_the_label_says_so(rng):
    x = 10.0 * np.arange(150)
    acq = Acquisition.fixed_spread([0.0], x, nt=60, dt=0.004, f0=30.0)
    d = rng.normal(size=acq.dimsd)
    ax = plot_wiggle(d, acq, fill=False, vmax=10.0)
    assert (len(ax.lines), ax.get_xlabel()) == (50, "receiver x (m, one in 3)")
    np.testing.assert_allclose(ax.lines[7].get_xdata(), x[21] + 30.0 * d[0, 21] / 10.0)
    assert not ax.collections
    assert plot_wiggle(d, acq, every=50).get_xlabel() == "receiver x (m, one in 50)"


def test_wiggles_of_receivers_at_one_place_are_numbered(rng):
    acq = Acquisition.fixed_spread([0.0], [0.0, 10.0, 10.0, 35.0], nt=60, dt=0.004, f0=30.0)
    ax = plot_wiggle(np.zeros(acq.dimsd), acq, every=2)
    assert ax.get_xlabel() == "receiver (number, one in 2)"
    assert [line.get_xdata()[0] for line in ax.lines] == [0.0, 2.0]


def test_before_and_after_share_the_time_of_the_longer_record(acq, dobs):
    short = Acquisition.fixed_spread([0.0], acq.recs[0, ::2], nt=60, dt=0.004, f0=20.0)
    after = 1e3 * dobs[1:2, ::2, :60]
    left, right = plot_before_after((dobs, acq), (after, short), shot=(1, 0), clip=100.0)
    assert np.array_equal(image_of(left), dobs[1].T)
    assert np.array_equal(image_of(right), after[0].T)
    assert left.get_ylim() == right.get_ylim() == (acq.t[-1] + 0.002, 0.0)
    assert right.images[0].get_clim()[1] == np.abs(after).max()
    assert (left.get_title(), right.get_title()) == ("before", "after")
    assert (left.get_ylabel(), right.get_ylabel()) == ("time (s)", "")
    assert len(left.figure.axes) == 4  # each has its own colour bar


def test_before_and_after_on_one_scale(acq, dobs):
    left, right = plot_before_after((dobs, acq), (3.0 * dobs, acq), shot=2, same_scale=True)
    assert left.images[0].get_clim() == right.images[0].get_clim()
    assert np.array_equal(image_of(right), 3.0 * dobs[2].T)


def test_fit_shows_observed_predicted_and_difference_on_one_scale(acq, dobs):
    d = 0.75 * dobs
    axes = plot_fit(d, dobs, acq, shot=1, clip=100.0)
    for ax, expected in zip(axes, (dobs[1], d[1], d[1] - dobs[1]), strict=True):
        np.testing.assert_allclose(image_of(ax), expected.T)
    strongest = np.abs(dobs[1]).max()
    assert {ax.images[0].get_clim() for ax in axes} == {(-strongest, strongest)}
    titles = [ax.get_title() for ax in axes]
    assert titles == ["observed", "predicted", "predicted - observed (L2 0.250)"]
    assert axes[0].figure.axes[-1].get_ylabel() == "amplitude (unit of the data)"


def test_fit_of_a_silent_shot_says_so(acq, dobs):
    silent = dobs.copy()
    silent[1] = 0.0
    assert plot_fit(dobs, silent, acq, shot=1)[2].get_title().endswith("(none observed)")


def test_fit_does_not_count_dead_traces(acq, dobs):
    dead = dobs.copy()
    dead[1, 3] = 0.0
    assert plot_fit(0.5 * dobs, dead, acq, shot=1)[2].get_title().endswith("(L2 0.500)")


def test_interleaved_blocks_begin_with_the_observed(acq, dobs):
    d = -dobs
    ax = plot_interleaved(d, dobs, acq, shot=2, block=2, title="shot 2")
    signs = np.array([1, 1, -1, -1, 1, 1])
    np.testing.assert_array_equal(image_of(ax), (signs[:, None] * dobs[2]).T)
    assert [line.get_color() for line in ax.lines] == ["black", "tab:red", "black"]
    edges = [line.get_xdata().tolist() for line in ax.lines]
    assert edges == [[-12.5, 37.5], [37.5, 87.5], [87.5, 137.5]]
    assert entries(ax) == ["observed", "predicted"]
    assert (ax.get_xlim(), ax.get_title()) == ((-12.5, 137.5), "shot 2")


def test_overlay_draws_both_with_the_scale_of_the_observed(acq, dobs):
    d = 0.5 * dobs
    ax = plot_overlay(d, dobs, acq, shot=1, every=3, clip=100.0, ax=plt.subplots()[1])
    strongest = np.abs(dobs[1]).max()
    expected = [(x, data[1, i]) for data in (dobs, d) for i, x in ((0, 0.0), (3, 75.0))]
    for (x, trace), line in zip(expected, ax.lines, strict=True):
        np.testing.assert_allclose(line.get_xdata(), x + 75.0 * trace / strongest)
    assert [line.get_color() for line in ax.lines] == 2 * ["black"] + 2 * ["tab:red"]
    assert entries(ax) == ["observed", "predicted"]


@pytest.mark.parametrize("draw", [plot_gather, plot_wiggle])
def test_axis_goes_through(acq, dobs, draw):
    figure, ax = plt.subplots()
    assert draw(dobs, acq, ax=ax) is ax
    assert figure.axes == [ax]


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda d, a: plot_wiggle(d, a, shot=3), VMBValueError, "shot: must be below 3, got 3"),
        (lambda d, a: plot_wiggle(d, a, every=0), VMBValueError, "every: must be at least 1"),
        (lambda d, a: plot_wiggle(d, a, scale=0.0), VMBValueError, "scale: must be above 0"),
        (lambda d, a: plot_gather(d, a, vmax=-1.0), VMBValueError, "vmax: must be above 0"),
        (
            lambda d, a: plot_fit(d, d[:1], a),
            VMBValueError,
            r"dobs: must have shape \(ns, nr, nt\)",
        ),
        (lambda d, a: plot_fit(d, d, a, axes=[1]), VMBValueError, "axes: must be one a panel"),
        (lambda d, a: plot_interleaved(d, d, a, block=0), VMBValueError, "block: must be at least"),
        (lambda d, a: plot_interleaved(d, d, a, block=1.5), VMBTypeError, "block: must be an int"),
        (lambda d, a: plot_overlay(d[1:], d, a), VMBValueError, "d: must have shape"),
    ],
)
def test_refusals(acq, dobs, draw, error, message):
    with pytest.raises(error, match=message):
        draw(dobs, acq)
