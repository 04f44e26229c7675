"""Start jobs under ``mpiexec``, and in this process for comparison."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

JOBS = Path(__file__).with_name("jobs.py")
ROOT = JOBS.parents[2]
LONGEST = 120.0  # seconds: then it is a deadlock


class Launcher(NamedTuple):
    """Starts processes that run a job."""

    mpiexec: str

    def start(self, size, job, folder):
        command = [self.mpiexec, "-n", str(size), sys.executable, str(JOBS), job, str(folder)]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        quiet = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        return subprocess.Popen(
            command, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, size, job, folder):
        """Return what each process of each job saved, by job: lists by rank."""
        process = self.start(size, job, folder)
        finish(process)
        ranks = range(size)
        return {name: [saved(folder, name, rank) for rank in ranks] for name in job.split(",")}


def finish(process):
    """Wait for the end of a job, and fail with what it wrote if it did not end well."""
    try:
        text, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"the processes wait for each other: {process.communicate()[0]}")
    assert process.returncode == 0, text
    return text


def saved(folder, name, rank):
    """Return what a process saved."""
    with np.load(folder / f"{name}{rank}.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def lack():
    """Return what skips for want of something, or fails where ``VMB_MPI`` asks for it."""

    def lack(what):
        if os.environ.get("VMB_MPI"):
            pytest.fail(f"VMB_MPI is set, and the test {what}")
        pytest.skip(what)

    return lack


@pytest.fixture(scope="session")
def mpi(lack):
    """Return a launcher, or skip."""
    for module in ("mpi4py", "pylops_mpi"):
        if find_spec(module) is None:
            lack(f"needs {module}: pip install 'pylops-vmb[mpi]'")
    beside = Path(sys.executable).with_name("mpiexec")
    mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
    if mpiexec is None:
        lack("needs mpiexec: pip install mpich")
    return Launcher(mpiexec)


@pytest.fixture(scope="session")
def jobs():
    """Return the jobs, to run them here with ``comm=None``."""
    spec = spec_from_file_location("jobs", JOBS)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SERIAL = "iterates", "helpers", "one_shot", "jacobian", "hybrid"


@pytest.fixture(scope="session")
def folder(tmp_path_factory, jobs):
    """Return a folder with a run that one process stopped."""
    folder = tmp_path_factory.mktemp("mpi")
    jobs.stopped(None, folder)
    return folder


@pytest.fixture(scope="session")
def alone(jobs, folder):
    """Return what one process finds."""
    return {name: jobs.JOBS[name](None, folder) for name in SERIAL}


@pytest.fixture(scope="session")
def two(mpi, folder):
    """Return what each of two processes finds."""
    more = "hybrid,stopped,resumed,failures,untimely,machine"
    return mpi.run(2, f"iterates,helpers,one_shot,jacobian,{more}", folder)


@pytest.fixture(scope="session")
def four(mpi, tmp_path_factory):
    """Return what each of four processes finds, one more than there are shots."""
    return mpi.run(4, "iterates,helpers,one_shot,jacobian", tmp_path_factory.mktemp("mpi4"))
