"""Gradients from few stored steps: right where the rule allows them, wrong beyond it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from pylops_vmb.modelling import AcousticModelling2D, storage_interval
from pylops_vmb.survey import Acquisition, Grid, ricker

NT, DT = 600, 1e-3


def lowpass(d: np.ndarray, corner: float) -> np.ndarray:
    """Return ``d`` through the low-pass 1 / (1 + (f / corner)^8)."""
    response = 1.0 / (1.0 + (np.fft.rfftfreq(2 * NT, DT) / corner) ** 8)
    return np.fft.irfft(np.fft.rfft(d, 2 * NT) * response)[..., :NT]


class Problem:
    """A two-shot survey, a smooth start, and the gradient of its residual."""

    def __init__(self, halfwidth: float | None = None) -> None:
        grid = Grid((40, 30), 10.0)
        acq = Acquisition.fixed_spread(
            [50.0, 300.0], 20.0 * np.arange(20), nt=NT, dt=DT, f0=15.0, zs=20.0, zr=10.0
        )
        acq = acq.with_wavelet(*ricker(15.0, DT, halfwidth=halfwidth))
        self.F = AcousticModelling2D(grid, acq)
        true = np.where(np.arange(30) < 15, 2000.0, 2500.0) * np.ones((40, 1))
        self.start = gaussian_filter(true, 3)
        self.d = self.F(self.start)
        self.residual = self.d - self.F(true)
        self.J = self.F.jacobian(self.start)

    def errors(self, corner: float, *, widen: int = 1) -> float:
        """Return the gradient's relative error at ``widen`` times the interval of the rule."""
        residual, fmax = self.residual, self.F.acq.fmax
        if np.isfinite(corner):
            residual, fmax = lowpass(lowpass(residual, corner), corner), corner * 1e3 ** (1 / 8)
        G = self.F.for_band(fmax)
        G = G._variant(_scheme=replace(G._scheme, interval=widen * G._scheme.interval))
        x = torch.from_numpy(self.start).requires_grad_()
        G(x).backward(torch.from_numpy(residual))
        exact = self.J.H @ residual
        return float(np.linalg.norm(x.grad.numpy() - exact) / np.linalg.norm(exact))


@pytest.fixture(scope="module")
def cut() -> Problem:
    """Return the problem with the usual wavelet, cut where it is 1.5e-4."""
    return Problem()


@pytest.fixture(scope="module")
def smooth() -> Problem:
    """Return the problem with a wavelet that ends in zeros."""
    return Problem(halfwidth=0.15)


def test_the_gradient_is_exact_where_the_wavelet_ends_smoothly(smooth):
    assert smooth.errors(np.inf) < 1e-5
    assert smooth.errors(12.0) < 1e-4


@pytest.mark.parametrize(("corner", "bound"), [(np.inf, 1e-4), (12.0, 2e-4), (5.0, 4e-3)])
def test_the_gradient_is_good_where_the_wavelet_is_cut(cut, corner, bound):
    # the step at its end is broadband; at low corners it weighs more beside the signal
    assert cut.errors(corner) < bound


@pytest.mark.parametrize("corner", [np.inf, 12.0, 5.0])
def test_three_times_the_interval_is_plainly_wrong(cut, corner):
    assert cut.errors(corner, widen=3) > 0.1


def test_the_band_changes_the_gradient_and_not_the_data(cut):
    G = cut.F.for_band(12.0)
    assert (cut.F._scheme.interval, G._scheme.interval) == (1, 8)
    # 600 steps are padded to a multiple of 8, and the record is cut back
    np.testing.assert_allclose(G(cut.start), cut.d, atol=1e-12 * abs(cut.d).max())


def test_a_coarse_time_step_stores_few_steps_and_keeps_the_gradient():
    grid = Grid((40, 30), 10.0)
    acq = Acquisition.fixed_spread(
        [50.0], 20.0 * np.arange(20), nt=150, dt=4e-3, f0=12.0, zs=20.0, zr=10.0
    )
    acq = acq.with_wavelet(*ricker(12.0, 4e-3, halfwidth=0.16))
    F = AcousticModelling2D(grid, acq)
    start = np.broadcast_to(2000.0 + 20.0 * np.arange(30), grid.dims).copy()
    residual = F(start) - F(start + 100.0)
    G = F.for_band(40.0)
    x = torch.from_numpy(start).requires_grad_()
    G(x).backward(torch.from_numpy(residual))
    exact = F.jacobian(start).H @ residual
    error = np.linalg.norm(x.grad.numpy() - exact) / np.linalg.norm(exact)
    assert (F._scheme.stride, G._scheme.stride) == (1, F._scheme.substeps * G._scheme.interval)
    assert error < 1e-3


@pytest.mark.parametrize(
    ("bands", "dt", "interval"),
    [
        ((52.0, 52.0), 1e-3, 8),
        ((52.0, 12.0), 1e-3, 8),  # a residual below the wavelet's band gains nothing
        ((52.0, 500.0), 1e-3, 1),  # a sign is broadband
        ((45.1, 45.1), 1e-3, 9),  # 10 steps would fold 100 Hz too near to 90.2 Hz
        ((52.0, 52.0), 4e-3, 2),
    ],
)
def test_storage_interval_keeps_the_product_below_its_sampling_rate(bands, dt, interval):
    assert storage_interval(*bands, dt) == interval
    needed = dt * (bands[0] + max(bands))
    assert interval * needed <= 0.9 < (interval + 1) * needed or interval == 1
