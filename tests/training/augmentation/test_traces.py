"""What happens to traces: ratios, shares, factors and shifts are the ones that were asked for."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.training.augmentation import AmplitudeScaling, DeadTraces, Noise, TimeShift

DT = 5e-3
VP = torch.full((1, 6, 7), 2000.0)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pulses(f0: float = 15.0, at: float | torch.Tensor = 0.5) -> torch.Tensor:
    """Return Ricker pulses ``(3, 200, 7)``, float64, at times that broadcast to this."""
    t = DT * torch.arange(200, dtype=torch.float64).view(1, 200, 1)
    phase = (torch.pi * f0 * (t - at)) ** 2
    return ((1.0 - 2.0 * phase) * torch.exp(-phase)).expand(3, 200, 7)


def ratio_db(d: torch.Tensor, noisy: torch.Tensor) -> float:
    return float(10.0 * torch.log10(d.square().sum() / (noisy - d).square().sum()))


class TestNoise:
    @pytest.mark.parametrize("band", [None, (5.0, 20.0)])
    def test_ratio_is_exact(self, band):
        noisy, vp = Noise(12.5, band=band, dt=DT)(pulses(), VP, chance())
        assert ratio_db(pulses(), noisy) == pytest.approx(12.5, abs=1e-9)
        assert torch.equal(vp, VP)

    def test_ratios_fill_their_range(self):
        noise = Noise((5.0, 15.0))
        ratios = [ratio_db(pulses(), noise(pulses(), VP, chance(i))[0]) for i in range(40)]
        assert 5.0 <= min(ratios) < 7.0
        assert 13.0 < max(ratios) <= 15.0

    def test_band(self):
        noisy, _ = Noise(0.0, band=(10.0, 20.0), dt=DT)(pulses(), VP, chance())
        power = torch.fft.rfft(noisy - pulses(), dim=1).abs().square().sum((0, 2))
        freqs = torch.fft.rfftfreq(200, DT)
        assert power[(freqs > 9.0) & (freqs < 21.0)].sum() > 0.97 * power.sum()
        assert power[(freqs > 14.0) & (freqs < 16.0)].sum() > 0.1 * power.sum()

    def test_every_trace_has_noise_of_its_own(self):
        noisy, _ = Noise(10.0)(pulses(), VP, chance())
        traces = (noisy - pulses()).transpose(1, 2).reshape(21, 200)
        others = torch.corrcoef(traces) - torch.eye(21, dtype=torch.float64)
        assert others.abs().max() < 0.4

    def test_nothing_stays_nothing(self):
        assert not Noise(10.0)(torch.zeros(3, 20, 7), VP, chance())[0].any()

    def test_refusals(self):
        with pytest.raises(VMBValueError, match="dt: is needed for noise in a band"):
            Noise(10.0, band=(5.0, 10.0))
        with pytest.raises(VMBValueError, match="band: must be at most 100"):
            Noise(10.0, band=(5.0, 200.0), dt=DT)


class TestDeadTraces:
    @pytest.mark.parametrize(("per", "traces"), [("trace", 6), ("receiver", 6), ("shot", 7)])
    def test_share_is_exact(self, per, traces):
        d, _ = DeadTraces(0.3, per=per)(torch.ones(3, 20, 7), VP, chance())
        dead = (d == 0.0).all(dim=1)
        assert int(dead.sum()) == traces
        assert int((d == 1.0).all(dim=1).sum()) == 21 - traces
        assert per != "receiver" or torch.equal(dead, dead[:1].expand(3, 7))
        assert per != "shot" or torch.equal(dead, dead[:, :1].expand(3, 7))

    def test_others_die_with_another_seed(self):
        dead = [DeadTraces(0.3)(torch.ones(3, 20, 7), VP, chance(i))[0] for i in range(2)]
        assert not torch.equal(*dead)

    def test_noise_is_as_loud_as_the_survey(self):
        d, _ = DeadTraces(1.0, kind="noise")(pulses(), VP, chance())
        assert float(d.norm() / pulses().norm()) == pytest.approx(1.0, abs=0.1)
        assert abs(float((d * pulses()).sum() / (d.norm() * pulses().norm()))) < 0.1

    def test_refusals(self):
        with pytest.raises(VMBValueError, match="share: must be at most 1"):
            DeadTraces(20.0)
        with pytest.raises(VMBValueError, match="per: is not a known choice"):
            DeadTraces(0.1, per="column")


class TestAmplitudeScaling:
    @pytest.mark.parametrize(
        ("per", "factors"), [("survey", 1), ("shot", 3), ("receiver", 7), ("trace", 21)]
    )
    def test_factors(self, per, factors):
        d, _ = AmplitudeScaling(6.0, per=per)(torch.ones(3, 5, 7).double(), VP, chance())
        found = d.unique()
        assert found.numel() == factors
        assert (20.0 * torch.log10(found)).abs().max() <= 6.0
        assert torch.equal(d, d[:, :1].expand(3, 5, 7))

    def test_polarity(self):
        d, _ = AmplitudeScaling(0.0, reversed=0.25)(torch.ones(40, 1, 50), VP, chance())
        assert set(d.unique().tolist()) == {-1.0, 1.0}
        assert float((d < 0).float().mean()) == pytest.approx(0.25, abs=0.03)


class TestTimeShift:
    @pytest.mark.parametrize("f0", [15.0, 25.0])
    def test_fractional_and_band_limited(self, f0):
        shift = TimeShift(0.02, dt=DT, per="trace")
        d, _ = shift(pulses(f0), VP, chance())
        power, t = d.square(), DT * torch.arange(200, dtype=torch.float64).view(1, 200, 1)
        centre = (power * t).sum(1, keepdim=True) / power.sum(1, keepdim=True)
        delays = centre - 0.5
        assert 0.015 < delays.abs().max() <= 0.02
        assert delays.min() < 0.0 < delays.max()
        assert float((d - pulses(f0, centre)).norm() / d.norm()) < 1e-4

    @pytest.mark.parametrize(
        ("per", "count"), [("survey", 1), ("shot", 3), ("receiver", 7), ("trace", 21)]
    )
    def test_what_has_a_shift_of_its_own(self, per, count):
        d, _ = TimeShift(0.02, dt=DT, per=per)(pulses(), VP, chance())
        traces = d.transpose(1, 2).reshape(21, 200)
        assert np.unique(traces.numpy().round(9), axis=0).shape[0] == count

    def test_nothing_comes_round_from_the_end(self):
        d = torch.zeros(1, 60, 1, dtype=torch.float64)
        d[:, 50:] = 1.0
        shifts = [TimeShift(0.1, dt=DT)(d, VP, chance(i))[0] for i in range(20)]
        assert max(float(shifted[:, :10].abs().max()) for shifted in shifts) < 1e-6

    def test_refusals(self):
        with pytest.raises(VMBValueError, match="max_shift: must be at least 0"):
            TimeShift(-0.01, dt=DT)
