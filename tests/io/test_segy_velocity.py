"""Velocity models as SEG-Y: exact round trips, positions, units."""

import struct

import numpy as np
import pytest
import torch

from pylops_vmb.errors import UnitWarning, VMBFileError, VMBValueError
from pylops_vmb.io import read_velocity, write_velocity
from pylops_vmb.survey import Grid

NX, NZ = 6, 9


@pytest.fixture
def grid():
    return Grid((NX, NZ), (12.5, 6.25), (-1000.3, 40.0))


@pytest.fixture
def vp(rng):
    return rng.uniform(1500.0, 4500.0, (NX, NZ)).astype(np.float32)


@pytest.fixture
def path(tmp_path, vp, grid):
    write_velocity(tmp_path / "vp.sgy", vp, grid)
    return tmp_path / "vp.sgy"


def patch(path, byte, value, code, traces=range(NX)):
    raw = bytearray(path.read_bytes())
    for i in traces:
        struct.pack_into(code, raw, 3600 + (240 + 4 * NZ) * i + byte - 1, value)
    path.write_bytes(raw)


def test_round_trip(path, vp, grid):
    got, found = read_velocity(path)
    assert got.dtype == np.float32
    assert got.tobytes() == vp.tobytes()
    assert found == grid


def test_flat_tensors_are_written(tmp_path, vp, grid):
    write_velocity(tmp_path / "flat.sgy", torch.from_numpy(vp).ravel(), grid)
    assert np.array_equal(read_velocity(tmp_path / "flat.sgy")[0], vp)


def test_source_positions_serve_where_there_is_no_cdp(path, grid):
    patch(path, 181, 0, ">i")
    assert read_velocity(path)[1] == grid


def test_feet_become_metres(path, vp, grid):
    raw = bytearray(path.read_bytes())
    struct.pack_into(">h", raw, 3254, 2)
    path.write_bytes(raw)
    got, found = read_velocity(path)
    np.testing.assert_allclose(got, 0.3048 * vp, rtol=1e-6)
    np.testing.assert_allclose(found.extent, 0.3048 * np.array(grid.extent))


def test_irregular_positions_are_refused_and_a_grid_helps(path, vp, grid):
    patch(path, 181, 77, ">i", traces=[2])
    with pytest.raises(VMBFileError, match=r"regular positions along x.*Pass the grid"):
        read_velocity(path)
    got, found = read_velocity(path, grid=grid)
    assert found is grid
    assert np.array_equal(got, vp)
    with pytest.raises(VMBValueError, match=r"grid: must have shape dims = \(6, 9\)"):
        read_velocity(path, grid=Grid((NX, NZ + 1), 10.0))


def test_kilometres_a_second_are_reported(tmp_path, vp, grid):
    write_velocity(tmp_path / "km.sgy", vp / 1000.0, grid)
    with pytest.warns(UnitWarning, match="too small for m/s.*Multiply them by 1000"):
        read_velocity(tmp_path / "km.sgy")


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (Grid((NX, NZ), (10.0, 40.0)), "grid: dz: must be a whole number of mm, at most 32767"),
        (Grid((NX, NZ), (10.0, 1 / 3)), "grid: dz: must be a whole number of mm"),
        (Grid((NX, NZ), 10.0, (0.0, 2.5)), "must be a whole number of metres"),
        (Grid((NZ, NX), 10.0), "vp: must have shape.*transpose"),
    ],
)
def test_grids_that_do_not_fit_are_refused(tmp_path, vp, grid, message):
    with pytest.raises(VMBValueError, match=message):
        write_velocity(tmp_path / "vp.sgy", vp, grid)
