"""Shot gathers as SEG-Y: exact round trips, headers by the standard, wrong files refused."""

import shutil
import struct

import numpy as np
import pytest
import segyio
import torch

from pylops_vmb.errors import DataWarning, FileWarning, VMBFileError, VMBValueError
from pylops_vmb.io import read_gathers, summary, write_gathers
from pylops_vmb.survey import Acquisition

NT, DT, F0 = 40, 0.002, 60.0
TRACE = 240 + 4 * NT


@pytest.fixture
def acq():
    return Acquisition.fixed_spread(
        [100.0, 137.5], [0.25, 30.0, 62.5], nt=NT, dt=DT, f0=F0, zs=7.5, zr=12.25
    )


@pytest.fixture
def data(rng, acq):
    return rng.normal(size=acq.dimsd).astype(np.float32)


@pytest.fixture
def path(tmp_path, data, acq):
    write_gathers(tmp_path / "gathers.sgy", data, acq)
    return tmp_path / "gathers.sgy"


def patch(path, byte, value, code=">h", traces=None):
    """Write one header field; ``byte`` counts from 1, in the file or in the traces."""
    raw = bytearray(path.read_bytes())
    starts = [0] if traces is None else [3600 + TRACE * i for i in traces]
    for start in starts:
        struct.pack_into(code, raw, start + byte - 1, value)
    path.write_bytes(raw)


def assert_same_bits(got, want):
    assert got.dtype == np.float32
    assert got.shape == want.shape
    assert got.tobytes() == np.ascontiguousarray(want).tobytes()


def test_round_trip_of_a_fixed_spread(path, data, acq):
    got, found = read_gathers(path, f0=F0)
    assert_same_bits(got, data)
    assert found == acq


def test_round_trip_of_a_streamer_with_its_own_wavelet(tmp_path, rng):
    wav = rng.normal(size=(3, 9))
    streamer = Acquisition.streamer(
        [500.0, 550.1, 600.23], [-100.0, -75.5], nt=NT, dt=0.0005, f0=200.0, zs=-3.0, zr=8.0
    ).with_wavelet(wav, wavc=4)
    data = rng.normal(size=streamer.dimsd).astype(np.float32)
    write_gathers(tmp_path / "s.sgy", torch.from_numpy(data), streamer)
    got, found = read_gathers(tmp_path / "s.sgy", wav=wav, wavc=4)
    assert_same_bits(got, data)
    np.testing.assert_allclose(found.srcs, streamer.srcs, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.recs, streamer.recs, rtol=0, atol=1e-9)
    assert (found.dt, found.wavc) == (streamer.dt, 4)
    assert np.array_equal(found.wav, wav)


def test_headers_follow_the_standard(path, acq):
    raw = path.read_bytes()
    assert raw[3500:3506] == bytes([1, 0, 0, 1, 0, 0])  # revision 1.0, fixed length, no stanzas
    binary = {3213: 3, 3217: 2000, 3221: NT, 3225: 5, 3255: 1}
    assert {k: struct.unpack_from(">h", raw, k - 1)[0] for k in binary} == binary
    with segyio.open(str(path), ignore_geometry=True) as file:
        last = {int(field): value for field, value in file.header[5].items() if value}
    assert last == {
        1: 6, 5: 6, 9: 2, 13: 3, 17: 2, 29: 1, 35: 1, 37: -75,
        41: -1225, 49: 750, 69: -100, 71: -100, 73: 13750, 81: 6250, 89: 1, 115: NT, 117: 2000,
    }  # fmt: skip


def test_the_textual_header_says_what_the_file_holds(path):
    text = str(summary(path))
    assert "SEG-Y revision 1, big endian, IEEE float" in text
    assert "6 traces of 40 samples, interval 2000 us" in text
    assert "2 SHOTS OF 3 RECEIVERS, ALL SHOTS SHARE THEIR RECEIVERS" in text
    assert "PEAK FREQUENCY 60 HZ" in text
    assert "EVENTS ARRIVE 18000 MICROSECONDS AFTER" in text
    assert "SOURCES X 100 TO 137.5 M, DEPTH 7.5 TO 7.5 M" in text


def test_a_missing_wavelet_is_guessed_with_a_warning(tmp_path):
    acq = Acquisition.fixed_spread([0.0], [0.0, 5.0], nt=200, dt=0.002, f0=25.0)
    data = np.zeros(acq.dimsd, np.float32)
    data[..., : len(acq.wav)] = acq.wav
    write_gathers(tmp_path / "g.sgy", data, acq)
    with pytest.warns(DataWarning, match="no source wavelet; a Ricker of the data's peak") as seen:
        _, found = read_gathers(tmp_path / "g.sgy")
    assert found.f0 == pytest.approx(25.0, abs=1.0)
    assert len(seen) == 1


