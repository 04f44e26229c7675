"""The accurate mode: order 8 and the correction of the time step, against Green's function."""

import deepwave.time_dispersion
import numpy as np
import pytest
import torch
from scipy.special import hankel2

from pylops_vmb.errors import VMBMemoryError
from pylops_vmb.modelling import AcousticModelling2D, correction
from pylops_vmb.modelling.correction import record_matrix, source_matrix
from pylops_vmb.operators import dottest, taylortest
from pylops_vmb.survey import Acquisition, Grid, ricker

V, H, OFFSET = 2000.0, 10.0, 1000.0


def exact(acq: Acquisition) -> np.ndarray:
    """Return the trace at 1 km in a homogeneous medium: ``dx dz w (-i / 4) H0^(2)(k r)``."""
    length = 8 * acq.nt
    k = 2 * np.pi * np.fft.rfftfreq(length, acq.dt)[1:] / V
    response = np.append(0.0, -0.25j * hankel2(0, k * OFFSET))
    return np.fft.irfft(np.fft.rfft(acq.wav, length) * response * H * H, length)[: acq.nt]


@pytest.mark.parametrize("dt", [1e-3, 2e-3], ids=["one step a sample", "two substeps"])
@pytest.mark.parametrize(
    ("order", "correct", "error"),
    [(4, False, 0.032), (8, False, 0.030), (8, True, 0.0012)],
)
def test_error_at_one_kilometre(relative, dt, order, correct, error):
    wav = ricker(15.0, dt)[0]
    acq = Acquisition([[200], [200]], [[1200], [200]], nt=int(0.9 / dt), dt=dt, wav=wav, f0=15.0)
    F = AcousticModelling2D(
        Grid((141, 41), H), acq, space_order=order, max_vel=4500.0, time_correction=correct
    )
    assert F._scheme.substeps == round(dt / 1e-3)
    d = F(np.full(F.dims, V))[0, 0]
    assert relative(d, exact(acq)) == pytest.approx(error, rel=0.05)


def test_the_matrices_are_the_transforms_of_the_library():
    nt, eye = 40, torch.eye(40, dtype=torch.float64)
    source = deepwave.time_dispersion.correct_source(eye, 1e-3, nt_out=2 * nt)[:, :nt].T
    record = deepwave.time_dispersion.correct_receivers(eye, 1e-3, nt_out=2 * nt)[:, :nt].T
    np.testing.assert_allclose(source_matrix(nt, nt=nt, substeps=1), source, atol=1e-12)
    np.testing.assert_allclose(record_matrix(nt, substeps=1), record, atol=1e-12)
    assert abs(source - record).max() > 0.1


def test_both_matrices_together_keep_a_band_limited_signal(relative):
    # the propagator's own shift of frequencies is left out: source and record undo each other
    wav = np.append(np.zeros(60), ricker(15.0, 2e-3, halfwidth=0.12)[0])
    there = source_matrix(wav.size, nt=300, substeps=3) @ wav
    back = record_matrix(300, substeps=3) @ there
    assert relative(back[: wav.size], wav) < 1e-6
    assert relative(there[::3][: wav.size], wav) > 1e-3


def test_matrices_are_the_same_in_pieces_and_refused_when_too_large(monkeypatch):
    whole = record_matrix(60, substeps=2), source_matrix(50, nt=60, substeps=2)
    monkeypatch.setattr(correction, "_COLUMNS", 7)
    np.testing.assert_allclose(record_matrix(60, substeps=2), whole[0], atol=1e-14)
    np.testing.assert_allclose(source_matrix(50, nt=60, substeps=2), whole[1], atol=1e-14)
    message = (
        r"time_correction: must not take more than 4\.00 GiB, got a matrix of 14000 x 42000 "
        r"numbers\. Take a larger dt or a shorter record, or leave it off"
    )
    with pytest.raises(VMBMemoryError, match=message):
        record_matrix(14000, substeps=3)


@pytest.mark.parametrize("dt", [1e-3, 4e-3])
def test_the_jacobian_stays_exact(grid, vp, dt):
    acq = Acquisition.fixed_spread([50.0], [100.0, 205.0], nt=int(0.24 / dt), dt=dt, f0=12.0)
    acq = acq._replace(recs=[[100.0, 205.0], [100.0, 100.0]])
    F = AcousticModelling2D(grid, acq, space_order=8, nbl=6, time_correction=True)
    J = F.jacobian(vp)
    assert dottest(J, rtol=1e-10).error < 1e-12
    dottest(F.jacobian(vp.astype(np.float32)))
    assert taylortest(F, vp).slopes == pytest.approx([2.0] * 4, abs=0.02)


def test_every_variant_is_corrected(grid, acq, vp):
    plain, F = (AcousticModelling2D(grid, acq, time_correction=on) for on in (False, True))
    d = F(vp)
    assert abs(d - plain(vp)).max() > 1e-3 * abs(d).max()
    np.testing.assert_allclose(F.for_band(30.0)(vp), d, atol=1e-12 * abs(d).max())
    np.testing.assert_array_equal(F.shots(slice(1, 3))(vp), d[1:3])
    np.testing.assert_array_equal(F.with_wavelet(acq.wav, acq.wavc)(vp), d)
    change = (F(vp + 1e-2) - F(vp - 1e-2)) / 2e-2
    np.testing.assert_allclose(
        (F.jacobian(vp) @ np.ones(vp.size)).reshape(F.dimsd), change, atol=1e-6 * abs(change).max()
    )


def test_what_is_kept_from_inference_mode_serves_a_derivative(grid, acq, vp):
    F, x = AcousticModelling2D(grid, acq, time_correction=True), torch.from_numpy(vp).float()
    with torch.inference_mode():
        d = F(x)
    again = F(x.requires_grad_())
    again.square().sum().backward()
    assert torch.equal(again.detach(), d.clone())
    assert bool(x.grad.any())
