"""A survey in a folder: one file a shot, read as one."""

import os

import numpy as np
import pytest

from pylops_vmb.errors import FileWarning, VMBFileError
from pylops_vmb.io import open_gathers, read_gathers, read_traces, summary, write_gathers
from pylops_vmb.survey import Acquisition

ACQ = Acquisition.streamer(
    np.linspace(0.0, 900.0, 12), [25.0, 50.0, 75.0], nt=60, dt=0.004, f0=30.0, zs=5.0
)


def write_shots(folder, data, acq=ACQ, name="shot_{}.sgy"):
    """Write each shot into a file of its own, as if each had been shot alone."""
    for i in range(acq.ns):
        write_gathers(folder / name.format(i + 1), data[i : i + 1], acq.select([i]))


def patch(path, at, value):
    """Write bytes into a file."""
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(value)


@pytest.fixture
def data(rng):
    return rng.normal(size=ACQ.dimsd).astype(np.float32)


@pytest.fixture
def folder(tmp_path, data):
    """Return a folder of twelve shots, all of them field record 1, beside other files."""
    shots = tmp_path / "shots"
    shots.mkdir()
    write_shots(shots, data)
    (shots / "notes.txt").write_text("rain")
    (shots / ".shot_1.sgy").write_bytes(b"what a copy left")
    (shots / "old.sgy").mkdir()
    return shots


def test_a_folder_is_one_survey_in_the_order_of_its_numbers(folder, data):
    d, acq = read_gathers(folder, f0=30.0)
    assert np.array_equal(d, data)
    assert np.allclose(acq.srcs, ACQ.srcs)
    assert np.allclose(acq.receivers, ACQ.receivers)
    assert (acq.nt, acq.dt) == (ACQ.nt, ACQ.dt)
    traces, dt = read_traces(folder)
    assert np.array_equal(traces, data.reshape(-1, 60))
    assert dt == ACQ.dt


def test_files_by_hand_are_taken_in_their_order(folder, data):
    files = [folder / f"shot_{i}.sgy" for i in (10, 2)]
    d, acq = read_gathers([os.fspath(files[0]), files[1]], f0=30.0)
    assert np.array_equal(d, data[[9, 1]])
    assert np.allclose(acq.srcs, ACQ.srcs[:, [9, 1]])


def test_files_of_several_shots_and_formats_are_joined(tmp_path, data):
    write_gathers(tmp_path / "a.sgy", data[:5], ACQ.select(range(5)))
    write_gathers(tmp_path / "b.SEGY", data[5:], ACQ.select(range(5, 12)))
    raw = (tmp_path / "b.SEGY").read_bytes()
    size = 240 + 4 * 60
    shots = [raw[:3600]]  # float64, the last shots
    for i in range(3 * 7):
        trace = raw[3600 + i * size : 3600 + (i + 1) * size]
        shots += [trace[:240], np.frombuffer(trace[240:], ">f4").astype(">f8").tobytes()]
    (tmp_path / "b.SEGY").write_bytes(b"".join(shots))
    patch(tmp_path / "b.SEGY", 3224, b"\x00\x06")
    d, acq = read_gathers(tmp_path, f0=30.0, shot_key="sx")
    assert np.array_equal(d, data)
    assert np.allclose(acq.srcs, ACQ.srcs)
    found = summary(tmp_path)
    assert found.files == 2
    assert found.format == "IEEE float and 64-bit IEEE float"
    assert str(found).startswith(f"{tmp_path.name}: 2 files, SEG-Y")
    assert found.gathers == "12 shots by sx of 3 receivers"


def test_a_folder_is_read_shot_by_shot(folder, data):
    gathers = open_gathers(folder, f0=30.0)
    assert repr(gathers) == "GatherFile(shots: 12 shots by sx x 3 receivers, nt=60, dt=4 ms)"
    d, acq = gathers[10]
    assert np.array_equal(d, data[10:11])
    assert np.allclose(acq.srcs, ACQ.srcs[:, 10:11])


