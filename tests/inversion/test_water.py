"""A water layer is held to the bit, also under a free surface, and what lies below is found."""

import numpy as np
import pytest

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion import water_mask
from pylops_vmb.survey import Grid


def test_water_ends_at_the_sea_floor():
    grid = Grid((3, 6), (10.0, 5.0), origin=(0.0, 100.0))
    mask = water_mask(grid, [100.0, 112.0, 115.0])
    assert (mask.dtype, mask.shape) == (np.float32, (3, 6))
    np.testing.assert_array_equal(
        mask, [[1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]]
    )
    np.testing.assert_array_equal(water_mask(grid, 110.0)[0], [0, 0, 1, 1, 1, 1])


def test_a_taper_rises_below_the_sea_floor():
    mask = water_mask(Grid((2, 8), 10.0), 20.0, taper=30.0)
    np.testing.assert_allclose(mask[0], [0, 0, 0.25, 0.5, 0.75, 1, 1, 1])


@pytest.mark.parametrize(
    ("depth", "taper", "message"),
    [
        ([10.0, 20.0], 0.0, r"depth: must have shape \(nx,\) = \(3,\), got \(2,\)"),
        (np.nan, 0.0, "depth: must be finite"),
        (10.0, -1.0, "taper: must be at least 0"),
    ],
)
def test_floors_that_cannot_be_are_refused(depth, taper, message):
    with pytest.raises(VMBValueError, match=message):
        water_mask(Grid((3, 6), 10.0), depth, taper=taper)


@pytest.mark.parametrize(("optimiser", "taper"), [("lbfgs", 0.0), ("lbfgs", 30.0), ("adam", 0.0)])
def test_fwi_under_a_free_surface_finds_the_rock_and_keeps_the_water(optimiser, taper):
    grid = Grid((30, 16), 10.0)
    acq = vmb.Acquisition.fixed_spread(
        [60.0, 150.0, 240.0], 10.0 * np.arange(30), nt=260, dt=0.001, f0=20.0, zs=20.0, zr=30.0
    )
    F = vmb.AcousticModelling2D(grid, acq, free_surface=True)
    x0 = np.full(grid.dims, 1500.0, dtype="float32")
    x0[:, 6:] = 1900.0
    true = x0.copy()
    true[:, 6:] = 2050.0
    mask = water_mask(grid, 60.0, taper=taper)
    result = vmb.fwi(
        F, F(true), x0, mask=mask, niter=8, bands=(20.0, None), optimiser=optimiser, lr=25.0
    )
    np.testing.assert_array_equal(result.vp[:, :6], x0[:, :6])
    assert result.cost[-1] < 0.1 * result.cost[0]
    assert np.abs(result.vp - true)[:, 6:12].mean() < 0.5 * np.abs(x0 - true)[:, 6:12].mean()
