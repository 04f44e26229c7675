"""What a set of velocity models looks like in figures: layers, relief, rise, salt.

Every figure is one number a model, NaN where a model does not have it, so that two sets are
compared by their distributions and not by their means alone. Interfaces are read from the cells:
drawn models and models of a file are treated alike.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from pylops_vmb._checks import refuse
from pylops_vmb.velocity.base import Array


def layer_velocities(vp: npt.ArrayLike, *, vp_salt: float = np.inf, least: float = 1e-3) -> Array:
    """Return the velocities ``(n,)`` in m/s of a model's layers, from the shallowest down.

    Parameters
    ----------
    vp : array-like
        One model ``(nx, nz)`` in m/s, made of layers of constant velocity.
    vp_salt : float
        Cells at least so fast are salt, and belong to no layer.
    least : float
        A velocity on a smaller share of the cells is no layer.
    """
    values = np.asarray(vp, dtype=np.float32)
    found, layer, count = np.unique(values, return_inverse=True, return_counts=True)
    rows = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    depth = np.bincount(layer.ravel(), rows.ravel()) / count
    kept = (found < vp_salt) & (count >= least * values.size)
    return np.asarray(found[kept][np.argsort(depth[kept])], dtype=np.float64)


def interfaces(vp: npt.ArrayLike, *, vp_salt: float = np.inf, least: float = 1e-3) -> Array:
    """Return the depths ``(n - 1, nx)`` in cells of the interfaces between ``n`` layers.

    A depth is the number of the first cell below. It is NaN where the two layers do not meet in
    a column, because salt hides the interface or another layer lies between.

    Parameters
    ----------
    vp, vp_salt, least
        As in `layer_velocities`.

    Examples
    --------
    >>> import numpy as np
    >>> from pylops_vmb.velocity.statistics import interfaces
    >>> vp = np.full((3, 10), 1500.0)
    >>> vp[:, 4:], vp[2, 3:6] = 2000.0, 4500.0
    >>> interfaces(vp, vp_salt=4500.0)
    array([[ 4.,  4., nan]])
    """
    values = np.asarray(vp, dtype=np.float32)
    layers = layer_velocities(values, vp_salt=vp_salt, least=least).astype(np.float32)
    depths = np.full((max(len(layers) - 1, 0), len(values)), np.nan)
    for depth, upper, lower in zip(depths, layers[:-1], layers[1:], strict=True):
        meet = (values[:, :-1] == upper) & (values[:, 1:] == lower)
        depth[meet.any(axis=1)] = meet.argmax(axis=1)[meet.any(axis=1)] + 1.0
    return depths


def describe(models: Iterable[npt.ArrayLike], *, vp_salt: float = np.inf) -> dict[str, Array]:
    """Return the figures of many models, each ``(n,)``.

    Parameters
    ----------
    models : iterable of array-like
        Models ``(nx, nz)`` in m/s.
    vp_salt : float
        Cells at least so fast are salt.

    Returns
    -------
    dict
        Of all cells but salt: ``vp_mean``, ``vp_std``. Of layers of constant velocity:
        ``layers``, ``vp_top``, ``vp_bottom``, ``vp_rise`` and ``falls`` (1 if velocity falls
        somewhere from one layer to the next). Of the interfaces that at least half of the columns
        show, in cells: ``relief_mean``, ``relief_max``, ``slope`` (mean step from column to
        column), ``wavelength``, ``first_layer`` and ``thinnest`` (layer). Of the
        salt: ``salt_area`` (share of the cells), and as shares of depth and width
        ``salt_top``, ``salt_bottom``, ``salt_centre``, ``salt_width``.

    Notes
    -----
    The wavelength of a form ``h(x)`` is ``2 pi std(h) / std(dh/dx)``.
    """
    rows = [_figures(np.asarray(vp, dtype=np.float32), vp_salt) for vp in models]
    if not rows:
        refuse("models", "must hold a model", got="none", do="Pass models (nx, nz) in m/s")
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def distances(some: Mapping[str, Array], others: Mapping[str, Array]) -> dict[str, float]:
    """Return the Kolmogorov-Smirnov distance of each figure that both sets have.

    Parameters
    ----------
    some, others : mapping
        What `describe` returned for two sets of models.

    Returns
    -------
    dict
        0 for figures of one distribution, 1 for figures without overlap; NaN where only one of
        the sets has the figure at all.
    """
    return {name: _distance(some[name], others[name]) for name in some if name in others}


def _distance(some: Array, others: Array) -> float:
    some, others = some[np.isfinite(some)], others[np.isfinite(others)]
    if not len(some) or not len(others):
        return 0.0 if len(some) == len(others) else np.nan
    every = np.concatenate([some, others])  # SciPy's test also wants a probability, and may warn
    shares = [
        np.searchsorted(np.sort(own), every, side="right") / len(own) for own in (some, others)
    ]
    return float(np.abs(shares[0] - shares[1]).max())


def _figures(vp: Array, vp_salt: float) -> dict[str, float]:
    salt = vp >= vp_salt
    outside = vp[~salt]
    mean = {"vp_mean": float(outside.mean()), "vp_std": float(outside.std())}
    return {**mean, **_layers(vp, vp_salt), **_relief(vp, vp_salt), **_salt(salt)}


def _layers(vp: Array, vp_salt: float) -> dict[str, float]:
    velocities = layer_velocities(vp, vp_salt=vp_salt)
    top, bottom = (float(velocities[k]) if len(velocities) else np.nan for k in (0, -1))
    return {
        "layers": float(len(velocities)),
        "vp_top": top,
        "vp_bottom": bottom,
        "vp_rise": bottom - top,
        "falls": float((np.diff(velocities) < 0.0).any()),
    }


def _relief(vp: Array, vp_salt: float) -> dict[str, float]:
    depths = interfaces(vp, vp_salt=vp_salt)
    depths = depths[np.isfinite(depths).mean(axis=1) >= 0.5]
    names = ("relief_mean", "relief_max", "slope", "wavelength", "first_layer", "thinnest")
    if not len(depths):
        return dict.fromkeys(names, np.nan)
    relief = np.nanmax(depths, axis=1) - np.nanmin(depths, axis=1)
    level = np.nanmedian(depths, axis=1)
    steps = np.diff(depths, axis=1)
    rough = float(np.nanstd(steps))
    form = float(np.nanstd(depths - np.nanmean(depths, axis=1, keepdims=True)))
    values = (
        relief.mean(),
        relief.max(),
        np.nanmean(np.abs(steps)),
        2.0 * np.pi * form / rough if rough else np.nan,
        level[0],
        np.diff(level, prepend=0.0).min(),
    )
    return dict(zip(names, map(float, values), strict=True))


def _salt(salt: npt.NDArray[np.bool_]) -> dict[str, float]:
    names = ("salt_area", "salt_top", "salt_bottom", "salt_centre", "salt_width")
    columns, rows = (np.flatnonzero(salt.any(axis=axis)) for axis in (1, 0))
    if not len(columns):
        return {**dict.fromkeys(names, np.nan), "salt_area": 0.0}
    nx, nz = salt.shape
    values = (
        salt.mean(),
        rows[0] / nz,
        (rows[-1] + 1) / nz,
        (np.nonzero(salt)[0].mean() + 0.5) / nx,
        (columns[-1] + 1 - columns[0]) / nx,
    )
    return dict(zip(names, map(float, values), strict=True))
