"""Arrays of other projects: OpenFWI ``.npy``, FCNVMB ``.mat``, and bare numbers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_choice, check_integer, refuse
from pylops_vmb._numpy_files import map_npy, map_numbers, native
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._atomic import atomic_path
from pylops_vmb.io._files import check_file
from pylops_vmb.io._mat import describe_mat, load_mat

PathLike = str | os.PathLike[str]

_FCNVMB_KEYS = {"Rec": 3, "vmodel": 2, "svmodel": 2}
_KEY_BY_AXES = {3: "Rec", 2: "vmodel"}
_LARGEST_MAT = 2**31 - 1
_ORDERS: dict[str, Literal["<", ">"]] = {"little": "<", "big": ">"}
_AXES = {"srt": "gathers", "xz": "velocities"}


def read_openfwi(path: PathLike, *, kind: str = "auto") -> NDArray[Any]:
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
    stored = map_npy(file)
    if stored.ndim != 4 or stored.dtype.kind not in "fiu":
        got = f"shape {stored.shape} of {stored.dtype}"
        _refuse(file, "does not have the four axes of OpenFWI", got)
    if kind == "gathers" or (kind == "auto" and stored.shape[1] != 1):
        return stored.transpose(0, 1, 3, 2)
    if stored.shape[1] != 1:
        _refuse(file, "does not hold velocities (n, 1, nz, nx)", f"shape {stored.shape}")
    return stored[:, 0].transpose(0, 2, 1)


def write_openfwi(path: PathLike, array: Any) -> None:
    """Write gathers or velocities as OpenFWI stores them.

    Parameters
    ----------
    path : path-like
        Name of the file, by custom ``*.npy``; it is replaced as a whole.
    array : array_like
        Gathers ``(n, ns, nr, nt)`` or velocities ``(n, nx, nz)`` in m/s, kept in their
        dtype; `read_openfwi` gives the same bits.

    Raises
    ------
    VMBValueError
        If the array has neither four axes nor three.
    VMBFileError
        If the folder is missing or cannot be written to.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from pylops_vmb.io import read_openfwi, write_openfwi
    >>> path = Path(tempfile.mkdtemp()) / "model1.npy"
    >>> write_openfwi(path, np.full((3, 40, 60), 2000.0, "float32"))
    >>> np.load(path).shape, read_openfwi(path).shape
    ((3, 1, 60, 40), (3, 40, 60))
    """
    values = _host(array)
    if values.ndim not in (3, 4):
        refuse(
            "array",
            "must be gathers (n, ns, nr, nt) or velocities (n, nx, nz)",
            got=f"shape {values.shape}",
            do="Add an axis for the samples: array[None]",
        )
    stored = values.swapaxes(-1, -2)
    stored = stored if values.ndim == 4 else stored[:, None]
    with atomic_path(path) as part, open(part, "wb") as file:
        stored = np.ascontiguousarray(stored)
        npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(stored))
        file.write(stored.data)  # what np.save says of a full disk has no number of the system


def read_fcnvmb(path: PathLike, *, keys: Mapping[str, int] = _FCNVMB_KEYS) -> NDArray[np.float32]:
    """Read a ``.mat`` file of Yang and Ma (2019) in PyLops' axis order.

    Parameters
    ----------
    path : path-like
        A MATLAB file of version 5, 6, 7 or 7.3 that holds gathers ``Rec`` or a velocity
        model, ``vmodel`` or ``svmodel``.  Version 7.3 needs the optional package h5py.
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
    variables = load_mat(file, keys)
    for key, ndim in keys.items():
        if key in variables and variables[key].ndim == ndim:
            return _single(file, key, variables[key].T)
    names = describe_mat(file)
    if keys is not _FCNVMB_KEYS:
        wanted = " or ".join(f"{key} with {ndim} axes" for key, ndim in keys.items())
        _refuse(file, f"does not hold {wanted}", names)
    return _refuse(file, "holds neither Rec (nt, nr, ns) nor vmodel or svmodel (nz, nx)", names)


def write_fcnvmb(path: PathLike, array: Any) -> None:
    """Write gathers or a velocity model as Yang and Ma (2019) store them, MATLAB version 5.

    Parameters
    ----------
    path : path-like
        Name of the file, by custom ``georec1.mat`` or ``vmodel1.mat``; it is replaced as a
        whole.
    array : array_like
        Gathers ``(ns, nr, nt)``, stored as ``Rec (nt, nr, ns)``, or a velocity model
        ``(nx, nz)`` in m/s, stored as ``vmodel (nz, nx)``.  The dtype is kept in the file;
        `read_fcnvmb` gives the same bits of float32.

    Raises
    ------
    VMBValueError
        If the array has other axes, or is larger than the 2 GiB that a variable can have.
    VMBFileError
        If the folder is missing or cannot be written to.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from pylops_vmb.io import read_fcnvmb, write_fcnvmb
    >>> path = Path(tempfile.mkdtemp()) / "vmodel1.mat"
    >>> write_fcnvmb(path, np.full((40, 60), 2000.0, "float32"))
    >>> read_fcnvmb(path).shape
    (40, 60)
    """
    from scipy.io import savemat  # noqa: PLC0415  keeps the package's import light

    values = _host(array)
    if values.ndim not in _KEY_BY_AXES or values.nbytes > _LARGEST_MAT:
        refuse(
            "array",
            "must be gathers (ns, nr, nt) or a velocity model (nx, nz), of at most 2 GiB",
            got=f"shape {values.shape}, {values.nbytes} bytes",
            do="Write one sample a file; for more use write_openfwi or write_npz",
        )
    with atomic_path(path) as part:
        savemat(part, {_KEY_BY_AXES[values.ndim]: values.T}, appendmat=False)


