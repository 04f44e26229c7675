"""Whole files or none: what a full disk, a forbidden folder and a killed process leave."""

import errno
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import _atomic
from pylops_vmb.io._atomic import atomic_path


def _write(path, text="new"):
    with atomic_path(path) as part:
        part.write_text(text)


def _leave_part(path, *, pid=None):
    """Leave what a killed process leaves, and return the folder."""
    if pid is None:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        pid = process.pid
    room = path.with_name(f".{path.name}.{_atomic._place()}-{pid}-0123abcd.part")
    room.mkdir()
    (room / path.name).write_text("half")
    return room


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_path(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
        assert part.name == path.name  # writers that go by the ending still can
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_as_readable_as_others(tmp_path):
    _write(tmp_path / "a")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free space there, or write to another disk"),
        (errno.EROFS, "Pass a folder that you may write to"),
        (errno.EACCES, "Pass a folder that you may write to"),
        (errno.EIO, "Check the name of the file and the disk it is on"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
def test_every_refusal_of_the_system_has_a_remedy(tmp_path, monkeypatch, number, remedy, call):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_atomic.os if call != "mkdir" else _atomic.Path, call, fail)
    wrong = rf"a\.txt: could not be written, and what stood there before was kept, got .*{remedy}\."
    with pytest.raises(VMBFileError, match=wrong) as caught:
        _write(path)
    assert caught.value.errno == number
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_body_leaves_nothing(tmp_path):
    def interrupted():
        with atomic_path(tmp_path / "a") as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        VMBFileError, match=r"folder to write to does not exist.* Create the folder"
    ):
        _write(tmp_path / "file" / "a")
    with pytest.raises(VMBFileError, match=r"is a folder, got .*Pass the name of a file"):
        _write(tmp_path)
    with pytest.raises(VMBFileError, match=r"could not be written, .*name.*Check the name"):
        _write(tmp_path / ("a" * 250))
    with pytest.raises(VMBFileError, match=r"could not be written, .*name.*Check the name"):
        _write(tmp_path / ("a" * 300))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder where nobody may write")
def test_a_folder_that_even_root_cannot_write_to():
    with pytest.raises(VMBFileError, match=r"could not be written, .*got .*'/proc/a'"):
        _write("/proc/a")


def test_the_remains_of_a_killed_process_go_with_the_next_write(tmp_path):
    path = tmp_path / "a.txt"
    room, other = _leave_part(path), _leave_part(tmp_path / "b.txt")
    alive = _leave_part(path, pid=os.getpid())
    strange = tmp_path / ".a.txt.part"
    strange.touch()
    _write(path)
    assert not room.exists()
    assert {other, alive, strange, path} == set(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("writer", ["text", "checkpoint"])
def test_a_process_killed_while_it_writes(tmp_path, writer):
    """The file before survives; the litter has the documented name, and goes with the next."""
    path = tmp_path / "a.safetensors"
    job = tmp_path / "job.py"
    job.write_text(
        textwrap.dedent("""
            import os, signal, sys
            from pylops_vmb.io import _atomic, _document
            from pylops_vmb.io.checkpoint import save_checkpoint
            path, writer = sys.argv[1:]
            save_checkpoint(path, {"n": 1})
            if writer == "text":
                with _atomic.atomic_path(path) as part, open(part, "w") as file:
                    file.write("half")
                    file.flush()
                    os.kill(os.getpid(), signal.SIGKILL)
            save = _document.save_file
            def half(*args, **kwargs):
                args[1].with_name(".tmpabcdef").touch()  # as safetensors leaves one
                os.kill(os.getpid(), signal.SIGKILL)
            _document.save_file = half
            save_checkpoint(path, {"n": 2})
        """)
    )
    run = subprocess.run([sys.executable, str(job), str(path), writer], check=False)
    assert run.returncode == -signal.SIGKILL
    job.unlink()
    from pylops_vmb.io import load_checkpoint, save_checkpoint  # noqa: PLC0415

    assert load_checkpoint(path) == {"n": 1}
    (litter,) = set(tmp_path.iterdir()) - {path}
    assert litter.name.startswith(".a.safetensors.")
    assert litter.suffix == ".part"
    save_checkpoint(path, {"n": 3})
    assert list(tmp_path.iterdir()) == [path]
    assert load_checkpoint(path) == {"n": 3}
