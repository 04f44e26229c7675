"""The OpenFWI preset against a published gather, simulated by others."""

import numpy as np

from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid


def test_the_preset_reproduces_a_published_gather(data_dir, relative):
    folder = data_dir / "openfwi"
    published = np.load(folder / "CF_sample0_seismic.npy").reshape(5, 1000, 70).transpose(0, 2, 1)
    vp = np.load(folder / "CF_sample0_velocity.npy").reshape(70, 70).T
    d = AcousticModelling2D(Grid.openfwi(), Acquisition.openfwi())(vp.astype(np.float32))
    d, published = d[..., :999], published[..., :999]  # the last published sample is zero
    assert relative(d, published) < 0.01
    for wrong in (-d, 1.1 * d, np.roll(d, 1, -1), np.roll(d, -1, -1), d[:, ::-1]):
        assert relative(wrong, published) > 0.03
