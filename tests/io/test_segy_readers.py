"""What is written here, as segyio, ObsPy and Seismic Unix read it."""

import struct

import numpy as np
import obspy
import pytest
import segyio
from segyio import su

from pylops_vmb.io import write_gathers, write_velocity
from pylops_vmb.survey import Acquisition, Grid

NT, DT = 50, 0.0025
SU_WORDS = {
    "tracl": (1, ">i4"), "tracr": (5, ">i4"), "fldr": (9, ">i4"), "tracf": (13, ">i4"),
    "ep": (17, ">i4"), "cdp": (21, ">i4"), "trid": (29, ">i2"), "offset": (37, ">i4"),
    "gelev": (41, ">i4"), "sdepth": (49, ">i4"), "scalel": (69, ">i2"), "scalco": (71, ">i2"),
    "sx": (73, ">i4"), "gx": (81, ">i4"), "counit": (89, ">i2"), "delrt": (109, ">i2"),
    "ns": (115, ">u2"), "dt": (117, ">u2"),
}  # fmt: skip
"""Words of a trace header by the byte at which Seismic Unix has them (its segy.h)."""


@pytest.fixture
def acq():
    return Acquisition.streamer(
        [500.0, 525.25], [-75.5, -50.25, -25.0], nt=NT, dt=DT, f0=40.0, zs=6.0, zr=8.5
    )


@pytest.fixture
def data(rng, acq):
    return rng.normal(size=acq.dimsd).astype(np.float32)


@pytest.fixture
def path(tmp_path, data, acq):
    write_gathers(tmp_path / "gathers.sgy", data, acq)
    return tmp_path / "gathers.sgy"


@pytest.fixture
def stripped(path):
    """Return the file as Seismic Unix has it: traces without the headers of the file."""
    unix = path.with_suffix(".su")
    unix.write_bytes(path.read_bytes()[3600:])
    return unix


def metres(values, scalar):
    return np.asarray(values) / np.abs(scalar)


def test_segyio_reads_gathers(path, data, acq):
    with segyio.open(str(path), ignore_geometry=True) as file:
        assert file.trace.raw[:].tobytes() == data.tobytes()
        assert segyio.tools.dt(file) == 1e6 * DT
        assert file.bin[segyio.BinField.Interval] == 1e6 * DT
        scalar = file.attributes(segyio.TraceField.SourceGroupScalar)[:]
        for field, want in (
            (segyio.TraceField.SourceX, np.repeat(acq.srcs[0], 3)),
            (segyio.TraceField.GroupX, acq.recs[0].ravel()),
        ):
            assert np.array_equal(metres(file.attributes(field)[:], scalar), want)


def test_obspy_reads_gathers(path, data, acq):
    stream = obspy.read(path, format="SEGY", unpack_trace_headers=True)
    assert obspy.read(path)[0].stats._format == "SEGY"  # recognised without being told
    for i, trace in enumerate(stream):
        shot, receiver = divmod(i, 3)
        head = trace.stats.segy.trace_header
        assert trace.stats.delta == DT
        assert np.array_equal(trace.data, data[shot, receiver])
        xy, z = (
            abs(head[f"scalar_to_be_applied_to_all_{what}"])
            for what in ("coordinates", "elevations_and_depths")
        )
        assert head.source_coordinate_x / xy == acq.srcs[0, shot]
        assert head.group_coordinate_x / xy == acq.recs[0, shot, receiver]
        assert head.source_depth_below_surface / z == acq.srcs[1, shot]
        assert -head.receiver_group_elevation / z == acq.recs[1, shot, receiver]
        assert head.original_field_record_number == shot + 1


def test_stripped_gathers_are_a_file_of_seismic_unix(stripped, data, acq):
    stream = obspy.read(stripped, format="SU", byteorder=">", unpack_trace_headers=True)
    assert np.array_equal([trace.data for trace in stream], data.reshape(-1, NT))
    assert {trace.stats.delta for trace in stream} == {DT}
    with su.open(str(stripped), endian="big", ignore_geometry=True) as file:
        assert file.trace.raw[:].tobytes() == data.tobytes()


def test_the_words_of_seismic_unix_stand_at_their_bytes(stripped, acq):
    raw = stripped.read_bytes()
    size = 240 + 4 * NT
    words = {
        name: [np.frombuffer(raw, kind, 1, i * size + byte - 1)[0] for i in range(6)]
        for name, (byte, kind) in SU_WORDS.items()
    }
    numbers = list(range(1, 7))
    assert words["tracl"] == words["tracr"] == numbers
    assert words["fldr"] == words["ep"] == [1, 1, 1, 2, 2, 2]
    assert words["tracf"] == [1, 2, 3] * 2
    assert set(words["trid"]) == set(words["counit"]) == {1}
    assert set(words["ns"]) == {NT}
    assert set(words["dt"]) == {2500}
    assert set(words["delrt"]) == {0}
    assert set(words["scalco"]) == {-100}
    assert set(words["scalel"]) == {-10}
    assert np.array_equal(metres(words["sx"], 100), np.repeat(acq.srcs[0], 3))
    assert np.array_equal(metres(words["gx"], 100), acq.recs[0].ravel())
    assert words["offset"] == np.rint(acq.offsets).ravel().tolist()
    assert set(words["sdepth"]) == {60}
    assert set(words["gelev"]) == {-85}


def test_segyio_and_obspy_read_velocities(tmp_path, rng):
    grid = Grid((6, 9), (12.5, 6.25), (-1000.5, 40.0))
    vp = rng.uniform(1500.0, 4500.0, grid.dims).astype(np.float32)
    path = tmp_path / "vp.sgy"
    write_velocity(path, vp, grid)
    with segyio.open(str(path), ignore_geometry=True) as file:
        assert file.trace.raw[:].tobytes() == vp.tobytes()
        scalar = file.attributes(segyio.TraceField.SourceGroupScalar)[:]
        x = metres(file.attributes(segyio.TraceField.CDP_X)[:], scalar)
        assert file.samples.tolist() == (40.0 + 6.25 * np.arange(9)).tolist()  # m, as if ms
    assert np.array_equal(x, grid.x)
    stream = obspy.read(path, unpack_trace_headers=True)
    assert np.array_equal([trace.data for trace in stream], vp)
    assert 1e3 * stream[0].stats.delta == 6.25
    head = stream[-1].stats.segy.trace_header
    name = "x_coordinate_of_ensemble_position_of_this_trace"
    assert head[name] / abs(head.scalar_to_be_applied_to_all_coordinates) == grid.x[-1]
    assert struct.unpack(">h", path.read_bytes()[3224:3226]) == (5,)
