"""Velocity models by the ending of their file, networks by file or name, and the picture."""

import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from pylops_vmb._checks import refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.cli._options import GATHERS, VELOCITY, check_ending
from pylops_vmb.errors import CardWarning, VMBFileError
from pylops_vmb.io import read_npz, read_velocity, weights_digest, write_npz, write_velocity
from pylops_vmb.io._atomic import atomic_path
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.plotting import plot_comparison
from pylops_vmb.survey import Acquisition, Grid


def load_velocity(path: Path) -> tuple[Any, Grid]:
    """Read a velocity model ``(nx, nz)`` in m/s and its grid, from .npz or SEG-Y.

    Raises
    ------
    VMBFileError
        If the file is neither, missing or damaged.
    """
    check_ending(path, VELOCITY, "read as a velocity model")
    return read_velocity(path) if path.suffix.lower() in GATHERS else read_npz(path)


def save_velocity(path: Path, vp: Any, grid: Grid) -> None:
    """Write a velocity model ``(nx, nz)`` in m/s, as .npz or SEG-Y by its ending."""
    write = write_velocity if path.suffix.lower() in GATHERS else write_npz
    write(path, vp, grid)


def load_network(weights: str, device: str = "cpu", **keywords: Any) -> LearnedInversion:
    """Return a network by the path of its weights, or by its name."""
    file = Path(weights).suffix == ".safetensors" or Path(weights).exists()
    load = LearnedInversion.load if file else LearnedInversion.from_pretrained
    return load(weights, device=device, **keywords)


def origin_of(weights: str, G: LearnedInversion) -> dict[str, Any]:
    """Return what a report says of a network: the hash of its numbers."""
    return {weights: weights_digest(dict(G.net.state_dict()))}


def network_for(G: LearnedInversion, data: Any, acq: Acquisition) -> LearnedInversion:
    """Return a network for the survey of data, and warn of all that speaks against it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)  # the check says it again
        there = G.for_survey(acq)
    there.check(data)
    return there


def check_folder(path: Path) -> None:
    """Refuse an output whose folder is missing, before the work and not after it."""
    if not path.parent.is_dir():
        refuse(
            path.name,
            "the folder to write to does not exist",
            got=f"'{path}'",
            do="Create the folder first",
            error=VMBFileError,
        )


def check_drawing() -> None:
    """Refuse to go on if a picture cannot be drawn in the end."""
    optional_import("matplotlib", "drawing a picture")


def draw(path: Path, models: Mapping[str, Any], grid: Grid) -> None:
    """Write a picture of velocity models in a row, on one colour scale.

    Parameters
    ----------
    path : :obj:`pathlib.Path`
        A .png file.
    models : :obj:`dict`
        Velocities ``(nx, nz)`` in m/s by title; the colour scale spans them all.
    grid : `Grid`
        The cells.
    """
    check_drawing()
    figure = import_module("matplotlib.figure").Figure(  # needs no display, unlike pyplot
        figsize=(3.2 * len(models) + 1.0, 3.6), layout="constrained"
    )
    axes = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    low, high = (float(f([f(vp) for vp in models.values()])) for f in (np.min, np.max))
    plot_comparison(models, grid, axes=axes, vmin=low, vmax=high)
    with atomic_path(path) as part:
        figure.savefig(part, format="png", dpi=150)
