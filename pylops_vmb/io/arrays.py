"""Arrays of other projects and our own: OpenFWI ``.npy``, FCNVMB ``.mat``, models as ``.npz``."""

import os
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_choice, check_shape, refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._atomic import atomic_path
from pylops_vmb.io._files import check_file
from pylops_vmb.survey import Grid

_FCNVMB_KEYS = {"Rec": 3, "vmodel": 2, "svmodel": 2}
_MAT73 = b"MATLAB 7.3"


def read_openfwi(path: str | os.PathLike[str], *, kind: str = "auto") -> NDArray[Any]:
    """Read a file of OpenFWI in PyLops' axis order, without loading it.

    Parameters
    ----------
    path : path-like
        A ``.npy`` file: gathers ``(n, ns, nt, nr)`` or velocities ``(n, 1, nz, nx)``.
    kind : {"auto", "gathers", "velocity"}, optional
        Which of the two; "auto" takes a second axis of one for velocities.

    Returns
    -------
    array : :obj:`numpy.ndarray`
        A read-only view of the memory-mapped file: gathers ``(n, ns, nr, nt)``, or
        velocities ``(n, nx, nz)`` in m/s.  Its items reach memory when they are used.

    Raises
    ------
    VMBFileError
        If the file is missing, truncated, holds pickled objects, or has other axes.
    """
    check_choice("kind", kind, ("auto", "gathers", "velocity"))
    file = check_file(path)
    try:
        stored = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as err:
        _refuse(file, "is not a whole .npy file of numbers", str(err), cause=err)
    if not isinstance(stored, np.ndarray) or stored.ndim != 4:
        got = f"shape {getattr(stored, 'shape', 'of an archive')}"
        _refuse(file, "does not have the four axes of OpenFWI", got)
    if kind == "gathers" or (kind == "auto" and stored.shape[1] != 1):
        return stored.transpose(0, 1, 3, 2)
    if stored.shape[1] != 1:
        _refuse(file, "does not hold velocities (n, 1, nz, nx)", f"shape {stored.shape}")
    return stored[:, 0].transpose(0, 2, 1)


def read_fcnvmb(
    path: str | os.PathLike[str], *, keys: Mapping[str, int] = _FCNVMB_KEYS
) -> NDArray[np.float32]:
    """Read a ``.mat`` file of Yang and Ma (2019) in PyLops' axis order.

    Parameters
    ----------
    path : path-like
        A MATLAB file that holds gathers ``Rec`` or a velocity model, ``vmodel`` or
        ``svmodel``.  Version 7.3 needs the optional package h5py.
    keys : :obj:`dict`, optional
        Names of the variables to look for, with their numbers of axes, where they are
        others; the first that is found is returned, with its axes reversed.

    Returns
    -------
    array : :obj:`numpy.ndarray`
        Gathers ``(ns, nr, nt)``, or velocities ``(nx, nz)`` in m/s, float32.

    Raises
    ------
    VMBFileError
        If the file is missing, not a MATLAB file, or holds none of these variables.
    VMBImportError
        If a version 7.3 file is read without h5py.

    Notes
    -----
    Velocities are stored as ``(nz, nx)``.  ``Rec`` is taken as time x receiver x shot,
    ``(nt, nr, ns)``, the order in which the authors' loader indexes it.

    References
    ----------
    Yang, F., Ma, J., 2019. Deep-learning inversion: a next-generation seismic velocity
    model building method. Geophysics 84(4), R583-R599.
    """
    file = check_file(path)
    variables = _load_mat(file, keys)
    for key, ndim in keys.items():
        if key in variables and variables[key].ndim == ndim:
            return np.ascontiguousarray(variables[key].T, np.float32)
    names = ", ".join(f"{key} {value.shape}" for key, value in variables.items()) or "nothing"
    if keys is not _FCNVMB_KEYS:
        wanted = " or ".join(f"{key} with {ndim} axes" for key, ndim in keys.items())
        _refuse(file, f"does not hold {wanted}", names)
    return _refuse(file, "holds neither Rec (nt, nr, ns) nor vmodel or svmodel (nz, nx)", names)


def write_npz(path: str | os.PathLike[str], vp: Any, grid: Grid) -> None:
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
        If the folder is missing.
    """
    values = to_tensor(vp, name="vp").detach().cpu().numpy()
    check_shape("vp", values.shape, grid.dims, axes="(nx, nz)")
    with atomic_path(path) as part, open(part, "wb") as file:
        np.savez(file, vp=values.reshape(grid.dims), spacing=grid.spacing, origin=grid.origin)


def read_npz(path: str | os.PathLike[str]) -> tuple[NDArray[Any], Grid]:
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
    file = check_file(path)
    try:
        with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as stored:
            vp, spacing, origin = (stored[key] for key in ("vp", "spacing", "origin"))
    except (ValueError, EOFError, KeyError, AttributeError, TypeError, zipfile.BadZipFile) as err:
        _refuse(file, "is not a whole .npz file with vp, spacing and origin", str(err), cause=err)
    if vp.ndim != 2 or spacing.shape != (2,) or origin.shape != (2,):
        _refuse(file, "does not hold a model (nx, nz) on a grid", f"vp of shape {vp.shape}")
    return vp, Grid(vp.shape, tuple(spacing.tolist()), tuple(origin.tolist()))


def _load_mat(file: Path, keys: Collection[str]) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat  # noqa: PLC0415  keeps the package's import light
    from scipy.io.matlab import MatReadError  # noqa: PLC0415

    with open(file, "rb") as stream:
        version73 = stream.read(len(_MAT73)) == _MAT73
    if version73:
        return _load_mat73(file, keys)
    try:
        stored = loadmat(file)
    except (MatReadError, ValueError, TypeError, NotImplementedError, OSError) as err:
        _refuse(file, "is not a MATLAB file that can be read", str(err), cause=err)
    return {key: np.asarray(value) for key, value in stored.items() if not key.startswith("__")}


def _load_mat73(file: Path, keys: Collection[str]) -> dict[str, NDArray[Any]]:
    h5py = optional_import("h5py", "reading MATLAB 7.3 files")
    try:
        with h5py.File(file, "r") as stored:
            return {key: stored[key][()].T for key in keys if key in stored}
    except OSError as err:
        return _refuse(file, "is damaged", str(err), cause=err)


def _refuse(file: Path, wrong: str, got: str, cause: BaseException | None = None) -> NoReturn:
    do = "Check its name and how it was copied"
    refuse(file.name, wrong, got=got, do=do, error=VMBFileError, cause=cause)
