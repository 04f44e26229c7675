"""Ctrl-C that waits, and the reports of processes, without any processes."""

import signal
import subprocess
import sys
import threading

import pytest

from pylops_vmb.errors import VMBValueError
from pylops_vmb.inversion.processes.interrupts import Interrupts
from pylops_vmb.inversion.processes.shared_errors import apart, describe, first_error


def press():
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_is_noted_and_raised_at_the_end():
    interrupts, done = Interrupts(), []

    @interrupts.held()
    def work():
        press()
        done.append(interrupts.asked)
        with interrupts.held():  # inside, it goes on waiting
            press()
        done.append(interrupts.asked)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [True, True]


def test_after_one_is_served_the_rest_of_the_block_is_spared():
    interrupts = Interrupts()
    with interrupts.held():
        press()
        interrupts.serve()
        press()  # that of mpiexec, which reaches all processes, one after the other
        assert not interrupts.asked
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        press()  # a new block, a new one


def test_outside_interrupts_are_those_of_python():
    with Interrupts().held():
        pass
    with pytest.raises(KeyboardInterrupt):
        press()


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts().held():
            press()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_hold_nothing():
    handlers = []

    def work():
        with Interrupts().held():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_the_first_error_is_made_again_with_its_process():
    reports = [("add", None), ("end", describe(VMBValueError("x: is wrong"))), ("add", None)]
    error = first_error(reports)
    assert type(error) is VMBValueError
    assert str(error) == "rank 1 of 3: x: is wrong"
    assert first_error([("add", None)] * 2) is None


def test_processes_at_different_places_are_told():
    assert apart([("add", None)] * 2) is None
    assert "got rank 0 about to add, rank 1 about to end" in str(
        apart([("add", None), ("end", None)])
    )


def test_one_process_needs_no_mpi():
    code = (
        "import sys, pylops_vmb as vmb;"
        "F = vmb.AcousticModelling2D(vmb.Grid.openfwi(), vmb.Acquisition.openfwi());"
        "vmb.FWI(F); print([name for name in ('mpi4py', 'pylops_mpi') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("asked", "outcome"), [("1", pytest.fail), ("", pytest.skip)])
def test_where_mpi_is_asked_for_its_absence_is_a_failure(lack, monkeypatch, asked, outcome):
    monkeypatch.setenv("VMB_MPI", asked)
    with pytest.raises(outcome.Exception, match="needs mpiexec"):
        lack("needs mpiexec")
