"""Data misfits: their formulas, their derivatives, dead traces, and what each one is for."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from pylops.utils.wavelets import ricker as zero_phase_ricker
from scipy.signal import hilbert

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.inversion import MISFITS, Objective, fwi
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.comparisons import agc, huber
from pylops_vmb.inversion.misfits import RelativeMisfit, parse_misfit
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.survey.wavelets import ricker

NORMALISED = ["trace_normalised", "cross_correlation"]


@pytest.fixture
def draw(rng):
    return lambda *shape: torch.from_numpy(rng.standard_normal(shape))


def gradient(misfit, d, dobs):
    d = d.detach().requires_grad_()
    return torch.autograd.grad(RelativeMisfit(misfit, dobs)(d, dobs), d)[0]


def angle(one, other):
    """Return the cosine of the angle between two gradients."""
    return float((one * other).sum() / (one.norm() * other.norm()))


@pytest.mark.parametrize("name", MISFITS)
def test_a_value_a_shot_zero_for_equal_data_one_for_none(name, draw):
    d, dobs = draw(3, 4, 25), draw(3, 4, 25)
    assert MISFITS[name].compare(d, dobs).shape == (3,)
    misfit = RelativeMisfit(name, dobs)
    assert float(misfit(dobs, dobs)) == 0.0
    assert float(misfit(torch.zeros_like(d), dobs)) == pytest.approx(1.0)
    parts = misfit(d[:2], dobs[:2]) + misfit(d[2:], dobs[2:])
    torch.testing.assert_close(parts, misfit(d, dobs))


@pytest.mark.parametrize("name", MISFITS)
def test_data_may_have_any_axes_between_shots_and_time(name, draw):
    d, dobs = draw(3, 4, 25), draw(3, 4, 25)
    values = MISFITS[name].compare
    torch.testing.assert_close(values(d[:, 0], dobs[:, 0]), values(d[:, :1], dobs[:, :1]))


@pytest.mark.parametrize("name", MISFITS)
def test_shots_do_not_see_each_other(name, draw):
    d, dobs = draw(3, 4, 25), draw(3, 4, 25)
    loud = torch.tensor([1.0, 1.0, 1e3])[:, None, None]
    values = MISFITS[name].compare(loud * d, loud * dobs)
    torch.testing.assert_close(values[:2], MISFITS[name].compare(d, dobs)[:2])


@pytest.mark.parametrize("name", [*MISFITS, partial(huber, threshold=0.3)])
def test_the_derivative_is_that_of_central_differences(name, draw):
    d, dobs, direction = draw(2, 4, 25), draw(2, 4, 25), draw(2, 4, 25)
    dobs[0, 1] = dobs[1, 0] = d[1, 0] = direction[1, 0] = 0.0
    misfit, step = RelativeMisfit(name, dobs), 1e-4
    up, down = (float(misfit(d + sign * step * direction, dobs)) for sign in (1, -1))
    got = float((gradient(name, d, dobs) * direction).sum())
    assert got == pytest.approx((up - down) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("name", MISFITS)
def test_dead_traces_and_shots_have_finite_values_and_gradients(name, draw):
    d, dobs = draw(3, 4, 25).float(), draw(3, 4, 25).float()
    d[0, 0] = dobs[0, 1] = 0.0
    d[1] = dobs[2] = 0.0
    assert bool(MISFITS[name].compare(d, dobs).isfinite().all())
    assert bool(gradient(name, d, dobs).isfinite().all())
    assert bool(gradient(name, dobs, dobs).isfinite().all())


@pytest.mark.parametrize("name", NORMALISED)
def test_a_dead_observed_trace_tells_nothing_of_shapes(name, draw):
    d, dobs = draw(2, 4, 25), draw(2, 4, 25)
    dobs[:, 2] = 0.0
    alive = [0, 1, 3]
    values = MISFITS[name].compare(d, dobs)
    torch.testing.assert_close(values, MISFITS[name].compare(d[:, alive], dobs[:, alive]))
    assert not gradient(name, d, dobs)[:, 2].any()


def test_huber_follows_its_formula(draw):
    d, dobs = draw(2, 3, 40), draw(2, 3, 40)
    want = []
    for r, o in zip((d - dobs).numpy(), dobs.numpy(), strict=True):
        bend = 0.5 * np.mean(np.abs(o))
        small = np.abs(r) <= bend
        assert 0 < small.sum() < small.size
        want.append(0.5 * (r[small] ** 2).sum() + (bend * (np.abs(r[~small]) - 0.5 * bend)).sum())
    np.testing.assert_allclose(huber(d, dobs, threshold=0.5), want)


@pytest.mark.parametrize("name", NORMALISED)
def test_normalised_residuals_are_correlations(name, draw):
    d, dobs = draw(2, 3, 40), draw(2, 3, 40)
    cosine = torch.nn.functional.cosine_similarity(d, dobs, dim=-1)
    torch.testing.assert_close(MISFITS[name].compare(d, dobs), (1.0 - cosine).sum(1))


def test_envelopes_are_those_of_scipy(draw):
    d, dobs = draw(2, 3, 40), draw(2, 3, 40)
    envelopes = [np.abs(hilbert(x.numpy(), N=80))[..., :40] for x in (d, dobs)]
    want = 0.5 * np.square(envelopes[0] - envelopes[1]).sum((1, 2))
    np.testing.assert_allclose(MISFITS["envelope"].compare(d, dobs), want, rtol=1e-5)


def test_agc_divides_by_the_amplitude_of_the_observed_data():
    t = torch.arange(400.0, dtype=torch.float64)
    wave = torch.sin(2 * math.pi * t / 20.0)
    dobs = torch.stack([wave, 0.1 * wave])[None]  # one loud trace, one quiet one
    far = torch.zeros_like(dobs)
    far[0, :, 150:250] = 1e-3 * torch.ones(100, dtype=torch.float64)
    loud, quiet = (float(agc(dobs + mask * far, dobs)) for mask in _one_trace_each(far))
    assert quiet / loud == pytest.approx((1.03 / 0.13) ** 2, rel=0.02)
    residual = dobs + far
    assert float(agc(dobs + 2.0 * far, dobs)) == pytest.approx(4.0 * float(agc(residual, dobs)))
    assert float(agc(7.0 * residual, 7.0 * dobs)) == pytest.approx(
        49.0 * float(agc(residual, dobs))
    )


def _one_trace_each(d):
    masks = torch.zeros(2, *d.shape, dtype=d.dtype)
    masks[0, :, 0] = masks[1, :, 1] = 1.0
    return masks


def test_the_window_of_agc_follows_the_period_of_the_data():
    t = torch.arange(800.0, dtype=torch.float64)
    burst = torch.exp(-(((t - 200.0) / 20.0) ** 2))
    residual = torch.zeros(1, 1, 800, dtype=torch.float64)
    residual[..., 330:340] = 1.0
    near = [
        float(agc(dobs + residual, dobs))
        for dobs in ((burst * torch.sin(2 * math.pi * t / T))[None, None] for T in (10.0, 60.0))
    ]
    assert near[1] < 0.2 * near[0]  # a wide window reaches from the burst to the residual


def test_a_dead_observed_trace_counts_nothing_under_agc(draw):
    d, dobs = draw(2, 4, 25), draw(2, 4, 25)
    dobs[:, 2] = 0.0
    alive = [0, 1, 3]
    values = MISFITS["agc"].compare(d, dobs)
    same = MISFITS["agc"].compare(d[:, alive], dobs[:, alive])
    torch.testing.assert_close(values, same)
    assert not gradient("agc", d, dobs)[:, 2].any()


def test_sums_are_weighed_relative_to_no_data(draw):
    d, dobs = draw(2, 3, 20), draw(2, 3, 20)
    both = RelativeMisfit({"l2": 1.0, "envelope": 0.5}, dobs)(d, dobs)
    l2, envelope = (RelativeMisfit(name, dobs)(d, dobs) for name in ("l2", "envelope"))
    torch.testing.assert_close(both, l2 + 0.5 * envelope)
    assert RelativeMisfit({"l2": 1.0, "envelope": 0.5}, dobs).broadband
    assert not RelativeMisfit({"l2": 1.0, "trace_normalised": 0.5}, dobs).broadband


def test_a_function_of_ones_own(draw):
    d, dobs = draw(2, 3, 20), draw(2, 3, 20)

    def cubic(d, dobs):
        return (d - dobs).abs().pow(3).sum((1, 2))

    misfit = RelativeMisfit({cubic: 2.0}, dobs)
    want = 2.0 * float((d - dobs).abs().pow(3).sum() / dobs.abs().pow(3).sum())
    assert float(misfit(d, dobs)) == pytest.approx(want)
    assert misfit.broadband


def test_a_function_that_does_not_tell_shots_apart_is_refused(draw):
    with pytest.raises(VMBValueError, match=r"one value for each of 2 shots.*got shape \(\)"):
        RelativeMisfit(lambda d, dobs: (d - dobs).abs().sum(), draw(2, 3, 20))


@pytest.mark.parametrize(
    ("misfit", "error", "message"),
    [
        ({}, VMBValueError, r"misfit: must not be empty, got \{\}\. Write"),
        ({"l2": 0.0}, VMBValueError, "misfit: must be above 0"),
        ({"l3": 1.0}, VMBValueError, "misfit: is not a known choice, got 'l3'. .*'envelope'"),
        (3, VMBTypeError, r"misfit: must be a name, .* got int\. Use one of 'l2', .*or pass f"),
    ],
)
def test_misfits_that_are_none_are_refused(misfit, error, message):
    with pytest.raises(error, match=message):
        parse_misfit(misfit)


@pytest.mark.parametrize("corner", [20.0, math.inf])
@pytest.mark.parametrize("name", MISFITS)
def test_the_cheap_gradient_of_a_band_is_that_of_every_step(name, corner, F, acq, true, x0):
    dobs, x = F(torch.from_numpy(true).double()), torch.from_numpy(x0).double().requires_grad_()
    lowpass = LowPass(corner, acq.nt, acq.dt)
    exact = RelativeMisfit(name, lowpass(dobs))(lowpass(F(x)), lowpass(dobs))
    (want,) = torch.autograd.grad(exact, x)
    got = Objective(F, dobs, misfit=name, lowpass=lowpass)(x.detach()).gradient
    assert float((got - want).norm() / want.norm()) < 1e-3


def test_the_fields_of_a_full_band_are_those_that_the_residual_needs(F, acq, true):
    dobs, lowpass = F(torch.from_numpy(true).double()), LowPass(math.inf, acq.nt, acq.dt)
    x = torch.full(F.dims, 2200.0, dtype=torch.float64, requires_grad=True)
    errors = {}
    for name in ("l1", "l2"):  # both with the fields that suffice for l2
        misfit = RelativeMisfit(name, dobs)
        want, got = (
            torch.autograd.grad(misfit(lowpass(G._apply(x)), dobs), x)[0]
            for G in (F, F.for_band(acq.fmax))
        )
        errors[name] = float((got - want).norm() / want.norm())
    assert errors["l2"] < 1e-4
    assert errors["l1"] > 1e-3


def test_spikes_mislead_l2_alone(F, true, x0, rng):
    clean = F(torch.from_numpy(true).double())
    spikes = (rng.random(clean.shape) < 0.03) * rng.standard_normal(clean.shape)
    spiky = clean + 30.0 * float(clean.abs().max()) * torch.from_numpy(spikes)
    x = torch.from_numpy(x0).double()
    kept = {}
    for name in ("l2", "l1", "huber"):
        of_clean, of_spiky = (Objective(F, d, misfit=name)(x).gradient for d in (clean, spiky))
        kept[name] = angle(of_clean, of_spiky)
    assert kept["l2"] < 0.9
    assert min(kept["l1"], kept["huber"]) > 0.98


@pytest.mark.parametrize("name", NORMALISED)
def test_gains_of_the_traces_mislead_l2_and_not_the_shapes(name, F, true, rng):
    vp = torch.from_numpy(true).double()
    gained = F(vp) * torch.from_numpy(np.exp(rng.standard_normal((*F.dimsd[:2], 1))))
    at_the_truth = Objective(F, gained, misfit=name)(vp)
    assert at_the_truth.misfit < 1e-20
    assert Objective(F, gained, misfit="l2")(vp).misfit > 0.1
    elsewhere = vp + 100.0
    one, other = (Objective(F, d, misfit=name)(elsewhere).gradient for d in (gained, F(vp)))
    torch.testing.assert_close(one, other)


def test_the_envelope_reaches_further_than_half_a_period():
    """A Ricker wavelet of 10 Hz, 0 to 120 ms late: less delay must mean less misfit."""
    wav = torch.from_numpy(zero_phase_ricker(1e-3 * np.arange(101), f0=10.0)[0])
    d = torch.zeros(1, 1, 500, dtype=torch.float64)
    d[..., 100 : 100 + len(wav)] = wav
    reach = {}
    for name in ("l2", "envelope"):
        misfit = RelativeMisfit(name, d)
        values = [float(misfit(d.roll(late, -1), d)) for late in range(0, 125, 5)]
        reach[name] = 5 * int(np.argmax(np.diff([*values, -1.0]) <= 0.0))
    assert reach["l2"] <= 50
    assert reach["envelope"] >= 90


def test_the_envelope_finds_its_way_from_a_start_that_skips_cycles():
    """Waves across 350 m are late by 0.6 of a period: L2 makes them later still."""
    z, (wav, wavc) = 10.0 * np.arange(14), ricker(25.0, 1e-3)
    srcs, recs = np.array([[20.0, 20.0], [40.0, 90.0]]), np.stack([np.full(14, 370.0), z])
    acq = Acquisition(srcs, recs, nt=330, dt=1e-3, wav=wav, wavc=wavc, f0=25.0)
    F = AcousticModelling2D(Grid((40, 14), 10.0), acq, max_vel=3500.0)
    x0 = np.full(F.dims, 2200.0, dtype="float32")
    settings = {"niter": 4, "bands": (None,), "bounds": (1500.0, 3500.0), "tv": 0.1, "smooth": 2.0}
    dobs = F(np.full(F.dims, 2600.0, dtype="float32"))
    means = {m: float(fwi(F, dobs, x0, misfit=m, **settings).vp.mean()) for m in ("l2", "envelope")}
    assert means["l2"] < 2000.0
    assert means["envelope"] > 2450.0
