"""Which file of gathers belongs to which file of velocities."""

import os
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError

Key = TypeVar("Key", bound=Hashable)


def files_below(folder: str | os.PathLike[str], *suffixes: str) -> list[Path]:
    """Return the files with one of some suffixes in a folder and those inside it, sorted.

    Raises
    ------
    VMBFileError
        If there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        do = "Pass the folder that holds the data set"
        refuse(str(root), "is not a folder", got="no folder", do=do, error=VMBFileError)
    found = (path for path in root.rglob("*") if path.suffix.lower() in suffixes)
    return sorted(path for path in found if path.is_file())


def by_key(files: Iterable[Path], key: Callable[[Path], Key | None]) -> dict[Key, Path]:
    """Return files by what identifies them; those whose key is None are left out.

    Raises
    ------
    VMBFileError
        If two files have the same key.
    """
    found: dict[Key, Path] = {}
    for file in files:
        name = key(file)
        if name is None:
            continue
        if name in found:
            refuse(
                str(file),
                "cannot be told from another file of the set",
                got=f"'{found[name]}' as well",
                do="Keep one of them, or pass a folder further down",
                error=VMBFileError,
            )
        found[name] = file
    return found


def paired(
    gathers: Mapping[Key, Path], velocities: Mapping[Key, Path], *, where: object, expected: str
) -> list[tuple[Path, Path]]:
    """Return pairs of files with equal keys, in the order of the keys of the gathers.

    Parameters
    ----------
    gathers, velocities : mapping
        Files by key.
    where : object
        The data set's folder, for messages.
    expected : :obj:`str`
        The names that were looked for, for messages.

    Raises
    ------
    VMBFileError
        If there are no pairs, or a file has no partner; the message names it.
    """
    if not gathers and not velocities:
        do = "Pass the folder that holds the files, or rename them"
        got = "none of them"
        refuse(str(where), f"must hold {expected}", got=got, do=do, error=VMBFileError)
    alone = [gathers[key] for key in gathers if key not in velocities]
    alone += [velocities[key] for key in velocities if key not in gathers]
    if alone:
        refuse(
            str(where),
            "must hold a file of velocities for each of gathers",
            got=f"{len(alone)} without a partner, first '{alone[0]}'",
            do=f"Complete the set ({expected}), or remove that file",
            error=VMBFileError,
        )
    return [(gathers[key], velocities[key]) for key in gathers]
