"""A short seeded run of the fuzz of the SEG-Y readers, and that it sees what it looks for."""

import numpy as np
import pytest

from tests.fuzz import segy
from tests.fuzz.outcome import BYTES

CASES = 150


def test_damaged_files_end_in_data_or_in_a_sentence(tmp_path):
    outcomes = [segy.fuzz_segy(np.random.default_rng(seed), tmp_path) for seed in range(CASES)]
    for reader in ("summary", "read_traces", "read_gathers", "open_gathers"):
        kinds = {found[reader] for found in outcomes}
        assert {"read", "VMBFileError"} <= kinds <= {"read", "VMBFileError", "VMBValueError"}


@pytest.mark.parametrize(
    ("seed", "what"),
    [(270, "overflow in a spectrum"), (451, "tiny interval"), (471, "float64"), (1002951, "NaN")],
)
def test_what_the_fuzz_found_stays_mended(tmp_path, seed, what):
    segy.fuzz_segy(np.random.default_rng(seed), tmp_path)


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        (lambda: 1 / 0, "division by zero"),
        (lambda: np.zeros(BYTES // 8 + 1), r"67\d+ bytes"),
        (lambda: np.float64(1e308) * 10.0, "overflow"),
    ],
)
def test_a_reader_that_fails_is_seen(tmp_path, monkeypatch, reader, message):
    monkeypatch.setattr(segy, "read_traces", lambda _path, **_options: reader())
    with pytest.raises((ArithmeticError, AssertionError, RuntimeWarning), match=message):
        segy.fuzz_segy(np.random.default_rng(1), tmp_path)
