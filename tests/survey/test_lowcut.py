"""The low-cut of a recording system stands on either side of the wave equation."""

import numpy as np
import pytest
import torch
from scipy.signal import cheby2, sosfilt

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid, LowCut


def test_cut_data_are_the_data_of_a_cut_wavelet():
    grid = Grid((24, 16), 10.0)
    acq = Acquisition.fixed_spread([50.0, 180.0], 10.0 * np.arange(24), nt=160, dt=0.001, f0=20.0)
    vp = np.full(grid.dims, 2000.0)
    vp[:, 8:] = 2500.0
    cut = LowCut(12.0)
    want = cut(AcousticModelling2D(grid, acq)(vp), acq.dt)
    got = AcousticModelling2D(grid, cut.on(acq))(vp)
    assert np.linalg.norm(got - want) < 1e-8 * np.linalg.norm(want)
    uncut = AcousticModelling2D(grid, acq)(vp)
    assert np.linalg.norm(got - uncut) > 0.3 * np.linalg.norm(uncut)


def test_it_is_the_filter_of_scipy_and_causal(rng):
    d, cut = rng.standard_normal((2, 3, 500)), LowCut(4.0, order=6, attenuation=30.0)
    sections = cheby2(6, 30.0, 4.0, "highpass", fs=200.0, output="sos")
    np.testing.assert_allclose(cut(d, 0.005), sosfilt(sections, d), atol=1e-10)
    late = d.copy()
    late[..., 300:] = 0.0
    np.testing.assert_allclose(cut(late, 0.005)[..., :300], cut(d, 0.005)[..., :300], atol=1e-10)


@pytest.mark.parametrize(("hertz", "least", "most"), [(3.0, 0.0, 0.01), (8.0, 0.99, 1.01)])
def test_nothing_is_left_below_the_corner_and_all_above(hertz, least, most):
    t = 0.002 * np.arange(5000)
    left = LowCut(4.0)(np.sin(2 * np.pi * hertz * t), 0.002)[2500:]
    assert least <= np.abs(left).max() <= most


def test_kinds_stay_and_tensors_keep_their_graph(rng):
    d, cut = rng.standard_normal((2, 100)), LowCut(20.0)
    want = cut(d, 0.002)
    assert want.dtype == np.float64
    assert cut(d.astype("float32"), 0.002).dtype == np.float32
    tensor = torch.from_numpy(d).requires_grad_()
    got = cut(tensor, 0.002)
    np.testing.assert_array_equal(got.detach(), want)
    weights = torch.from_numpy(rng.standard_normal((2, 100)))
    (slope,) = torch.autograd.grad((got * weights).sum(), tensor)
    # the adjoint of a causal filter runs backwards
    np.testing.assert_allclose(slope, cut(weights.flip(-1), 0.002).flip(-1), atol=1e-12)


def test_a_survey_keeps_all_but_its_wavelet():
    acq = Acquisition.openfwi()
    other = LowCut(4.0).on(acq)
    assert other.wav.shape == (acq.nt,)
    assert other.band(0.1)[0] > 4.5 > acq.band(0.1)[0]
    assert other.with_wavelet(acq.wav, acq.wavc) == acq.with_wavelet(acq.wav, acq.wavc)
    each = acq.with_wavelet(np.tile(acq.wav, (5, 1)), acq.wavc)
    np.testing.assert_array_equal(LowCut(4.0).on(each).wav[3], other.wav)


def test_bad_values_are_refused():
    for bad, match in (
        ({"corner": 0.0}, "corner: must be above 0"),
        ({"corner": 4.0, "order": 0}, "order: must be at least 1"),
        ({"corner": 4.0, "attenuation": -3.0}, "attenuation: must be above 0"),
    ):
        with pytest.raises(VMBValueError, match=match):
            LowCut(**bad)
    with pytest.raises(VMBValueError, match="corner: must stay below the Nyquist frequency of 5"):
        LowCut(6.0)(np.ones(100), 0.1)
    with pytest.raises(VMBValueError, match="dt: must be above 0"):
        LowCut(6.0)(np.ones(100), 0.0)
    with pytest.raises(VMBTypeError, match="d: must be real"):
        LowCut(6.0)(np.ones(100) * 1j, 0.01)
