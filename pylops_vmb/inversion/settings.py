"""The settings of full-waveform inversion, in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pylops_vmb._checks import check_choice, check_integer, check_number, check_pair, refuse
from pylops_vmb.inversion.misfits import MISFITS


@dataclass(frozen=True)
class FWISettings:
    r"""Settings of `FWI` and `fwi`; their defaults ask for nothing but data and a start.

    Parameters
    ----------
    niter : :obj:`int`
        Iterations in each band.
    bands : sequence of :obj:`float`, optional
        Low-pass corners in Hz, increasing, None for the full band.  By default they are
        chosen from the spectrum of the data (see `pylops_vmb.inversion.suggest_bands`).
    misfit : {"l2", "l1"}
        How data are compared; L1 suits outliers, and Adam.
    optimiser : {"lbfgs", "adam"}
        Projected L-BFGS with an illumination preconditioner, or Adam.
    bounds : :obj:`tuple`
        Lowest and highest velocity in m/s.
    tv : :obj:`float`
        Weight of the total variation, see `pylops_vmb.inversion.total_variation`.
    Regs, epsRs : sequences, optional
        Quadratic terms with PyLops operators and their weights.
    mask : array_like, optional
        Cells ``(nx, nz)`` that may change: true or a weight from 0 to 1; a water layer
        is held by zeros.
    smooth : :obj:`float`
        Standard deviation in cells of a Gaussian smoothing of the steps; 0 for none.
    illumination : :obj:`bool`
        Compensate the decay of the gradient with depth (see
        `pylops_vmb.inversion.preconditioning.Preconditioner`).
    lr : :obj:`float`
        Step of Adam in m/s.
    tol : :obj:`float`
        A band ends early when the objective fell by less than this fraction in ten
        iterations; 0 never ends early.
    """

    niter: int = 30
    bands: Sequence[float | None] | None = None
    misfit: str = "l2"
    optimiser: str = "lbfgs"
    bounds: tuple[float, float] = (1500.0, 4500.0)
    tv: float = 0.01
    Regs: Sequence[Any] = ()
    epsRs: Sequence[float] = ()  # noqa: N815 - as PyLops writes it
    mask: Any = None
    smooth: float = 0.0
    illumination: bool = True
    lr: float = 40.0
    tol: float = 0.0

    def __post_init__(self) -> None:
        check_integer("niter", self.niter, at_least=1)
        check_choice("misfit", self.misfit, MISFITS)
        check_choice("optimiser", self.optimiser, ("lbfgs", "adam"))
        for name in ("tv", "smooth", "tol"):
            check_number(name, getattr(self, name), at_least=0.0)
        check_number("lr", self.lr, above=0.0, unit="m/s")
        low, high = check_pair("bounds", self.bounds, of="velocities")
        if not 0.0 < low < high:
            refuse("bounds", "must be positive and increase", got=self.bounds, do="Pass m/s")
