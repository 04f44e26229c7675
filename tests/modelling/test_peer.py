"""Reading PyLops' propagator, from a stand-in with its attributes: no Devito is needed."""

import sys
from math import factorial
from types import SimpleNamespace

import numpy as np
import pytest

from pylops_vmb.errors import DataWarning, VMBImportError, VMBTypeError, VMBValueError
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.modelling.peer import CRITICAL, highest_velocity, read_operator, velocity_of
from pylops_vmb.survey import Grid

DIMS, NBL, NT, DT = (24, 18), 6, 120, 2.054  # ms
VELOCITY = np.linspace(1901.3, 2650.7, 24 * 18, dtype=np.float32).reshape(DIMS)


def stand_in(*, spacing=(10.0, 10.0), origin=(500.0, -100.0), xs=(600.0, 650.0), **changes):
    """Return what `AcousticWave2D` keeps, in its units (km/s, ms, kHz) and precision."""
    times = DT * np.arange(NT) - 1e3 / 15.0
    ricker = (1 - 2 * (np.pi * 0.015 * times) ** 2) * np.exp(-((np.pi * 0.015 * times) ** 2))
    model = SimpleNamespace(
        origin=tuple(np.float32(origin)),
        spacing=tuple(np.float32(spacing)),
        shape=DIMS,
        nbl=NBL,
        vp=SimpleNamespace(data=np.pad(np.float32(1e-3 * VELOCITY), NBL, mode="edge")),
    )
    geometry = SimpleNamespace(
        src_positions=np.array([[x, origin[1] + spacing[1]] for x in xs]),
        rec_positions=np.array([[origin[0] + spacing[0] * i, origin[1]] for i in range(DIMS[0])]),
        src=SimpleNamespace(data=np.tile(np.float32(ricker)[:, None], (1, 2))),
        src_type="Ricker",
        f0=0.015,
        nt=NT,
        dt=np.float32(DT),
    )
    fields = {"model": model, "geometry": geometry, "space_order": 4, "checkpointing": False}
    return SimpleNamespace(**fields | {"dtype": np.dtype("float32")} | changes)


def custom(wav):
    """Return what `updatesrc` leaves."""
    padded = np.pad(np.asarray(wav, np.float32), (0, NT - len(wav)))
    return SimpleNamespace(data=padded[:, None])


def test_grid_and_survey_are_read_in_metres_and_seconds() -> None:
    setup = read_operator(stand_in())
    assert setup.grid == Grid(DIMS, 10.0, (500.0, -100.0))
    assert setup.acq.dimsd == (2, 24, NT)
    assert setup.acq.dt == pytest.approx(1e-3 * DT, rel=1e-12)
    assert setup.acq.f0 == pytest.approx(15.0)
    np.testing.assert_array_equal(setup.acq.srcs, [[600.0, 650.0], [-90.0, -90.0]])
    np.testing.assert_array_equal(setup.acq.recs[0], setup.grid.x)
    assert (setup.space_order, setup.nbl) == (4, NBL)


def test_wavelet_is_the_one_that_is_injected() -> None:
    AWop = stand_in()
    acq = read_operator(AWop).acq
    assert acq.wav[0] == 0.0
    np.testing.assert_array_equal(acq.wav[1:], AWop.geometry.src.data[1:, 0])
    assert acq.delay == pytest.approx(1.0 / 15.0, abs=0.51e-3 * DT)
    assert AWop.geometry.src.data[0, 0] != 0.0  # the operator's own was not written to


def test_wavelet_of_updatesrc_replaces_the_built_in_one() -> None:
    acq = read_operator(stand_in(wav=custom([5.0, 1.0, -3.0, 2.0]))).acq
    np.testing.assert_array_equal(acq.wav[:6], [0.0, 1.0, -3.0, 2.0, 0.0, 0.0])
    assert acq.wavc == 2
    assert acq.f0 > 50.0  # its own peak frequency, not the 15 Hz of the built-in one


def test_velocity_is_read_without_the_absorbing_zone() -> None:
    vp = velocity_of(stand_in())
    assert vp.dtype == np.float32
    np.testing.assert_allclose(vp, VELOCITY, rtol=2e-7)


def test_velocity_is_read_where_there_is_no_absorbing_zone() -> None:
    AWop = stand_in()
    nbl, AWop.model.nbl = AWop.model.nbl, 0
    AWop.model.vp = SimpleNamespace(data=AWop.model.vp.data[nbl:-nbl, nbl:-nbl])
    np.testing.assert_allclose(velocity_of(AWop), VELOCITY, rtol=2e-7)


