r"""Receivers by few plane waves: sparse interpolation in the f-k domain, with PyLops.

Finds the fewest coefficients :math:`m` that explain the traces that are there,

.. math::
    \min_m \tfrac12 \|d - R F^H C m\|^2 + \epsilon \|m\|_1,

with the interpolation :math:`R` from a regular line to the receivers (a restriction where they
stand on it), the 2-D Fourier transform :math:`F`, and the cone :math:`C` of waves that are not
slower than `slowest`.  Traces that stand where they are wanted are kept as they are.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from pylops import Diagonal, LinearOperator, Restriction
from pylops.optimization.sparsity import fista
from pylops.signalprocessing import FFT2D, Interp

from pylops_vmb._checks import refuse
from pylops_vmb.learned.adaptation.limits import pitch
from pylops_vmb.learned.adaptation.sorting import Floats

_ITERATIONS = 100
_LEVEL = 1e-3
"""The last threshold, relative to the strongest coefficient."""
_SHRINK = 0.95
"""From one threshold to the next."""
_EXACT = 1e-6
_PAD = 8
"""Positions beyond the last trace at either end."""


def sparse_receivers(
    traces: torch.Tensor, x: Floats, wanted: Floats, *, dt: float, slowest: float
) -> torch.Tensor:
    """Interpolate traces ``(n, nt)`` at `x` to ``(nr, nt)`` on a regular line.

    Parameters
    ----------
    traces : :obj:`torch.Tensor`
        Time along the last axis, in the memory of the host.
    x, wanted : :obj:`numpy.ndarray`
        Where they were received, and where they are wanted: increasing, the latter at regular
        distances, m.
    dt : :obj:`float`
        Time step, s.
    slowest : :obj:`float`
        Slowest velocity of the waves along the line, m/s.

    Returns
    -------
    traces : :obj:`torch.Tensor`
        At the positions that are wanted.

    Raises
    ------
    VMBValueError
        If these are not regular, or the data are in the memory of a GPU.

    References
    ----------
    M. D. Sacchi, T. J. Ulrych and C. J. Walker, Interpolation and extrapolation using a
    high-resolution discrete Fourier transform, IEEE Transactions on Signal Processing 46, 1998;
    A. Beck and M. Teboulle, A fast iterative shrinkage-thresholding algorithm for linear inverse
    problems, SIAM Journal on Imaging Sciences 2, 2009.
    """
    _check(traces, wanted)
    step = pitch(wanted)
    near = (x > wanted[0] - _PAD * step) & (x < wanted[-1] + _PAD * step)
    nx, nt = len(wanted) + 2 * _PAD, traces.shape[-1]
    at = (x[near] - wanted[0]) / step + _PAD
    operator = _sampling((nx, nt), at) @ _plane_waves((nx, nt), step, dt, slowest)
    operator.forceflat = True
    data = traces[torch.from_numpy(near)].double().numpy()
    level = float(np.abs(data).max()) or 1.0
    y = (data / level).ravel().astype(np.complex128)
    strongest = float(np.abs(operator.H @ y).max())
    decay = np.maximum(_SHRINK ** np.arange(1, _ITERATIONS + 1), _LEVEL) * strongest
    found, _, _ = fista(operator, y, niter=_ITERATIONS, eps=2.0, alpha=0.9, tol=0.0, decay=decay)
    line = level * (_plane_waves((nx, nt), step, dt, slowest) @ found).real.reshape(nx, nt)
    there = np.abs(at - np.rint(at)) < _EXACT
    line[np.rint(at[there]).astype(int)] = data[there]  # nothing beats a trace that was recorded
    return torch.from_numpy(line[_PAD:-_PAD]).to(traces)


def _sampling(dims: tuple[int, int], at: Floats) -> LinearOperator:
    """Return the operator from the regular line to the traces that are there."""
    whole = np.rint(at)
    if np.allclose(at, whole, atol=_EXACT):
        return Restriction(dims, whole.astype(int), axis=0, dtype="complex128")
    return Interp(dims, at, axis=0, kind="cubic_spline", dtype="complex128")[0]


def _plane_waves(dims: tuple[int, int], step: float, dt: float, slowest: float) -> LinearOperator:
    """Return the operator from coefficients in the cone to traces on the regular line."""
    padded = tuple(int(2 ** np.ceil(np.log2(1.25 * n))) for n in dims)
    transform = FFT2D(dims, nffts=padded, sampling=(step, dt), dtype="complex128")
    cone: NDArray[np.float64] = (
        np.abs(transform.f1)[:, None] <= np.abs(transform.f2) / slowest + 1.0 / (padded[0] * step)
    ).astype(np.float64)
    return transform.H @ Diagonal(cone.ravel(), dtype="complex128")


def _check(traces: torch.Tensor, wanted: Floats) -> None:
    if traces.device.type != "cpu":
        do = 'Pass data.cpu(), or interpolate by receivers="spline"'
        refuse("receivers", "can be sparse on the host only", got=traces.device, do=do)
    steps = np.diff(wanted)
    if not np.allclose(steps, pitch(wanted), rtol=1e-6):
        refuse(
            "receivers",
            "can be sparse for a target with regular receivers only",
            got=f"distances from {steps.min():g} to {steps.max():g} m",
            do='Interpolate by receivers="spline"',
        )
