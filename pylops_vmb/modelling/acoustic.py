"""Acoustic modelling: velocity in, shot gathers out, as a nonlinear operator."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.checkpoint import checkpoint

from pylops_vmb._checks import check_choice, check_finite, check_integer, check_number, refuse
from pylops_vmb.modelling.memory import MemoryEstimate, estimate, parse_memory
from pylops_vmb.modelling.propagator import COURANT, Scheme, Shots, born, propagate
from pylops_vmb.modelling.sampling import (
    check_dispersion,
    check_survey,
    check_velocity_unit,
    storage_interval,
)
from pylops_vmb.operators import Linearization, NonlinearOperator
from pylops_vmb.operators.linearization import GraphLinearization
from pylops_vmb.survey import Acquisition, Grid


class AcousticModelling2D(NonlinearOperator):
    r"""Constant-density acoustic modelling in two dimensions.

    Parameters
    ----------
    grid : `Grid`
        Where the velocity lives.
    acq : `Acquisition`
        What is shot and recorded.
    space_order : :obj:`int`, optional
        Order of the spatial stencil: 2, 4, 6 or 8.
    nbl : :obj:`int`, optional
        Width of the absorbing zone in cells.
    max_vel : :obj:`float`, optional
        Highest velocity in m/s that will ever be modelled.  It fixes the internal time
        step, so that the operator does not change while an inversion updates the model.
    free_surface : :obj:`bool`, optional
        Reflect the waves at the top of the grid instead of absorbing them: the pressure
        vanishes one cell above the first row.
    memory : :obj:`str` or :obj:`float`, optional
        Budget for a gradient, such as ``"4GiB"`` or bytes; by default half of the
        memory that is free.  Shots are simulated in batches that fit.
    dtype : :obj:`str`, optional
        Nominal dtype; computations follow the dtype of their input.
    device : :obj:`str` or :obj:`torch.device`, optional
        Where NumPy input is computed.
    name : :obj:`str`, optional
        Name for `repr`.

    Raises
    ------
    VMBValueError
        If a source or receiver lies outside the grid, or units are plainly mistaken.

    Notes
    -----
    Solves

    .. math::
        \frac{1}{v_p^2}\,\partial_t^2 u - \nabla^2 u
        = \Delta x\, \Delta z\, w(t)\, \delta(\mathbf x - \mathbf x_s)

    by finite differences of order 2 in time with a perfectly matched layer, and records
    :math:`u` at the receivers.  Sign and amplitude (a source cell receives
    :math:`(v_p \Delta t)^2 w` a step) are those of
    :class:`pylops.waveeqprocessing.AcousticWave2D` and of the OpenFWI data.  Sources
    and receivers between cells are interpolated by Hicks' windowed sinc.

    The Jacobian is exact (forward by Born modelling, adjoint by the adjoint state
    method with the field of every step).  An inversion that knows the band of its
    residual uses `for_band`, whose gradient stores far fewer steps.

    References
    ----------
    A. Richardson, Deepwave, doi:10.5281/zenodo.3829886.

    Examples
    --------
    >>> import numpy as np
    >>> from pylops_vmb.modelling import AcousticModelling2D
    >>> from pylops_vmb.survey import Acquisition, Grid
    >>> grid = Grid(dims=(40, 30), spacing=10.0)
    >>> acq = Acquisition.fixed_spread([200.0], 10.0 * np.arange(40), nt=250, dt=0.001, f0=20.0)
    >>> F = AcousticModelling2D(grid, acq)
    >>> F
    <10000x1200 AcousticModelling2D with dtype=float32>
    >>> F(np.full((40, 30), 2000.0, dtype="float32")).shape
    (1, 40, 250)
    """

    def __init__(
        self,
        grid: Grid,
        acq: Acquisition,
        *,
        space_order: int = 4,
        nbl: int = 20,
        max_vel: float = 5500.0,
        free_surface: bool = False,
        memory: str | float | None = None,
        dtype: str = "float32",
        device: str | torch.device = "cpu",
        name: str | None = None,
    ) -> None:
        super().__init__(grid.dims, acq.dimsd, dtype=dtype, device=device, name=name)
        check_choice("space_order", space_order, COURANT)
        self.max_vel = check_number("max_vel", max_vel, above=0.0, unit="m/s")
        check_velocity_unit("max_vel", self.max_vel)
        check_survey(grid, acq, space_order=space_order, max_vel=self.max_vel)
        self.grid, self.acq = grid, acq
        self._budget = parse_memory(memory)
        self._scheme = Scheme(
            spacing=grid.spacing,
            nt=acq.nt,
            dt=acq.dt,
            space_order=space_order,
            nbl=check_integer("nbl", nbl, at_least=1),
            max_vel=self.max_vel,
            pml_freq=acq.f0,
            free_surface=free_surface,
        )
        self._shots = _shots(grid, acq)
        self._placed: dict[tuple[torch.device, torch.dtype], Shots] = {}
        self._judged_velocity = np.inf
        self.memory = self._estimate()

    def for_band(self, fmax: float) -> "AcousticModelling2D":
        """Return this operator with a gradient made for band-limited residuals.

        Parameters
        ----------
        fmax : :obj:`float`
            Highest frequency of the residuals in Hz.

        Returns
        -------
        F : `AcousticModelling2D`
            The same data; its gradient stores only the steps that such residuals need
            (see `pylops_vmb.modelling.sampling.storage_interval`).  Its Jacobian is not
            an adjoint pair on broadband vectors: use it for FWI, not for PyLops.
        """
        interval = storage_interval(self.acq.fmax, min(fmax, 0.5 / self.acq.dt), self.acq.dt)
        return self._variant(_scheme=replace(self._scheme, interval=interval))

    def shots(self, which: slice) -> "AcousticModelling2D":
        """Return the operator of some of the shots.

        Parameters
        ----------
        which : :obj:`slice`
            Shots along the first axis of the data.

        Returns
        -------
        F : `AcousticModelling2D`
            With data of shape ``(len(which), nr, nt)``.
        """
        if which == slice(0, self.acq.ns):
            return self
        acq = self.acq.select(which)
        dimsd, shape = acq.dimsd, (int(np.prod(acq.dimsd)), self.shape[1])
        shots = self._shots[which]
        return self._variant(acq=acq, dimsd=dimsd, shape=shape, _shots=shots, _placed={})

    def batches(self) -> list[slice]:
        """Return the batches of shots whose gradients fit into the memory budget.

        Raises
        ------
        VMBMemoryError
            If not even one shot fits.
        """
        step = self.memory.require()
        return [slice(i, min(i + step, self.acq.ns)) for i in range(0, self.acq.ns, step)]

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        shots = self._place(x)
        if not (torch.is_grad_enabled() and x.requires_grad) or self.memory.batch >= self.acq.ns:
            return propagate(x, shots, self._scheme)
        parts = [
            checkpoint(propagate, x, shots[which], self._scheme, use_reentrant=False)
            for which in self.batches()
        ]
        return torch.cat(parts)

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        linearization = _WaveLinearization(self, x)
        return linearization.y, linearization

    def _born(self, x: torch.Tensor, dx: torch.Tensor) -> torch.Tensor:
        return born(x, dx, self._place(x), self._scheme)

    def _check(self, x: torch.Tensor) -> None:
        lowest, highest = (float(bound) for bound in x.detach().aminmax())
        if not (lowest > 0.0 and highest <= self.max_vel):
            self._refuse_velocity(x.detach(), lowest, highest)
        check_velocity_unit("vp", highest)
        if lowest < self._judged_velocity:
            self._judged_velocity = 0.9 * lowest
            check_dispersion(self.grid, lowest, self.acq.f0, space_order=self._scheme.space_order)

    def _refuse_velocity(self, x: torch.Tensor, lowest: float, highest: float) -> None:
        check_finite("vp", x)
        if lowest <= 0.0:
            refuse("vp", "must be positive", got=f"{lowest:g} m/s", do="Clip or repair the model")
        refuse(
            "vp",
            f"must not exceed max_vel = {self.max_vel:g} m/s",
            got=f"{highest:g} m/s",
            do="Clip the model, or build the operator with a higher max_vel",
        )

    def _place(self, x: torch.Tensor) -> Shots:
        key = (x.device, x.dtype)
        if key not in self._placed:
            self._placed[key] = self._shots.to(*key)
        return self._placed[key]

    def _estimate(self) -> MemoryEstimate:
        return estimate(
            self.grid.dims,
            self.acq.ns,
            nt=self.acq.nt * self._scheme.fine_steps,
            nbl=self._scheme.nbl,
            space_order=self._scheme.space_order,
            interval=self._scheme.interval,
            itemsize=self.dtype.itemsize,
            budget=self._budget,
        )

    def _variant(self, **changes: Any) -> "AcousticModelling2D":
        variant = copy.copy(self)
        vars(variant).update(changes)
        variant.memory = variant._estimate()
        return variant


class _WaveLinearization(GraphLinearization):
    """Adjoint by the kept graph; forward by Born modelling, half the cost of torch's jvp."""

    def __init__(self, F: AcousticModelling2D, x: torch.Tensor) -> None:
        super().__init__(F._apply, x)
        self._born = F._born

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        """Return ``J dx``."""
        with torch.no_grad():
            return self._born(self._x.detach(), dx)


