"""How close two velocity models, or two data sets, are: MAE, RMSE, SSIM, PSNR, IoU, data misfit.

Every function takes NumPy, torch or CuPy arrays on any device and returns a float, or a few
of them.  Standard deviations are judged by `coverage` and `log_likelihood`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_choice, check_finite, check_number, check_pair, refuse

OPENFWI_RANGE = (1500.0, 4500.0)
LAWS = ("laplace", "gaussian")
"""Laws of errors that a standard deviation can be read by."""
_LEAST_STD = 1e-3  # m/s: keeps the density of an error finite where the deviation is zero
_C1, _C2 = 0.01**2, 0.03**2
_GAUSSIAN_RADIUS, _GAUSSIAN_SIGMA, _UNIFORM = 5, 1.5, 7

Array = NDArray[np.float64]


def mae(vp: Any, true: Any) -> float:
    """Mean absolute error.

    Parameters
    ----------
    vp, true : array_like
        Two models of one shape, usually ``(nx, nz)``, m/s.

    Returns
    -------
    error : :obj:`float`
        In the unit of the models; divide by 1500 m/s for the unit of OpenFWI's tables.

    Raises
    ------
    VMBValueError
        If the shapes differ or a value is not finite.

    Examples
    --------
    >>> mae([[1500.0, 2000.0]], [[1600.0, 2000.0]])
    50.0
    """
    a, b = _pair(vp, true)
    return float(np.abs(a - b).mean())


def rmse(vp: Any, true: Any) -> float:
    """Root of the mean squared error.

    Parameters
    ----------
    vp, true : array_like
        Two models of one shape, usually ``(nx, nz)``, m/s.

    Returns
    -------
    error : :obj:`float`
        In the unit of the models.

    Raises
    ------
    VMBValueError
        If the shapes differ or a value is not finite.
    """
    a, b = _pair(vp, true)
    return float(np.sqrt(np.square(a - b).mean()))


def psnr(vp: Any, true: Any, *, vp_range: tuple[float, float] = OPENFWI_RANGE) -> float:
    r"""Peak signal-to-noise ratio.

    Parameters
    ----------
    vp, true : array_like
        Two models of one shape, m/s.
    vp_range : :obj:`tuple`, optional
        Slowest and fastest velocity; their distance :math:`R` is the peak.

    Returns
    -------
    ratio : :obj:`float`
        :math:`20 \log_{10}(R / \mathrm{RMSE})` in dB, infinite for equal models.

    Raises
    ------
    VMBValueError
        If the shapes differ, a value is not finite, or the range is empty.
    """
    low, high = _range(vp_range)
    error = rmse(vp, true)
    return float("inf") if error == 0.0 else float(20.0 * np.log10((high - low) / error))


def ssim(
    vp: Any,
    true: Any,
    *,
    vp_range: tuple[float, float] = OPENFWI_RANGE,
    convention: str = "gaussian",
) -> float:
    r"""Structural similarity, in one of the two conventions in use.

    Parameters
    ----------
    vp, true : array_like
        Two models ``(nx, nz)``, m/s.
    vp_range : :obj:`tuple`, optional
        The velocities that are scaled to 0 and 1; values outside are kept as they are.
    convention : {"gaussian", "uniform"}, optional
        "gaussian" is that of the OpenFWI benchmark, "uniform" is scikit-image's default.

    Returns
    -------
    similarity : :obj:`float`
        One for equal models.

    Raises
    ------
    VMBValueError
        If the shapes differ, are not two-dimensional or too small for the window, a value
        is not finite, or the convention is unknown.

    Notes
    -----
    With local means :math:`\mu`, variances :math:`\sigma^2` and covariance
    :math:`\sigma_{ab}`, the mean over the model of

    .. math::
        \frac{(2 \mu_a \mu_b + C_1)(2 \sigma_{ab} + C_2)}
             {(\mu_a^2 + \mu_b^2 + C_1)(\sigma_a^2 + \sigma_b^2 + C_2)},
        \quad C_1 = 0.01^2, \quad C_2 = 0.03^2 .

    "gaussian" weighs 11 x 11 cells with a standard deviation of 1.5 cells, takes the
    population covariance, pads the models with zeros and counts every cell.  "uniform"
    weighs 7 x 7 cells equally, takes the sample covariance and leaves out the three
    outer cells.  The first marks errors at the edges down, so the two are not comparable.

    References
    ----------
    Wang, Z., Bovik, A. C., Sheikh, H. R., Simoncelli, E. P., 2004. Image quality
    assessment: from error visibility to structural similarity. IEEE TIP 13(4).

    Examples
    --------
    >>> vp = np.linspace(1500.0, 4000.0, 400).reshape(20, 20)
    >>> ssim(vp, vp), round(ssim(vp, vp[::-1], convention="uniform"), 3)
    (1.0, -0.653)
    """
    check_choice("convention", convention, ("gaussian", "uniform"))
    a, b = _scaled(vp, true, vp_range)
    gaussian = convention == "gaussian"
    window = 2 * _GAUSSIAN_RADIUS + 1 if gaussian else _UNIFORM
    if a.ndim != 2 or min(a.shape) < window:
        refuse(
            "ssim",
            f"needs models (nx, nz) of at least {window} x {window} cells",
            got=f"shape {a.shape}",
            do="Compare whole models, one at a time",
        )
    return _ssim_gaussian(a, b) if gaussian else _ssim_uniform(a, b)


def salt_iou(vp: Any, true: Any, *, above: float = 4000.0) -> float:
    r"""Overlap of two salt bodies: intersection over union.

    Parameters
    ----------
    vp, true : array_like
        Two models, or two sets of models, of one shape, m/s.
    above : :obj:`float`, optional
        Cells faster than this are salt, m/s.

    Returns
    -------
    iou : :obj:`float`
        From 0 (apart) to 1 (equal); NaN where neither holds salt.

    Raises
    ------
    VMBValueError
        If the shapes differ or a value is not finite.

    Notes
    -----
    :math:`|A \cap B| / |A \cup B|` of the cells :math:`A`, :math:`B` of salt; in sets of models,
    all cells are counted together, so that models without salt count where it is seen in vain.

    Examples
    --------
    >>> salt_iou([[4500.0, 4500.0, 2000.0]], [[2000.0, 4500.0, 4500.0]])
    0.3333333333333333
    """
    limit = check_number("above", above, unit="m/s")
    a, b = (values > limit for values in _pair(vp, true))
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else float("nan")


def relative_l2(d: Any, dobs: Any) -> float:
    r"""Relative data misfit.

    Parameters
    ----------
    d, dobs : array_like
        Modelled and observed data of one shape, usually ``(ns, nr, nt)``.

    Returns
    -------
    misfit : :obj:`float`
        :math:`\|d - d_\mathrm{obs}\|_2 / \|d_\mathrm{obs}\|_2`.

    Raises
    ------
    VMBValueError
        If the shapes differ, a value is not finite, or the observed data are all zero.
    """
    a, b = _pair(d, dobs, names=("d", "dobs"))
    norm = np.linalg.norm(b)
    if norm == 0.0:
        refuse("dobs", "hold no signal", got="zeros only", do="Check how the data were read")
    return float(np.linalg.norm(a - b) / norm)


def coverage(
    error: Any, std: Any, levels: Sequence[float], *, law: str = "gaussian"
) -> NDArray[np.float64]:
    r"""Share of errors that lie within intervals of given probabilities.

    Parameters
    ----------
    error : array_like
        Predicted minus true values, any shape.
    std : array_like
        Their standard deviations, of the same shape and unit.
    levels : sequence of :obj:`float`
        Probabilities of the intervals, between 0 and 1.
    law : {"gaussian", "laplace"}, optional
        By which law an interval follows from a standard deviation.

    Returns
    -------
    covered : :obj:`numpy.ndarray`
        One share a level.  Honest deviations cover what the levels promise; smaller shares
        mean that the deviations are too small.

    Raises
    ------
    VMBValueError
        If the shapes differ, a value is not finite, a deviation is negative, a level does not
        lie between 0 and 1, or the law is unknown.

    Notes
    -----
    The interval of probability :math:`p` is :math:`|e| \le k \sigma` with
    :math:`k = \sqrt 2\, \mathrm{erf}^{-1}(p)` (Gaussian) or :math:`k = -\ln(1 - p)/\sqrt 2`
    (Laplace).

    Examples
    --------
    >>> coverage([-10.0, 5.0, 30.0, 0.0], [10.0, 10.0, 10.0, 10.0], [0.5, 0.95])
    array([0.5 , 0.75])
    """
    e, sigma = _errors(error, std, law)
    widths = [_width(level, law) for level in levels]
    return np.array([(np.abs(e) <= width * sigma).mean() for width in widths], np.float64)


def log_likelihood(error: Any, std: Any, *, law: str = "gaussian") -> float:
    r"""Mean logarithm of the probability density that deviations give to errors.

    Parameters
    ----------
    error : array_like
        Predicted minus true values, any shape.
    std : array_like
        Their standard deviations, of the same shape and unit; at least 0.001 is taken.
    law : {"gaussian", "laplace"}, optional
        Law of the errors.

    Returns
    -------
    mean : :obj:`float`
        Higher is better; it rewards deviations that are honest and small.

    Raises
    ------
    VMBValueError
        If the shapes differ, a value is not finite, a deviation is negative, or the law is
        unknown.

    Notes
    -----
    .. math::
        -\tfrac{1}{2} \ln(2 \pi \sigma^2) - \frac{e^2}{2 \sigma^2}
        \quad\text{(Gaussian)}, \qquad
        -\ln(\sqrt 2\, \sigma) - \frac{\sqrt 2\, |e|}{\sigma} \quad\text{(Laplace)}.

    Examples
    --------
    >>> round(log_likelihood([0.0, 0.0], [10.0, 10.0]), 4)
    -3.2215
    """
    e, sigma = _errors(error, std, law)
    sigma = np.maximum(sigma, _LEAST_STD)
    if law == "gaussian":
        logs = -0.5 * np.log(2.0 * np.pi * sigma**2) - 0.5 * (e / sigma) ** 2
    else:
        logs = -np.log(math.sqrt(2.0) * sigma) - math.sqrt(2.0) * np.abs(e) / sigma
    return float(logs.mean())


def scores(
    vp: Any, true: Any, *, vp_range: tuple[float, float] = OPENFWI_RANGE
) -> dict[str, float]:
    """Compare a velocity model with the true one in every way offered here.

    Parameters
    ----------
    vp, true : array_like
        Two models ``(nx, nz)``, m/s.
    vp_range : :obj:`tuple`, optional
        Slowest and fastest velocity, for SSIM and PSNR, m/s.

    Returns
    -------
    scores : :obj:`dict`
        ``mae`` and ``rmse`` in m/s, ``ssim`` (the "gaussian" convention),
        ``ssim_uniform``, and ``psnr`` in dB.

    Raises
    ------
    VMBValueError
        As `mae` and `ssim`.
    """
    return {
        "mae": mae(vp, true),
        "rmse": rmse(vp, true),
        "ssim": ssim(vp, true, vp_range=vp_range),
        "ssim_uniform": ssim(vp, true, vp_range=vp_range, convention="uniform"),
        "psnr": psnr(vp, true, vp_range=vp_range),
    }


def _pair(a: Any, b: Any, names: tuple[str, str] = ("vp", "true")) -> tuple[Array, Array]:
    first, second = (_values(x, name) for x, name in zip((a, b), names, strict=True))
    if first.shape != second.shape or first.size == 0:
        refuse(
            names[0],
            f"must have the shape of {names[1]} {second.shape}, and not be empty",
            got=first.shape,
            do="Compare arrays of one shape and axis order",
        )
    return first, second


def _values(array: Any, name: str) -> Array:
    tensor = to_tensor(array, name=name).detach().cpu().double()
    check_finite(name, tensor)
    return np.asarray(tensor.numpy(), np.float64)


def _errors(error: Any, std: Any, law: str) -> tuple[Array, Array]:
    check_choice("law", law, LAWS)
    e, sigma = _pair(error, std, names=("error", "std"))
    check_number("std", float(sigma.min()), at_least=0.0)
    return e, sigma


def _width(level: float, law: str) -> float:
    """Return half of the interval of a probability, in standard deviations."""
    from scipy.special import erfinv  # noqa: PLC0415  keeps the package's import light

    level = check_number("levels", level, above=0.0)
    if level >= 1.0:
        refuse("levels", "must be below 1", got=f"{level:g}", do="Pass probabilities such as 0.9")
    if law == "gaussian":
        return math.sqrt(2.0) * float(erfinv(level))
    return -math.log1p(-level) / math.sqrt(2.0)


def _range(vp_range: tuple[float, float]) -> tuple[float, float]:
    low, high = check_pair("vp_range", vp_range, of="velocities")
    if not low < high:
        refuse("vp_range", "must rise", got=f"({low:g}, {high:g})", do="Pass (slowest, fastest)")
    return low, high


def _scaled(vp: Any, true: Any, vp_range: tuple[float, float]) -> tuple[Array, Array]:
    low, high = _range(vp_range)
    a, b = _pair(vp, true)
    return (a - low) / (high - low), (b - low) / (high - low)


def _ssim_gaussian(a: Array, b: Array) -> float:
    from scipy.ndimage import correlate1d  # noqa: PLC0415  keeps the package's import light

    offsets = np.arange(-_GAUSSIAN_RADIUS, _GAUSSIAN_RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2.0 * _GAUSSIAN_SIGMA**2))
    weights /= weights.sum()

    def local_mean(values: Array) -> Array:
        along_x = correlate1d(values, weights, axis=0, mode="constant")
        return np.asarray(correlate1d(along_x, weights, axis=1, mode="constant"))

    return float(_ssim_map(a, b, local_mean).mean())


def _ssim_uniform(a: Array, b: Array) -> float:
    from scipy.ndimage import uniform_filter  # noqa: PLC0415

    edge, cells = _UNIFORM // 2, _UNIFORM**2

    def local_mean(values: Array) -> Array:
        return np.asarray(uniform_filter(values, size=_UNIFORM))

    inside = _ssim_map(a, b, local_mean, sample=cells / (cells - 1))[edge:-edge, edge:-edge]
    return float(inside.mean())


def _ssim_map(a: Array, b: Array, local_mean: Any, *, sample: float = 1.0) -> Array:
    mu_a, mu_b = local_mean(a), local_mean(b)
    var_a = sample * (local_mean(a * a) - mu_a**2)
    var_b = sample * (local_mean(b * b) - mu_b**2)
    cov = sample * (local_mean(a * b) - mu_a * mu_b)
    likeness = (2 * mu_a * mu_b + _C1) * (2 * cov + _C2)
    scale = (mu_a**2 + mu_b**2 + _C1) * (var_a + var_b + _C2)
    return np.asarray(likeness / scale)
