"""Acoustic modelling: velocity in, shot gathers out, as a nonlinear operator."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from pylops_vmb._checks import check_choice, check_integer, check_number
from pylops_vmb.modelling.budget import Budget, parse_memory
from pylops_vmb.modelling.devito import DevitoModelling2D
from pylops_vmb.modelling.fingerprint import survey_digest
from pylops_vmb.modelling.linearization import WaveLinearization, modelled
from pylops_vmb.modelling.memory import MemoryEstimate, bytes_of, estimate
from pylops_vmb.modelling.peer import highest_velocity, in_own_steps, read_operator
from pylops_vmb.modelling.propagator import COURANT, Scheme, Shots
from pylops_vmb.modelling.sampling import (
    check_dispersion,
    check_survey,
    check_velocity_unit,
    refuse_velocity,
    storage_interval,
)
from pylops_vmb.modelling.shots import amplitudes, place
from pylops_vmb.modelling.threads import evenly
from pylops_vmb.operators import Linearization, NonlinearOperator
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
    time_correction : :obj:`bool`, optional
        Take the dispersion of the time step out of the data.  Together with
        ``space_order=8`` this is the accurate mode; leave it off to imitate data that were
        themselves made by finite differences of second order in time.  Its matrix takes 8
        bytes times `nt` times the number of time steps on the host (0.8 GB for 10,000 of
        both), and once more, from the budget, in another dtype or on another device.
    memory : :obj:`str` or :obj:`float`, optional
        Budget for a gradient, such as ``"4GiB"`` or bytes; by default half of the
        memory that is free on the device that computes, when it is first needed.  `plan`
        says how it is kept: as many shots at a time as fit; if not even one does, time is
        split into segments.
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
    VMBMemoryError
        If the matrix of `time_correction` is larger than 4 GiB.

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
    method with the field of every step), and its repeated adjoints cost the backward pass
    only, for the shots whose fields fit the memory.  On the CPU whole shots run side by
    side, one thread each.  An inversion that knows the band of its
    residual uses `for_band`, whose gradient stores far fewer steps.

    References
    ----------
    A. Richardson, Deepwave, doi:10.5281/zenodo.3829886.

    E. F. M. Koene, J. O. A. Robertsson, F. Broggini and F. Andersson (2018), Eliminating time
    dispersion from seismic wave modeling, Geophysical Journal International, 213, 169-193,
    doi:10.1093/gji/ggx563.

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
        time_correction: bool = False,
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
        self._budget = Budget(parse_memory(memory))
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
        self._time_correction = time_correction
        self._shots = place(grid, acq, self._scheme, time_correction=time_correction)
        self._band = np.inf
        self._placed: dict[tuple[torch.device, torch.dtype], Shots] = {}
        self._judged_velocity = np.inf

    @classmethod
    def from_pylops(
        cls, AWop: Any, *, engine: str = "deepwave", **keywords: Any
    ) -> "AcousticModelling2D | DevitoModelling2D":
        r"""Build from PyLops' own propagator.

        Parameters
        ----------
        AWop : :obj:`pylops.waveeqprocessing.AcousticWave2D`
            Grid, survey, time axis, wavelet, stencil and absorbing zone are read from it.
        engine : {"deepwave", "devito"}, optional
            What computes: the propagator of this package, or PyLops' operator itself
            (`pylops_vmb.modelling.devito.DevitoModelling2D`), to compare with.
        **keywords
            Of the class that is built, instead of what was read.

        Returns
        -------
        F : `AcousticModelling2D` or `DevitoModelling2D`
            Its velocity is an argument: `pylops_vmb.modelling.velocity_of` returns the one
            that `AWop` was built with.

        Raises
        ------
        VMBTypeError
            If `AWop` is not such an operator.
        VMBValueError
            If its stencil has an order that is not known here, or a point lies outside.
        VMBImportError
            If the engine is Devito and it is not installed.

        Notes
        -----
        Where the absorbing zones play no part, both engines agree to better than 1e-4, shot
        by shot.  With :math:`v` in m/s and `AWop` acting on :math:`\delta m`, a change of
        squared slowness in s²/km²,

        .. math:: J\,\delta v = A\,(-2 \cdot 10^6\, v^{-3}\, \delta v).

        What differs, and what to know of `AWop`:

        * Its time step follows its highest velocity, and is kept.  `max_vel` is by default
          the highest velocity which that step carries; a higher one is computed with
          substeps, whose data are more accurate and not the same.
        * It never injects the first sample of the wavelet, nor writes the last one of the
          record, which is zero there and is not here.
        * Its damping reflects: with 20 cells the echo is 0.16 of a wave, here 6e-4.
        * It interpolates points between cells linearly, here by Hicks' sinc.
        * It returns single precision whatever its dtype, and sets its propagator up again in
          every product (0.3 to 0.5 s).
        * Its adjoint is wrong where ``checkpointing`` meets ``updatesrc``, and may be after
          ``srcillumination_allshots(savewav=True)``: a `DataWarning` says so.
        """
        found = read_operator(AWop)
        if check_choice("engine", engine, ("deepwave", "devito")) == "devito":
            return DevitoModelling2D(found.grid, found.acq, **found.settings() | keywords)
        settings = found.settings() | keywords
        if "max_vel" in keywords:
            return cls(found.grid, found.acq, **settings)
        highest = highest_velocity(found.grid.spacing, found.acq.dt, settings["space_order"])
        F = cls(found.grid, found.acq, max_vel=0.9 * highest, **settings)
        return F._variant(max_vel=highest, _scheme=in_own_steps(F._scheme, max_vel=highest))

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
        return self._variant(_scheme=replace(self._scheme, interval=interval), _band=fmax)

    def with_wavelet(self, wav: ArrayLike, wavc: int = 0) -> "AcousticModelling2D":
        """Return the operator of another source wavelet, everything else as it is.

        Parameters
        ----------
        wav : array_like
            Causal samples, ``(nw,)`` or one wavelet a shot ``(ns, nw)``.
        wavc : :obj:`int`, optional
            Sample of its time zero.

        Returns
        -------
        F : `AcousticModelling2D`
            Its `acq.f0` and its absorbing zone are those of the first wavelet, so that data
            are linear in `wav`.

        Raises
        ------
        VMBValueError
            If the wavelet is longer than the record, or there is not one a shot.
        """
        acq = self.acq._replace(wav=wav, wavc=wavc)
        injected = amplitudes(acq, self._scheme, time_correction=self._time_correction)
        shots = replace(self._shots, amplitudes=injected)
        variant = self._variant(acq=acq, _shots=shots, _placed={})
        return variant.for_band(self._band) if np.isfinite(self._band) else variant

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

    def beside(self, processes: int) -> "AcousticModelling2D":
        """Return this operator as one of several processes of a machine uses it.

        Parameters
        ----------
        processes : :obj:`int`
            How many share the memory: a default budget is divided by it, a stated one is
            that of each process.

        Returns
        -------
        F : `AcousticModelling2D`
            The same data.
        """
        return self._variant(_budget=self._budget.shared(processes))

    def fingerprint(self) -> str:
        """Return a SHA-256 of what the data depend on: grid, survey and scheme."""
        scheme = replace(self._scheme, interval=1), self._time_correction
        return survey_digest(self.grid, self.acq, scheme=scheme)

    @property
    def memory(self) -> MemoryEstimate:
        """How a gradient in the nominal dtype fits the memory of `device`: ``plan()``."""
        return self.plan()

    def plan(
        self, dtype: Any = None, *, device: str | torch.device | None = None
    ) -> MemoryEstimate:
        """Return how a gradient is fitted into the memory budget.

        Parameters
        ----------
        dtype : :obj:`str` or :obj:`numpy.dtype` or :obj:`torch.dtype`, optional
            Of the computation, which is that of its input; by default the nominal one.
        device : :obj:`str` or :obj:`torch.device`, optional
            Where it is computed; by default where NumPy input is.

        Returns
        -------
        plan : `MemoryEstimate`
            Printed, it is a sentence.  That of an inversion's gradient in a band is
            ``F.for_band(fmax).plan(dobs.dtype)``.

        Raises
        ------
        VMBTypeError
            If the dtype is not real.
        """
        where = self.device if device is None else torch.device(device)
        itemsize = bytes_of(self.dtype if dtype is None else dtype)
        readout = self._shots.readout
        return estimate(
            self.grid.dims,
            self.acq.ns,
            nt=self._scheme.steps,
            nbl=self._scheme.nbl,
            space_order=self._scheme.space_order,
            interval=self._scheme.stride,
            itemsize=itemsize,
            budget=self._budget.on(where),
            aside=0 if readout is None else itemsize * readout.numel(),
            workers=self._at_once() if where.type == "cpu" else None,
        )

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return modelled(x, self._wave(x, graph=torch.is_grad_enabled() and x.requires_grad))

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        wave = self._wave(x, graph=True)
        return wave.run(x), wave

    def _wave(self, x: torch.Tensor, *, graph: bool) -> WaveLinearization:
        """Prepare the modelling at `x`, with what its adjoint needs if `graph` is true."""
        plan = self.plan(x.dtype, device=x.device)
        at_once = plan.require() if graph else self.acq.ns
        shots = self._place(x)
        if x.device.type == "cpu":
            kept, light = plan.kept, self._at_once()
            groups = shots.groups(self._scheme, workers=light)
            calls = shots.split(1) if graph else groups
        else:
            calls, light = shots.split(at_once), 1
            groups, kept = calls, len(calls) if plan.kept == self.acq.ns else 0
        return WaveLinearization(
            calls,
            self._scheme,
            groups=groups,
            kept=kept if graph else 0,
            segments=plan.segments,
            workers=(min(light, plan.workers), light),
        )

    def _at_once(self) -> int:
        return evenly(self.acq.ns, torch.get_num_threads())

    def _check(self, x: torch.Tensor) -> None:
        lowest, highest = (float(bound) for bound in x.detach().aminmax())
        if not (lowest > 0.0 and highest <= self.max_vel):
            refuse_velocity(x.detach(), lowest, highest, max_vel=self.max_vel)
        check_velocity_unit("vp", highest)
        if lowest < self._judged_velocity:
            self._judged_velocity = 0.9 * lowest
            check_dispersion(self.grid, lowest, self.acq.f0, space_order=self._scheme.space_order)

    def _place(self, x: torch.Tensor) -> Shots:
        key = (x.device, x.dtype)
        if key not in self._placed:
            with torch.inference_mode(False):  # they stay, and a derivative may need them next
                self._placed[key] = self._shots.to(*key)
        return self._placed[key]

    def _variant(self, **changes: Any) -> "AcousticModelling2D":
        variant = copy.copy(self)
        vars(variant).update(changes)
        return variant
