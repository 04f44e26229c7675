"""Bands come from the spectrum, and the low-pass is the symmetric filter of its formula."""

import math

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion import suggest_bands
from pylops_vmb.inversion.bands import LowPass, check_bands
from pylops_vmb.survey import ricker

DT = 0.002


@pytest.fixture
def gather():
    """Return three delayed Ricker wavelets of 12 Hz, 1 s long."""
    wav, _ = ricker(12.0, DT)
    traces = np.zeros((3, 500))
    for trace, start in zip(traces, (20, 150, 260), strict=True):
        trace[start : start + len(wav)] = wav
    return torch.from_numpy(traces)


def highpass(traces, corner):
    freqs = np.fft.rfftfreq(traces.shape[-1], DT)
    response = 1.0 - 1.0 / (1.0 + (freqs / corner) ** 16)
    return torch.from_numpy(np.fft.irfft(np.fft.rfft(traces) * response, n=traces.shape[-1]))


def test_the_response_is_that_of_the_formula_and_has_no_phase():
    nt, centre, corner = 600, 300, 10.0
    spike = torch.zeros(nt, dtype=torch.float64)
    spike[centre] = 1.0
    out = LowPass(corner, nt, DT)(spike)
    torch.testing.assert_close(out[1:centre], out[centre + 1 :].flip(0), atol=1e-12, rtol=0)
    freqs = np.fft.rfftfreq(nt, DT)
    spectrum = np.fft.rfft(np.roll(out.numpy(), -centre))
    np.testing.assert_allclose(spectrum, 1.0 / (1.0 + (freqs / corner) ** 8), atol=2e-4)


def test_less_than_a_thousandth_remains_above_fmax():
    lowpass = LowPass(8.0, 2000, DT)
    t = DT * torch.arange(2000, dtype=torch.float64)
    tone = torch.sin(2 * torch.pi * 1.01 * lowpass.fmax * t)
    assert float(lowpass(tone)[500:1500].abs().max()) < 1e-3
    below = torch.sin(2 * torch.pi * 0.9 * lowpass.fmax * t)
    assert float(lowpass(below)[500:1500].abs().max()) > 1e-3


def test_the_filter_is_its_own_adjoint(rng):
    lowpass = LowPass(10.0, 70, DT)
    x, y = (torch.from_numpy(rng.standard_normal((2, 70))) for _ in range(2))
    x.requires_grad_()
    (adjoint,) = torch.autograd.grad(lowpass(x), x, y)
    torch.testing.assert_close(adjoint, lowpass(y))
    x = x.detach()
    assert float((lowpass(x) * y).sum()) == pytest.approx(float((x * lowpass(y)).sum()), rel=1e-12)


def test_an_infinite_corner_changes_nothing(rng):
    d = torch.from_numpy(rng.standard_normal((2, 30)))
    assert LowPass(math.inf, 30, DT)(d) is d


@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, lambda d: d.astype("float32")])
def test_data_of_any_kind_give_the_same_bands(gather, kind):
    found = suggest_bands(kind(gather.numpy()), DT)
    np.testing.assert_allclose(found, suggest_bands(gather, DT), rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d": np.full((2, 50), np.nan)}, "d: must be finite, got 100 NaN"),
        ({"d": 1.0}, r"d: must have an axis of time, .* got shape \(\)"),
        ({"dt": 0.0}, "dt: must be above 0"),
        ({"count": -1}, "count: must be at least 0"),
    ],
)
def test_data_without_a_spectrum_are_refused(gather, change, message):
    arguments = {"d": gather, "dt": DT} | change
    with pytest.raises(VMBValueError, match=message):
        suggest_bands(arguments.pop("d"), arguments.pop("dt"), **arguments)


def test_bands_rise_from_the_lowest_frequency_of_the_data_to_the_full_band(gather):
    bands = suggest_bands(gather, DT)
    assert len(bands) == 4
    assert bands[-1] == math.inf
    assert list(bands) == sorted(set(bands))
    assert 2.0 < bands[0] < 6.0  # where this wavelet begins
    assert 8.0 < bands[-2] < 12.0  # below its peak


def test_bands_move_up_when_the_low_frequencies_are_missing(gather):
    full, cut = suggest_bands(gather, DT), suggest_bands(highpass(gather, 6.0), DT)
    assert cut[0] > max(5.0, 1.2 * full[0])
    assert cut[1] > full[1]


def test_a_narrow_band_is_inverted_at_once(gather):
    assert suggest_bands(highpass(gather, 14.0), DT) == (math.inf,)


def test_the_number_of_corners_can_be_chosen(gather):
    assert len(suggest_bands(gather, DT, count=1)) == 2


def test_none_and_everything_above_nyquist_is_the_full_band():
    assert check_bands((4, None), DT) == (4.0, math.inf)
    assert check_bands((4.0, 250.0, math.inf), DT) == (4.0, math.inf, math.inf)


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ((8.0, 4.0), "from low to high"),
        ((None, 4.0), "from low to high"),
        ((), "from low to high"),
        ((0.0, 4.0), "bands: must be above 0"),
        ((-math.inf, 4.0), "bands: must be above 0"),
        ((math.nan,), "bands: must be above 0"),
    ],
)
def test_bands_that_cannot_be_run_are_refused(bands, message):
    with pytest.raises(VMBValueError, match=message):
        check_bands(bands, DT)
