"""Files larger than memory: opened from their headers, read one shot at a time."""

import os
import struct
import time
import tracemalloc
import warnings

import numpy as np
import pytest

from pylops_vmb.errors import DataWarning, VMBFileError
from pylops_vmb.io import open_gathers, read_gathers, summary, write_gathers
from pylops_vmb.survey import Acquisition

NS, NR, NT = 100, 50, 30_000
TRACE = 240 + 4 * NT
GIGABYTES = NS * NR * TRACE / 1e9


@pytest.fixture
def large(tmp_path):
    """Return a sparse file of shots: headers are written, samples are holes but for one trace."""
    path = tmp_path / "large.sgy"
    header = bytearray(3600)
    for byte, code, value in ((3217, ">h", 500), (3221, ">H", NT), (3225, ">h", 5)):
        struct.pack_into(code, header, byte - 1, value)
    with open(path, "wb") as file:
        file.write(header)
        for trace in range(NS * NR):
            shot, receiver = divmod(trace, NR)
            head = bytearray(240)
            words = {9: shot, 13: receiver, 73: 100 * shot, 81: 100 * shot + 25 * receiver}
            for byte, value in words.items():
                struct.pack_into(">i", head, byte - 1, value)
            struct.pack_into(">hHH", head, 112, 0, NT, 500)
            file.seek(3600 + trace * TRACE)
            file.write(head)
        file.seek(3600 + (70 * NR + 3) * TRACE + 240)
        file.write(struct.pack(">3f", 1.0, -2.0, 3.0))
        file.truncate(3600 + NS * NR * TRACE)
    if path.stat().st_blocks * 512 > 0.1 * path.stat().st_size:
        pytest.skip("needs a file system with sparse files")
    return path


def measured(action):
    """Return the result, seconds and peak of memory of a call."""
    tracemalloc.start()
    try:
        began = time.monotonic()
        result = action()
        return result, time.monotonic() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def resident():
    """Return the resident memory of this process that is not mapped from a file, in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        (line,) = (line for line in file if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_a_sparse_file_is_opened_and_read_in_the_memory_of_a_shot(large):
    assert GIGABYTES > 0.6
    before = resident()
    gathers, seconds, peak = measured(lambda: open_gathers(large, f0=30.0))
    assert len(gathers) == NS
    assert peak < 16e6
    assert seconds < 20.0
    (d, acq), _, peak = measured(lambda: gathers[70])
    shot = 4 * NR * NT
    assert peak < 3.5 * shot
    assert d[0, 3, :3].tolist() == [1.0, -2.0, 3.0]
    assert acq.dimsd == (1, NR, NT)
    assert acq.srcs[0].tolist() == [7000.0]
    _, _, peak = measured(lambda: [gathers[i][0].shape for i in range(4)])
    assert peak < 5 * shot
    found, _, peak = measured(lambda: summary(large))
    assert peak < 16e6
    assert found.gathers == "100 shots by fldr of 50 receivers"
    assert resident() - before < 100e6 < 1e9 * GIGABYTES / 5


@pytest.mark.slow
def test_a_file_of_many_gigabytes_is_opened_in_the_memory_of_its_shots(tmp_path):
    path, nt, ntraces = tmp_path / "huge.sgy", 1500, 500_000
    header = bytearray(3600)
    for byte, code, value in ((3217, ">h", 500), (3221, ">H", nt), (3225, ">h", 5)):
        struct.pack_into(code, header, byte - 1, value)
    with open(path, "wb") as file:
        file.write(header)
        for trace in range(0, ntraces, 1000):  # the rest are holes: shots of zeros
            file.seek(3600 + trace * (240 + 4 * nt))
            head = bytearray(240)
            struct.pack_into(">2i", head, 72, 25 * trace, 0)
            struct.pack_into(">2i", head, 80, 25 * trace + 100, 0)
            file.write(head)
        file.truncate(3600 + ntraces * (240 + 4 * nt))
    if path.stat().st_blocks * 512 > 0.1 * path.stat().st_size:
        pytest.skip("needs a file system with sparse files")
    found, _, peak = measured(lambda: summary(path))
    assert found.ntraces == ntraces
    assert peak < 8e6


def test_gathers_are_those_of_the_whole_file_in_any_order_of_traces(tmp_path, rng):
    acq = Acquisition.streamer([0.0, 50.0, 75.0], [25.0, 50.0], nt=60, dt=0.004, f0=30.0, zs=5.0)
    data = rng.normal(size=acq.dimsd).astype(np.float32)
    path = tmp_path / "g.sgy"
    write_gathers(path, data, acq)
    raw, size = path.read_bytes(), 240 + 4 * 60
    pieces = [raw[3600 + i * size : 3600 + (i + 1) * size] for i in (0, 2, 4, 1, 3, 5)]
    for contents in (raw, raw[:3600] + b"".join(pieces)):
        path.write_bytes(contents)
        whole, found = read_gathers(path, f0=30.0)
        assert np.array_equal(whole, data)
        for i, (d, one) in enumerate(open_gathers(path, f0=30.0)):
            assert np.array_equal(d, data[i : i + 1])
            assert one.srcs.tolist() == found.srcs[:, i : i + 1].tolist()
            assert one.receivers[:, 0].tolist() == found.receivers[:, i].tolist()


def test_one_wavelet_for_all_shots_or_one_for_each(tmp_path, rng):
    acq = Acquisition.fixed_spread([0.0, 50.0], [25.0, 40.0], nt=60, dt=0.004, f0=30.0)
    path = tmp_path / "g.sgy"
    data = np.zeros(acq.dimsd)
    data[..., : acq.wav.size] = acq.wav
    write_gathers(path, data, acq)
    wav = rng.normal(size=(2, 7))
    found = [one for _, one in open_gathers(path, wav=wav, wavc=2)]
    assert [one.wav.tolist() for one in found] == wav[:, None].tolist()
    assert {one.wavc for one in found} == {2}
    gathers = open_gathers(path)
    with pytest.warns(DataWarning, match="no source wavelet") as seen:
        found = [one for _, one in gathers]
    assert len(seen) == 1
    assert np.array_equal(found[0].wav, found[1].wav)


def test_a_file_that_shrinks_after_it_was_opened_is_refused(tmp_path, rng):
    acq = Acquisition.fixed_spread([0.0, 50.0], [25.0, 40.0], nt=60, dt=0.004, f0=30.0)
    path = tmp_path / "g.sgy"
    write_gathers(path, rng.normal(size=acq.dimsd), acq)
    gathers = open_gathers(path, f0=30.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gathers[0]
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(VMBFileError, match="changed since it was opened"):
        gathers[1]