def test_shots_of_different_sizes_are_filled_across_files(folder, data):
    acq = Acquisition(
        ACQ.srcs[:, 3:4],
        ACQ.receivers[:, 3, [0, 2]],
        nt=60,
        dt=0.004,
        wav=ACQ.wav,
        wavc=ACQ.wavc,
        f0=30.0,
    )
    write_gathers(folder / "shot_4.sgy", data[3:4, [0, 2]], acq)
    with pytest.raises(VMBFileError, match="shots: holds shots with different numbers"):
        read_gathers(folder, f0=30.0)
    d, found = read_gathers(folder, f0=30.0, missing="fill")
    want = data.copy()
    want[3, 1] = 0.0
    assert np.array_equal(d, want)
    assert np.allclose(found.receivers, ACQ.receivers)


def test_files_of_other_forms_are_refused_by_name(folder):
    other = Acquisition.fixed_spread([0.0], [0.0, 10.0], nt=70, dt=0.004, f0=30.0)
    write_gathers(folder / "stack.sgy", np.ones(other.dimsd), other)
    with pytest.raises(
        VMBFileError,
        match=r"shots: holds SEG-Y files with different numbers of samples.*"
        r"60 in 12 of 13 files, 70 in stack\.sgy",
    ):
        read_gathers(folder, f0=30.0)
    other = Acquisition.fixed_spread([0.0], [0.0, 10.0], nt=60, dt=0.002, f0=30.0)
    write_gathers(folder / "stack.sgy", np.ones(other.dimsd), other)
    with pytest.raises(VMBFileError, match=r"different sample intervals.*2000 us in stack\.sgy"):
        summary(folder)
    write_gathers(folder / "stack.sgy", np.ones((1, 3, 60)), ACQ.select([0]))
    patch(folder / "stack.sgy", 3254, b"\x00\x02")
    with pytest.raises(VMBFileError, match=r"different units of length.*ft in stack\.sgy"):
        read_traces(folder)


def test_a_broken_file_is_named(folder):
    (folder / "shot_7.sgy").write_bytes(b"x" * 5000)
    with pytest.raises(VMBFileError, match=r"shot_7\.sgy: is not a SEG-Y file"):
        read_gathers(folder, f0=30.0)


@pytest.mark.parametrize("files", [None, []])
def test_nothing_to_read_is_refused(tmp_path, files):
    (tmp_path / "vp.npz").write_bytes(b"")
    with pytest.raises(VMBFileError, match=r"holds no SEG-Y files.*\.sgy or \.segy"):
        read_gathers(tmp_path if files is None else files, f0=30.0)


def test_doubts_of_many_files_are_worded_once(folder):
    for i in range(2, 13):
        patch(folder / f"shot_{i}.sgy", 3220, b"\x01\x00")
    with pytest.warns(FileWarning, match="has traces of 60 samples") as seen:
        read_gathers(folder, f0=30.0)
    assert [str(each.message) for each in seen] == [
        "shots: has traces of 60 samples by its length, which is taken, got 256 in the binary "
        "header; 11 of 12 files, as shot_2.sgy. Nothing needs to be done; correct bytes "
        "3221-3222 to silence this."
    ]


def test_shots_without_source_positions_do_not_merge_in_silence(tmp_path, data):
    write_shots(tmp_path, data)
    for path in tmp_path.iterdir():
        for trace in range(3):
            patch(path, 3600 + trace * (240 + 4 * 60) + 72, b"\0\0\0\0")
    with pytest.warns(FileWarning, match="stand in several files.*1 of 1 shots in 12 files"):
        d, _ = read_gathers(tmp_path, f0=30.0)
    assert d.shape == (1, 36, 60)


def test_a_shot_in_two_files_is_one_shot(tmp_path, data):
    whole = ACQ.select([0])
    for i, part in enumerate(([0], [1, 2])):
        acq = Acquisition(
            whole.srcs,
            whole.receivers[:, 0, part],
            nt=60,
            dt=0.004,
            wav=ACQ.wav,
            wavc=ACQ.wavc,
            f0=30.0,
        )
        write_gathers(tmp_path / f"part{i}.sgy", data[:1, part], acq)
    with pytest.warns(FileWarning, match="stand in several files"):
        d, acq = read_gathers(tmp_path, f0=30.0)
    assert np.array_equal(d, data[:1])
    assert np.allclose(acq.receivers, whole.receivers)
