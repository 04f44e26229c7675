"""The source wavelet is found from data, by the right model or a smooth one, also within FWI."""

import numpy as np
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.inversion import estimate_wavelet
from pylops_vmb.inversion.processes import Alone
from pylops_vmb.inversion.sources import shared_wavelet, with_source


def turned(wav, *, scale=-3.0, phase=1.0, late=20):
    """Return a wavelet scaled, turned in phase, delayed and longer than before."""
    n = 1024
    spectrum = np.fft.rfft(wav, n=n) * scale * np.exp(1j * phase)
    spectrum *= np.exp(-2j * np.pi * np.fft.rfftfreq(n) * late)
    spectrum[0] = 0.0
    fade = np.minimum(1.0, np.arange(180)[::-1] / 10.0)
    return np.fft.irfft(spectrum, n)[:180] * fade


def error(wav, want):
    longer = np.zeros(max(wav.shape[-1], len(want)))
    longer[: len(want)] = want
    return np.linalg.norm(np.pad(wav, (0, len(longer) - len(wav))) - longer) / np.linalg.norm(want)


@pytest.fixture(scope="module")
def F(grid):
    acq = vmb.Acquisition.fixed_spread(
        [50.0, 180.0], 10.0 * np.arange(24), nt=260, dt=0.001, f0=20.0
    )
    return vmb.AcousticModelling2D(grid, acq)


@pytest.fixture(scope="module")
def want(F):
    return turned(F.acq.wav)


@pytest.fixture(scope="module")
def observed(F, want, true):
    return with_source(F, want)(true.astype("float64"))


@pytest.fixture(scope="module")
def smooth(grid):
    """Return a velocity that misses the edge of the true one by up to 300 m/s."""
    return np.tile(np.linspace(2000.0, 2600.0, 16), (24, 1))


def test_data_are_linear_in_the_wavelet(F, want, true):
    vp = true.astype("float64")
    both = with_source(F, F.acq.wav - 0.5 * want[: len(F.acq.wav)])
    parts = F(vp) - 0.5 * with_source(F, want[: len(F.acq.wav)])(vp)
    np.testing.assert_allclose(both(vp), parts, atol=1e-12 * np.abs(parts).max())


def test_the_right_model_finds_the_wavelet_to_a_few_per_mille(F, want, observed, true):
    wav = estimate_wavelet(F, true, observed)
    assert wav.shape == (2 * len(F.acq.wav),)
    assert error(wav, want) < 0.008
    data = with_source(F, wav)(true.astype("float64"))
    assert np.linalg.norm(data - observed) < 0.008 * np.linalg.norm(observed)


def test_a_smooth_model_and_noise_find_it_well_enough(F, want, observed, smooth, rng):
    noise = rng.standard_normal(observed.shape)
    noisy = observed + 0.3 * observed.std() * noise
    assert error(estimate_wavelet(F, smooth, observed), want) < 0.05
    assert error(estimate_wavelet(F, smooth, noisy), want) < 0.06


def test_noise_where_the_wavelet_holds_nothing_is_not_blown_up(F, observed, true, rng):
    noise = 0.3 * observed.std() * rng.standard_normal(observed.shape)
    quiet, loud = (estimate_wavelet(F, true, d) for d in (observed, observed + noise))
    assert np.linalg.norm(loud - quiet) < 0.05 * np.linalg.norm(quiet)


def test_the_band_does_not_grow_by_edges_and_noise(F, observed, smooth, rng):
    """Twice the band would halve the storage interval of a gradient."""
    noise = 0.3 * observed.std() * rng.standard_normal(observed.shape)
    for data in (observed, observed + noise):
        assert with_source(F, estimate_wavelet(F, smooth, data)).acq.fmax < 1.6 * F.acq.fmax


def test_each_shot_has_its_own(F, want, true):
    both = np.stack([want, -0.5 * turned(F.acq.wav, phase=0.0, late=5)])
    data = with_source(F, both)(true.astype("float64"))
    wav = estimate_wavelet(F, true, data, per_shot=True, length=180)
    assert wav.shape == (2, 180)
    assert max(error(one, other) for one, other in zip(wav, both, strict=True)) < 0.01
    again = estimate_wavelet(with_source(F, both), true, data)  # one filter, two wavelets
    assert again.shape == (2, 260)
    assert error(again[1], both[1]) < 0.01


def test_every_shot_has_its_say(F, observed, true):
    parts = []
    for shot in range(2):
        alone = 1e-9 * observed  # traces of zeros would have no vote
        alone[shot] = observed[shot]
        parts.append(estimate_wavelet(F, true, alone))
    whole = estimate_wavelet(F, true, observed)
    assert min(map(np.linalg.norm, parts)) > 0.4 * np.linalg.norm(whole)
    np.testing.assert_allclose(sum(parts), whole, atol=1e-8 * np.abs(whole).max())


