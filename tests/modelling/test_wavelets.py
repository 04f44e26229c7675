"""Another source wavelet for the same operator: only the source changes."""

import numpy as np
import pytest

from pylops_vmb.errors import VMBValueError
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import ricker


@pytest.fixture(params=[{}, {"time_correction": True}, {"max_vel": 9000.0}], ids=str)
def operator(request, grid, acq) -> AcousticModelling2D:
    """Return an operator without and with time correction, and one with substeps."""
    return AcousticModelling2D(grid, acq, nbl=10, **request.param)


def test_data_are_linear_in_the_wavelet(operator, vp, rng):
    a, b = rng.standard_normal((2, 50))
    both = operator.with_wavelet(2 * a - 3 * b)(vp)
    parts = 2 * operator.with_wavelet(a)(vp) - 3 * operator.with_wavelet(b)(vp)
    np.testing.assert_allclose(both, parts, atol=1e-12 * abs(both).max())


def test_the_old_wavelet_gives_the_old_data(operator, acq, vp):
    F = operator.with_wavelet(np.ones(30), 3).with_wavelet(acq.wav, acq.wavc)
    np.testing.assert_array_equal(F(vp), operator(vp))
    assert F.acq == acq


def test_one_wavelet_a_shot(operator, acq, vp, rng):
    wavelets = rng.standard_normal((3, 50))
    F = operator.with_wavelet(wavelets, 7)
    assert (F.acq.wavc, F.acq.wav.shape) == (7, (3, 50))
    d = F(vp)
    for shot in range(3):
        alone = operator.with_wavelet(wavelets[shot])(vp)[shot]
        np.testing.assert_array_equal(d[shot], alone)
        np.testing.assert_array_equal(F.shots(slice(shot, shot + 1))(vp)[0], alone)


def test_the_original_and_its_absorbing_zone_stay(operator, acq, vp):
    before = operator(vp)
    F = operator.with_wavelet(ricker(30.0, acq.dt)[0])
    assert F._scheme == operator._scheme
    assert (F.acq.f0, F.acq.fmax > 1.5 * acq.fmax) == (acq.f0, True)
    np.testing.assert_array_equal(operator(vp), before)


def test_the_storage_interval_follows_the_wavelet(operator, acq):
    banded = operator.for_band(12.0)
    slow = banded.with_wavelet(ricker(12.0, acq.dt)[0])
    assert slow._scheme.interval > banded._scheme.interval > 1
    assert operator.with_wavelet(ricker(12.0, acq.dt)[0])._scheme.interval == 1
    assert slow.memory.interval == slow._scheme.stride


def test_wavelets_that_do_not_fit_are_refused(operator):
    with pytest.raises(VMBValueError, match=r"wav: must be one wavelet \(nw,\) or one a shot"):
        operator.with_wavelet(np.ones((2, 50)))
