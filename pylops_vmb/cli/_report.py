"""Reports: what a run did, as JSON beside its files and as a table to read."""

import argparse
import json
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from pylops_vmb._checks import refuse
from pylops_vmb._version import __version__
from pylops_vmb.cli._manifest import NAME, beside, changed_inputs, digest, is_report
from pylops_vmb.cli._messages import wrote
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import weights_digest
from pylops_vmb.io._atomic import atomic_path

_INTERNAL = {
    *("run", "usage_error", "argv", "notes", "started", "json", "quiet", "command", "config")
}
_PACKAGES = ("torch", "numpy", "scipy", "pylops", "deepwave")
_COLUMNS = {
    "kind": ("kind", ""),
    "call": ("call", ""),
    "method": ("method", ""),
    "start": ("started from", ""),
    "mae_m_s": ("MAE m/s", ".1f"),
    "rmse_m_s": ("RMSE m/s", ".1f"),
    "mae_1500": ("MAE / 1500", ".4f"),
    "mae_normalised": ("MAE, -1 to 1", ".4f"),
    "rmse_normalised": ("RMSE, -1 to 1", ".4f"),
    "ssim": ("SSIM", ".3f"),
    "psnr_db": ("PSNR dB", ".1f"),
    "data_misfit": ("data misfit (L2)", ".4f"),
    "scale": ("factor of the data", ".3g"),
    "iterations": ("iterations", "d"),
    "vp_min_m_s": ("lowest m/s", ".0f"),
    "vp_max_m_s": ("highest m/s", ".0f"),
    "shots": ("shots", "d"),
    "receivers": ("receivers", "d"),
    "samples": ("samples", "d"),
    "dt_s": ("dt s", "g"),
    "f0_hz": ("f0 Hz", ".3g"),
    "models": ("models", "d"),
    "epochs": ("epochs", "d"),
    "validation_mae_m_s": ("validation MAE m/s", ".1f"),
    "validation_rmse_m_s": ("RMSE m/s", ".1f"),
    "validation_ssim": ("SSIM", ".3f"),
    "task": ("task", ""),
    "device": ("device", ""),
    "hours": ("hours", ".2g"),
    "memory_gib": ("memory GiB", ".2g"),
    "disk_gib": ("disk GiB", ".2g"),
    "seconds": ("seconds", ".1f"),
    "ms": ("ms", ".4g"),
    "slowest_ms": ("slowest ms", ".4g"),
    "million_updates_s": ("million cell updates/s", ".0f"),
    "surveys_s": ("surveys/s", ".3g"),
    "file": ("file", ""),
    "again": ("again", ""),
}
"""Heading and format of each figure, in the order of the table."""


__all__ = [
    "NAME",
    "Outcome",
    "beside",
    "changed_inputs",
    "digest",
    "find_report",
    "publish",
    "read_report",
    "table",
    "versions",
]


@dataclass(frozen=True)
class Outcome:
    """What a command gives to stdout.

    Parameters
    ----------
    data : :obj:`dict`
        For ``--json``.
    text : :obj:`str`
        For everyone else.
    """

    data: dict[str, Any]
    text: str


def publish(
    path: Path,
    args: argparse.Namespace,
    *,
    figures: Sequence[Mapping[str, Any]],
    inputs: Iterable[Path] = (),
    outputs: Iterable[Path] = (),
    **more: Any,
) -> Outcome:
    """Write the report of a run, and return it as the run's outcome.

    Parameters
    ----------
    path : :obj:`pathlib.Path`
        The report.
    args : :obj:`argparse.Namespace`
        The command line.
    figures : sequence of :obj:`dict`
        Lines of the table.
    inputs, outputs : iterable of :obj:`pathlib.Path`, optional
        Files read and written; their SHA-256 goes into the report, and of weights that of
        their numbers, because a card tells how long the training took.
    **more
        Further entries.

    Returns
    -------
    outcome : `Outcome`
    """
    outputs = list(outputs)
    report = {
        "command": ["pylops-vmb", *args.argv],
        "folder": os.path.relpath(Path.cwd(), path.parent),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(time.time() - args.started, 1),
        "versions": versions(),
        "settings": {k: v for k, v in vars(args).items() if k not in _INTERNAL},
        "inputs": {str(file): digest(file) for file in inputs},
        "outputs": {os.path.relpath(file, path.parent): digest(file) for file in outputs},
        "weights": {
            os.path.relpath(file, path.parent): weights_digest(load_file(file))
            for file in outputs
            if file.suffix == ".safetensors"
        },
        "figures": list(figures),
        **more,
    }
    text = json.dumps(report, indent=1, default=os.fspath, allow_nan=False)
    with atomic_path(path) as part:
        part.write_text(text + "\n", encoding="utf-8")
    wrote(*outputs, path)
    return Outcome(json.loads(text), table(report["figures"]))


def read_report(path: Path) -> dict[str, Any]:
    """Read a report.

    Raises
    ------
    VMBFileError
        If it is missing or not a report.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if not is_report(report):
            raise ValueError("entries are missing")
    except (OSError, ValueError, TypeError) as err:
        refuse(
            path.name,
            "is not the report of a run",
            got=f"'{path}' ({err})",
            do="Pass a folder of `demo` or `train`, or a file that another command wrote",
            error=VMBFileError,
            cause=err,
        )
    assert isinstance(report, dict)
    return report


def find_report(target: Path) -> Path:
    """Return the report of a folder, of a file that a run wrote, or itself."""
    if target.is_dir():
        return target / NAME
    return target if target.suffix == ".json" else beside(target)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay figures out in columns.

    Parameters
    ----------
    rows : sequence of :obj:`dict`
        Figures by name; None and missing ones are left blank.

    Returns
    -------
    text : :obj:`str`
        A heading and one line a row.

    Examples
    --------
    >>> print(table([{"method": "fwi", "mae_m_s": 81.25}, {"method": "hybrid"}]))
    method   MAE m/s
    fwi         81.2
    hybrid
    """
    keys = [key for key in _COLUMNS if any(row.get(key) is not None for row in rows)]
    columns = [_column(key, [row.get(key) for row in rows]) for key in keys]
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*columns, strict=True))


def _column(key: str, values: Sequence[Any]) -> list[str]:
    """Return heading and cells of one width, numbers to the right."""
    heading, form = _COLUMNS[key]
    cells = [heading, *("" if value is None else format(value, form) for value in values)]
    width = max(map(len, cells))
    return [cell.rjust(width) if form else cell.ljust(width) for cell in cells]


def versions() -> dict[str, Any]:
    """Return what the numbers of a run depend on besides its inputs."""
    found: dict[str, Any] = {"pylops_vmb": __version__, "python": platform.python_version()}
    found |= {name: version(name) for name in _PACKAGES}
    return found | {"platform": platform.platform(), "threads": torch.get_num_threads()}
