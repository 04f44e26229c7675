"""The settings of inversions in bands: what all of them have, and those of FWI."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from pylops_vmb._checks import check_choice, check_integer, check_number, refuse
from pylops_vmb.inversion.misfits import Chosen, by_band
from pylops_vmb.inversion.optimisers import LBFGS, Adam, Optimiser
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.inversion.regularisation import Penalty, quadratic, total_variation
from pylops_vmb.inversion.starts import check_bounds


@dataclass(frozen=True, kw_only=True)
class InversionSettings(ABC):
    """What every inversion in bands has.

    Parameters
    ----------
    niter : :obj:`int` or sequence of :obj:`int`
        Iterations in each band; of several, the last goes on.
    bands : sequence of :obj:`float`, optional
        Low-pass corners in Hz, increasing, None for the full band.  By default they are
        chosen from the spectrum of the data (see `pylops_vmb.inversion.suggest_bands`).
    misfit : :obj:`str` or callable or :obj:`dict`
        How data are compared: ``"l2"``, ``"agc"`` (all arrivals, not the direct
        wave alone), ``"l1"`` and ``"huber"`` (outliers),
        ``"trace_normalised"`` or ``"cross_correlation"`` (unknown amplitudes),
        ``"envelope"`` (a poor start; see `pylops_vmb.inversion.comparisons`), a function of
        modelled and observed data ``(ns, nr, nt)`` that returns one value a shot, or several
        of them with weights, ``{"l2": 1.0, "envelope": 0.5}``.  A list or tuple
        has one of these for each band, of which the last goes on: ``("l2", "l2", "agc")``.
        Observed traces that are exactly zero are dead: no misfit compares them.
    bounds : :obj:`tuple`
        Lowest and highest velocity in m/s.
    Regs, epsRs, dataregs : sequences, optional
        Quadratic terms with PyLops operators, their weights, and what the operators should
        give for the velocity in m/s (by default zeros), see `pylops_vmb.inversion.quadratic`.
    mask : array_like, optional
        Cells ``(nx, nz)`` that may change: true or a weight from 0 to 1; a water layer
        is held by zeros (see `pylops_vmb.water_mask`).
    smooth : :obj:`float`
        Standard deviation in cells of a Gaussian smoothing of the steps; 0 for none.
    illumination : :obj:`bool`
        Compensate the decay of the gradient with depth (see
        `pylops_vmb.inversion.preconditioning.Preconditioner`).
    tol : :obj:`float`
        A band ends early when the objective fell by less than this fraction in ten
        iterations; 0 never ends early.
    shots : :obj:`int`, optional
        Compare at most so many shots in an iteration, other ones in each, see
        `pylops_vmb.inversion.subsets.Subsets`; by default all.
    seed : :obj:`int`
        Seed of that draw.
    estimate_source : :obj:`bool`
        Estimate the source wavelet when a band begins, see
        `pylops_vmb.estimate_wavelet`.
    """

    niter: int | Sequence[int] = 30
    bands: Sequence[float | None] | None = None
    misfit: Chosen | Sequence[Chosen] = "l2"
    bounds: tuple[float, float] = (1500.0, 4500.0)
    Regs: Sequence[Any] = ()
    epsRs: Sequence[float] = ()  # noqa: N815 - as PyLops writes it
    dataregs: Sequence[Any] = ()
    mask: Any = None
    smooth: float = 0.0
    illumination: bool = True
    tol: float = 0.0
    shots: int | None = None
    seed: int = 0
    estimate_source: bool = False

    def __post_init__(self) -> None:
        self.iterations(1)
        by_band(self.misfit)
        for name in ("smooth", "tol"):
            check_number(name, getattr(self, name), at_least=0.0)
        check_bounds(self.bounds)
        if self.shots is not None:
            check_integer("shots", self.shots, at_least=1)
        check_integer("seed", self.seed)
        self.penalties()

    def penalties(self) -> list[Penalty]:
        """Return the regularisation, each from velocity ``(nx, nz)`` to a scalar."""
        if not (self.Regs or self.epsRs or self.dataregs):
            return []
        return [quadratic(self.Regs, self.epsRs, dataregs=self.dataregs)]

    @property
    def comparison(self) -> Chosen:
        """The misfit of the first band, or the only one."""
        return by_band(self.misfit)[0]

    def iterations(self, bands: int) -> int:
        """Return the number of iterations in the first so many bands."""
        given = list(self.niter) if isinstance(self.niter, list | tuple) else [self.niter]
        if not given:
            refuse("niter", "must not be empty", got=self.niter, do="Write e.g. (15, 15, 60)")
        counts = [check_integer("niter", count, at_least=1) for count in given]
        return sum(counts[min(number, len(counts) - 1)] for number in range(bands))

    def for_band(self, number: int) -> Self:
        """Return the settings of a band, counted from 0: those with its misfit and niter alone."""
        misfits = by_band(self.misfit)
        return replace(
            self,
            misfit=misfits[min(number, len(misfits) - 1)],
            niter=self.iterations(number + 1) - self.iterations(number),
        )

    @abstractmethod
    def optimiser_for(self, precondition: Preconditioner) -> Optimiser:
        """Return a new optimiser for a band."""


@dataclass(frozen=True, kw_only=True)
class FWISettings(InversionSettings):
    """Settings of `FWI` and `fwi`; their defaults ask for nothing but data and a start.

    Parameters
    ----------
    optimiser : {"lbfgs", "adam"}
        Projected L-BFGS with an illumination preconditioner, or Adam, which suits misfits
        that are not smooth, such as L1.
    tv : :obj:`float`
        Weight of the total variation, see `pylops_vmb.inversion.total_variation`.
    lr : :obj:`float`
        Step of Adam in m/s.
    niter, bands, misfit, bounds, Regs, epsRs, dataregs, mask, smooth, illumination, tol
        See `InversionSettings`.
    shots, seed, estimate_source
        See `InversionSettings`.
    """

    optimiser: str = "lbfgs"
    tv: float = 0.01
    lr: float = 40.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("optimiser", self.optimiser, ("lbfgs", "adam"))
        check_number("lr", self.lr, above=0.0, unit="m/s")

    def penalties(self) -> list[Penalty]:
        """Return total variation and quadratic terms."""
        return [*([total_variation(self.tv)] if self.tv else []), *super().penalties()]

    def optimiser_for(self, precondition: Preconditioner) -> Optimiser:
        """Return a new optimiser for a band."""
        if self.optimiser == "lbfgs":
            return LBFGS(self.bounds, precondition)
        return Adam(self.bounds, precondition, lr=self.lr, niter=self.iterations(1))
