"""Whole files or none: every writer of this package goes through `atomic_path`."""

import errno
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

from safetensors import SafetensorError

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_REMEDIES = dict.fromkeys(_FULL, "Free space there, or write to another disk") | dict.fromkeys(
    _FORBIDDEN, "Pass a folder that you may write to"
)


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path in a temporary folder beside ``path``, and move it there once it is complete.

    If the body or the move fails, the temporary folder is removed and what stood under
    ``path`` before still stands there.

    Parameters
    ----------
    path : path-like
        Final name of the file; its folder must exist.

    Yields
    ------
    part : :obj:`pathlib.Path`
        Where to write; an empty file.

    Raises
    ------
    VMBFileError
        If the folder is missing or may not be written to, ``path`` is a folder, or the disk
        is full; ``errno`` says which, where the system did.

    Notes
    -----
    The folder also holds the temporary files of libraries: safetensors makes one beside the
    file that it is told to write.  A process that is killed leaves the folder behind,
    ``.NAME.WHERE-PID-RANDOM.part``.  The next write of the same name removes it, if that
    process ran on this machine and is no more.
    """
    final = Path(path)
    if not os.path.isdir(final.parent):
        _refuse_target(final, "the folder to write to does not exist", "Create the folder first")
    if os.path.isdir(final):  # Path.is_dir() raises where a name is too long
        _refuse_target(final, "is a folder", "Pass the name of a file")
    room = final.with_name(f".{final.name}.{_place()}-{os.getpid()}-{secrets.token_hex(4)}.part")
    part = room / final.name
    try:
        _remove_orphans(final)
        room.mkdir()
        mode = _create(part)
        yield part
        part.chmod(mode)  # safetensors makes files that only their owner can read
        _flush(part)
        os.replace(part, final)
    except VMBFileError:
        raise
    except (OSError, SafetensorError) as err:
        _refuse_write(final, err)
    finally:
        if os.path.isdir(room):
            shutil.rmtree(room)


def _create(part: Path) -> int:
    with open(part, "xb") as file:
        return os.fstat(file.fileno()).st_mode


def _flush(part: Path) -> None:
    with open(part, "rb+") as file:
        os.fsync(file.fileno())


@cache
def _place() -> str:
    """Return what tells apart where process numbers are counted: machine, boot, container."""
    words = [socket.gethostname()]
    with suppress(OSError):  # only Linux tells these
        words += [Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")]
        words += [str(os.stat("/proc/self/ns/pid").st_ino)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]


def _remove_orphans(final: Path) -> None:
    """Remove what killed processes of this place left of writing ``final``."""
    start, end, names = f".{final.name}.{_place()}-", ".part", list[str]()
    with suppress(PermissionError):  # a folder may be written to and not be listed
        names = os.listdir(final.parent)
    for name in names:
        if name.startswith(start) and name.endswith(end):
            pid, _, rest = name.removeprefix(start).partition("-")
            if pid.isdigit() and "-" not in rest and not _alive(int(pid)):
                shutil.rmtree(final.parent / name, ignore_errors=True)  # another may be faster


def _alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # there, asking ends the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _refuse_target(path: Path, wrong: str, do: str) -> None:
    refuse(path.name, wrong, got=f"'{path}'", do=do, error=VMBFileError)


def _refuse_write(path: Path, err: OSError | SafetensorError) -> NoReturn:
    """Say in three parts why a file could not be written, and keep the system's number."""
    number = err.errno if isinstance(err, OSError) else _number_in(str(err))
    do = _REMEDIES.get(number or 0, "Check the name of the file and the disk it is on")
    got = f"{os.strerror(number)} ('{path}')" if number else f"{err} ('{path}')"
    wrong = "could not be written, and what stood there before was kept"
    try:
        refuse(path.name, wrong, got=got, do=do, error=VMBFileError, cause=err)
    except VMBFileError as refusal:
        refusal.errno = number
        raise


def _number_in(text: str) -> int | None:
    """Return the system's error number in a message of Rust: "... (os error 28)"."""
    _, found, rest = text.partition("(os error ")
    number = rest.partition(")")[0]
    return int(number) if found and number.isdigit() else None
