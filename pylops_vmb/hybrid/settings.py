"""The settings of the hybrid: those of FWI, of its starts, and of the network as a prior."""

from dataclasses import dataclass

from pylops_vmb._checks import check_integer, check_number
from pylops_vmb.inversion import FWISettings


@dataclass(frozen=True, kw_only=True)
class HybridSettings(FWISettings):
    """Settings of `Hybrid` and `hybrid`.

    Parameters
    ----------
    smooth_start : :obj:`float`
        Standard deviation in cells of the second candidate of the network, its smoothed
        prediction.  A network puts sharp edges in wrong places with confidence; smoothing
        keeps what it knows of the long wavelengths, which FWI cannot find by itself, and
        leaves the edges to FWI.  With 0 there is the prediction as it is alone.
    prior : :obj:`float`
        Weight of the network as a prior, which pulls the velocity to the prediction as it is;
        0 for none.
    profile : :obj:`int`
        Iterations in the lowest band for the best model of depth alone, one of the
        candidates; 0 for none.
    skip : :obj:`float`
        A start of the network skips the bands below the highest one in which its data misfit
        is under this limit (in that and all lower bands), and their iterations go to that band:
        low bands protect from skipped cycles, and where none are skipped they are lost time.
        0.2 suits data like those of the training; 0, the default, runs all bands.
    race : :obj:`int`
        Iterations of the first band that the best candidate of the network and the best
        fallback each run before one of them goes on, unless their misfits are far apart; 0
        decides by the misfits alone.
    optimiser, tv, lr, niter, bands, misfit, bounds, Regs, epsRs, dataregs, mask, smooth
        See `FWISettings`.
    illumination, tol, shots, seed, estimate_source
        See `InversionSettings`.
    """

    smooth_start: float = 6.0
    prior: float = 0.0
    profile: int = 8
    skip: float = 0.0
    race: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("smooth_start", self.smooth_start, at_least=0.0, unit="cells")
        check_number("prior", self.prior, at_least=0.0)
        check_integer("profile", self.profile)
        check_number("skip", self.skip, at_least=0.0, at_most=1.0)
        check_integer("race", self.race)
