"""Migration by the adjoint of the Jacobian, and by least squares."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylops_vmb.operators import NonlinearOperator, cgls


def rtm(F: NonlinearOperator, vp: Any, dd: Any) -> Any:
    r"""Reverse-time migration: the Jacobian's adjoint applied to data.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    vp : array
        Background velocity ``(nx, nz)`` in m/s, smooth where the reflections are not.
    dd : array
        Scattered data ``(ns, nr, nt)``: observed minus modelled in `vp`.

    Returns
    -------
    image : same kind as `dd`
        Shape ``(nx, nz)``, or flat if `dd` is flat.  Positive where a higher velocity
        explains `dd`: it is the direction of steepest descent of
        :math:`\frac{1}{2}\|F(v_p) - d\|^2`, neither scaled nor preconditioned.

    Notes
    -----
    .. math:: m = J^H \delta d, \qquad J = \partial F / \partial v_p.

    References
    ----------
    A. Tarantola, Inversion of seismic reflection data in the acoustic approximation,
    Geophysics 49, 1984.

    Examples
    --------
    >>> import numpy as np, pylops_vmb as vmb
    >>> acq = vmb.Acquisition.fixed_spread([80.0], 10.0 * np.arange(16), nt=60, dt=2e-3, f0=20.0)
    >>> F = vmb.AcousticModelling2D(vmb.Grid((16, 12), 10.0), acq)
    >>> vp = np.full((16, 12), 2000.0)
    >>> true = vp.copy()
    >>> true[8, 6] += 100.0
    >>> vmb.rtm(F, vp, F(true) - F(vp)).shape
    (16, 12)
    """
    J = F.jacobian(vp)
    return J.H @ dd


def lsm(
    F: NonlinearOperator, vp: Any, dd: Any, *, niter: int = 10, damp: float = 0.0
) -> tuple[Any, int, NDArray[np.float64]]:
    r"""Least-squares migration: conjugate gradients on the Jacobian.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    vp : array
        Background velocity ``(nx, nz)`` in m/s.
    dd : array
        Scattered data ``(ns, nr, nt)``: observed minus modelled in `vp`.
    niter : :obj:`int`, optional
        Number of iterations at most; each is one Born modelling and one `rtm`.
    damp : :obj:`float`, optional
        Damping :math:`\epsilon`, in units of data by m/s.

    Returns
    -------
    image : same kind as `dd`
        Velocity perturbation in m/s, shape ``(nx, nz)``, or flat if `dd` is flat.
    niter : :obj:`int`
        Iterations done.
    cost : :obj:`numpy.ndarray`
        Norm of the data residual, of no image and after each iteration.

    Notes
    -----
    .. math:: \min_m \|\delta d - J m\|_2^2 + \epsilon^2 \|m\|_2^2,

    by `pylops_vmb.operators.cgls`.  With other operators beside the damping, stack them:
    ``cgls(VStack([J, 0.1 * pylops.Laplacian(F.dims)]), ...)``.

    References
    ----------
    T. Nemeth, C. Wu and G. T. Schuster, Least-squares migration of incomplete reflection
    data, Geophysics 64, 1999.

    Examples
    --------
    >>> import numpy as np, pylops_vmb as vmb
    >>> acq = vmb.Acquisition.fixed_spread([80.0], 10.0 * np.arange(16), nt=60, dt=2e-3, f0=20.0)
    >>> F = vmb.AcousticModelling2D(vmb.Grid((16, 12), 10.0), acq)
    >>> vp = np.full((16, 12), 2000.0)
    >>> true = vp.copy()
    >>> true[8, 6] += 100.0
    >>> image, niter, cost = vmb.lsm(F, vp, F(true) - F(vp), niter=2)
    >>> bool(cost[0] > cost[1] > cost[2])
    True
    """
    J = F.jacobian(vp)
    return cgls(J, dd, niter=niter, damp=damp)
