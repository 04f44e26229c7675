"""Our own arrays: velocity models with their grid, gathers with their survey, as ``.npz``."""

import os
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_shape, refuse
from pylops_vmb._numpy_files import read_npz_arrays
from pylops_vmb.errors import VMBError, VMBFileError
from pylops_vmb.io._atomic import atomic_path
from pylops_vmb.io._files import check_file
from pylops_vmb.survey import Acquisition, Grid

PathLike = str | os.PathLike[str]

_VELOCITY = ("vp", "spacing", "origin")
_GATHERS = ("d", "srcs", "recs", "dt", "wav", "wavc", "f0")


def write_npz(path: PathLike, vp: Any, grid: Grid) -> None:
    """Write a velocity model as NumPy archive: ``vp``, ``spacing``, ``origin``.

    Parameters
    ----------
    path : path-like
        Name of the file; it is replaced as a whole.
    vp : array_like
        Velocities, ``(nx, nz)`` or flat, m/s, kept in their dtype.
    grid : `Grid`
        The cells.

    Raises
    ------
    VMBValueError
        If the shape disagrees with the grid.
    VMBFileError
        If the folder is missing or cannot be written to.
    """
    values = _shaped("vp", vp, grid.dims, axes="(nx, nz)")
    _write(path, vp=values, spacing=grid.spacing, origin=grid.origin)


def read_npz(path: PathLike) -> tuple[NDArray[Any], Grid]:
    """Read a velocity model of `write_npz`.

    Parameters
    ----------
    path : path-like
        A ``.npz`` file.

    Returns
    -------
    vp : :obj:`numpy.ndarray`
        Velocities, ``(nx, nz)``, m/s.
    grid : `Grid`
        The cells.

    Raises
    ------
    VMBFileError
        If the file is missing, damaged, or holds no velocity model and grid.
    """
    vp, spacing, origin = _read(path, _VELOCITY)
    if vp.ndim != 2 or vp.dtype.kind not in "fiu" or not _numbers(spacing, origin, size=2):
        _refuse(path, "does not hold a model (nx, nz) on a grid", f"vp of shape {vp.shape}")
    try:
        grid = Grid(vp.shape, tuple(spacing.tolist()), tuple(origin.tolist()))
    except VMBError as err:
        _refuse(path, "does not hold a model (nx, nz) on a grid", str(err), cause=err)
    return vp, grid


def write_npz_gathers(path: PathLike, d: Any, acq: Acquisition) -> None:
    """Write shot gathers and their survey, wavelet included, as NumPy archive.

    Parameters
    ----------
    path : path-like
        Name of the file; it is replaced as a whole.
    d : array_like
        Gathers, ``(ns, nr, nt)`` or flat, kept in their dtype.
    acq : `Acquisition`
        The survey.

    Raises
    ------
    VMBValueError
        If the shape disagrees with the survey.
    VMBFileError
        If the folder is missing or cannot be written to.

    Notes
    -----
    The names are those of the package: ``d``, ``srcs (2, ns)`` and ``recs (2, nr)`` or
    ``(2, ns, nr)`` in m, ``dt`` in s, ``wav``, ``wavc``, ``f0`` in Hz.
    """
    values = _shaped("d", d, acq.dimsd, axes="(ns, nr, nt)")
    survey = {name: getattr(acq, name) for name in _GATHERS[1:]}
    _write(path, d=values, **survey)


def read_npz_gathers(path: PathLike) -> tuple[NDArray[Any], Acquisition]:
    """Read shot gathers of `write_npz_gathers`.

    Parameters
    ----------
    path : path-like
        A ``.npz`` file.

    Returns
    -------
    d : :obj:`numpy.ndarray`
        Gathers, ``(ns, nr, nt)``.
    acq : `Acquisition`
        The survey.

    Raises
    ------
    VMBFileError
        If the file is missing, damaged, or holds no gathers and survey.
    """
    wrong = "does not hold gathers (ns, nr, nt) and their survey"
    d, srcs, recs, dt, wav, wavc, f0 = _read(path, _GATHERS)
    if d.ndim != 3 or d.dtype.kind not in "fiu" or not _numbers(dt, wavc, f0, size=1):
        _refuse(path, wrong, f"d of {d.dtype} and shape {d.shape}")
    timing = {"nt": d.shape[2], "dt": dt.item(), "wavc": int(wavc.item()), "f0": f0.item()}
    try:
        acq = Acquisition(srcs, recs, wav=wav, **timing)
    except (VMBError, ValueError, TypeError) as err:
        _refuse(path, wrong, str(err), cause=err)
    if acq.dimsd != d.shape:
        _refuse(path, wrong, f"d of shape {d.shape} for a survey of {acq.dimsd}")
    return d, acq


def _write(path: PathLike, **arrays: Any) -> None:
    with atomic_path(path) as part, open(part, "wb") as file:
        np.savez(file, **arrays)


def _read(path: PathLike, keys: tuple[str, ...]) -> list[NDArray[Any]]:
    arrays = read_npz_arrays(check_file(path), keys)
    return [arrays[key] for key in keys]


def _shaped(name: str, values: Any, dims: tuple[int, ...], *, axes: str) -> NDArray[Any]:
    array = to_tensor(values, name=name).detach().cpu().numpy()
    check_shape(name, array.shape, dims, axes=axes)
    return np.asarray(array.reshape(dims))


def _numbers(*arrays: NDArray[Any], size: int) -> bool:
    return all(
        array.size == size and array.dtype.kind in "fiu" and np.isfinite(array).all()
        for array in arrays
    )


def _refuse(path: PathLike, wrong: str, got: str, cause: BaseException | None = None) -> NoReturn:
    do = "Write it with write_npz or write_npz_gathers, or check how it was copied"
    name = os.path.basename(path)
    refuse(name, wrong, got=got, do=do, error=VMBFileError, cause=cause)
