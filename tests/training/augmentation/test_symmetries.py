"""Exact symmetries against the simulator: the mirror, and velocity against time."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.augmentation import Mirror, TimeVelocityScaling


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class TestMirror:
    def test_is_what_the_mirrored_model_gives(self, line, recorded, vp, preprocessing):
        mirror = Mirror(line.survey(), line.grid, p=1.0)
        d, mirrored = mirror(preprocessing.decimate(recorded), vp, chance())
        assert torch.equal(mirrored, vp.flip(2))
        wanted = preprocessing.decimate(line.gathers(line.survey(), mirrored))
        assert line.misfit(d, wanted) < 1e-6
        assert line.misfit(preprocessing.decimate(recorded), wanted) > 0.03

    def test_moving_spread(self, line):
        offsets = np.array([-30.0, -10.0, 10.0, 30.0])
        streamer = {"nt": 150, "dt": 1e-3, "f0": 20.0}
        split = Acquisition.streamer([100.0, 240.0, 380.0], offsets, **streamer)
        Mirror(split, line.grid)
        ahead = Acquisition.streamer([100.0, 240.0, 380.0], offsets + 10.0, **streamer)
        with pytest.raises(VMBValueError, match="receiver 0 must be the mirror image of receiver"):
            Mirror(ahead, line.grid)

    def test_refuses_the_centre_shot_of_openfwi(self):
        acq, grid = Acquisition.openfwi(), Grid.openfwi()
        with pytest.raises(VMBValueError, match=r"shot 2 .* x = 345 m: x = 350 m.*tolerance=10"):
            Mirror(acq, grid)
        assert Mirror(acq, grid, tolerance=10.0).tolerance == 10.0
        Mirror(acq.select([0, 1, 3, 4]), grid)

    def test_refuses_other_depths_and_wavelets(self, line):
        acq = line.survey()
        deeper = acq.srcs + np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 10.0]])
        with pytest.raises(VMBValueError, match="z = 30 m"):
            Mirror(acq._replace(srcs=deeper), line.grid)
        with pytest.raises(VMBValueError, match="same wavelet"):
            Mirror(acq.with_wavelet(np.outer([1.0, 1.0, 2.0], acq.wav)), line.grid)

    def test_refuses_a_sample_of_another_survey(self, line, vp):
        mirror = Mirror(line.survey(), line.grid, p=1.0)
        with pytest.raises(VMBValueError, match=r"\(3, 80, 49\), got \(2, 80, 49\)"):
            mirror(torch.zeros(2, 80, 49), vp, chance())
        with pytest.raises(VMBValueError, match=r"\(1, nz, nx\) = \(1, 36, 49\)"):
            mirror(torch.zeros(3, 80, 49), vp[:, :, 1:], chance())


class TestTimeVelocityScaling:
    def scaled(self, line, recorded, vp, preprocessing, factor, **settings):
        settings |= {"range": (factor, factor), "preprocessing": preprocessing}
        scaling = TimeVelocityScaling(line.survey(), **settings)
        return scaling(preprocessing.decimate(recorded), vp, chance())

    @pytest.mark.parametrize("factor", [0.9, 1.1])
    def test_is_what_the_scaled_wavelet_gives(self, line, recorded, vp, preprocessing, factor):
        d, faster = self.scaled(line, recorded, vp, preprocessing, factor)
        torch.testing.assert_close(faster, factor * vp)
        acq = line.survey(f0=15.0 * factor, delay=0.08 / factor)
        wanted = preprocessing.decimate(line.gathers(acq, faster, max_vel=3500.0 * factor))
        known = int(80 / max(factor, 1.0))
        assert line.misfit(d[:, :known], wanted[:, :known]) < 1e-3

    def test_times_that_were_not_recorded_are_zero(self, line, recorded, vp, preprocessing):
        d, _ = self.scaled(line, recorded, vp, preprocessing, 1.1)
        assert not d[:, 72:].any()
        assert d[:, 71].abs().max() > 1e-3 * d.abs().max()

    @pytest.mark.parametrize("factor", [0.9, 1.1])
    def test_wavelet_kept(self, line, recorded, vp, preprocessing, factor):
        d, faster = self.scaled(line, recorded, vp, preprocessing, factor, wavelet="kept")
        wanted = line.gathers(line.survey(), faster, max_vel=3500.0 * factor)
        known = int(80 / max(factor, 1.0)) - 13  # one period before the end
        wanted = preprocessing.decimate(wanted)
        assert line.misfit(d[:, :known], wanted[:, :known]) < 5e-3

    def test_models_stay_in_their_range(self, line):
        scaling = TimeVelocityScaling(line.survey(), vp_range=(1500.0, 3000.0))
        vp = torch.tensor([1550.0, 2900.0]).view(1, 2, 1)
        models = [scaling(torch.zeros(3, 400, 49), vp, chance(i))[1] for i in range(50)]
        factors = torch.stack(models)[:, 0, 0, 0] / 1550.0
        assert factors.min() < 0.975
        assert factors.min() >= 1500.0 / 1550.0
        assert 1.025 < factors.max() <= 3000.0 / 2900.0

    def test_model_without_room_stays(self, line):
        scaling = TimeVelocityScaling(line.survey(), vp_range=(1500.0, 3000.0))
        d, vp = torch.ones(3, 400, 49), torch.tensor([1000.0, 4000.0]).view(1, 2, 1)
        same, model = scaling(d, vp, chance())
        assert torch.equal(same, d)
        assert torch.equal(model, vp)

    def test_refuses_gathers_that_are_not_decimated(self, line, vp, preprocessing):
        scaling = TimeVelocityScaling(line.survey(), preprocessing=preprocessing)
        with pytest.raises(VMBValueError, match=r"\(3, 80, 49\), got \(3, 400, 49\)"):
            scaling(torch.zeros(3, 400, 49), vp, chance())

    def test_refuses_an_impossible_range(self, line):
        with pytest.raises(VMBValueError, match="range: must not fall"):
            TimeVelocityScaling(line.survey(), range=(1.1, 0.9))
        with pytest.raises(VMBValueError, match="range: must be at least"):
            TimeVelocityScaling(line.survey(), range=(0.0, 1.0))