def read_raw(
    path: PathLike,
    shape: tuple[int, ...],
    *,
    axes: str,
    dtype: DTypeLike = "float32",
    byte_order: str = "little",
) -> NDArray[Any]:
    """Read a file of bare numbers, whose form must be told, in PyLops' axis order.

    Parameters
    ----------
    path : path-like
        A file of nothing but numbers.
    shape : :obj:`tuple`
        Lengths of the axes, in the order of the file: the last one varies fastest.
    axes : :obj:`str`
        What they are, a letter each: ``s`` shots, ``r`` receivers and ``t`` time for
        gathers, ``x`` and ``z`` for velocities, with ``n`` for samples where there are
        several.  ``"xz"`` is a model stored trace by trace, as Seismic Unix does.
    dtype : data-type, optional
        Of the numbers: a float or an integer.
    byte_order : {"little", "big"}, optional
        Which byte of a number comes first; "little" on most machines of today.

    Returns
    -------
    array : :obj:`numpy.ndarray`
        Gathers ``([n,] ns, nr, nt)``, or velocities ``([n,] nx, nz)`` in the unit of the
        file: a read-only view of the memory-mapped file, or a copy if its bytes are in the
        other order than those of this machine.

    Raises
    ------
    VMBValueError
        If the arguments do not describe gathers or velocities.
    VMBFileError
        If the file is missing, or not exactly as large as they say.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from pylops_vmb.io import read_raw
    >>> path = Path(tempfile.mkdtemp()) / "vp.bin"
    >>> _ = path.write_bytes(np.full((60, 40), 2000.0, ">f4").tobytes())
    >>> read_raw(path, (60, 40), axes="zx", byte_order="big").shape
    (40, 60)
    """
    wanted, kind = _check_axes(axes), _check_dtype(dtype, byte_order)
    counts = tuple(check_integer("shape", n, at_least=1) for n in shape)
    if len(counts) != len(axes):
        do = "Pass as many lengths as letters"
        refuse("shape", f"must have the axes {axes!r}", got=counts, do=do)
    file = check_file(path)
    size, needed = file.stat().st_size, kind.itemsize
    for count in counts:
        needed *= count
    if size != needed:
        _refuse_size(file, size, f"{kind.name} {counts}, which takes {needed}")
    stored = native(map_numbers(file, counts, kind))
    return stored.transpose([axes.index(axis) for axis in wanted])


def write_raw(path: PathLike, array: Any, *, axes: str, byte_order: str = "little") -> None:
    """Write bare numbers; whoever reads them must be told shape, axes, dtype and byte order.

    Parameters
    ----------
    path : path-like
        Name of the file; it is replaced as a whole.
    array : array_like
        Gathers ``([n,] ns, nr, nt)`` or velocities ``([n,] nx, nz)``, kept in their dtype;
        `read_raw` gives the same bits.
    axes : :obj:`str`
        Their order in the file, as for `read_raw`.
    byte_order : {"little", "big"}, optional
        Which byte of a number comes first.

    Raises
    ------
    VMBValueError
        If the letters do not fit the array.
    VMBFileError
        If the folder is missing or cannot be written to.
    """
    given, values = _check_axes(axes), _host(array)
    kind = _check_dtype(values.dtype, byte_order)
    if values.ndim != len(given):
        do = f"Pass an array with the axes {', '.join(given)}"
        refuse("array", f"must have {len(given)} axes", got=f"shape {values.shape}", do=do)
    stored = values.transpose([given.index(axis) for axis in axes])
    with atomic_path(path) as part, open(part, "wb") as file:
        file.write(np.ascontiguousarray(stored, kind).data)


def _single(file: Path, key: str, array: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(array, np.float32)
    if np.isinf(single).any() and not np.array_equal(np.isinf(single), np.isinf(array)):
        _refuse(
            file, f"holds numbers in {key} beyond those of float32", f"{np.nanmax(abs(array)):g}"
        )
    return single


def _check_axes(axes: str) -> str:
    """Return the letters in PyLops' order."""
    for order in _AXES:
        for wanted in (order, f"n{order}"):
            if sorted(axes) == sorted(wanted):
                return wanted
    do = "Order the letters s, r, t of gathers or x, z of velocities as in the file, n for samples"
    return refuse("axes", "must name the axes of gathers or velocities", got=repr(axes), do=do)


def _check_dtype(dtype: DTypeLike, byte_order: str) -> np.dtype[Any]:
    check_choice("byte_order", byte_order, tuple(_ORDERS))
    try:
        kind = np.dtype(dtype)
    except (TypeError, ValueError):
        kind = np.dtype(object)
    if kind.kind not in "fiu":
        do = 'Use "float32", "float64", "int16", ...'
        refuse("dtype", "must be a float or an integer", got=repr(dtype), do=do)
    return kind.newbyteorder(_ORDERS[byte_order])


def _host(array: Any) -> NDArray[Any]:
    return np.asarray(to_tensor(array, name="array").detach().cpu().numpy())


def _refuse_size(file: Path, size: int, claim: str) -> NoReturn:
    refuse(
        file.name,
        f"is not as large as {claim}",
        got=f"{size} bytes",
        do="Correct shape or dtype; a file with a header cannot be read this way",
        error=VMBFileError,
    )


def _refuse(file: Path, wrong: str, got: str) -> NoReturn:
    do = "Check its name and how it was copied"
    refuse(file.name, wrong, got=got, do=do, error=VMBFileError)