@pytest.mark.parametrize("spacing", [6.6, 20.0 / 3.0])
def test_points_on_cells_in_single_precision_stay_on_them(spacing: float) -> None:
    AWop = stand_in(spacing=(spacing, spacing), origin=(123.4, 0.0), xs=(123.4 + 17 * spacing,) * 2)
    setup = read_operator(AWop)
    cells = setup.grid.cells(setup.acq.recs)
    np.testing.assert_allclose(cells, np.round(cells), atol=1e-9)
    assert setup.grid.cells(setup.acq.srcs)[0] == pytest.approx([17.0, 17.0], abs=1e-9)


def test_points_between_cells_are_kept() -> None:
    assert read_operator(stand_in(xs=(603.0, 650.0))).acq.srcs[0, 0] == 603.0


@pytest.mark.parametrize("order", CRITICAL)
def test_operator_steps_as_pylops_does(order: int) -> None:
    AWop = stand_in(space_order=order)
    F = AcousticModelling2D.from_pylops(AWop)
    assert F._scheme.substeps == 1
    assert F.max_vel == highest_velocity((10.0, 10.0), 1e-3 * DT, order)
    data = F(np.full(DIMS, 0.999 * F.max_vel, np.float32))
    assert data.shape == (2, 24, NT)
    assert 0.0 < np.abs(data).max() < 1e3  # stable at the highest velocity


@pytest.mark.parametrize("order", CRITICAL)
def test_highest_velocity_reaches_the_one_that_set_the_step_of_pylops(order: int) -> None:
    assert highest_velocity((10.0, 10.0), pylops_step(2700.0, 10.0, order), order) > 2700.0


def pylops_step(vmax: float, spacing: float, order: int) -> float:
    """Return the step in s that Devito derives: by the stencil of twice the order, 4 digits."""
    side = [
        2 * factorial(order) ** 2 / (k**2 * factorial(order - k) * factorial(order + k))
        for k in range(1, order + 1)
    ]
    centre = 2 * sum((-1) ** k * c for k, c in enumerate(side))
    courant = (4.0 / (2.0 * (centre + 2 * sum(side)))) ** 0.5
    return float(f"{1e3 * courant * spacing / vmax:.3e}") / 1e3


def test_step_of_pylops_is_the_one_that_it_chose() -> None:
    steps = [pylops_step(2700.0, 10.0, order) for order in (4, 6)]
    assert steps == pytest.approx([2.054e-3, 1.969e-3])  # read from AcousticWave2D


def test_higher_velocities_take_substeps() -> None:
    F = AcousticModelling2D.from_pylops(stand_in(), max_vel=4500.0, nbl=10)
    assert F.max_vel == 4500.0
    assert F._scheme.substeps == 2
    assert F._scheme.nbl == 10


def test_gradient_and_band_variant_keep_the_steps() -> None:
    F = AcousticModelling2D.from_pylops(stand_in(space_order=8))
    vp = 0.9 * velocity_of(stand_in())
    d, J = F.linearize(vp)
    banded = F.for_band(F.acq.fmax)
    assert banded._scheme.substeps == 1
    np.testing.assert_allclose(banded(vp), d, rtol=1e-5, atol=1e-5 * np.abs(d).max())
    assert np.linalg.norm(J.H @ d) > 0.0


def test_foreign_operators_are_refused() -> None:
    with pytest.raises(VMBTypeError, match=r"must be a pylops\.waveeqprocessing\.AcousticWave2D"):
        AcousticModelling2D.from_pylops(np.eye(3))
    with pytest.raises(VMBTypeError, match="got int"):
        velocity_of(3)


def test_unknown_order_and_silent_source_are_refused() -> None:
    with pytest.raises(VMBValueError, match="space_order: is not a known choice, got 12"):
        read_operator(stand_in(space_order=12))
    with pytest.raises(VMBValueError, match="has no wavelet"):
        read_operator(stand_in(wav=custom([1.0])))  # sample 0 is never injected


def test_unknown_engine_is_refused() -> None:
    with pytest.raises(VMBValueError, match="engine: is not a known choice, got 'cuda'"):
        AcousticModelling2D.from_pylops(stand_in(), engine="cuda")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpointing": True}, "checkpointing takes the built-in wavelet"),
        ({"src_wavefield": []}, "updatesrc does not renew"),
    ],
)
def test_wrong_adjoints_of_the_peer_are_told(changes: dict, message: str) -> None:
    with pytest.warns(DataWarning, match=message) as caught:
        AcousticModelling2D.from_pylops(stand_in(wav=custom([0.0, 1.0]), **changes))
    assert caught[0].filename == __file__
    AcousticModelling2D.from_pylops(stand_in(**changes))  # harmless with the built-in wavelet


def test_missing_devito_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "devito", None)
    with pytest.raises(VMBImportError, match=r"environment of its own.*pylops-vmb\[devito\]"):
        AcousticModelling2D.from_pylops(stand_in(), engine="devito")
