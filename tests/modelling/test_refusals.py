"""Unit mistakes and impossible runs: refused or warned about, in three parts."""

import numpy as np
import pytest

from pylops_vmb.errors import DispersionWarning, UnitWarning, VMBTypeError, VMBValueError
from pylops_vmb.modelling import AcousticModelling2D, suggest_sampling
from pylops_vmb.survey import Acquisition, Grid, ricker


def survey(xs=(50.0,), xr=(20.0, 80.0), *, nt=200, dt=1e-3, f0=15.0, zs=20.0, zr=20.0):
    """Return a survey that fits the grid of 26 x 22 cells unless told otherwise."""
    return Acquisition.fixed_spread(xs, xr, nt=nt, dt=dt, f0=f0, zs=zs, zr=zr)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2.3, r"vp: must be in m/s, got 2\.3 at most, which looks like km/s\. Multiply it by 1000"),
        (0.0, r"vp: must be positive, got 0 m/s\. Clip or repair the model"),
        (-2000.0, r"vp: must be positive, got -2000 m/s"),
        (np.nan, r"vp: must be finite, got 1 NaN or infinite values"),
        (np.inf, r"vp: must be finite"),
        (6000.0, r"vp: must not exceed max_vel = 5500 m/s, got 6000 m/s\. .*higher max_vel"),
    ],
)
def test_velocities_that_cannot_be(F, vp, value, message):
    bad = np.full_like(vp, 2.0) if value == 2.3 else vp.copy()
    bad[3, 4] = value
    for call in (F, F.jacobian):
        with pytest.raises(VMBValueError, match=message):
            call(bad)


def test_the_highest_velocity_is_allowed(grid, acq, vp):
    AcousticModelling2D(grid, acq, max_vel=float(vp.max()))(vp)


def test_a_slower_model_keeps_the_data_of_the_same_operator(grid, acq, vp, relative):
    # max_vel fixes the step: the objective does not change while a model is updated
    slow = vp.copy()
    slow[vp == vp.max()] -= 1.0
    F = AcousticModelling2D(grid, acq, max_vel=float(vp.max()))
    assert relative(F(slow), F(vp)) < 1e-3


@pytest.mark.parametrize("max_vel", [4.5, 0.0, -1.0, np.nan])
def test_max_vel_is_checked(grid, acq, max_vel):
    message = "max_vel: must be in m/s" if max_vel == 4.5 else "max_vel: must be (above|finite)"
    with pytest.raises(VMBValueError, match=message):
        AcousticModelling2D(grid, acq, max_vel=max_vel)


def test_a_model_of_the_wrong_shape(F, vp):
    with pytest.raises(VMBValueError, match=r"axes seem to be swapped.*\(26, 22\)"):
        F(vp.T)
    with pytest.raises(VMBValueError, match=r"x: must have shape.*\(26, 22\)"):
        F(vp[1:])


def test_a_time_step_in_milliseconds(grid):
    acq = Acquisition([[50.0], [20.0]], [[80.0], [20.0]], nt=200, dt=1.0, wav=ricker(15, 1e-3)[0])
    message = (
        r"dt: is \d+ times the largest stable step on cells of 10 m, got 1 s\. "
        r"Give dt in seconds \(1 ms is 0\.001\)"
    )
    with pytest.raises(VMBValueError, match=message):
        AcousticModelling2D(grid, acq)


def test_a_survey_in_cells_instead_of_metres():
    grid = Grid((70, 70), 10.0)
    message = (
        r"narrower in metres than the grid is in cells, got 60 m on a grid of 690 m\. .*metres"
    )
    with pytest.warns(UnitWarning, match=message):
        AcousticModelling2D(grid, survey([0.0], [10.0, 60.0], zs=0.0, zr=0.0))


def test_points_outside_the_grid(grid):
    with pytest.raises(VMBValueError, match=r"source 0 lies outside the grid \(x 0 to 250 m"):
        AcousticModelling2D(grid, survey([260.0]))
    with pytest.raises(VMBValueError, match=r"receiver 1 lies outside.*got x = 80 m, z = 220 m"):
        AcousticModelling2D(
            grid, Acquisition([[50], [20]], [[20, 80], [20, 220]], nt=9, dt=1e-3, wav=[1.0])
        )


