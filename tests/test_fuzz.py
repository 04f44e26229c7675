"""Short seeded runs of the fuzz of all readers, and that it sees what it looks for."""

import os
import signal
import warnings

import numpy as np
import pytest

from pylops_vmb.errors import FileWarning, VMBFileError
from tests.fuzz import worker
from tests.fuzz.__main__ import Worker
from tests.fuzz.outcome import outcome, payload

CASES = {
    "npy": 150,
    "npz": 40,
    "mat": 60,
    "mat73": 30,
    "raw": 150,
    "card": 12,
    "weights": 20,
    "checkpoint": 40,
}
"""How many cases of each; SEG-Y has a run of its own."""


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_end_in_a_value_or_in_a_sentence(name):
    if name == "mat73":
        pytest.importorskip("h5py", reason="needs h5py")
    case = worker.case_of(name)
    found = [worker.run(case, 0, number) for number in range(CASES[name])]
    assert [(n, item["defect"]) for n, item in enumerate(found) if "defect" in item] == []
    kinds = {kind for item in found for kind in item["outcomes"].values()}
    assert "VMBFileError" in kinds


def test_all_readers_are_fuzzed():
    assert set(worker.CASES) == {*CASES, "segy"}
    for name in worker.CASES:
        assert callable(worker.case_of(name))


def test_a_case_is_the_same_again(tmp_path):
    case = worker.case_of("raw")
    assert [worker.run(case, 3, n) for n in range(20)] == [
        worker.run(case, 3, n) for n in range(20)
    ]


def _refuse(words):
    raise VMBFileError(words)


def _run_out_of_memory():
    try:
        raise MemoryError
    except MemoryError as err:
        raise VMBFileError("a: is damaged, got much. Copy it.") from err


SEEN = {
    "another error": (lambda _: 1 / 0, ZeroDivisionError, "division"),
    "a warning of others": (lambda _: warnings.warn("x", stacklevel=1), UserWarning, "x"),
    "memory": (lambda _: np.zeros(2**23), AssertionError, r"67\d+ bytes"),
    "memory that ran out": (lambda _: _run_out_of_memory(), AssertionError, "memory ran out"),
    "a pickle": (
        lambda folder: np.load(folder / "a.pkl", allow_pickle=True),
        AssertionError,
        "a pickle was run",
    ),
    "a file": (lambda folder: (folder / "b").touch(), AssertionError, "files were left behind"),
    "no got": (lambda _: _refuse("a: is wrong. Mend it."), AssertionError, "not in three parts"),
    "no remedy": (lambda _: _refuse("a: is wrong, got b."), AssertionError, "not say what to do"),
    "a long message": (lambda _: _refuse(f"a, got {'b' * 3000}. C."), AssertionError, "letters"),
}


@pytest.mark.parametrize("what", SEEN)
def test_what_a_reader_must_not_do_is_seen(tmp_path, what):
    reader, error, message = SEEN[what]
    (tmp_path / "a.pkl").write_bytes(payload(tmp_path))
    with pytest.raises(error, match=message):
        outcome(tmp_path, lambda: reader(tmp_path))


def test_what_a_reader_may_do_is_named(tmp_path):
    def doubtful():
        warnings.warn("a: is doubtful, got b. Look.", FileWarning, stacklevel=1)

    assert outcome(tmp_path, doubtful) == "read"
    assert outcome(tmp_path, lambda: _refuse("a: is wrong, got b. Mend it.")) == "VMBFileError"


def test_time_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.fuzz.outcome.SECONDS", 0.0)
    with pytest.raises(AssertionError, match=r"0\.0 s"):
        outcome(tmp_path, lambda: None)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_process_that_is_lost_is_a_defect(monkeypatch):
    process = Worker("raw", 0)
    assert set(process.case(1)["outcomes"]) == {"read_raw"}
    os.kill(process._process.pid, signal.SIGSTOP)
    monkeypatch.setattr("tests.fuzz.__main__.SECONDS", 0.2)
    assert process.case(2) == {"lost": "hang"}
    process = Worker("raw", 0)
    os.kill(process._process.pid, signal.SIGKILL)
    process._process.wait()
    monkeypatch.setattr("tests.fuzz.__main__.SECONDS", 90.0)
    assert process.case(2) == {"lost": "crash"}
    assert process.end() == -signal.SIGKILL
