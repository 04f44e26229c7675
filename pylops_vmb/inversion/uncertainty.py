"""What data leave open near a solution: the diagonal of the Gauss-Newton (Laplace) posterior."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import generator, kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_choice, check_finite, check_integer, check_number, check_shape
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.operators.autograd import apply_linear

METHODS = ("lowrank", "diagonal")


def posterior_std(
    F: NonlinearOperator,
    vp: Any,
    *,
    noise_std: float,
    prior_std: Any,
    method: str = "lowrank",
    probes: int = 32,
    seed: int = 0,
    mask: Any = None,
) -> Any:
    r"""Return the standard deviation of the velocity at the solution of an inversion.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    vp : array
        The solution ``(nx, nz)`` in m/s, or flat; NumPy, torch or CuPy.
    noise_std : :obj:`float`
        Standard deviation of the noise in the data, in their unit.  With an unknown noise, the
        root mean square of the residual ``F(vp) - dobs`` is an estimate from above.
    prior_std : :obj:`float` or array
        Standard deviation of the velocity before the data were seen, m/s; one number or one a
        cell ``(nx, nz)``, for instance ``G.spread(dobs)`` of an `Ensemble`.
    method : {"lowrank", "diagonal"}, optional
        See Notes.  "lowrank" errs to too large deviations, "diagonal" to too small ones.
    probes : :obj:`int`, optional
        Random vectors.  Each costs a forward and an adjoint product with the Jacobian
        ("lowrank"; two gradients) or an adjoint product ("diagonal").
    seed : :obj:`int`, optional
        Seed of the random vectors; they are the same on every device.
    mask : array, optional
        Weights from 0 to 1 of the cells, as in `FWI`: cells of weight 0 are taken as known.

    Returns
    -------
    std : same kind as `vp`
        Standard deviations in m/s, of the shape of `vp`.

    Raises
    ------
    VMBValueError
        If a number is out of range, or a shape or value cannot be used.

    Notes
    -----
    With the Jacobian :math:`J` at the solution, the noise :math:`\sigma_d` and
    :math:`L = \mathrm{diag}(m\, \sigma_\mathrm{prior})`, mask :math:`m`, the diagonal of

    .. math::
        C = \left( \frac{J^H J}{\sigma_d^2} + L^{-2} \right)^{-1}
          = L \left( I + A \right)^{-1} L, \qquad A = \frac{L J^H J L}{\sigma_d^2} .

    *lowrank* approximates :math:`A \approx U \Lambda U^H` from its products with random vectors
    (Nyström, one product a probe), and

    .. math:: C_{ii} \approx L_{ii}^2 \left( 1 - \sum_k \frac{\lambda_k}{1 + \lambda_k}
              |U_{ik}|^2 \right) .

    As :math:`U \Lambda U^H \preceq A`, what the probes miss counts as not seen by the data: the
    deviation is an upper bound (up to rounding) that sinks to the true one as probes are added;
    with as many as cells it is exact.

    *diagonal* takes :math:`1 / (h_{ii} / \sigma_d^2 + L_{ii}^{-2})` with :math:`h = J^H J`.  It
    neglects the trade-off between cells, whose errors can cancel in the data: as
    :math:`1/M_{ii} \le (M^{-1})_{ii}` for positive definite :math:`M`, it is a lower bound, up to
    the error of :math:`h_{ii}`.  That is the mean of :math:`(J^H w)_i^2` over vectors :math:`w`
    of random signs in the data: half the cost of Hutchinson's :math:`z_i (J^H J z)_i`, never
    negative, and of relative error :math:`\sqrt{2 / \mathrm{probes}}` at most, however strongly
    neighbours are coupled.

    Together the two bracket the answer.  The prior treats cells as independent, so that good data
    see nearly as many directions as there are cells, and "lowrank" then stays near the prior
    until probes are a good share of them: take it for small or poorly seen problems, and
    "diagonal" for maps of where the data look.

    Both say what noise and prior leave open around *this* solution; a wrong minimum, wavelet or
    physics is not in them.  In float32, directions that the data see less than :math:`10^{-6}`
    times as well as the best ones are lost to rounding.

    References
    ----------
    Bui-Thanh, T., Ghattas, O., Martin, J., Stadler, G., 2013. A computational framework for
    infinite-dimensional Bayesian inverse problems. SIAM J. Sci. Comput. 35(6).

    Halko, N., Martinsson, P.-G., Tropp, J. A., 2011. Finding structure with randomness.
    SIAM Review 53(2), section 5.5.

    Bekas, C., Kokiopoulou, E., Saad, Y., 2007. An estimator for the diagonal of a matrix.
    Applied Numerical Mathematics 57.

    Examples
    --------
    >>> import numpy as np, pylops_vmb as vmb
    >>> acq = vmb.Acquisition.fixed_spread([80.0], 10.0 * np.arange(16), nt=60, dt=2e-3, f0=20.0)
    >>> F = vmb.AcousticModelling2D(vmb.Grid((16, 12), 10.0), acq)
    >>> vp = np.full((16, 12), 2000.0)
    >>> noise = 0.05 * F(vp).std()
    >>> std = vmb.inversion.posterior_std(F, vp, noise_std=noise, prior_std=200.0, probes=4)
    >>> std.shape, bool(std.min() < 150.0), bool(std.max() <= 200.0)
    ((16, 12), True, True)
    """
    J = F.jacobian(vp)
    x = to_tensor(vp, device=J.device, name="vp")
    std = _std(
        J,
        _prior(prior_std, mask, J, like=x.to(working_dtype(x.dtype))),
        noise_std=noise_std,
        method=method,
        probes=probes,
        seed=seed,
    )
    return kind_of(vp).restore(std.reshape(x.shape))


def posterior_std_of(
    J: Any,
    *,
    noise_std: float,
    prior_std: Any,
    method: str = "lowrank",
    probes: int = 32,
    seed: int = 0,
    mask: Any = None,
) -> Any:
    """Return the posterior standard deviation of a linear problem; see `posterior_std`.

    Parameters
    ----------
    J : :obj:`pylops.LinearOperator`
        A real operator: a `Jacobian`, a stack of them, or any other of PyLops.
    noise_std : :obj:`float`
        Standard deviation of the noise, in the unit of the data.
    prior_std : :obj:`float` or array
        Standard deviation before the data were seen, one number or of shape ``J.dims`` or flat.
    method, probes, seed, mask
        As in `posterior_std`.

    Returns
    -------
    std : same kind as `prior_std`
        Standard deviations of shape ``J.dims``; a NumPy array if `prior_std` is a number.

    Raises
    ------
    VMBValueError
        If a number is out of range, or a shape or value cannot be used.
    VMBTypeError
        If the operator is complex, or knows only NumPy and `prior_std` is not on the host.

    Examples
    --------
    >>> import numpy as np, pylops
    >>> J = pylops.Diagonal(np.array([0.0, 1.0, 3.0]))
    >>> posterior_std_of(J, noise_std=1.0, prior_std=1.0, probes=3).round(3)
    array([1.   , 0.707, 0.316])
    """
    kind = kind_of(prior_std, "prior_std")
    device = getattr(J, "device", kind.device) if kind.library == "numpy" else kind.device
    dtype = torch.float64 if np.dtype(J.dtype) == np.float64 else torch.float32
    std = _std(
        J,
        _prior(prior_std, mask, J, like=torch.empty(0, device=device, dtype=dtype)),
        noise_std=noise_std,
        method=method,
        probes=probes,
        seed=seed,
    )
    return kind.restore(std.reshape(tuple(J.dims)))


def _prior(prior_std: Any, mask: Any, J: Any, *, like: torch.Tensor) -> torch.Tensor:
    """Return the deviation of every cell before the data, times its mask, flat."""
    prior = to_tensor(prior_std, device=like.device, dtype=like.dtype, name="prior_std").detach()
    if prior.ndim:
        check_shape("prior_std", prior.shape, J.dims, axes="dims")
    check_finite("prior_std", prior)
    check_number("prior_std", float(prior.min()), above=0.0, unit="m/s")
    prior = prior.reshape(-1).expand(J.shape[1])
    if mask is None:
        return prior
    weights = to_tensor(mask, device=like.device, dtype=like.dtype, name="mask")
    check_shape("mask", weights.shape, J.dims, axes="dims")
    check_number("mask", float(weights.min()), at_least=0.0)
    check_number("mask", float(weights.max()), at_most=1.0)
    return prior * weights.reshape(-1)


def _std(
    J: Any, prior: torch.Tensor, *, noise_std: float, method: str, probes: int, seed: int
) -> torch.Tensor:
    noise = check_number("noise_std", noise_std, above=0.0)
    check_choice("method", method, METHODS)
    probes = check_integer("probes", probes, at_least=1)
    if method == "diagonal":
        shrink = _by_diagonal(J, prior, noise=noise, probes=probes, seed=seed)
    else:
        shrink = _by_rank(J, prior, noise=noise, probes=probes, seed=seed)
    return prior * shrink.clamp(min=0.0).sqrt().to(prior.dtype)


def _by_diagonal(
    J: Any, prior: torch.Tensor, *, noise: float, probes: int, seed: int
) -> torch.Tensor:
    """Return posterior by prior variance, from the diagonal of the Hessian alone."""
    random = generator(seed)
    curvature = torch.zeros_like(prior, dtype=torch.float64)
    for _ in range(probes):
        signs = 2.0 * torch.randint(2, (J.shape[0],), generator=random) - 1.0
        back = apply_linear(J.H, signs.to(prior))
        curvature += (prior * back / noise).double() ** 2 / probes
    return 1.0 / (1.0 + curvature)


def _by_rank(J: Any, prior: torch.Tensor, *, noise: float, probes: int, seed: int) -> torch.Tensor:
    """Return posterior by prior variance, from the leading eigenvectors of the Hessian."""

    def product(u: torch.Tensor) -> torch.Tensor:
        image = apply_linear(J, prior * u.to(prior)) / noise
        return (prior * apply_linear(J.H, image) / noise).double()

    values, vectors = nystrom(product, prior, probes=min(probes, len(prior)), seed=seed)
    return 1.0 - vectors.square() @ (values / (1.0 + values))


def nystrom(
    product: Callable[[torch.Tensor], torch.Tensor], like: torch.Tensor, *, probes: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Leading eigenpairs of a symmetric, positive semidefinite operator.

    Parameters
    ----------
    product : callable
        From a flat vector in float64 to its product, in float64.
    like : :obj:`torch.Tensor`
        A flat vector; its dtype is the precision of the products.
    probes : :obj:`int`
        Products, and eigenpairs at most.
    seed : :obj:`int`
        Seed of the vectors.

    Returns
    -------
    values : :obj:`torch.Tensor`
        Eigenvalues of the approximation, not negative, the largest first.
    vectors : :obj:`torch.Tensor`
        Eigenvectors in its columns.

    Notes
    -----
    :math:`A \approx Y (\Omega^T Y)^+ Y^T` with :math:`Y = A \Omega` and orthonormal random
    :math:`\Omega`; what lies below the rounding of the products is left out.
    """
    random = torch.randn(len(like), probes, generator=generator(seed), dtype=torch.float64)
    basis = torch.linalg.qr(random.to(like.device)).Q
    images = torch.stack([product(column) for column in basis.unbind(1)], dim=1)
    core = basis.T @ images
    sizes, turns = torch.linalg.eigh((core + core.T) / 2.0)
    kept = sizes > len(like) ** 0.5 * torch.finfo(like.dtype).eps * sizes[-1].clamp(min=0.0)
    root = images @ (turns[:, kept] / sizes[kept].sqrt())
    vectors, singular, _ = torch.linalg.svd(root, full_matrices=False)
    return singular**2, vectors