def test_coincident_receivers(grid):
    message = r"recs: must differ.*got two receivers at one place in shot 0\. Drop or stack"
    with pytest.raises(VMBValueError, match=message):
        AcousticModelling2D(grid, survey(xr=(20.0, 80.0, 20.0)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xr": (20.0, 85.0), "zr": 30.0}, r"receiver between cells.*receiver 1 of shot 0 at cell"),
        ({"xs": (100.0, 15.0)}, r"a source between cells must keep 4 cells.*source 0 of shot 1"),
        ({"xr": (125.0, 245.0)}, r"receiver between cells must keep 4 cells from the grid's edge"),
    ],
)
def test_points_between_cells_near_the_edge(grid, changes, message):
    with pytest.raises(VMBValueError, match=message):
        AcousticModelling2D(grid, survey(**changes))


def test_a_grid_that_is_too_coarse_is_said_once(grid, vp):
    F = AcousticModelling2D(grid, survey(f0=40.0))
    message = r"shortest waves \(1960 m/s at 100 Hz\) are 19\.6 m long.*got cells of 10 m\. Use"
    with pytest.warns(DispersionWarning, match=message) as caught:
        F(vp)
    assert [warning.filename for warning in caught] == [__file__]
    F(vp + 1.0)  # a second warning would be an error here


@pytest.mark.parametrize(
    ("error", "message", "settings"),
    [
        (
            VMBValueError,
            r"space_order: is not a known choice, got 3\. .*2, 4, 6, 8",
            {"space_order": 3},
        ),
        (VMBValueError, r"nbl: must be at least 1, got 0", {"nbl": 0}),
        (VMBTypeError, r"nbl: must be an integer, got 20\.0", {"nbl": 20.0}),
        (VMBValueError, r"dtype: must be float32 or float64", {"dtype": "float16"}),
        (VMBValueError, r"memory: must be a number and a unit", {"memory": "lots"}),
    ],
)
def test_settings(grid, acq, error, message, settings):
    with pytest.raises(error, match=message):
        AcousticModelling2D(grid, acq, **settings)


def test_suggested_sampling_follows_its_formula():
    sampling = suggest_sampling((2000.0, 4000.0), 10.0, space_order=8)
    assert sampling.spacing == pytest.approx(2000.0 / (25.0 * 3.5))
    assert sampling.dt == pytest.approx(0.72 * sampling.spacing / (np.sqrt(2) * 4000.0))
    assert sampling.dt_data == pytest.approx(0.02)


def test_suggested_sampling_runs_without_a_warning():
    sampling = suggest_sampling((2000.0, 3000.0), 15.0)
    grid = Grid((20, 20), sampling.spacing)
    acq = Acquisition.fixed_spread(
        [5 * sampling.spacing], [9 * sampling.spacing], nt=200, dt=0.9e-3, f0=15.0
    )
    assert acq.dt < sampling.dt
    F = AcousticModelling2D(grid, acq, max_vel=3000.0)
    assert F._scheme.substeps == 1
    assert np.isfinite(F(np.full(grid.dims, 2000.0))).all()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (r"vp_range: must be in m/s, got 4\.5", ((1.5, 4.5), 15.0)),
        (r"vp_range: must be at least 4500\.0 m/s", ((4500.0, 1500.0), 15.0)),
        (r"vp_range: must be above 0", ((0.0, 1500.0), 15.0)),
        (r"f0: must be above 0\.0 Hz", ((1500.0, 4500.0), 0.0)),
    ],
)
def test_sampling_refusals(message, arguments):
    with pytest.raises(VMBValueError, match=message):
        suggest_sampling(*arguments)


def test_sampling_refuses_an_unknown_stencil():
    with pytest.raises(VMBValueError, match="space_order: is not a known choice, got 5"):
        suggest_sampling((1500.0, 4500.0), 15.0, space_order=5)
