"""Files at the door: they exist, are files, and are not empty."""

import os
from pathlib import Path

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError


def check_file(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` if a file with contents stands there.

    Raises
    ------
    VMBFileError
        If there is no such file, or it is a folder or empty.
    """
    file = Path(path)
    if not file.is_file():
        wrong = "is a folder" if file.is_dir() else "does not exist"
        refuse(file.name, wrong, got=f"'{path}'", do="Pass the name of a file", error=VMBFileError)
    if file.stat().st_size == 0:
        do = "Copy or download the file again"
        refuse(file.name, "is empty", got="0 bytes", do=do, error=VMBFileError)
    return file
