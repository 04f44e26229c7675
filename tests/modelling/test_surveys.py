"""Surveys: wavelets and receivers by shot, streamers, subsets, batches; arrays in and out."""

import numpy as np
import pytest
import torch

from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition
from pylops_vmb.testing import check_nonlinear_operator


def test_gathers_have_the_shape_of_the_survey(F, acq, vp):
    d = F(vp)
    assert d.shape == acq.dimsd == F.dimsd
    assert np.isfinite(d).all()
    assert repr(F) == "<7800x572 AcousticModelling2D with dtype=float32>"


def test_each_shot_has_its_own_wavelet(grid, acq, vp, rng):
    wavelets = rng.standard_normal((3, 50))
    # one peak frequency for all: it tunes the absorbing zone
    survey = acq._replace(wav=wavelets)
    d = AcousticModelling2D(grid, survey, nbl=10)(vp)
    for shot, wavelet in enumerate(wavelets):
        alone = AcousticModelling2D(grid, acq._replace(wav=wavelet), nbl=10)
        np.testing.assert_allclose(alone(vp)[shot], d[shot], atol=1e-12 * abs(d).max())


def test_each_shot_has_its_own_receivers(grid, acq, vp):
    spreads = np.stack([acq.recs[:, 4 * shot : 4 * shot + 5] for shot in range(3)], axis=1)
    moving = acq._replace(recs=spreads)
    d, full = AcousticModelling2D(grid, moving)(vp), AcousticModelling2D(grid, acq)(vp)
    for shot in range(3):
        np.testing.assert_array_equal(d[shot], full[shot, 4 * shot : 4 * shot + 5])


def test_streamer_records_at_constant_offset(grid, relative):
    acq = Acquisition.streamer(
        [100.0, 140.0], [20.0, 60.0], nt=150, dt=1e-3, f0=15.0, zs=100.0, zr=100.0
    )
    d = AcousticModelling2D(grid, acq)(np.full(grid.dims, 2000.0))
    assert relative(d[0], d[1]) < 1e-4
    assert relative(d[0, 0], d[1, 1]) > 0.1


def test_shots_returns_the_operator_of_some_shots(F, vp):
    part = F.shots(slice(1, 3))
    assert part.dimsd == (2, 13, 200)
    np.testing.assert_array_equal(part(vp), F(vp)[1:3])
    assert F.shots(slice(0, 3)) is F


def test_batches_give_the_same_data_gradient_and_adjoint(grid, acq, vp, rng):
    whole = AcousticModelling2D(grid, acq, memory="1GiB")
    split = AcousticModelling2D(grid, acq, memory=1.5 * whole.plan("float64").per_shot)
    assert (whole.plan("float64").batch, split.plan("float64").batch) == (3, 1)
    np.testing.assert_array_equal(split(vp), whole(vp))
    dy, dx = rng.standard_normal(acq.dimsd), rng.standard_normal(grid.dims)
    J, K = whole.jacobian(vp), split.jacobian(vp)
    exact = J.H @ dy
    np.testing.assert_allclose(K.H @ dy, exact, atol=1e-12 * abs(exact).max())
    np.testing.assert_allclose(K @ dx, J @ dx, atol=1e-12 * abs(J @ dx).max())
    x = torch.from_numpy(vp).requires_grad_()
    split(x).backward(torch.from_numpy(dy))
    np.testing.assert_allclose(x.grad, exact, atol=1e-12 * abs(exact).max())


def test_torch_in_torch_out_with_its_graph(F, vp):
    x = torch.from_numpy(vp).requires_grad_()
    d = F(x)
    assert isinstance(d, torch.Tensor)
    assert d.requires_grad
    np.testing.assert_array_equal(d.detach().numpy(), F(vp))


def test_float64_is_computed_in_float64(F, vp, relative):
    double, single = F(vp), F(vp.astype(np.float32))
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    assert 1e-8 < relative(single, double) < 1e-5


def test_the_whole_contract_of_a_nonlinear_operator(grid, acq, vp):
    F = AcousticModelling2D(grid, acq.select([1]), nbl=8)
    check_nonlinear_operator(F, vp)


@pytest.mark.cuda
def test_cuda_gives_the_same_data(F, vp, relative):
    d = F(torch.from_numpy(vp).cuda())
    assert d.is_cuda
    assert relative(d.cpu().numpy(), F(vp)) < 1e-10
