"""Data consistency: how well a predicted velocity explains the gathers it was predicted from."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pylops_vmb._backend import working_dtype
from pylops_vmb._checks import check_integer, check_number, check_pair, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.inversion.bands import LowPass, check_bands
from pylops_vmb.inversion.misfits import Chosen, RelativeMisfit
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.inversion.subsets import Subsets
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.metrics import OPENFWI_RANGE
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.modelling.threads import side_by_side
from pylops_vmb.training.losses import name_of

_SMOOTH = 1.0
"""Standard deviation in cells of the smoothing of a preconditioned gradient."""


class DataConsistency:
    r"""The label-free loss: modelled against given gathers, differentiable in the velocity.

    Parameters
    ----------
    F : `AcousticModelling2D`
        The modelling that made the gathers.
    preprocessing : `Preprocessing`
        Its decimation is applied to the modelled gathers, as it was to the given ones.
    misfit : :obj:`str` or callable or :obj:`dict`
        How gathers are compared, as in inversion: "l2", "l1", "huber", "trace_normalised",
        "envelope", a function of modelled and observed data ``(ns, nr, nt)`` with one value a
        shot, or several with their weights.
    gain : :obj:`float`, optional
        Level :math:`g` of the gain :math:`\mathrm{asinh}(d / g)` of both sides, in units of the
        rms of the given shots: without it the direct wave outweighs all reflections.
    precondition : :obj:`bool`, optional
        Balance the gradient over depth, as an inversion does (`Preconditioner`), with the
        illumination of the batch; its sum of absolute values stays.  It still leads downhill,
        and is not that of the value any more.
    bands : sequence of :obj:`float`, optional
        Corners of zero-phase low-passes of both sides in Hz, from low to high; None for the
        full band.  A call chooses one of them.
    shots : :obj:`int`, optional
        How many shots a call compares; None for all.
    vp_range : :obj:`tuple`, optional
        Slowest and fastest velocity that is modelled, m/s.
    seed : :obj:`int`, optional
        Of the choice of shots.

    Raises
    ------
    VMBTypeError
        If `F` is another operator.
    VMBValueError
        If the misfit or a band is unknown, there are not so many shots, or the velocities
        are beyond what `F` models.

    Notes
    -----
    With the decimation :math:`D`, the low-pass :math:`L`, the misfit :math:`m` and a batch of
    :math:`n` samples

    .. math::
        \frac{1}{n} \sum_i \frac{m(L D F(\bar v_i), L d_i)}{m(0, L d_i)}, \quad
        \bar v = \min(\max(v, v_0), v_1)

    so that 1 is the misfit of no model at all, whatever the amplitudes.  The gradient passes
    the bounds as if they were not there (straight through), except where it would drive a
    velocity further out.  It is taken shot by shot while the value is computed, in float32 or
    better, and only its sum is kept: memory is that of `F.plan`, whatever the batch.

    ``F.for_band(F.acq.fmax)`` in the place of `F` halves the cost and stores far less.  Its
    gradient is right to 2e-5 with the decimation "antialias", and to 1 or 2 % with "middle",
    whose residual holds images of its band.

    References
    ----------
    A. Biswas, M. K. Sen, V. Das and T. Mukerji, Prestack and poststack inversion using a
    physics-guided convolutional neural network, Interpretation 7, 2019; P. Jin, X. Zhang,
    Y. Chen, S. X. Huang, Z. Liu and Y. Lin, Unsupervised learning of full-waveform inversion:
    connecting CNN and partial differential equation in a loop, ICLR, 2022, arXiv 2110.07584.
    """

    def __init__(
        self,
        F: AcousticModelling2D,
        preprocessing: Preprocessing,
        *,
        misfit: Chosen = "l2",
        gain: float | None = None,
        precondition: bool = False,
        bands: Sequence[float | None] = (None,),
        shots: int | None = None,
        vp_range: tuple[float, float] = OPENFWI_RANGE,
        seed: int = 0,
    ) -> None:
        _check_operator(F)
        self.F, self.preprocessing = F, preprocessing
        self.misfit, self.precondition = misfit, precondition
        RelativeMisfit(misfit, torch.zeros(0, 1, 1))  # refuses what it does not know
        self.vp_range = _check_range(vp_range, F)
        nt, dt = preprocessing.samples(F.acq.nt), F.acq.dt * preprocessing.step
        self.bands = check_bands(bands, dt)
        self._lowpasses = [LowPass(corner, nt, dt) for corner in self.bands]
        self.gain = None if gain is None else check_number("gain", gain, above=0.0)
        count = F.acq.ns if shots is None else check_integer("shots", shots, at_least=1)
        self._subsets = Subsets(F.acq.ns, count, seed=(check_integer("seed", seed),))
        self._dims = (F.acq.ns, nt, F.acq.nr)
        self._drawn = {"shots": count, "seed": seed}

    @property
    def config(self) -> dict[str, Any]:
        """What its values depend on, for the identity of a training; plain values."""
        terms = self.misfit.items() if isinstance(self.misfit, Mapping) else [(self.misfit, 1.0)]
        return self._drawn | {
            "F": self.F.fingerprint(),
            "preprocessing": self.preprocessing.config,
            "misfit": [[name_of(misfit), weight] for misfit, weight in terms],
            "gain": self.gain,
            "precondition": self.precondition,
            "bands": list(self.bands),
            "vp_range": list(self.vp_range),
        }

    def __call__(self, vp: Tensor, d: Tensor, *, draw: int = 0, band: int = -1) -> Tensor:
        """Return the mean relative misfit of a batch.

        Parameters
        ----------
        vp : :obj:`torch.Tensor`
            Predicted velocities ``(batch, 1, nz, nx)``, m/s.
        d : :obj:`torch.Tensor`
            Their gathers ``(batch, ns, nt // step, nr)``: decimated, not normalised.
        draw : :obj:`int`, optional
            Number of the choice of shots; another number chooses others, the same the same.
        band : :obj:`int`, optional
            Which of the bands, by default the last.

        Returns
        -------
        misfit : :obj:`torch.Tensor`
            A scalar.

        Raises
        ------
        VMBValueError
            If a shape is wrong.
        """
        self._check(vp, d)
        shots, compared = self._subsets[draw], self._lowpasses[band]
        found = [
            self._sample(model.detach(), gathers, shots=shots, lowpass=compared)
            for model, gathers in zip(vp[:, 0], d, strict=True)
        ]
        misfit = torch.stack([value for value, _ in found]).mean()
        if not (torch.is_grad_enabled() and vp.requires_grad):
            return misfit
        slope = torch.stack([gradient for _, gradient in found]) / len(found)
        if self.precondition:
            slope = _balanced(slope)
        # the value, with the gradient that is known
        return misfit + ((vp - vp.detach()) * slope[:, None]).sum()

    def _sample(
        self, vp: Tensor, d: Tensor, *, shots: list[int], lowpass: LowPass
    ) -> tuple[Tensor, Tensor]:
        """Return misfit and gradient ``(nz, nx)`` of one model ``(nz, nx)``."""
        vp = vp.to(working_dtype(vp.dtype))
        bounded = vp.clamp(*self.vp_range).nan_to_num(self.vp_range[0])
        dobs = lowpass(d[shots].to(vp.dtype).transpose(-1, -2))
        view = _View(lowpass, self.gain, dobs)
        dobs = view.compressed(dobs)
        share = partial(self._shot, bounded.T.contiguous(), RelativeMisfit(self.misfit, dobs), view)
        workers = self.F.plan(vp.dtype, device=vp.device).workers if vp.device.type == "cpu" else 1
        found = side_by_side(share, zip(shots, dobs, strict=True), workers=min(workers, len(shots)))
        misfit = torch.stack([value for value, _ in found]).sum() + 0.0 * vp.sum()  # NaN stays
        gradient = torch.stack([slope for _, slope in found]).sum(0).T
        outward = gradient * (vp - bounded) < 0.0
        return misfit, gradient.masked_fill(outward, 0.0)

    def _shot(
        self, vp: Tensor, relative: RelativeMisfit, view: "_View", shot: tuple[int, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return a shot's share of the misfit, and its gradient ``(nx, nz)``."""
        number, dobs = shot
        point = vp.clone().requires_grad_()
        with torch.enable_grad():
            d = self.F.shots(slice(number, number + 1))._apply(point)
            d = self.preprocessing.decimate(d).transpose(-1, -2)
            share = relative(view(d), dobs[None])
            return share.detach(), torch.autograd.grad(share, point)[0]

    def _check(self, vp: Tensor, d: Tensor) -> None:
        nx, nz = self.F.dims
        if tuple(vp.shape) != (len(d), 1, nz, nx):
            want = f"must be (batch, 1, nz, nx) = {(len(d), 1, nz, nx)}"
            refuse("vp", want, got=tuple(vp.shape), do="Use the grid that F was built with")
        if tuple(d.shape[1:]) != self._dims:
            refuse(
                "d",
                f"must be (batch, ns, nt // step, nr) = (batch, {', '.join(map(str, self._dims))})",
                got=tuple(d.shape),
                do="Pass the stored gathers, decimated as F's are by this preprocessing",
            )


def _balanced(slope: Tensor) -> Tensor:
    """Return the preconditioned gradients ``(batch, nz, nx)`` of a batch."""
    P = Preconditioner(smooth=_SMOOTH)
    P.adapt(slope.abs().mean(0))
    balanced = torch.stack([P(each) for each in slope])
    tiny = torch.finfo(slope.dtype).tiny
    return balanced * (slope.abs().sum() / balanced.abs().sum().clamp(min=tiny))


class _View:
    """What a comparison sees of gathers ``(ns, nr, nt)``: a band, with a gain."""

    def __init__(self, lowpass: LowPass, gain: float | None, dobs: Tensor) -> None:
        self._lowpass, tiny = lowpass, torch.finfo(dobs.dtype).tiny
        rms = dobs.square().mean().sqrt().clamp(min=tiny)
        self._level = None if gain is None else gain * rms

    def __call__(self, d: Tensor) -> Tensor:
        return self.compressed(self._lowpass(d))

    def compressed(self, d: Tensor) -> Tensor:
        """Return gathers that have passed the band, with the gain."""
        return d if self._level is None else torch.asinh(d / self._level)


def _check_operator(F: Any) -> None:
    if not isinstance(F, AcousticModelling2D):
        refuse(
            "F",
            "must be an AcousticModelling2D",
            got=type(F).__name__,
            do="Build it with the grid and the survey of the data set",
            error=VMBTypeError,
        )


def _check_range(vp_range: tuple[float, float], F: AcousticModelling2D) -> tuple[float, float]:
    low, high = check_pair("vp_range", vp_range, of="velocities")
    if not 0.0 < low < high <= F.max_vel:
        refuse(
            "vp_range",
            f"must rise, and lie between 0 and the operator's max_vel = {F.max_vel:g} m/s",
            got=(low, high),
            do="Pass (slowest, fastest) in m/s, or build F with a higher max_vel",
        )
    return low, high
