"""Exact symmetries of the wave equation: the mirror, and velocity against time."""

from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._checks import check_choice, check_number, check_range, check_shape, refuse
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.augmentation._random import uniform
from pylops_vmb.training.augmentation._signals import (
    TimeAxis,
    filtered,
    frequencies,
    matching,
    read_at,
    spectrum_of,
)
from pylops_vmb.training.augmentation.base import Augmentation, Sample, check_gathers


@dataclass(frozen=True)
class Mirror(Augmentation):
    """Left becomes right: flips the model, the receivers, and the order of the shots.

    Parameters
    ----------
    acq : `Acquisition`
        The survey; shots and receivers must lie symmetrically about the middle of the grid,
        in order along the line.
    grid : `Grid`
        Where the velocity lives.
    tolerance : :obj:`float`, optional
        How far in m a point may lie from the mirror image of its partner; by default a
        thousandth of a cell, and the mirror is exact.  A larger one makes it inexact: the
        gathers of a misplaced shot are those of a source up to this far away.
    p : :obj:`float`, optional
        Probability; by default every second sample is mirrored.

    Raises
    ------
    VMBValueError
        If the survey is not symmetric.

    Notes
    -----
    The centre shot of `Acquisition.openfwi` stands in column 34 of 70, half a cell beside the
    middle, so that its mirror image lies 10 m away.  ``tolerance=10.0`` accepts it, at a price:
    its mirrored gather differs from the simulated one by about 0.4 in relative L2, mostly in
    the direct wave; the four others are exact.

    Examples
    --------
    >>> import numpy as np
    >>> from pylops_vmb.survey import Acquisition, Grid
    >>> from pylops_vmb.training.augmentation import Mirror
    >>> x = 10.0 * np.arange(70)
    >>> acq = Acquisition.fixed_spread([100.0, 345.0, 590.0], x, nt=500, dt=1e-3, f0=15.0)
    >>> Mirror(acq, Grid((70, 60), 10.0)).p
    0.5
    """

    acq: Acquisition
    grid: Grid
    _: KW_ONLY
    tolerance: float | None = None
    p: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        slack = 1e-3 * min(self.grid.spacing)
        if self.tolerance is not None:
            slack = check_number("tolerance", self.tolerance, at_least=0.0, unit="m")
            self._set(tolerance=slack)
        _check_symmetry(self.acq, self.grid, slack)

    def _apply(
        self,
        d: torch.Tensor,
        vp: torch.Tensor,
        generator: torch.Generator,  # noqa: ARG002
    ) -> Sample:
        check_gathers(d, self.acq)
        check_shape("vp", vp.shape, (1, *self.grid.dims[::-1]), axes="(1, nz, nx)")
        return d.flip(0, 2), vp.flip(2)


def _check_symmetry(acq: Acquisition, grid: Grid, slack: float) -> None:
    """Refuse a survey that is not its own mirror image."""
    _check_mirrored("shot", acq.srcs, grid, slack)
    _check_mirrored("receiver", acq.receivers, grid, slack)
    if acq.wav.ndim == 2 and not np.array_equal(acq.wav, acq.wav[::-1]):
        refuse(
            "acq",
            "shots that are mirror images must have the same wavelet",
            got="wavelets that differ",
            do="Use one wavelet for all shots, or leave the mirror out",
        )


def _check_mirrored(label: str, points: NDArray[np.float64], grid: Grid, slack: float) -> None:
    """Refuse points ``(2, ns)`` or ``(2, ns, nr)`` that are not their own mirror image."""
    middle = 0.5 * (grid.extent[0] + grid.extent[1])
    image = np.flip(points, axis=tuple(range(1, points.ndim))).copy()
    image[0] = 2.0 * middle - image[0]
    off = np.hypot(*(points - image))
    worst = np.unravel_index(off.argmax(), off.shape)
    if off[worst] <= slack:
        return
    number, count = int(worst[-1]), off.shape[-1]
    (x, z), (there, below) = points[(slice(None), *worst)], image[(slice(None), *worst)]
    refuse(
        "acq",
        f"{label} {number} must be the mirror image of {label} {count - 1 - number} about the "
        f"middle of the grid, x = {middle:g} m: x = {there:g} m, z = {below:g} m",
        got=f"x = {x:g} m, z = {z:g} m, {off[worst]:g} m beside it",
        do=f"Move it, or accept an inexact mirror with tolerance={off[worst]:g}",
    )