def estimate_memory(
    grid: Grid,
    acq: Acquisition,
    *,
    fmax: float | None = None,
    nbl: int = 20,
    space_order: int = 4,
    memory: str | float | None = None,
    dtype: str = "float32",
) -> MemoryEstimate:
    """Estimate the memory of one gradient without building an operator.

    Parameters
    ----------
    grid : `Grid`
        Where the velocity lives.
    acq : `Acquisition`
        What is shot and recorded.
    fmax : :obj:`float`, optional
        Highest frequency of the residuals in Hz, as in `AcousticModelling2D.for_band`;
        None is for a Jacobian, which stores every step.
    nbl : :obj:`int`, optional
        Width of the absorbing zone in cells.
    space_order : :obj:`int`, optional
        Order of the spatial stencil.
    memory : :obj:`str` or :obj:`float`, optional
        Budget; by default half of what is free.
    dtype : :obj:`str`, optional
        Precision.

    Returns
    -------
    estimate : `MemoryEstimate`
        Bytes a shot and in all, and how many shots fit at a time.

    Raises
    ------
    VMBMemoryError
        If not even one shot fits.

    Examples
    --------
    >>> from pylops_vmb.survey import Acquisition, Grid
    >>> grid, acq = Grid.fcnvmb(), Acquisition.fcnvmb()
    >>> print(estimate_memory(grid, acq, memory="4GiB"))
    gradient: 18.26 GiB for all shots, 0.63 GiB a shot (field stored every 1 steps); \
6 shots at a time in 4.00 GiB
    """
    F = AcousticModelling2D(grid, acq, nbl=nbl, space_order=space_order, memory=memory, dtype=dtype)
    found = F.memory if fmax is None else F.for_band(fmax).memory
    found.require()
    return found