@pytest.mark.parametrize("key", ["auto", "fldr", "ep", "sx"])
def test_every_key_tells_shots_apart_in_any_order_of_traces(path, data, key):
    raw = path.read_bytes()
    traces = [raw[3600 + TRACE * i : 3600 + TRACE * (i + 1)] for i in range(6)]
    path.write_bytes(raw[:3600] + b"".join(traces[i] for i in (3, 0, 4, 1, 5, 2)))
    got, found = read_gathers(path, f0=F0, shot_key=key)
    assert_same_bits(got, data[::-1])
    assert found.srcs[0].tolist() == [137.5, 100.0]


def test_auto_skips_a_field_record_that_never_changes(path, data):
    patch(path, 9, 7, ">i", traces=range(6))
    assert_same_bits(read_gathers(path, f0=F0)[0], data)
    with pytest.raises(VMBFileError, match=r"no shot gathers.*got shots by fldr\."):
        read_gathers(path, f0=F0, shot_key="fldr")


def test_little_endian_is_read(path, tmp_path, data, acq):
    spec = segyio.spec()
    spec.format, spec.samples, spec.tracecount, spec.endian = 5, np.arange(NT), 6, "little"
    little = tmp_path / "little.sgy"
    source = segyio.open(str(path), ignore_geometry=True)
    with source as file, segyio.create(str(little), spec) as copy:
        copy.bin = file.bin
        copy.header = file.header
        copy.trace = file.trace
    got, found = read_gathers(little, f0=F0)
    assert_same_bits(got, data)
    assert found == acq
    assert summary(little).endian == "little"


def test_ibm_floats_are_read(path, tmp_path, data):
    spec = segyio.spec()
    spec.format, spec.samples, spec.tracecount = 1, np.arange(NT), 6
    source = segyio.open(str(path), ignore_geometry=True)
    with source as file, segyio.create(str(tmp_path / "ibm.sgy"), spec) as copy:
        copy.header = file.header
        copy.trace = file.trace
        copy.bin.update(hdt=2000)
    got, _ = read_gathers(tmp_path / "ibm.sgy", f0=F0)
    np.testing.assert_allclose(got, data, rtol=1e-6)


def test_feet_become_metres(path, acq):
    patch(path, 3255, 2)
    _, found = read_gathers(path, f0=F0)
    np.testing.assert_allclose(found.srcs, 0.3048 * acq.srcs)
    np.testing.assert_allclose(found.recs, 0.3048 * acq.recs)
    assert summary(path).unit == "ft"


def test_positive_scalars_multiply_and_surface_elevation_counts(path):
    patch(path, 71, 10, traces=range(6))
    patch(path, 45, -50, ">i", traces=range(6))
    _, found = read_gathers(path, f0=F0)
    assert found.srcs[0].tolist() == [100_000.0, 137_500.0]
    assert found.srcs[1].tolist() == [8.0, 8.0]


@pytest.mark.parametrize(
    ("byte", "value", "message"),
    [
        (115, 1500, "traces of 40 samples by its length, which is taken, got 1500"),
        (117, 1000, "two sample intervals; that of the binary header, 2000"),
        (89, 3, "angles, which they cannot be"),
    ],
)
def test_headers_that_disagree_are_reported_and_the_file_wins(
    path, data, acq, byte, value, message
):
    patch(path, byte, value, traces=range(6))
    patch(path, 71, 1, traces=range(6))  # positions of thousands of metres
    with pytest.warns(FileWarning, match=message) as seen:
        got, found = read_gathers(path, f0=F0)
    assert len(seen) == 1
    assert_same_bits(got, data)
    assert found.dt == DT


def test_the_sample_interval_comes_from_the_traces_or_the_user(path):
    patch(path, 3217, 0)
    assert read_gathers(path, f0=F0)[1].dt == DT
    assert read_gathers(path, f0=F0, dt=0.004)[1].dt == 0.004
    patch(path, 117, 0, traces=range(6))
    with pytest.raises(VMBFileError, match="holds no sample interval"):
        read_gathers(path, f0=F0)


