"""The objective: what it counts, that shots add up, and that its gradient is the derivative."""

import math

import numpy as np
import pylops
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion import Objective, quadratic, total_variation
from pylops_vmb.inversion.bands import LowPass
from pylops_vmb.inversion.misfits import RelativeMisfit
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition


def slope(function, x, dx, *, step):
    """Return the derivative along `dx` by central differences of order four."""
    up, down = function(x + step * dx), function(x - step * dx)
    far, near = function(x + 2 * step * dx), function(x - 2 * step * dx)
    return (8 * (up - down) - (far - near)) / (12 * step)


@pytest.fixture
def draw(rng):
    return lambda *shape: torch.from_numpy(rng.standard_normal(shape))


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_the_misfit_is_one_for_no_data_and_zero_for_equal_data(name, draw):
    d = draw(3, 4, 5)
    misfit = RelativeMisfit(name, d)
    assert float(misfit(torch.zeros_like(d), d)) == pytest.approx(1.0)
    assert float(misfit(d, d)) == 0.0


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_the_misfits_of_the_shots_add_up(name, draw):
    d, dobs = draw(5, 4, 6), draw(5, 4, 6)
    misfit = RelativeMisfit(name, dobs)
    parts = misfit(d[:2], dobs[:2]) + misfit(d[2:], dobs[2:])
    torch.testing.assert_close(parts, misfit(d, dobs))


def test_the_misfits_are_those_of_the_formulas(draw):
    d, dobs = draw(2, 3, 4), draw(2, 3, 4)
    l1, l2 = (float(RelativeMisfit(name, dobs)(d, dobs)) for name in ("l1", "l2"))
    assert l1 == pytest.approx(float((d - dobs).abs().sum() / dobs.abs().sum()))
    assert l2 == pytest.approx(float((d - dobs).square().sum() / dobs.square().sum()))


def test_an_unknown_misfit_is_refused(draw):
    with pytest.raises(VMBValueError, match=r"misfit: .* got 'l3'.*'l2'"):
        RelativeMisfit("l3", draw(2))


@pytest.mark.parametrize("misfit", ["l1", "l2"])
def test_the_gradient_of_an_operator_on_paper(paper, misfit, draw):
    dobs = paper._apply(2500.0 + 200.0 * draw(4, 3))
    Regs = [
        pylops.Laplacian(paper.dims, dtype="float64"),
        pylops.FirstDerivative(paper.dims, axis=1),
    ]
    targets = [300.0 * draw(12), None]
    penalties = [total_variation(0.3), quadratic(Regs, [0.5, 0.2], dataregs=targets)]
    objective = Objective(paper, dobs, misfit=misfit, penalties=penalties)
    x, dx = 2200.0 + 100.0 * draw(4, 3), draw(4, 3)
    value = objective(x)
    expected = slope(lambda v: objective(v).total, x, dx, step=0.05)
    assert float((value.gradient * dx).sum()) == pytest.approx(expected, rel=1e-7)
    penalty = float(sum(penalty(x) for penalty in penalties))
    assert value.total == pytest.approx(value.misfit + penalty)
    assert value.misfit == pytest.approx(objective.misfit(x))


