"""Odd files that others made: each is read right, or refused with the sentence of the docs."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import segyio

from pylops_vmb.errors import FileWarning
from pylops_vmb.io import read_gathers, read_traces
from tests.benchmarks.segy_odd import WHAT, files, outcome, rst

TABLE = Path(__file__).parents[2] / "docs" / "segy_odd.inc"
SECTION = ("Format1msb.sgy", "Format2msb.sgy", "Format5lsb.sgy", "Format5msb.sgy", "f3.sgy")


def test_every_outcome_is_that_of_the_docs(data_dir):
    assert rst([outcome(path) for path in files(data_dir)]) == TABLE.read_text(encoding="utf-8")


def test_the_table_names_every_file_and_its_outcome():
    text = TABLE.read_text(encoding="utf-8")
    assert all(f"``{name}``" in text for name in WHAT)
    assert text.count("   * - ``") == len(WHAT)
    assert text.count(" - read: ") + text.count(" - refused: ") == 2 * len(WHAT)


@pytest.mark.parametrize("name", WHAT)
def test_samples_are_those_of_segyio(data_dir, name):
    (path,) = (path for path in files(data_dir) if path.name == name)
    row = outcome(path)
    if row["traces"].startswith("refused"):
        assert name in ("Format7msb.sgy", "broken.sgy", "stanzas-unknown-count.sgy")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FileWarning)
        d, _ = read_traces(path)
    endian = "little" if "lsb" in name else "big"
    with segyio.open(str(path), ignore_geometry=True, endian=endian) as file:
        assert np.array_equal(d, np.asarray(file.trace.raw[:], np.float32))


def test_one_section_in_five_formats(data_dir):
    with pytest.warns(FileWarning, match="75 samples by its length, which is taken, got 462"):
        sections = [read_traces(data_dir / "segy_odd" / name)[0] for name in SECTION]
    assert all(np.array_equal(section, sections[0]) for section in sections[1:])
    assert sections[0].any()


def test_marine_shots_are_those_of_the_bytes(data_dir):
    path = data_dir / "field_viking" / "viking_small.segy"
    with pytest.warns(FileWarning):
        d, acq = read_gathers(path, f0=20.0)
    raw = np.frombuffer(path.read_bytes()[3600:], np.uint8).reshape(480, 240 + 4 * 600)
    bits = np.ascontiguousarray(raw[:, 240:]).view(">u4").astype(np.int64)
    fraction = (bits & 0xFFFFFF) / 2.0**24
    values = np.where(bits >> 31, -1.0, 1.0) * fraction * 16.0 ** ((bits >> 24 & 0x7F) - 64)
    assert np.array_equal(d.reshape(480, 600), values.astype(np.float32))
    words = np.ascontiguousarray(raw[:, 72:84]).view(">i4")
    assert np.array_equal(acq.receivers[0].ravel(), words[:, 2])
    assert np.array_equal(acq.srcs[0], words[::120, 0])
