"""Inversion for a profile of depth: on paper, to the last m/s, under a mask, and resumed."""

import math

import numpy as np
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion import Objective, fit_profile, linear_start
from pylops_vmb.inversion.blocky import BlockyHessian
from pylops_vmb.inversion.layers import Layers
from pylops_vmb.inversion.preconditioning import Preconditioner

SHORT = {"niter": 2, "bands": (20.0, None)}


@pytest.fixture
def draw(rng):
    return lambda *shape: torch.from_numpy(rng.standard_normal(shape))


def exact(F, mask=None):
    """Return a base, a mask, and the layers made of them, of 4 x 3 cells."""
    base = torch.full(F.dims, 1800.0, dtype=torch.float64)
    return base, Layers(base, mask)


def test_a_profile_fills_what_the_mask_leaves(paper, draw):
    mask = torch.tensor([[0.0, 0.5, 1.0]] * 2 + [[0.0, 1.0, 1.0]] * 2, dtype=torch.float64)
    base, layers = exact(paper, mask)
    u, g = 2000.0 + 100.0 * draw(1, 3), draw(4, 3)
    vp = layers.spread(u)
    torch.testing.assert_close(vp, mask * u + (1.0 - mask) * base)
    assert float((layers.change(u) * g).sum()) == pytest.approx(float((u * layers.gather(g)).sum()))
    torch.testing.assert_close(layers.average(vp)[:, 2], u[:, 2])
    assert float(layers.average(vp)[0, 0]) == 1800.0  # no cell of it may change


def test_gradient_and_hessian_by_a_profile(paper, draw):
    _, layers = exact(paper)
    dobs = paper._apply(2500.0 + 200.0 * draw(4, 3))
    objective = Objective(paper, dobs, misfit="l2", unknowns=layers)
    full = Objective(paper, dobs, misfit="l2")
    u, p = 2200.0 + 100.0 * draw(1, 3), draw(1, 3)
    value, curve = objective.linearize(u)
    torch.testing.assert_close(value.gradient, full(u.expand(4, 3)).gradient.sum(0, keepdim=True))
    torch.testing.assert_close(value.gradient, objective(u).gradient)
    assert objective.height(u).total == pytest.approx(value.total)
    curvature, image = curve(p)
    assert curvature == pytest.approx(float((p * image).sum()))
    wide, _ = full.linearize(u.expand(4, 3))[1](p.expand(4, 3))
    assert curvature == pytest.approx(wide)


@pytest.fixture(scope="module")
def flat():
    """Return the modelling of one shot, and three flat layers."""
    grid = vmb.Grid((24, 12), 10.0)
    acq = vmb.Acquisition.fixed_spread([60.0], 10.0 * np.arange(24), nt=200, dt=0.001, f0=20.0)
    true = np.full(grid.dims, 2000.0, dtype="float32")
    true[:, 4:], true[:, 8:] = 2400.0, 2900.0
    return vmb.AcousticModelling2D(grid, acq), true


def test_flat_layers_are_found_to_the_last_m_s_from_no_knowledge(flat):
    F, true = flat
    vp, _, cost = fit_profile(F, F(true), niter=8, refine=8, bands=(10.0, None))
    assert np.abs(linear_start(F.grid) - true).mean() > 100.0
    assert np.abs(vp - true).mean() < 1.0
    assert cost[-1] < 1e-8


def test_a_preference_for_few_layers_finds_what_data_alone_leave_open():
    """Without it the same steps end 210 m/s away: the record is short for the deepest cells."""
    grid = vmb.Grid((24, 24), 10.0)
    acq = vmb.Acquisition.fixed_spread([60.0], 10.0 * np.arange(24), nt=200, dt=0.001, f0=20.0)
    F, true = vmb.AcousticModelling2D(grid, acq), np.full(grid.dims, 2000.0)
    true[:, 6:], true[:, 9:], true[:, 15:] = 2400.0, 2300.0, 2900.0
    vp = fit_profile(F, F(true), niter=8, refine=6, blocky=5.0, bands=(10.0, None)).vp[0]
    assert vp.dtype == np.float64
    assert np.abs(vp - true[0]).mean() < 0.1
    np.testing.assert_array_equal(np.flatnonzero(np.abs(np.diff(vp)) > 1.0), [5, 8, 14])


def test_the_search_for_few_layers_goes_on_where_it_was(paper, draw):
    _, layers = exact(paper)
    u = 2200.0 + 100.0 * draw(1, 3)
    objective = Objective(paper, paper._apply(u.expand(4, 3)), misfit="l2", unknowns=layers)
    held = Preconditioner(illumination=False)
    one, other = (BlockyHessian((1500.0, 4500.0), held, jump=5.0) for _ in range(2))
    x, height = one.step(u + draw(1, 3), objective)
    assert height.total < one.state()["weight"] < 1e-4
    other.restore(one.state())
    torch.testing.assert_close(other.step(x, objective)[0], one.step(x, objective)[0])
    assert other.state() == one.state()


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
def test_the_result_is_flat_and_fits_better(F, dobs, x0, optimiser):
    bent = x0 + np.linspace(-50.0, 50.0, 24, dtype="float32")[:, None]
    result = fit_profile(F, dobs, bent, optimiser=optimiser, **SHORT)
    assert result.vp.shape == F.dims
    assert np.ptp(result.vp, axis=0).max() == 0.0
    assert result.niter == 4
    assert result.cost[1] < result.cost[0]


def test_the_mask_holds_its_cells(F, dobs, x0):
    mask = np.ones(F.dims)
    mask[:, 0], mask[:12, 1] = 0.0, 0.0
    bent = x0 + np.linspace(-50.0, 50.0, 24, dtype="float32")[:, None]
    vp = fit_profile(F, dobs, bent, mask=mask, **SHORT).vp
    np.testing.assert_array_equal(vp[mask == 0.0], bent[mask == 0.0])
    assert np.ptp(vp[12:], axis=0)[1:].max() == 0.0


@pytest.mark.parametrize(("after", "blocky"), [(2, None), (5, None), (5, 5.0)])
def test_a_resumed_profile_is_the_same(tmp_path, F, dobs, x0, raising, after, blocky):
    path, more = tmp_path / "run.safetensors", SHORT | {"refine": 2, "blocky": blocky}
    mask = np.ones(F.dims)
    mask[:, 0] = 0.0
    whole = fit_profile(F, dobs, x0, mask=mask, **more)
    with pytest.raises(ZeroDivisionError):
        fit_profile(F, dobs, x0, mask=mask, checkpoint=path, callbacks=[raising(after)], **more)
    resumed = fit_profile(F, dobs, mask=mask, checkpoint=path, **more)
    np.testing.assert_allclose(resumed.vp, whole.vp, atol=0.1)
    assert resumed.cost[:4].tolist() == whole.cost[:4].tolist()
    assert resumed.cost == pytest.approx(whole.cost, rel=1e-3)
    assert [entry.band for entry in whole.history] == [20.0] * 2 + [math.inf] * 4


def test_what_refinement_needs():
    for more, message in (
        ({"refine": 2, "misfit": "l1"}, "refine: needs misfit='l2'.* got 'l1'"),
        ({"refine": -1}, "refine: must be at least 0"),
        ({"refine": 2, "blocky": 0.0}, "blocky: must be above 0.* got 0"),
        ({"blocky": 5.0}, r"blocky: acts on refining steps only, got refine=0\. Pass refine=12"),
    ):
        with pytest.raises(VMBValueError, match=message):
            vmb.inversion.ProfileSettings(**more)