def test_the_gradient_of_the_waves(F, true, draw):
    dobs = F(torch.from_numpy(true).double())
    objective = Objective(F, dobs, misfit="l2")
    x, dx = 2200.0 + 20.0 * draw(24, 16), draw(24, 16)
    expected = slope(objective.misfit, x, dx, step=1.0)
    assert float((objective(x).gradient * dx).sum()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("corner", [20.0, math.inf])
def test_the_cheap_gradient_of_a_band_is_that_of_every_step(F, acq, true, x0, corner):
    dobs, x = F(torch.from_numpy(true).double()), torch.from_numpy(x0).double().requires_grad_()
    lowpass = LowPass(corner, acq.nt, acq.dt)
    exact = RelativeMisfit("l2", lowpass(dobs))(lowpass(F(x)), lowpass(dobs))
    (exact_gradient,) = torch.autograd.grad(exact, x)
    value = Objective(F, dobs, misfit="l2", lowpass=lowpass)(x.detach())
    assert value.misfit == pytest.approx(float(exact.detach()))
    error = (value.gradient - exact_gradient).norm() / exact_gradient.norm()
    assert 0.0 < float(error) < 0.01  # different work, the same gradient


def test_batches_of_shots_change_nothing(grid, true, x0):
    xs = 10.0 * np.arange(2, 20, 2)
    acq = Acquisition.fixed_spread(xs, 10.0 * np.arange(24), nt=130, dt=0.001, f0=20.0)
    whole = AcousticModelling2D(grid, acq)
    tight = AcousticModelling2D(grid, acq, memory=1.01 * whole.memory.per_shot)
    dobs, x = whole(torch.from_numpy(true).double()), torch.from_numpy(x0).double()
    lowpass = LowPass(25.0, acq.nt, acq.dt)
    assert tight.for_band(lowpass.fmax).plan("float64").batch < acq.ns
    one, many = (Objective(F, dobs, misfit="l1", lowpass=lowpass) for F in (whole, tight))
    torch.testing.assert_close(one(x).gradient, many(x).gradient)
    assert one(x).misfit == pytest.approx(many(x).misfit)


def test_gradients_are_counted_and_misfits_are_not(paper, draw):
    objective = Objective(paper, paper._apply(2000.0 + draw(4, 3)), misfit="l2")
    x = 2000.0 + draw(4, 3)
    objective(x)
    objective.misfit(x)
    objective(x)
    assert objective.evaluations == 2
    assert not x.requires_grad


def test_total_variation_prefers_one_edge_to_noise(draw):
    penalty = total_variation(1.0, smoothing=1e-6)
    flat = torch.full((6, 8), 2000.0, dtype=torch.float64)
    step = flat.clone()
    step[:, 4:] += 750.0
    assert float(penalty(flat)) == pytest.approx(1e-6)
    half_a_unit_in_one_of_seven_columns = 0.5 / 7
    assert float(penalty(step)) == pytest.approx(half_a_unit_in_one_of_seven_columns, rel=1e-4)
    assert float(penalty(step + 300.0 * draw(6, 8))) > float(penalty(step))


def test_a_weight_is_needed_for_each_operator(paper):
    Lop = pylops.Laplacian(paper.dims)
    with pytest.raises(VMBValueError, match="one weight for each of the 1 operators"):
        quadratic([Lop], [])


def test_quadratic_terms_are_mean_squares_in_units_of_1500_m_s(paper, draw):
    vp, Dop = 2000.0 + 100.0 * draw(4, 3), pylops.FirstDerivative(paper.dims, axis=0)
    value = float(quadratic([Dop, Dop], [0.5, 2.0])(vp))
    squares = np.square(Dop @ (vp.numpy() / 1500.0)).sum()
    assert value == pytest.approx(0.5 * (0.5**2 + 2.0**2) * squares / 12)


def test_quadratic_terms_compare_with_data_in_m_s(paper, draw):
    vp, target = 2000.0 + 100.0 * draw(4, 3), draw(12)
    Dop = pylops.FirstDerivative(paper.dims, axis=0, dtype="float64")
    value = float(quadratic([Dop, Dop], [0.5, 2.0], dataregs=[target.numpy(), None])(vp))
    slope = Dop @ vp.numpy().ravel()
    squares = 0.5**2 * np.square(slope - target.numpy()).sum() + 2.0**2 * np.square(slope).sum()
    assert value == pytest.approx(0.5 * squares / 1500.0**2 / 12)
    centred = quadratic([Dop], [1.0], dataregs=[slope])
    assert float(centred(vp)) == pytest.approx(0.0, abs=1e-20)


def test_data_are_needed_for_each_operator_and_of_its_size(paper):
    Iop, vp = pylops.Identity(12), np.full(paper.dims, 2000.0)
    with pytest.raises(VMBValueError, match="dataregs: must hold one entry for each of the 1 op"):
        quadratic([Iop], [1.0], dataregs=[vp, vp])
    for bad, wrong in ((vp[1:], "entry 0 must hold the 12 values"), (np.nan * vp, "be finite")):
        solver = vmb.FWI(paper, Regs=[Iop], epsRs=[1.0], dataregs=[bad])
        with pytest.raises(VMBValueError, match=f"dataregs: .*{wrong}"):
            solver.setup(paper(vp), x0=vp)


def test_threads_change_nothing(F, dobs, x0):
    x = torch.from_numpy(x0)
    lowpass = LowPass(20.0, F.acq.nt, F.acq.dt)
    objective = Objective(F, torch.from_numpy(dobs), misfit="l2", lowpass=lowpass)
    values = []
    for objective._workers in (1, 2):
        values.append((objective(x), objective.misfit(x)))
    (alone, low), (together, same) = values
    assert (alone.misfit, low) == pytest.approx((together.misfit, same), rel=1e-6)
    torch.testing.assert_close(alone.gradient, together.gradient, rtol=1e-5, atol=1e-12)