@dataclass(frozen=True)
class TimeVelocityScaling(Augmentation):
    r"""Velocity times a factor, times divided by it.

    Parameters
    ----------
    acq : `Acquisition`
        The survey.
    range : :obj:`tuple`, optional
        Least and largest factor.
    vp_range : :obj:`tuple`, optional
        Least and largest velocity in m/s that a scaled model may have: the factor is drawn
        from what this leaves of `range`, and a model without room stays as it is.
    preprocessing : `Preprocessing`, optional
        How the gathers were decimated.
    wavelet : {"scaled", "kept"}, optional
        ``"scaled"``: exact, and the wavelet is scaled in time with everything else.
        ``"kept"``: a matching filter then brings the wavelet of `acq` back, so that the
        sample belongs to the same survey; exact only where the scaled wavelet has energy.
    water : :obj:`float`, optional
        Water level of that filter, as a fraction of the wavelet's largest power.
    p : :obj:`float`, optional
        Probability.

    Raises
    ------
    VMBValueError
        If a factor is not positive, or a velocity is out of range.

    Notes
    -----
    Let :math:`u` solve

    .. math::
        \frac{1}{v^2}\,\partial_t^2 u - \nabla^2 u = w(t)\, \delta(\mathbf x - \mathbf x_s)

    and set :math:`u'(\mathbf x, t) = u(\mathbf x, a t)`, :math:`v' = a v`.  Then
    :math:`\partial_t^2 u' = a^2\, \partial_t^2 u`, the factor cancels that of
    :math:`1 / v'^2`, and

    .. math::
        \frac{1}{v'^2}\,\partial_t^2 u' - \nabla^2 u' = w(a t)\, \delta(\mathbf x - \mathbf x_s).

    So gathers are read at :math:`a t`, with no change of amplitude, and belong to the wavelet
    :math:`w'(t) = w(a t)`: peak frequency :math:`a f_0`, delay divided by :math:`a`.
    Positions, wavelengths and the grid stay.  (Scaling space and time by :math:`b` and keeping
    the velocity is exact too, :math:`w'(t) = w(t / b)`, and moves sources, receivers and
    cells, so that it is no change of a sample on a fixed grid.)

    For :math:`a < 1` all times are at hand and the end of the record is dropped.  For
    :math:`a > 1` the last :math:`1 - 1/a` of the new record would come from times that were
    never recorded: it is zero.  Frequencies that :math:`a` lifts above the Nyquist frequency
    are taken out.  Against simulations at 15 Hz and factors of 0.9 to 1.1, decimated to 5 ms,
    the scaled gathers are right to 6e-4 relative L2, those with their wavelet kept to 5e-3.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.learned import Preprocessing
    >>> from pylops_vmb.survey import Acquisition
    >>> from pylops_vmb.training.augmentation import TimeVelocityScaling
    >>> scaling = TimeVelocityScaling(
    ...     Acquisition.openfwi(), range=(0.9, 0.95), preprocessing=Preprocessing(step=5)
    ... )
    >>> d, vp = torch.zeros(5, 200, 70), torch.full((1, 70, 70), 2000.0)
    >>> d, vp = scaling(d, vp, torch.Generator().manual_seed(0))
    >>> 1800.0 <= float(vp.max()) <= 1900.0
    True
    """

    acq: Acquisition
    _: KW_ONLY
    range: tuple[float, float] = (0.9, 1.1)
    vp_range: tuple[float, float] | None = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    wavelet: str = "scaled"
    water: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(range=check_range("range", self.range, at_least=0.1, at_most=10.0))
        if self.vp_range is not None:
            self._set(vp_range=check_range("vp_range", self.vp_range, at_least=1.0, unit="m/s"))
        check_choice("wavelet", self.wavelet, ("scaled", "kept"))
        self._set(water=check_number("water", self.water, above=0.0, at_most=1.0))

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        axis = TimeAxis.of(self.acq, self.preprocessing)
        check_gathers(d, self.acq, axis.nt)
        low, high = self._room(vp)
        if low > high:
            return d, vp
        factor = uniform(generator, low, high)
        d = _accelerated(d, axis, factor)
        if self.wavelet == "kept":
            d = filtered(d, self._restoring(axis, factor))
        return d, factor * vp

    def _room(self, vp: torch.Tensor) -> tuple[float, float]:
        """Return the factors that keep a model within its range."""
        low, high = self.range
        if self.vp_range is None:
            return low, high
        least, largest = self.vp_range
        return max(low, least / float(vp.min())), min(high, largest / float(vp.max()))

    def _restoring(self, axis: TimeAxis, factor: float) -> NDArray[np.complex128]:
        """Return the response that turns ``w(a t)`` into ``w(t)``."""
        freqs = frequencies(axis.nt, axis.dt)
        wanted = spectrum_of(self.acq.wav, self.acq.dt, freqs)
        scaled = spectrum_of(self.acq.wav, self.acq.dt, freqs / factor) / factor
        return matching(scaled, wanted, water=self.water)


def _accelerated(d: torch.Tensor, axis: TimeAxis, factor: float) -> torch.Tensor:
    """Read gathers ``(ns, nt, nr)`` at ``factor`` times their times."""
    start = axis.first / axis.dt
    samples = torch.arange(axis.nt, dtype=torch.float64)
    return read_at(d, factor * (samples + start) - start, cutoff=min(1.0, 1.0 / factor))
