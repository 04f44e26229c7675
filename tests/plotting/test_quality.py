"""Spectra, geometry and misfits: numbers that are known beforehand."""

import numpy as np
import pytest

from pylops_vmb.errors import VMBValueError
from pylops_vmb.plotting import (
    plot_fold,
    plot_geometry,
    plot_misfit_by_offset,
    plot_misfit_by_shot,
    plot_spectra,
    plot_spread,
)
from pylops_vmb.survey import Acquisition, Grid, band

plt = pytest.importorskip("matplotlib.pyplot", reason="needs matplotlib")


def entries(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture
def tones(acq) -> np.ndarray:
    """Return data with a Ricker wavelet of 20 Hz in each trace, and shot 2 twice as strong."""
    d = np.zeros(acq.dimsd)
    d[..., : acq.wav.size] = acq.wav
    d[2] *= 2.0
    return d


def test_spectrum_of_a_wavelet_is_that_of_the_wavelet(acq, tones):
    ax = plot_spectra(tones, acq)
    freqs, mean = ax.lines[-1].get_data()
    assert freqs[-1] == pytest.approx(125.0)  # Nyquist
    assert (freqs[np.argmax(mean)], mean.max()) == (pytest.approx(20.0, abs=0.5), 1.0)
    np.testing.assert_allclose(mean, mean_of(acq), atol=1e-12)
    (thin,) = ax.collections
    peaks = [curve[:, 1].max() for curve in thin.get_segments()]
    assert peaks == pytest.approx([0.75, 0.75, 1.5])
    assert ax.get_xlabel() == "frequency (Hz)"
    assert ax.get_ylabel() == "amplitude (1 is the peak of the mean)"
    assert ax.get_ylim() == (0.0, pytest.approx(1.575))


def mean_of(acq):
    spectrum = np.abs(np.fft.rfft(acq.wav, 4 * acq.nt))
    return spectrum / spectrum.max()


def test_band_is_marked_where_survey_band_finds_it(acq, tones):
    ax = plot_spectra(tones, acq, level=0.5, db=True, shots=False)
    low, _, high = band(tones, acq.dt, level=0.5)
    (marked,) = ax.patches
    assert (marked.get_x(), marked.get_x() + marked.get_width()) == pytest.approx((low, high))
    assert entries(ax) == [f"mean, {low:.3g} to {high:.3g} Hz at -6.02 dB"]
    assert not ax.collections


def test_decibels(acq, tones):
    ax = plot_spectra(tones, acq, db=True)
    mean = ax.lines[-1].get_ydata()
    np.testing.assert_allclose(mean, 20.0 * np.log10(mean_of(acq)), atol=1e-6)
    assert ax.get_ylim() == (-60.0, pytest.approx(20.0 * np.log10(1.5) + 3.0))
    assert ax.get_ylabel() == "amplitude (dB, 0 is the peak of the mean)"


def test_two_spectra_share_an_axis_that_holds_both(acq, tones, rng):
    ax = plot_spectra(tones, acq, label="before")
    narrow = ax.get_xlim()[1]
    assert plot_spectra(rng.normal(size=acq.dimsd), acq, ax=ax, label="after") is ax
    assert narrow < 100.0 < ax.get_xlim()[1]
    plot_spectra(tones, acq, ax=ax, label="again")
    assert ax.get_xlim()[1] > 100.0
    assert [entry.split(",")[0] for entry in entries(ax)] == ["before", "after", "again"]
    assert len({line.get_color() for line in ax.lines}) == 3


def test_map_shows_each_place_once_depth_downwards(acq):
    grid = Grid((14, 5), 10.0)
    ax = plot_geometry(acq, grid=grid, title="line 1")
    recs, srcs = ax.lines
    assert recs.get_xdata().tolist() == acq.recs[0].tolist()
    assert srcs.get_xydata().tolist() == [[0.0, 5.0], [50.0, 5.0], [125.0, 5.0]]
    (outline,) = ax.patches
    assert outline.get_bbox().bounds == (-5.0, -5.0, 140.0, 50.0)
    assert entries(ax) == ["6 receivers", "3 sources", "grid"]
    bottom, top = ax.get_ylim()
    assert bottom > 45.0
    assert top < -5.0
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("x (m)", "z (m)", "line 1")


def test_map_of_a_survey_at_one_depth_has_a_depth_axis():
    acq = Acquisition.fixed_spread([0.0], [0.0, 10.0], nt=60, dt=0.004, f0=30.0)
    bottom, top = plot_geometry(acq).get_ylim()
    assert bottom >= 10.0
    assert top <= -10.0
    assert entries(plot_geometry(acq)) == ["2 receivers", "1 source"]


def test_spread_has_one_line_a_shot():
    acq = Acquisition.streamer([100.0, 150.0], [-20.0, -40.0], nt=60, dt=0.004, f0=30.0)
    ax = plot_spread(acq)
    recs, middle, srcs = ax.lines
    assert recs.get_xydata().tolist() == [[80.0, 0], [60.0, 0], [130.0, 1], [110.0, 1]]
    assert middle.get_xdata().tolist() == [90.0, 80.0, 140.0, 130.0]
    assert srcs.get_xydata().tolist() == [[100.0, 0], [150.0, 1]]
    assert ax.get_ylim() == (1.6, -0.6)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (m)", "shot (number)")


def test_fold_counts_every_trace_once():
    acq = Acquisition.streamer([0.0, 20.0, 40.0], [20.0, 40.0], nt=60, dt=0.004, f0=30.0)
    ax = plot_fold(acq)
    fold = {round(bar.get_x() + bar.get_width() / 2, 6): bar.get_height() for bar in ax.patches}
    assert fold == {10.0: 1, 20.0: 1, 30.0: 1, 40.0: 1, 50.0: 1, 60.0: 1}
    assert ax.get_ylabel() == "fold (traces in 10 m)"
    wide = plot_fold(acq, width=20.0, ax=plt.subplots()[1])
    assert [bar.get_height() for bar in wide.patches] == [1, 2, 2, 1]
    assert wide.get_xlabel() == "midpoint x (m)"


def test_misfit_by_shot(acq, dobs):
    d = dobs * np.array([1.0, 0.5, 0.0])[:, None, None]
    ax = plot_misfit_by_shot(d, dobs, acq, label="start")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.0, 0.5, 1.0])
    overall = np.linalg.norm(d - dobs) / np.linalg.norm(dobs)
    assert ax.lines[1].get_ydata()[0] == pytest.approx(overall)
    assert entries(ax) == ["start, each shot", f"start, all shots: {overall:.3g}"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("shot (number)", "misfit (relative L2)")
    assert ax.get_ylim() == (pytest.approx(-0.022), pytest.approx(1.1))


def test_misfit_of_several_models_on_one_axis_and_silent_shots(acq, dobs):
    dobs[1] = 0.0
    d = np.ones(acq.dimsd)
    ax = plot_misfit_by_shot(2.0 * dobs, dobs, acq)
    plot_misfit_by_shot(d * 0.0, dobs, acq, ax=ax, label="nothing")
    assert ax.lines[0].get_ydata()[0] == pytest.approx(1.0)
    assert np.isnan(ax.lines[0].get_ydata()[1])
    assert ax.lines[2].get_xydata().tolist() == [[1.0, 0.0]]
    assert entries(ax).count("nothing observed") == 1
    # what is predicted where nothing was observed is not in the sum
    d[0], d[2] = dobs[0], dobs[2]
    assert plot_misfit_by_shot(d, dobs, acq).lines[1].get_ydata()[0] == 0.0


def test_misfit_by_offset(acq, dobs):
    far = np.abs(acq.offsets) > 60.0
    d = np.where(far[..., None], 0.25 * dobs, dobs)
    ax = plot_misfit_by_offset(d, dobs, acq, width=25.0, label="start")
    assert ax.lines[0].get_xdata().tolist() == [12.5, 37.5, 62.5, 87.5, 112.5]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.0, 0.0, 0.0, 0.75, 0.75], atol=1e-12)
    assert ax.get_xlabel() == "offset without sign (m, bins of 25 m)"
    assert entries(ax) == ["start"]
    assert len(plot_misfit_by_offset(d, dobs, acq).lines[0].get_xdata()) == 15


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda d, a: plot_spectra(0.0 * d, a), "traces: hold no signal, got zeros only"),
        (lambda d, a: plot_spectra(d, a, level=1.5), "level: must be at most 1"),
        (lambda _, a: plot_fold(a, width=0.0), "width: must be above 0.0 m"),
        (lambda d, a: plot_misfit_by_offset(d, d, a, width=-1.0), "width: must be above 0.0 m"),
        (lambda d, a: plot_misfit_by_shot(d, d[1:], a), "dobs: must have shape"),
    ],
)
def test_refusals(acq, dobs, draw, message):
    with pytest.raises(VMBValueError, match=message):
        draw(dobs, acq)
