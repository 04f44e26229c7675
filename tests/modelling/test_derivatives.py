"""The Jacobian: adjoint to rounding, Taylor, finite differences, and at home in PyLops."""

import numpy as np
import pylops
import pytest

from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.operators import dottest, taylortest
from pylops_vmb.survey import Acquisition

FINE, COARSE = {"nt": 200, "dt": 1e-3}, {"nt": 60, "dt": 4e-3}


@pytest.fixture(params=[(o, t) for o in (2, 4, 6, 8) for t in ("1 ms", "4 ms")], ids=str)
def operator(request, grid) -> AcousticModelling2D:
    """Return operators of all stencils, with and without substeps in ``dt``."""
    order, step = request.param
    acq = Acquisition.fixed_spread(
        [50.0, 200.0],
        20.0 * np.arange(13),
        f0=12.0,
        zs=20.0,
        zr=10.0,
        **(FINE if step == "1 ms" else COARSE),
    )
    return AcousticModelling2D(grid, acq, space_order=order, nbl=6, max_vel=4500.0)


def test_four_milliseconds_need_substeps(grid):
    acq = Acquisition.fixed_spread([50.0], [100.0], f0=12.0, **COARSE)
    scheme = AcousticModelling2D(grid, acq, max_vel=4500.0)._scheme
    assert (scheme.substeps, scheme.stride) == (4, 1)


def test_the_adjoint_is_exact_on_white_noise(operator, vp):
    assert dottest(operator.jacobian(vp), rtol=1e-10).error < 1e-12


def test_the_taylor_remainder_is_of_second_order(operator, vp):
    slopes = taylortest(operator, vp).slopes
    assert slopes == pytest.approx([2.0] * 4, abs=0.02)


def test_float32_passes_its_own_dot_test(F, vp):
    dottest(F.jacobian(vp.astype(np.float32)))


def test_born_data_are_the_finite_difference_of_the_data(F, vp, rng, relative):
    dv = rng.standard_normal(vp.shape)
    step = 1e-2
    difference = (F(vp + step * dv) - F(vp - step * dv)) / (2 * step)
    assert relative(F.jacobian(vp) @ dv, difference) < 1e-7


@pytest.mark.parametrize("free_surface", [False, True])
def test_the_gradient_of_a_misfit_is_its_slope(grid, acq, vp, rng, free_surface):
    F = AcousticModelling2D(grid, acq, nbl=8, free_surface=free_surface)
    dobs, dv, step = F(np.full_like(vp, 2400.0)), rng.standard_normal(vp.shape), 1e-2

    def misfit(model):
        return 0.5 * np.sum((F(model) - dobs) ** 2)

    slope = (misfit(vp + step * dv) - misfit(vp - step * dv)) / (2 * step)
    d, J = F.linearize(vp)
    assert np.sum((J.H @ (d - dobs)) * dv) == pytest.approx(slope, rel=1e-6)


def test_pylops_own_dot_test_passes(F, vp):
    J = F.jacobian(vp)
    assert isinstance(J, pylops.LinearOperator)
    assert pylops.utils.dottest(J, *J.shape, rtol=1e-9, atol=0.0)


def test_cgls_reduces_the_residual(F, vp):
    J = F.jacobian(vp)
    dv = np.zeros_like(vp)
    dv[10:16, 8:12] = 50.0
    dd = J @ dv.ravel()
    costs = pylops.optimization.basic.cgls(J, dd, niter=6)[5]
    assert np.all(np.diff(costs) <= 0.0)
    assert costs[-1] < 0.3 * costs[0]


def test_vstack_with_a_laplacian(F, vp):
    J = F.jacobian(vp)
    weight = 1e-2 * np.linalg.norm(J @ vp.ravel()) / np.linalg.norm(vp)
    stacked = pylops.VStack([J, weight * pylops.Laplacian(F.dims, dtype=J.dtype)])
    dottest(stacked)
    dd = np.r_[J @ np.ones(vp.size), np.zeros(vp.size)]
    costs = pylops.optimization.basic.cgls(stacked, dd, niter=4)[5]
    assert costs[-1] < costs[0]