def test_a_dead_shot_has_no_wavelet_and_does_not_disturb_the_others(F, want, observed, true):
    half = observed.copy()
    half[1] = 0.0
    wav = estimate_wavelet(F, true, half, per_shot=True)
    assert not wav[1].any()
    assert error(wav[0], want) < 0.008
    dead = F.with_wavelet(np.stack([F.acq.wav, 0 * F.acq.wav]), F.acq.wavc)
    assert np.isfinite(estimate_wavelet(dead, true, observed, per_shot=True)).all()


def test_kinds_layouts_and_flat_arrays_give_the_same(F, observed, true):
    wav = estimate_wavelet(F, true, observed)
    for data, vp in (
        (torch.from_numpy(observed), torch.from_numpy(true)),
        (observed.ravel(), true.ravel()),
        (observed.astype(">f8"), np.asfortranarray(true)),
    ):
        np.testing.assert_array_equal(estimate_wavelet(F, vp, data), wav)
    single = estimate_wavelet(F, true, observed.astype("float32"))
    assert error(single, wav) < 1e-4


class Second(Alone):
    """The member that holds the second of two shots, and adds what the first one found."""

    def __init__(self, first):
        self._first = first

    def shots(self, ns):
        return slice(1, ns)

    def sum(self, parts):
        return [mine + theirs for mine, theirs in zip(parts(), self._first, strict=True)]


def test_shares_of_a_team_add_up(F, observed, true):
    class First(Alone):
        def shots(self, ns):
            return slice(0, ns - 1)

        def sum(self, parts):
            self.share = parts()
            return self.share

    first, x, d = First(), torch.from_numpy(true).double(), torch.from_numpy(observed)
    shared_wavelet(F, x, d[:1], team=first)
    wav = shared_wavelet(F, x, d[1:], team=Second(first.share))
    np.testing.assert_allclose(wav, estimate_wavelet(F, true, observed), rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "error_class", "message"),
    [
        ({"length": 0}, VMBValueError, "length: must be at least 1"),
        ({"length": 261}, VMBValueError, "length: must not exceed the record of 260 samples"),
        ({"damp": -1.0}, VMBValueError, "damp: must be at least 0"),
        ({"dobs": np.zeros((1, 24, 260))}, VMBValueError, "dobs: must have shape"),
        ({"dobs": np.full((2, 24, 260), np.nan)}, VMBValueError, "dobs: must be finite"),
        ({"vp": np.full((24, 16), np.nan)}, VMBValueError, "vp: must be finite"),
        ({"vp": np.full((16, 24), 2e3)}, VMBValueError, "vp: .*swapped"),
    ],
)
def test_what_cannot_be_used_is_refused(F, observed, true, changes, error_class, message):
    arguments = {"vp": true, "dobs": observed} | changes
    with pytest.raises(error_class, match=message):
        estimate_wavelet(F, arguments.pop("vp"), arguments.pop("dobs"), **arguments)


def test_an_operator_without_a_source_is_refused(paper):
    with pytest.raises(VMBTypeError, match=r"F: must have a source wavelet .* got Saturating"):
        vmb.fwi(paper, np.ones(paper.dimsd), np.full(paper.dims, 2e3), estimate_source=True)


FWI = {"niter": 4, "bands": (20.0, None)}


def test_fwi_with_a_wrong_wavelet_needs_the_estimate(F, observed, true, smooth):
    data = observed.astype("float32")
    blind, seeing = (vmb.fwi(F, data, smooth, **FWI, estimate_source=e) for e in (False, True))
    start, wrong, right = (np.abs(vp - true).mean() for vp in (smooth, blind.vp, seeing.vp))
    assert wrong > 1.2 * start
    assert right < 0.9 * start
    assert seeing.cost[-1] < 0.05 < blind.cost[-1]


@pytest.mark.parametrize("after", [2, 4, 5])
def test_the_wavelet_of_a_band_survives_a_stop_in_its_middle(
    tmp_path, F, observed, smooth, after, raising
):
    settings = {"niter": 4, "bands": (20.0, None), "estimate_source": True}
    data = observed.astype("float32")
    whole = vmb.fwi(F, data, smooth, **settings)
    path = tmp_path / "run.safetensors"
    vmb.fwi(
        F, data, smooth, callbacks=[raising(after, KeyboardInterrupt)], checkpoint=path, **settings
    )
    rest = vmb.fwi(F, data, smooth, checkpoint=path, **settings)
    np.testing.assert_array_equal(rest.vp, whole.vp)
    assert rest.cost.tolist() == whole.cost.tolist()
