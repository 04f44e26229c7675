"""Every writer on a full disk, in a forbidden folder, or killed: the old file or the new one."""

import errno
import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pylops_vmb.io as vmb_io
from pylops_vmb.cli._files import draw
from pylops_vmb.cli._report import publish
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import _atomic
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.datasets import manifest
from pylops_vmb.training.datasets.shards import Shard
from pylops_vmb.training.history import History

GRID = Grid((40, 50), 10.0)
ACQ = Acquisition.fixed_spread([0.0, 30.0], 10.0 * np.arange(12), nt=120, dt=2e-3, f0=20.0)
VP = np.full(GRID.dims, 2000.0, np.float32)
D = np.ones(ACQ.dimsd, np.float32)
LARGEST = 4096
"""Bytes; all that is written here is larger."""


def _publish(path: Path) -> None:
    publish(path, Namespace(argv=["info"], started=0.0, words="w" * LARGEST), figures=[])


def _shard(path: Path) -> None:
    samples = [(np.ones((2, 60, 40), np.float32), np.ones((40, 50), np.float32))]
    Shard(path.parent, 0).write(samples, count=1, shapes=((2, 60, 40), (40, 50)), dtype="float32")


WRITERS: dict[str, Callable[[Path], Any]] = {
    "write_gathers": lambda path: vmb_io.write_gathers(path, D, ACQ),
    "write_velocity": lambda path: vmb_io.write_velocity(path, VP, GRID),
    "write_npz": lambda path: vmb_io.write_npz(path, VP, GRID),
    "write_npz_gathers": lambda path: vmb_io.write_npz_gathers(path, D, ACQ),
    "write_openfwi": lambda path: vmb_io.write_openfwi(path, VP[None]),
    "write_fcnvmb": lambda path: vmb_io.write_fcnvmb(path, VP),
    "write_raw": lambda path: vmb_io.write_raw(path, VP, axes="xz"),
    "write_weights": lambda path: vmb_io.write_weights(path, {"w": torch.ones(LARGEST)}, {}),
    "save_checkpoint": lambda path: vmb_io.save_checkpoint(path, {"w": torch.ones(LARGEST)}),
    "report": _publish,
    "picture": lambda path: draw(path, {"true": VP, "fwi": VP + 100.0}, GRID),
    "history": lambda path: History([{"epoch": n, "loss": 0.5} for n in range(LARGEST)]).write_csv(
        path
    ),
    "manifest": lambda path: manifest.write(path.parent, {"words": "w" * LARGEST}),
    "shard": _shard,
}
NAMES = {"manifest": manifest.NAME, "shard": "d-00000.npy"}


def test_all_public_writers_are_here():
    public = {name for name in vmb_io.__all__ if name.startswith(("write_", "save_"))}
    assert public <= set(WRITERS)


@pytest.fixture(params=WRITERS)
def writer(request):
    if request.param == "picture":
        pytest.importorskip("matplotlib", reason="needs matplotlib")
    return request.param


@pytest.fixture
def path(writer, tmp_path):
    """Return where to write; an older file stands there."""
    path = tmp_path / NAMES.get(writer, "old")
    path.write_bytes(b"old")
    return path


def _check_kept(path: Path) -> None:
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


@contextmanager
def small_files():
    """Let no file grow beyond a size, as on a full disk."""
    resource = pytest.importorskip("resource", reason="needs limits of the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk(writer, path):
    wrong = (
        r"could not be written, and what stood there before was kept, got File too large .*\. Fr"
    )
    with pytest.raises(VMBFileError, match=wrong) as caught, small_files():
        WRITERS[writer](path)
    assert caught.value.errno == errno.EFBIG
    _check_kept(path)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free space there, or write to another disk"),
        (errno.EROFS, "Pass a folder that you may write to"),
        (errno.EACCES, "Pass a folder that you may write to"),
    ],
)
def test_a_disk_that_is_full_or_forbidden_at_the_end(writer, path, monkeypatch, number, remedy):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_atomic.os, "fsync", fail)
    with pytest.raises(VMBFileError, match=rf"could not be written, .*, got .*\. {remedy}\."):
        WRITERS[writer](path)
    _check_kept(path)


def test_a_folder_where_nobody_may_write(writer, path, monkeypatch):
    def fail(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(_atomic.Path, "mkdir", fail)
    with pytest.raises(
        VMBFileError, match=r"could not be written, .*\. Pass a folder that you may"
    ):
        WRITERS[writer](path)
    _check_kept(path)


def test_a_parent_that_is_a_file(writer, tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(VMBFileError, match=r"folder to write to does not exist.*Create the folder"):
        WRITERS[writer](tmp_path / "file" / NAMES.get(writer, "old"))
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of Linux")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to mount")
def test_a_disk_that_is_really_full(writer, tmp_path):
    """A file system of 8 pages."""
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(tmp_path)],
        check=False,
        capture_output=True,
    )
    if mount.returncode:
        pytest.skip("may not mount a file system here")
    try:
        path = tmp_path / NAMES.get(writer, "old")
        path.write_bytes(b"old")
        (tmp_path / "filler").write_bytes(bytes(24 * 1024))
        with pytest.raises(
            VMBFileError, match=r"got No space left on device .*\. Free space there"
        ):
            WRITERS[writer](path)
        assert path.read_bytes() == b"old"
        assert set(os.listdir(tmp_path)) == {path.name, "filler"}
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL")
@pytest.mark.parametrize("moment", ["before it is whole", "before it is moved"])
def test_a_killed_process(writer, path, monkeypatch, moment):
    """The old file is whole, and the next write removes what the killed one left."""
    pid = os.fork()
    if pid == 0:
        name = "fsync" if moment == "before it is whole" else "replace"
        setattr(os, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        try:
            WRITERS[writer](path)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert path.read_bytes() == b"old"
    litter = set(os.listdir(path.parent)) - {path.name}
    assert litter
    assert all(name.startswith(".") and name.endswith(".part") for name in litter)
    WRITERS[writer](path)
    assert path.read_bytes() != b"old"
    left = [name for name in os.listdir(path.parent) if name.endswith(".part")]
    assert left == []
