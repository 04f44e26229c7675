"""What a report says of a run, so that the run can be done again: its words and its files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pylops_vmb.cli._options import GATHERS

NAME = "report.json"
_ENTRIES = {"command", "figures", "outputs"}


def beside(path: Path) -> Path:
    """Return the name of the report of a single file."""
    return path.with_name(f"{path.name}.{NAME}")


def is_report(document: Mapping[str, Any]) -> bool:
    """Tell whether a document is the report of a run."""
    command = document.get("command")
    return (
        set(document) >= _ENTRIES
        and isinstance(command, list)
        and len(command) > 1
        and all(isinstance(word, str) for word in command)
    )


def digest(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder, that of the hashes of its SEG-Y files."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in GATHERS)
        lines = (f"{digest(file)}  {file.name}\n" for file in files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed_inputs(report: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return what became of the files that a run read, where they are not as they were.

    Parameters
    ----------
    report : :obj:`dict`
        Its report.
    folder : :obj:`pathlib.Path`
        Where it ran.

    Returns
    -------
    changes : :obj:`dict`
        A sentence's end by the name of the file.
    """
    changes = {}
    for name, before in report.get("inputs", {}).items():
        path = folder / name
        if not path.exists():
            changes[name] = f"is missing, it had SHA-256 {before}"
        elif (now := digest(path)) != before:
            changes[name] = f"has changed, SHA-256 {now}, and was {before}"
    return changes
