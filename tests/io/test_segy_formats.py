"""Sample formats, byte orders, revisions and lengths: one section reads as one, or is refused."""

import numpy as np
import pytest
import segyio

from pylops_vmb.errors import FileWarning, VMBFileError
from pylops_vmb.io import open_gathers, read_gathers, read_traces, read_velocity, summary

NTRACES, NT = 6, 30
LINE = {"fldr": [1, 1, 1, 2, 2, 2], "sx": [0] * 3 + [50] * 3, "gx": [10, 20, 30] * 2, "scalco": 1}
READ = (1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 16)


@pytest.fixture
def section(rng):
    """Return whole numbers that every format holds."""
    return rng.integers(-120, 120, (NTRACES, NT)).astype(np.float64)


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("code", READ)
def test_a_section_reads_equal_in_every_format(make_segy, section, code, order):
    if code in (10, 11, 12, 16):
        section = np.abs(section)
    path = make_segy(section, code=code, order=">" if order == "big" else "<", revision=2, **LINE)
    d, _ = read_gathers(path, f0=20.0)
    assert d.dtype == (np.float64 if code == 6 else np.float32)
    assert np.array_equal(d.reshape(NTRACES, NT), section)
    assert np.array_equal(read_traces(path)[0], section)
    assert summary(path).endian == order
    with segyio.open(str(path), ignore_geometry=True, endian=order) as file:
        assert np.array_equal(file.trace.raw[:], section)


@pytest.mark.parametrize("order", ["big", "little"])
def test_ibm_floats_are_decoded_as_segyio_does_to_the_bit(make_segy, rng, order):
    numbers = rng.normal(size=(NTRACES, NT)) * 10.0 ** rng.integers(-30, 30, (NTRACES, NT))
    numbers[0, :3] = 0.0, 1e-30, -1.0
    path = make_segy(numbers, code=1, order=">" if order == "big" else "<", **LINE)
    d, _ = read_traces(path)
    np.testing.assert_allclose(d, numbers, rtol=1e-6)
    with segyio.open(str(path), ignore_geometry=True, endian=order) as file:
        assert d.tobytes() == file.trace.raw[:].tobytes()


@pytest.mark.parametrize(("code", "name"), [(4, "fixed point with gain"), (7, "24-bit integer")])
@pytest.mark.parametrize("read", [read_gathers, read_traces, read_velocity, summary, open_gathers])
def test_formats_that_segyio_misreads_are_refused(make_segy, section, read, code, name):
    path = make_segy(np.tile(section, (1, 3)) if code == 7 else section, code=code, **LINE)
    with pytest.raises(VMBFileError, match=f"cannot be read, got format {code}, {name}. Convert"):
        read(path)


@pytest.mark.parametrize("revision", [0, 1, 2])
def test_revisions_are_read(make_segy, section, revision):
    path = make_segy(section, revision=revision, **LINE)
    assert np.array_equal(read_traces(path)[0], section)
    assert summary(path).revision == revision


def test_revision_two_has_fields_of_its_own(make_segy, section):
    binary = {3221: ("H", 7), 3269: ("i", NT), 3273: ("d", 500.5), 3297: ("i", 0x01020304)}
    binary |= {3505: ("h", 1), 3521: ("Q", 3600 + 3200 + 13), 3529: ("i", 1)}
    path = make_segy(section, revision=2, binary=binary, start=bytes(3213), end=bytes(3200), **LINE)
    with pytest.warns(FileWarning, match=r"two sample intervals.*header, 500\.5, is taken"):
        d, dt = read_traces(path)
    assert np.array_equal(d, section)
    assert dt == 500.5e-6


