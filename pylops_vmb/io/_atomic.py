"""Whole files or none: every writer of this package goes through `atomic_path`."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``, and move it there once it is complete.

    If the body or the move fails, the temporary file is removed and what stood under
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
        If the folder is missing, or ``path`` is a folder.
    """
    final = Path(path)
    if not final.parent.is_dir():
        _refuse_target(final, "the folder to write to does not exist", "Create the folder first")
    if final.is_dir():
        _refuse_target(final, "is a folder", "Pass the name of a file")
    part = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    try:
        mode = _create(part)
        yield part
        part.chmod(mode)  # safetensors makes files that only their owner can read
        _flush(part)
        os.replace(part, final)
    finally:
        part.unlink(missing_ok=True)


def _create(part: Path) -> int:
    with open(part, "xb") as file:
        return os.fstat(file.fileno()).st_mode


def _flush(part: Path) -> None:
    with open(part, "rb+") as file:
        os.fsync(file.fileno())


def _refuse_target(path: Path, wrong: str, do: str) -> None:
    refuse(path.name, wrong, got=f"'{path}'", do=do, error=VMBFileError)
