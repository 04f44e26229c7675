"""What one process does wrong, or is told to stop, reaches all of them; none waits."""

import os
import signal
import time

import numpy as np
import pytest

from pylops_vmb.io import load_checkpoint

MESSAGES = {
    "nan": "VMBValueError: rank 1 of 2: dobs: must be finite, got 1 NaN",
    "callback": "ZeroDivisionError: rank 1 of 2: in one",
    "iterator": "StopIteration: rank 1 of 2: empty",
    "unusual": "VMBRuntimeError: UnicodeDecodeError in rank 1 of 2: 'utf8' codec",
    "apart": "VMBRuntimeError: comm: the processes are not at the same place, got rank 0 about "
    "to end a block, rank 1 about to compute a share. Make the same calls",
    "folder": "VMBFileError: rank 0 of 2: ",
    "misfit": "ZeroDivisionError: rank 1 of 2: integer division",
    "operator": "VMBTypeError: F: must model some of its shots alone",
    "flat": "VMBValueError: rank 0 of 2: d: must have an axis of time, and one of shots",
    "velocity": "VMBValueError: rank 0 of 2: vp: must be positive",
    "forgotten": "VMBValueError: comm: is needed for data that are distributed over processes",
    "comm": "VMBTypeError: comm: must be an MPI communicator, got int",
    "network": "VMBTypeError: rank 0 of 2: dobs: must be whole for the network",
}


@pytest.mark.parametrize("case", MESSAGES)
def test_an_error_in_one_process_is_raised_in_all(two, case):
    for found in two["failures"]:
        assert str(found[case]).startswith(MESSAGES[case])


def test_an_interrupt_between_two_messages_waits_for_the_next_meeting(two):
    first, second = two["untimely"]
    assert str(first["run status"]) == "interrupted"
    assert 2 <= len(first["run cost"]) < 9
    for name in first:
        np.testing.assert_array_equal(second[name], first[name])


@pytest.mark.parametrize("whom", ["one process", pytest.param("mpiexec", marks=pytest.mark.slow)])
def test_an_interrupt_keeps_the_last_model_in_all_processes(mpi, jobs, tmp_path, whom):
    process = mpi.start(2, "interrupted", tmp_path)
    pids = [await_pid(process, tmp_path / f"pid{rank}") for rank in range(2)]
    os.kill(pids[1] if whom == "one process" else process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    first, second = (np.load(tmp_path / f"interrupted{rank}.npz") for rank in range(2))
    assert str(first["run status"]) == "interrupted"
    assert 2 <= len(first["run cost"]) < 100_000
    for name in first:
        np.testing.assert_array_equal(second[name], first[name])
    state = load_checkpoint(tmp_path / "run.safetensors")["state"]
    np.testing.assert_array_equal(state["x"].numpy(), first["run vp"])


def await_pid(process, path):
    """Wait until a process says that it runs, and return its number."""
    deadline = time.monotonic() + 120.0
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(process.communicate()[0])
        time.sleep(0.05)
    return int(path.read_text())
