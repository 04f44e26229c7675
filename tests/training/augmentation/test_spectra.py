"""What happens to spectra: another wavelet as re-simulated, phases, and frequencies removed."""

import numpy as np
import pytest
import torch
from scipy.signal import hilbert

from pylops_vmb.errors import VMBValueError
from pylops_vmb.survey import LowCut
from pylops_vmb.training.augmentation import FrequencyRemoval, RandomLowCut, WaveletChange

DT = 5e-3
VP = torch.full((1, 6, 7), 2000.0)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pulses(nt: int = 80) -> torch.Tensor:
    """Return symmetric pulses ``(3, nt, 49)`` of 3 to 50 Hz in the middle of the record."""
    t = DT * (torch.arange(nt, dtype=torch.float64) - nt // 2)
    phase = (torch.pi * 15.0 * t) ** 2
    return ((1.0 - 2.0 * phase) * torch.exp(-phase)).view(1, nt, 1).expand(3, nt, 49)


class TestWaveletChange:
    @pytest.mark.parametrize(("f0", "most"), [(12.0, 3e-3), (18.0, 1e-2)])
    def test_is_what_the_other_wavelet_gives(self, line, recorded, vp, preprocessing, f0, most):
        change = WaveletChange(line.survey(), f0=f0, preprocessing=preprocessing)
        given = preprocessing.decimate(recorded)
        d, same = change(given, vp, chance())
        assert torch.equal(same, vp)
        later = line.gathers(line.survey(f0=f0, delay=0.12, nt=440), vp)
        wanted = preprocessing.decimate(later[..., 40:])
        assert line.misfit(d[:, :-13], wanted[:, :-13]) < most
        assert line.misfit(given, wanted) > 0.3

    def test_wavelet_of_every_shot(self, line, recorded, vp, preprocessing):
        acq = line.survey()
        strength = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
        uneven = acq.with_wavelet(np.outer(strength.numpy(), acq.wav), acq.wavc)
        settings = {"f0": 14.0, "preprocessing": preprocessing}
        d = preprocessing.decimate(recorded)
        even, _ = WaveletChange(acq, **settings)(d, vp, chance())
        mended, _ = WaveletChange(uneven, **settings)(d * strength[:, None, None], vp, chance())
        torch.testing.assert_close(mended, even)

    @pytest.mark.parametrize("angle", [90.0, -40.0])
    def test_phase(self, line, preprocessing, angle):
        change = WaveletChange(line.survey(), phase=angle, preprocessing=preprocessing)
        d, _ = change(pulses(), VP, chance())
        turned = np.exp(1j * np.deg2rad(angle)) * hilbert(pulses().numpy(), axis=1)
        assert np.linalg.norm(d.numpy() - turned.real) < 5e-3 * np.linalg.norm(turned.real)

    def test_refusals(self, line, preprocessing):
        with pytest.raises(VMBValueError, match="must ask for a change"):
            WaveletChange(line.survey())
        with pytest.raises(VMBValueError, match="f0: must be at most 100"):
            WaveletChange(line.survey(), f0=150.0, preprocessing=preprocessing)


class TestFrequencyRemoval:
    def gains(self, removal: FrequencyRemoval) -> tuple[torch.Tensor, torch.Tensor]:
        d, _ = removal(pulses(400), VP, chance())
        spectra = [torch.fft.rfft(traces[0, :, 0]).abs() for traces in (d, pulses(400))]
        return torch.fft.rfftfreq(400, DT), spectra[0] / spectra[1]

    def test_low_cut(self):
        freqs, gain = self.gains(FrequencyRemoval(8.0, dt=DT))
        assert gain[(freqs > 1.0) & (freqs < 6.4)].max() < 0.02
        assert gain[freqs == 8.0].item() == pytest.approx(0.5, abs=0.02)
        assert (gain[(freqs > 9.6) & (freqs < 40.0)] - 1.0).abs().max() < 0.02

    def test_high_cut(self):
        freqs, gain = self.gains(FrequencyRemoval(above=20.0, dt=DT))
        assert (gain[(freqs > 1.0) & (freqs < 16.0)] - 1.0).abs().max() < 0.02
        assert gain[(freqs > 24.0) & (freqs < 40.0)].max() < 0.02

    def test_zero_phase(self):
        d, _ = FrequencyRemoval(8.0, above=30.0, dt=DT)(pulses(401), VP, chance())
        torch.testing.assert_close(d, d.flip(1), rtol=0.0, atol=1e-9)

    def test_corners_fill_their_range(self):
        removal = FrequencyRemoval((4.0, 12.0), dt=DT)
        left = torch.stack([removal(pulses(), VP, chance(i))[0].norm() for i in range(20)])
        edges = [FrequencyRemoval(f, dt=DT)(pulses(), VP, chance())[0].norm() for f in (12.0, 4.0)]
        assert edges[0] < left.min() < left.max() < edges[1]

    def test_refusals(self):
        with pytest.raises(VMBValueError, match="below, above: must ask for a change"):
            FrequencyRemoval(dt=DT)
        with pytest.raises(VMBValueError, match="below: must be at most 100"):
            FrequencyRemoval(200.0, dt=DT)


class TestRandomLowCut:
    def test_filters_along_time(self):
        d, same = RandomLowCut(8.0, dt=DT)(pulses(), VP, chance())
        assert same is VP
        want = LowCut(8.0)(pulses()[0, :, 0], DT)
        torch.testing.assert_close(d[2, :, 5], want)

    def test_draws_its_corner(self):
        cut = RandomLowCut((4.0, 12.0), dt=DT)
        drawn = [cut(pulses(), VP, chance(seed))[0].norm() for seed in range(8)]
        edges = [RandomLowCut(f, dt=DT)(pulses(), VP, chance())[0].norm() for f in (12.0, 4.0)]
        assert edges[0] < min(drawn) < max(drawn) < edges[1]
        assert len(set(map(float, drawn))) == 8

    def test_refusals(self):
        with pytest.raises(VMBValueError, match="corner: must be at most 90"):
            RandomLowCut(95.0, dt=DT)
        with pytest.raises(VMBValueError, match="dt: must be above 0"):
            RandomLowCut(5.0, dt=0.0)
