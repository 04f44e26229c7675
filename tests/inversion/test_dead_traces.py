"""Dead traces: an inversion of zeros is that of a survey without them, and says so."""

import logging

import numpy as np
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import DataWarning
from pylops_vmb.hybrid import misfit_of
from pylops_vmb.inversion import MISFITS, Objective, estimate_wavelet
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.comparisons import live
from pylops_vmb.inversion.misfits import RelativeMisfit

DEAD = [3, 4, 11, 20]
ALIVE = [receiver for receiver in range(24) if receiver not in DEAD]


def cubic(d, dobs):
    """Compare by a misfit of one's own that would see zeros."""
    return (d - dobs).abs().pow(3).sum((1, 2))


@pytest.fixture(scope="module")
def killed(dobs):
    """Return data whose dead receivers recorded zeros."""
    found = dobs.copy()
    found[:, DEAD] = 0.0
    return found


@pytest.fixture(scope="module")
def fewer(grid):
    """Return the modelling of the survey that has only the live receivers."""
    xr = 10.0 * np.arange(24)[ALIVE]
    acq = vmb.Acquisition.fixed_spread([50.0, 180.0], xr, nt=160, dt=0.001, f0=20.0)
    return vmb.AcousticModelling2D(grid, acq)


def test_exact_zeros_are_dead_and_nothing_else():
    d = torch.zeros(2, 3, 5)
    d[0, 1, 4], d[1, 2, 0] = 1e-38, -1.0
    assert live(d)[..., 0].tolist() == [[False, True, False], [False, False, True]]


@pytest.mark.parametrize("name", [*MISFITS, cubic, {"l2": 1.0, "envelope": 0.5}])
def test_dead_traces_have_no_weight_in_any_misfit(name, rng):
    d, dobs = (torch.from_numpy(rng.standard_normal((3, 6, 25))) for _ in range(2))
    dobs[:, [1, 4]] = 0.0
    rest, point = [0, 2, 3, 5], d.clone().requires_grad_()
    value = RelativeMisfit(name, dobs)(point, dobs)
    want = RelativeMisfit(name, dobs[:, rest])(d[:, rest], dobs[:, rest])
    torch.testing.assert_close(value.detach(), want)
    (slope,) = torch.autograd.grad(value, point)
    assert not slope[:, [1, 4]].any()
    assert bool(slope[:, rest].any(-1).all())


def test_a_dead_shot_has_no_weight(rng):
    d, dobs = (torch.from_numpy(rng.standard_normal((3, 6, 25))) for _ in range(2))
    dobs[1] = 0.0
    rest = [0, 2]
    for name in MISFITS:
        want = RelativeMisfit(name, dobs[rest])(d[rest], dobs[rest])
        torch.testing.assert_close(RelativeMisfit(name, dobs)(d, dobs), want)


@pytest.mark.parametrize("name", MISFITS)
def test_the_objective_is_that_of_the_live_receivers(name, F, fewer, acq, killed, x0):
    x, data = torch.from_numpy(x0), torch.from_numpy(killed)
    lowpass = LowPass(25.0, acq.nt, acq.dt)
    got, want = (
        Objective(modelling, observed, misfit=name, lowpass=lowpass)(x)
        for modelling, observed in ((F, data), (fewer, data[:, ALIVE]))
    )
    assert got.misfit == pytest.approx(want.misfit, rel=1e-5)
    assert float((got.gradient - want.gradient).norm() / want.gradient.norm()) < 1e-4


def test_the_hessian_of_gauss_newton_is_that_of_the_live_receivers(F, fewer, killed, x0, rng):
    x, data = torch.from_numpy(x0).double(), torch.from_numpy(killed).double()
    p = torch.from_numpy(rng.standard_normal(F.dims))
    pairs = ((F, data), (fewer, data[:, ALIVE]))
    found = [Objective(mod, d, misfit="l2").linearize(x)[1](p) for mod, d in pairs]
    (curvature, product), (less, want) = found
    assert curvature == pytest.approx(less, rel=1e-9)
    assert curvature > 0.0
    torch.testing.assert_close(product, want)


@pytest.mark.parametrize("solve", [vmb.fwi, vmb.gauss_newton])
def test_an_inversion_is_that_of_the_live_receivers(solve, F, fewer, killed, x0):
    settings = {"niter": 2, "bands": (20.0, None)}
    got = solve(F, killed.astype("float64"), x0, **settings)
    want = solve(fewer, killed[:, ALIVE].astype("float64"), x0, **settings)
    np.testing.assert_allclose(got.vp, want.vp, rtol=1e-5)
    np.testing.assert_allclose(got.cost, want.cost, rtol=1e-5)


def test_fitting_zeros_would_lead_elsewhere(F, dobs, killed, true):
    """At the truth live traces fit; zeros taken for data would give half a misfit."""
    assert misfit_of(F, killed, true) < 1e-10
    pretended = killed.copy()
    pretended[:, DEAD, 0] = 1e-30
    assert misfit_of(F, pretended, true) > 0.05


def test_the_source_is_estimated_from_live_traces(F, fewer, killed, true):
    got = estimate_wavelet(F, true, killed)
    np.testing.assert_allclose(got, estimate_wavelet(fewer, true, killed[:, ALIVE]), atol=1e-6)
    assert np.abs(got[: len(F.acq.wav)] - F.acq.wav).max() < 0.05


def test_the_log_tells_how_many_traces_are_dead(F, killed, x0, caplog):
    with caplog.at_level(logging.INFO, logger="pylops_vmb"):
        vmb.fwi(F, killed, x0, niter=1, bands=(20.0,))
    assert "8 of 48 traces are zero and carry no weight" in caplog.text


def test_more_dead_traces_than_live_ones_are_warned_of(F, dobs, x0):
    half, most = dobs.copy(), dobs.copy()
    half[:, :12], most[:, :13] = 0.0, 0.0
    vmb.fwi(F, half, x0, niter=1, bands=(20.0,))  # a warning would be an error
    with pytest.warns(DataWarning, match=r"dobs: are zero in most traces.* got 26 dead of 48") as w:
        vmb.fwi(F, most, x0, niter=1, bands=(20.0,))
    assert w[0].filename == __file__