def _shots(grid: Grid, acq: Acquisition) -> Shots:
    wavelets = np.broadcast_to(acq.wav, (acq.ns, acq.wav.shape[-1]))[:, None, :].copy()
    return Shots(
        _cells(grid, acq.srcs[:, :, None], "source"),
        _cells(grid, acq.receivers, "receiver"),
        torch.from_numpy(wavelets),
    )


def _cells(grid: Grid, coords: NDArray[np.float64], label: str) -> torch.Tensor:
    cells = grid.cells(coords)
    whole = np.round(cells)
    on_grid = np.abs(cells - whole).max() < 1e-6
    if on_grid:
        return torch.from_numpy(whole.astype(np.int64).transpose(1, 2, 0).copy())
    last = np.reshape(np.subtract(grid.dims, 1), (2, 1, 1))
    between = (np.abs(cells - whole) > 1e-6).any(axis=0)
    near = between & ((cells < 4) | (cells > last - 4)).any(axis=0)
    if near.any():
        shot, number = np.argwhere(near)[0]
        refuse(
            "acq",
            f"a {label} between cells must keep 4 cells from the grid's edge",
            got=f"{label} {number} of shot {shot} at cell {cells[:, shot, number].round(2)}",
            do="Widen the grid, or move the point onto a cell",
        )
    return torch.from_numpy(cells.transpose(1, 2, 0).copy())
