"""The label-free loss: its value, its gradient (differences, FWI's own), bounds, shots, bands."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import VMBTypeError, VMBValueError
from pylops_vmb.inversion import Objective
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.learned import Preprocessing
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.consistency import DataConsistency

STORED = Preprocessing(step=4, decimation="middle")


@pytest.fixture(scope="module")
def F() -> AcousticModelling2D:
    acq = Acquisition.fixed_spread(
        [30.0, 70.0, 100.0], 10.0 * np.arange(14), nt=140, dt=2e-3, f0=14.0, zs=10.0
    )
    return AcousticModelling2D(Grid((14, 11), 10.0), acq, nbl=6)


@pytest.fixture(scope="module")
def true() -> torch.Tensor:
    """Return two models ``(2, 1, nz, nx)``, float64."""
    vp = torch.full((2, 1, 11, 14), 2000.0, dtype=torch.float64)
    vp[0, :, 5:] = 2600.0
    vp[1, :, 7:, 4:] = 1700.0
    return vp


@pytest.fixture(scope="module")
def wrong(true) -> torch.Tensor:
    waves = torch.sin(torch.arange(true.numel(), dtype=true.dtype)).reshape(true.shape)
    return true + 80.0 * waves - 60.0


def gathers(F, vp, preprocessing=STORED):
    with torch.no_grad():
        return torch.stack([preprocessing.decimate(F(model[0].T)) for model in vp])


def slope(consistency, vp, d, **which):
    vp = vp.clone().requires_grad_()
    return torch.autograd.grad(consistency(vp, d, **which), vp)[0]


@pytest.mark.parametrize("preprocessing", [STORED, Preprocessing(step=4), Preprocessing()])
def test_the_true_model_explains_its_gathers_and_another_does_not(F, true, wrong, preprocessing):
    d = gathers(F, true, preprocessing)
    consistency = DataConsistency(F, preprocessing)
    assert float(consistency(true, d)) == 0.0
    residual = gathers(F, wrong, preprocessing) - d
    each = residual.square().sum((1, 2, 3)) / d.square().sum((1, 2, 3))
    torch.testing.assert_close(consistency(wrong, d), each.mean())


@pytest.mark.parametrize(
    ("misfit", "preprocessing", "settings"),
    [
        ("l2", STORED, {}),
        ("l2", Preprocessing(step=4), {"bands": (9.0, None)}),
        ({"trace_normalised": 1.0, "envelope": 0.5}, STORED, {"bands": (12.0,)}),
        ("huber", STORED, {"shots": 1}),
        ("l2", STORED, {"gain": 0.05, "bands": (12.0, None)}),
    ],
)
@pytest.mark.parametrize("band", [0, -1])
def test_the_gradient_is_that_of_differences(F, true, wrong, misfit, preprocessing, settings, band):
    d = gathers(F, true, preprocessing)
    consistency = DataConsistency(F, preprocessing, misfit=misfit, **settings)
    direction = torch.cos(torch.arange(wrong.numel(), dtype=wrong.dtype)).reshape(wrong.shape)
    step, which = 1e-2, {"draw": 1, "band": band}
    ends = [consistency(wrong + sign * step * direction, d, **which) for sign in (1, -1)]
    rise = float(ends[0] - ends[1]) / (2 * step)
    found = float((slope(consistency, wrong, d, **which) * direction).sum())
    assert found == pytest.approx(rise, rel=1e-5)
    assert rise != 0.0


@pytest.mark.parametrize("misfit", ["l2", "l1", "envelope"])
def test_the_gradient_is_that_of_an_inversion(F, true, wrong, misfit):
    full = Preprocessing()
    d = gathers(F, true, full)
    found = slope(DataConsistency(F, full, misfit=misfit), wrong, d)
    for model, stored, ours in zip(wrong, d, found, strict=True):
        value = Objective(F, stored.transpose(1, 2), misfit=misfit)(model[0].T)
        torch.testing.assert_close(2 * ours[0], value.gradient.T)  # 2: the mean of two samples


def test_both_sides_pass_the_band(F, true, wrong):
    d, m = (gathers(F, vp).transpose(-1, -2) for vp in (true, wrong))
    lowpass = LowPass(8.0, 35, 8e-3)
    residual, whole = lowpass(m - d).square(), lowpass(d).square()
    expected = (residual.sum((1, 2, 3)) / whole.sum((1, 2, 3))).mean()
    consistency = DataConsistency(F, STORED, bands=(8.0, None))
    torch.testing.assert_close(
        consistency(wrong, d.transpose(-1, -2), band=0), expected, check_stride=False
    )


def test_a_preconditioned_gradient_reaches_deeper_and_still_falls(F, true, wrong):
    d = gathers(F, true)
    plain = slope(DataConsistency(F, STORED), wrong, d)
    found = slope(DataConsistency(F, STORED, precondition=True), wrong, d)
    depth = torch.arange(11.0, dtype=plain.dtype)[:, None]
    centre, before = ((g.abs() * depth).sum() / g.abs().sum() for g in (found, plain))
    assert centre > 1.2 * before
    torch.testing.assert_close(found.abs().sum(), plain.abs().sum())
    assert ((found * plain).sum((1, 2, 3)) > 0.0).all()
    assert slope(DataConsistency(F, STORED, precondition=True), true, d).isfinite().all()


def test_both_sides_have_the_gain(F, true, wrong):
    d, m = (gathers(F, vp)[:1] for vp in (true, wrong))
    level = 0.1 * d.square().mean().sqrt()
    d_seen, m_seen = (torch.asinh(gather / level) for gather in (d, m))
    expected = (m_seen - d_seen).square().sum() / d_seen.square().sum()
    torch.testing.assert_close(DataConsistency(F, STORED, gain=0.1)(wrong[:1], d), expected)


def test_draws_are_repeatable_and_take_all_shots(F, true, wrong):
    d = gathers(F, true)[:1]
    one = DataConsistency(F, STORED, shots=1, seed=3)
    values = [float(one(wrong[:1], d, draw=draw)) for draw in range(6)]
    single = (gathers(F, wrong)[:1] - d).square().sum((0, 2, 3)) / d.square().sum((0, 2, 3))
    assert sorted(values[:3]) == pytest.approx(sorted(single.tolist()))
    assert sorted(values[3:]) == sorted(values[:3])
    again = DataConsistency(F, STORED, shots=1, seed=3)
    assert float(again(wrong[:1], d, draw=4)) == values[4]
    orders = {tuple(DataConsistency(F, STORED, shots=1, seed=s)._subsets[0]) for s in range(9)}
    assert len(orders) == 3


def test_velocities_out_of_range_are_pulled_in_and_never_pushed_out(F, true, wrong):
    d = gathers(F, true)
    inside = DataConsistency(F, STORED)
    bounded = DataConsistency(F, STORED, vp_range=(1900.0, 2100.0))
    found, without = slope(bounded, wrong, d), slope(inside, wrong.clamp(1900.0, 2100.0), d)
    below, above = wrong < 1900.0, wrong > 2100.0
    assert below.any()
    assert above.any()
    assert torch.equal(bounded(wrong, d), inside(wrong.clamp(1900.0, 2100.0), d))
    outward = (below & (without > 0.0)) | (above & (without < 0.0))
    assert torch.equal(found, without.masked_fill(outward, 0.0))
    assert (found[below] < 0.0).any()
    assert (found[above] > 0.0).any()


def test_the_gradient_reaches_a_network(F, true):
    scale = torch.ones((), dtype=true.dtype, requires_grad=True)
    loss = 3.0 * DataConsistency(F, STORED)(scale * (true + 50.0), gathers(F, true))
    whole = 3.0 * slope(DataConsistency(F, STORED), true + 50.0, gathers(F, true))
    (found,) = torch.autograd.grad(loss, scale)
    torch.testing.assert_close(found, (whole * (true + 50.0)).sum())


def test_low_precision_is_modelled_in_float32_and_values_need_no_graph(F, true, wrong):
    d = gathers(F, true).float()
    vp = wrong.bfloat16().requires_grad_()
    consistency = DataConsistency(F, STORED)
    misfit = consistency(vp, d)
    expected = consistency(vp.detach().float(), d)
    assert (misfit.dtype, expected.requires_grad) == (torch.float32, False)
    torch.testing.assert_close(misfit.detach(), expected)
    assert torch.autograd.grad(misfit, vp)[0].dtype == torch.bfloat16
    with torch.no_grad():
        assert not consistency(vp, d).requires_grad


def test_a_network_that_diverged_gives_nan(F, true):
    assert DataConsistency(F, STORED)(true * float("nan"), gathers(F, true)).isnan()


@pytest.mark.parametrize(
    ("error", "message", "settings"),
    [
        (VMBValueError, r"misfit: is not a known choice, got 'l3'", {"misfit": "l3"}),
        (VMBValueError, r"bands: must go from low to high", {"bands": (9.0, 4.0)}),
        (VMBValueError, r"shots: must not exceed the 3 shots", {"shots": 4}),
        (VMBValueError, r"gain: must be above 0", {"gain": 0.0}),
        (VMBValueError, r"vp_range: must rise.*max_vel = 5500", {"vp_range": (1500.0, 6000.0)}),
        (VMBValueError, r"vp_range: must rise.*Pass \(slowest", {"vp_range": (2000.0, 1500.0)}),
    ],
)
def test_settings_are_checked(F, error, message, settings):
    with pytest.raises(error, match=message):
        DataConsistency(F, STORED, **settings)


def test_another_operator_and_other_shapes_are_refused(F, true):
    with pytest.raises(VMBTypeError, match=r"F: must be an AcousticModelling2D, got str"):
        DataConsistency("F", STORED)
    consistency, d = DataConsistency(F, STORED), gathers(F, true)
    with pytest.raises(VMBValueError, match=r"vp: must be .*= \(2, 1, 11, 14\), got \(2, 1, 14"):
        consistency(true.transpose(-1, -2), d)
    with pytest.raises(VMBValueError, match=r"d: must be .* 3, 35, 14\), got .*decimated"):
        consistency(true, gathers(F, true, Preprocessing(step=2)))
