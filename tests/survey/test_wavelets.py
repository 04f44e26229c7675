"""Causal wavelets against PyLops' zero-phase ones, and the band that holds a signal."""

import numpy as np
import pytest
from pylops.utils.wavelets import ricker as zero_phase_ricker
from scipy.optimize import brentq

from pylops_vmb.errors import VMBValueError
from pylops_vmb.survey import band, ricker

EDGES = ((0.01, 1.0), (1.0, 5.0))


@pytest.mark.parametrize(("f0", "dt"), [(15.0, 1e-3), (20.0, 4e-3), (7.3, 2e-3), (25.0, 0.7e-3)])
def test_ricker_is_that_of_pylops_delayed_by_its_centre(f0, dt):
    wav, wavc = ricker(f0, dt)
    half = 2 * wavc
    theirs, _, centre = zero_phase_ricker(np.arange(half + 1) * dt, f0=f0)
    np.testing.assert_allclose(wav, theirs[centre - wavc : centre + wavc + 1], atol=1e-14)
    assert wav.argmax() == wavc
    assert wav[wavc] == 1.0
    np.testing.assert_allclose(wav, wav[::-1], atol=1e-14)


def test_ricker_begins_and_ends_near_zero():
    wav, wavc = ricker(15.0, 1e-3)
    assert abs(wav[[0, -1]]).max() < 2e-4
    assert wavc * 1e-3 == pytest.approx(1.1 / 15.0, abs=1e-3)


def test_halfwidth_sets_the_delay():
    wav, wavc = ricker(15.0, 1e-3, halfwidth=0.1)
    assert (len(wav), wavc) == (201, 100)


@pytest.mark.parametrize("f0", [8.0, 15.0, 30.0])
def test_band_of_a_ricker_is_where_its_spectrum_says(f0):
    wav, _ = ricker(f0, 1e-3)
    resolution = 1.0 / (4 * len(wav) * 1e-3)
    low, high = (f0 * brentq(lambda x: x**2 * np.exp(1 - x**2) - 0.1, *at) for at in EDGES)
    found = band(wav, 1e-3, level=0.1)
    assert found == pytest.approx((low, f0, high), abs=resolution)


def test_band_is_that_of_the_mean_of_all_traces():
    t = 1e-3 * np.arange(1000)
    low, high = np.sin(2 * np.pi * 10 * t), np.sin(2 * np.pi * 40 * t)
    window = np.hanning(1000)
    fmin, _, fmax = band(np.stack([low, high])[None] * window, 1e-3, level=0.5)
    assert fmin == pytest.approx(10.0, abs=1.0)
    assert fmax == pytest.approx(40.0, abs=1.0)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (r"f0: must be above 0\.0 Hz, got -15", lambda: ricker(-15.0, 1e-3)),
        (r"dt: must be above 0\.0 s, got 0", lambda: ricker(15.0, 0.0)),
        (
            r"f0: must stay below 0\.25 Hz.*dt = 1 s, got 15 Hz\. .*dt in seconds",
            lambda: ricker(15.0, 1.0),
        ),
        (r"halfwidth: must be above 0", lambda: ricker(15.0, 1e-3, halfwidth=-1.0)),
        (r"traces: hold no signal, got zeros only", lambda: band(np.zeros((2, 9)), 1e-3)),
    ],
)
def test_refusals(message, call):
    with pytest.raises(VMBValueError, match=message):
        call()