@pytest.mark.parametrize(
    ("byte", "value", "code", "traces", "message"),
    [
        (3225, 7, ">h", None, "samples that cannot be read, got format 7, 24-bit integer"),
        (3225, 99, ">h", None, "is not a SEG-Y file, got sample format 99"),
        (3505, -1, ">h", None, "how many extended text headers it has, got -1"),
        (81, 0, ">i", range(6), "holds no receiver positions"),
        (89, 3, ">h", range(6), "positions as angles, got coordinate units 3"),
        (9, 2, ">i", [0], "no shot gathers"),
    ],
)
def test_wrong_headers_are_refused(path, byte, value, code, traces, message):
    patch(path, byte, value, code, traces)
    with pytest.raises(VMBFileError, match=message):
        read_gathers(path, f0=F0, shot_key="fldr")


def test_no_positions_at_all_are_refused(path):
    for byte in (73, 81):
        patch(path, byte, 0, ">i", traces=range(6))
    with pytest.raises(VMBFileError, match="holds no positions, got zeros only"):
        read_gathers(path, f0=F0)


def test_irregular_shots_are_refused(path):
    path.write_bytes(path.read_bytes()[:-TRACE])
    with pytest.raises(VMBFileError, match=r"different numbers of receivers, got 2 to 3 traces"):
        read_gathers(path, f0=F0)


def test_truncated_missing_and_other_files_are_refused(path, tmp_path):
    raw = path.read_bytes()
    cases = {
        raw[:-1]: "is truncated",
        raw[:3600]: "truncated",
        raw[:100]: "is not a SEG-Y",
        b"": "empty",
    }
    for contents, message in cases.items():
        path.write_bytes(contents)
        for read in (read_gathers, summary):
            with pytest.raises(VMBFileError, match=message):
                read(path)
    with pytest.raises(VMBFileError, match=r"none\.sgy: does not exist"):
        read_gathers(tmp_path / "none.sgy")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dt": 1.0 / 750.0}, "dt: must be a whole number of microseconds"),
        ({"dt": 0.04}, "at most 32767"),
        ({"xs": [6.1e8, 6.1e8 + 1 / 3]}, "x of sources and receivers: do not fit"),
    ],
)
def test_surveys_that_do_not_fit_are_refused(tmp_path, changes, message):
    fields = {"xs": [0.0, 5.0], "xr": [0.0, 1.0], "nt": NT, "dt": DT, "f0": 5.0} | changes
    wav = np.ones(3)
    acq = Acquisition(
        np.array([fields["xs"], [0.0, 0.0]]),
        np.array([fields["xr"], [0.0, 0.0]]),
        nt=NT,
        dt=fields["dt"],
        wav=wav,
    )
    with pytest.raises(VMBValueError, match=message):
        write_gathers(tmp_path / "g.sgy", np.zeros(acq.dimsd), acq)
    assert list(tmp_path.iterdir()) == []


def test_coordinates_without_end_are_kept_to_a_tenth_of_a_millimetre(tmp_path):
    xs = np.arange(4) / 3.0
    acq = Acquisition.fixed_spread(xs, [0.0, 1.0], nt=NT, dt=DT, f0=F0)
    write_gathers(tmp_path / "g.sgy", np.ones(acq.dimsd), acq)
    _, found = read_gathers(tmp_path / "g.sgy", f0=F0)
    np.testing.assert_allclose(found.srcs[0], xs, rtol=0, atol=1e-4)


def test_swapped_axes_are_refused(tmp_path, data, acq):
    with pytest.raises(VMBValueError, match=r"data: must have shape.*transpose to"):
        write_gathers(tmp_path / "g.sgy", data.transpose(0, 2, 1), acq)


def test_a_write_that_fails_keeps_the_old_file(path, data, acq, monkeypatch):
    good = shutil.copy(path, path.with_suffix(".copy"))

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("pylops_vmb.io._segy_write._text_header", fail)
    with pytest.raises(OSError, match="disk full"):
        write_gathers(path, 2 * data, acq)
    assert path.read_bytes() == good.read_bytes()
    assert sorted(path.parent.iterdir()) == sorted([path, good])


def test_real_marine_shots(data_dir):
    file = data_dir / "field_viking" / "viking_small.segy"
    with pytest.warns(FileWarning) as seen:
        data, acq = read_gathers(file, f0=20.0)
    words = " ".join(str(warning.message) for warning in seen)
    assert "600 samples by its length, which is taken, got 1500" in words
    assert "angles, which they cannot be" in words
    assert data.shape == acq.dimsd == (4, 120, 600)
    assert acq.srcs.tolist() == [[3237.0, 3262.0, 3287.0, 3312.0], [6.0] * 4]
    assert set(acq.recs[1].ravel()) == {10.0}
    assert np.all(acq.offsets[:, [0, -1]] == [-3237.0, -262.0])
