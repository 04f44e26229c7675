"""Resampling: nothing where nothing is needed, accurate where it is, never extrapolating."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBValueError
from pylops_vmb.learned.resampling import Resampling
from pylops_vmb.survey import Acquisition


def gathers(acq: Acquisition) -> torch.Tensor:
    """Return smooth events: 10 Hz in time, a wavelength of 80 m along the receivers."""
    t, x = acq.t, acq.receivers[0]
    phase = 2 * np.pi * (10.0 * t[None, None, :] + x[:, :, None] / 80.0)
    shots = 1.0 + np.arange(acq.ns)[:, None, None]
    return torch.from_numpy(shots * np.cos(phase))


def error(given: Acquisition, wanted: Acquisition) -> float:
    """Return the largest error away from the ends of the axes, relative to the amplitude."""
    made, exact = Resampling(given, wanted)(gathers(given)), gathers(wanted)
    assert made.shape == exact.shape
    inner = (slice(None), slice(2, -2), slice(4, -4))
    return float((made - exact)[inner].abs().max() / exact.abs().max())


def test_the_same_survey_needs_no_matrix(acq, survey):
    resample = Resampling(survey(), acq)
    assert (resample._time, resample._receivers) == (None, None)
    d = gathers(acq)
    assert resample(d) is d


def test_time_is_interpolated(acq, survey):
    assert error(survey(nt=240, dt=1e-3), acq) < 1e-4
    assert error(survey(nt=120, dt=2e-3), acq) < 1e-3


def test_a_longer_record_is_cut(acq, survey):
    assert error(survey(nt=90), acq) < 1e-12


def test_receivers_are_interpolated(acq, survey):
    assert error(survey(xr=5.0 * np.arange(17)), acq) < 1e-12
    assert error(survey(xr=7.0 * np.arange(13)), acq) < 2e-2


def test_receivers_may_come_in_any_order(acq, survey):
    given = survey(xr=acq.recs[0, ::-1])
    made = Resampling(given, acq)(gathers(given))
    torch.testing.assert_close(made, gathers(acq))


def test_both_at_once_and_differentiable(acq, survey):
    given = survey(nt=20, dt=1.3e-2, xr=9.0 * np.arange(10))
    resample = Resampling(given, acq)
    d = torch.randn(given.dimsd, dtype=torch.float64).requires_grad_()
    made = resample(d)
    assert made.shape == acq.dimsd
    made.sum().backward()
    torch.testing.assert_close((d.grad * d).sum(), made.sum())  # it is linear


def test_a_last_sample_short_of_the_record_is_held(acq, survey):
    given = survey(nt=59)
    made = Resampling(given, acq)(gathers(given))
    torch.testing.assert_close(made[..., -1], made[..., -2])


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        (
            r"acq: must have the 3 shots that the network was trained on, got 2 shots\. Choose 3",
            {"xs": [0.0, 70.0]},
        ),
        (
            r"acq: time axis: must reach from 0 to 0\.236 s, got 0 to 0\.196 s\. Record longer",
            {"nt": 50},
        ),
        (
            r"acq: receivers: must reach from 0 to 80 m, got 0 to 40 m",
            {"xr": [0.0, 10.0, 20.0, 30.0, 40.0]},
        ),
        (
            r"acq: receivers: must reach from 0 to 80 m, got 20 to 100",
            {"xr": 20.0 + 10 * np.arange(9)},
        ),
    ],
)
def test_refusals(acq, survey, message, changes):
    with pytest.raises(VMBValueError, match=message):
        Resampling(survey(**changes), acq)


def test_receivers_that_move_are_refused(acq):
    moving = Acquisition.streamer(
        acq.srcs[0], 10.0 * np.arange(9), nt=60, dt=4e-3, f0=12.0, zs=10.0
    )
    with pytest.raises(VMBValueError, match=r"must have one spread.*got receivers that move"):
        Resampling(moving, acq)


def test_one_spread_written_out_for_every_shot_is_a_fixed_spread(acq):
    written = acq._replace(recs=acq.receivers.copy())
    assert Resampling(written, acq)._receivers is None