@pytest.mark.parametrize(
    ("binary", "message"),
    [
        ({3507: ("h", 1)}, "more than one header a trace, got up to 1 more"),
        ({3529: ("i", -1)}, "how many stanzas stand after its traces, got -1"),
        ({3521: ("Q", 2**63)}, "ends before its first trace"),
        ({3297: ("I", 0x02010403)}, "has the bytes of pairs swapped"),
        ({3505: ("h", -1)}, "how many extended text headers"),
        ({3505: ("h", 9999)}, "ends before its first trace"),
    ],
)
def test_headers_of_revision_two_that_cannot_be_followed_are_refused(
    make_segy, section, binary, message
):
    path = make_segy(section, revision=2, binary=binary, **LINE)
    with pytest.raises(VMBFileError, match=message):
        read_gathers(path)


@pytest.mark.parametrize("claim", [0, 1, 29, 31, 1500])
def test_the_file_wins_over_a_wrong_number_of_samples(make_segy, section, claim):
    path = make_segy(section, binary={3221: ("H", claim)}, **LINE)
    words = f"traces of {NT} samples by its length, which is taken, got {claim} in the binary"
    for read in (read_traces, read_gathers):
        with pytest.warns(FileWarning, match=words):
            d, _ = read(path, **({"f0": 20.0} if read is read_gathers else {}))
        assert np.array_equal(d.reshape(NTRACES, NT), section)
    (doubt,) = summary(path).doubts
    assert words in doubt


def test_the_file_wins_where_all_headers_agree_on_a_wrong_number(make_segy, section):
    path = make_segy(section, binary={3221: ("H", 1500)}, **{**LINE, "ns": 1500})
    with pytest.warns(FileWarning) as seen:
        d, _ = read_gathers(path, f0=20.0)
    assert np.array_equal(d.reshape(NTRACES, NT), section)
    assert [str(w.message).partition(", got ")[2][:24] for w in seen] == [
        "1500 in the binary heade",
        "1500 in the trace header",
    ]


def test_a_wrong_number_that_fits_the_length_by_chance_does_not_win(make_segy, section):
    nt = 2 * NT + 60  # a trace of that length is as long as two that the file holds
    path = make_segy(section, binary={3221: ("H", nt)}, **LINE)
    assert (path.stat().st_size - 3600) % (240 + 4 * nt) == 0
    with pytest.warns(FileWarning, match=f"traces of {NT} samples by its length"):
        assert np.array_equal(read_traces(path)[0], section)


@pytest.mark.parametrize("lost", [1, 4, 100, 355, 361])
def test_truncated_files_are_refused(make_segy, section, lost):
    path = make_segy(section, **LINE)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(VMBFileError, match="is truncated, or its traces are not all 360 bytes"):
        read_gathers(path)


@pytest.mark.parametrize(
    ("stated", "inside", "dt", "message"),
    [
        (4000, 4000, 0.004, None),
        (-2, 4000, 0.004, "that of the trace headers, 4000, is taken, got -2 in the binary"),
        (2000, -25000, 0.002, "that of the binary header, 2000, is taken, got -25000"),
        (0, 0, None, "holds no sample interval, got 0 in the binary header, 0 in the trace"),
        (0, [1000, 2000, 1000, 2000, 1000, 2000], None, "several sample intervals"),
    ],
)
def test_sample_intervals(make_segy, section, stated, inside, dt, message):
    path = make_segy(section, binary={3217: ("h", stated)}, **{**LINE, "dt": inside})
    if dt is None:
        with pytest.raises(VMBFileError, match=message):
            read_traces(path)
        assert read_traces(path, dt=0.5)[1] == 0.5
    elif message:
        with pytest.warns(FileWarning, match=message):
            assert read_traces(path)[1] == dt
    else:
        assert read_traces(path)[1] == dt


def test_a_text_header_cannot_command_a_terminal(make_segy, section):
    path = make_segy(section, **LINE)
    raw = bytearray(path.read_bytes())
    raw[:80] = b"C 1 ASCII \x1b[2J\x00\x07 HEADER".ljust(80)
    path.write_bytes(raw)
    assert summary(path).text[0] == "C 1 ASCII  [2J   HEADER"
    raw[:3200] = "C 1 EBCDIC HEADER".ljust(3200).encode("cp037")
    path.write_bytes(raw)
    assert summary(path).text == ("C 1 EBCDIC HEADER",)
