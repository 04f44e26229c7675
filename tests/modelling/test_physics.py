"""The waves themselves: analytic solutions, reciprocity, mirrors and absorbing edges."""

import numpy as np
import pytest
from scipy.special import hankel2

from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid, ricker

V, H = 2000.0, 10.0
GRID = Grid((81, 61), H)


def green(acq: Acquisition, distance: float) -> np.ndarray:
    """Return the exact trace in a homogeneous medium at some distance from the source.

    With ``exp(+i omega t)`` the docstring's equation is ``-(k^2 + laplace) u = dx dz w delta``,
    and the outgoing solution ``u = dx dz w (-i / 4) H0^(2)(k r)``.
    """
    length = 8 * acq.nt
    k = 2 * np.pi * np.fft.rfftfreq(length, acq.dt)[1:] / V
    response = np.append(0.0, -0.25j * hankel2(0, k * distance))
    return np.fft.irfft(np.fft.rfft(acq.wav, length) * response * H * H, length)[: acq.nt]


def trace(srcs, recs, grid=GRID, *, vp=V, nt=800, dt=5e-4, wav=None, **settings) -> np.ndarray:
    """Return one trace of a 15 Hz source; points are (x, z) in m."""
    wav = ricker(15.0, dt)[0] if wav is None else wav
    acq = Acquisition(np.c_[[srcs]].T, np.c_[[recs]].T, nt=nt, dt=dt, wav=wav, f0=15.0)
    settings = {"space_order": 8, "max_vel": 4500.0} | settings
    F = AcousticModelling2D(grid, acq, **settings)
    return F(np.broadcast_to(vp, grid.dims).astype(float))[0, 0]


@pytest.fixture
def survey() -> Acquisition:
    """Return a survey with the time axis and the wavelet of `trace`."""
    return Acquisition([[0.0], [0.0]], [[0.0], [0.0]], nt=800, dt=5e-4, wav=ricker(15.0, 5e-4)[0])


@pytest.mark.parametrize(("order", "tolerance"), [(4, 2e-2), (6, 3e-3), (8, 3e-3)])
def test_waveform_is_that_of_the_analytic_green_function(survey, relative, order, tolerance):
    d, exact = trace((250, 300), (550, 300), space_order=order), green(survey, 300.0)
    assert relative(d, exact) < tolerance
    wrong = (-d, 1.1 * d, 0.9 * d, np.roll(d, 1), np.roll(d, -1))
    assert min(relative(other, exact) for other in wrong) > 1.5 * tolerance


def test_amplitude_and_phase_hold_at_other_offsets_and_angles(survey, relative):
    for rec in ((250, 420), (370, 300), (450, 500)):
        exact = green(survey, np.hypot(rec[0] - 250, rec[1] - 300))
        assert relative(trace((250, 300), rec), exact) < 5e-3


def test_points_between_cells_are_exact_too(survey, relative):
    d = trace((253.7, 301.2), (548.1, 296.6))
    exact = green(survey, np.hypot(548.1 - 253.7, 296.6 - 301.2))
    assert relative(d, exact) < 1.5e-2
    assert relative(d, green(survey, 300.0)) > 0.05


def test_spacing_that_differs_by_axis(survey, relative):
    grid = Grid((81, 121), (10.0, 5.0))
    d = trace((250, 300), (550, 300), grid)
    assert relative(d, 0.5 * green(survey, 300.0)) < 5e-3


def test_origin_moves_the_survey_with_the_grid():
    moved = Grid(GRID.dims, H, origin=(-1000.0, 50.0))
    np.testing.assert_array_equal(
        trace((-750, 350), (-450, 350), moved), trace((250, 300), (550, 300))
    )


def test_free_surface_adds_a_ghost_of_opposite_sign(survey, relative):
    # the pressure vanishes one cell above the first row: the mirror lies at z = -10 m
    d = trace((250, 60), (550, 100), free_surface=True)
    direct, ghost = (green(survey, np.hypot(300, z)) for z in (100 - 60, 100 + 60 + 2 * H))
    assert relative(d, direct - ghost) < 5e-3
    assert relative(d, direct + ghost) > 1.0
    assert relative(trace((250, 60), (550, 100)), direct) < 5e-3


@pytest.fixture
def uneven() -> np.ndarray:
    """Return a model from 2000 to 4300 m/s with a step."""
    x, z = np.meshgrid(np.arange(50.0), np.arange(40.0), indexing="ij")
    model = 2100 + 15 * z + 8 * x + 150 * np.sin(x / 5) * np.cos(z / 4)
    return model + 900 * ((x > 25) & (z > 20))


@pytest.mark.parametrize("points", [((100, 50), (400, 300)), ((20, 0), (450, 300))])
def test_reciprocity_in_a_heterogeneous_model(uneven, relative, points):
    r"""Swap source and receiver: the same trace, without any scaling.

    The equation is :math:`A u = w \delta` with :math:`A = v^{-2} \partial_t^2 - \nabla^2`
    symmetric and a source that does not depend on the velocity; so is Green's function.
    A source of `(dt)^2 w` a step instead of `(v dt)^2 w` would differ by the ratio of the
    squared velocities at the two points.
    """
    grid, (a, b) = Grid((50, 40), H), points
    there, back = (trace(p, q, grid, vp=uneven, nt=500, dt=1e-3) for p, q in ((a, b), (b, a)))
    assert relative(there, back) < 2e-5
    va, vb = (uneven[int(x / H), int(z / H)] for x, z in points)
    assert relative(there * (va / vb) ** 2, back) > 0.3


def test_absorbing_edges_send_back_little(relative):
    small, large = Grid((41, 41), H), Grid((141, 141), H)
    at = {"nt": 700, "dt": 1e-3, "space_order": 4}
    wide = trace((700, 700), (850, 700), large, **at)
    assert relative(trace((200, 200), (350, 200), small, **at), wide) < 2e-4
    assert relative(trace((200, 200), (350, 200), small, nbl=3, **at), wide) > 1e-2


def test_data_are_linear_in_the_wavelet(uneven, rng):
    grid, (first, second) = Grid((50, 40), H), rng.standard_normal((2, 60))
    a, b, both = (
        trace((100, 50), (400, 300), grid, vp=uneven, nt=400, dt=1e-3, wav=wav)
        for wav in (first, second, 2 * first - 3 * second)
    )
    np.testing.assert_allclose(both, 2 * a - 3 * b, atol=1e-12 * abs(both).max())


def test_a_delayed_wavelet_delays_the_data(uneven):
    grid, wav = Grid((50, 40), H), ricker(15.0, 1e-3)[0]
    at = {"vp": uneven, "nt": 400, "dt": 1e-3, "space_order": 4}
    early = trace((100, 50), (400, 300), grid, wav=wav, **at)
    late = trace((100, 50), (400, 300), grid, wav=np.append(np.zeros(7), wav), **at)
    np.testing.assert_allclose(late[7:], early[:-7], atol=1e-12 * abs(early).max())


def test_a_coarse_time_step_gives_the_same_samples(uneven, relative):
    grid, at = Grid((50, 40), H), {"vp": uneven, "space_order": 4}
    points = (100, 50), (400, 300)
    fine = trace(*points, grid, nt=600, dt=1e-3, wav=ricker(12.0, 1e-3, halfwidth=0.12)[0], **at)
    coarse = trace(*points, grid, nt=150, dt=4e-3, wav=ricker(12.0, 4e-3, halfwidth=0.12)[0], **at)
    assert relative(coarse, fine[::4]) < 2e-3
