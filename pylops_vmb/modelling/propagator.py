"""The wave propagator: the only file that imports deepwave.

Choices made here on purpose, with what they buy (70 x 70 cells, 5 shots, 1 ms):

* arrays stay ``(nx, nz)`` and ``(ns, nr, nt)``: the propagator attaches no meaning to
  its axes, so nothing is transposed;
* the source is injected negated, so that data have the sign of
  :class:`pylops.waveeqprocessing.AcousticWave2D` and of OpenFWI (the propagator puts
  the source on the other side of the equation);
* ``courant_number`` close to the stability limit: the default halves the time step
  of the OpenFWI geometry for nothing (forward .21 s -> .09 s);
* ``max_vel`` and ``pml_freq`` are fixed by the operator, not read from the current
  model and wavelet: otherwise the internal time step and the absorbing layer, and
  with them the objective, would change in the middle of an inversion;
* ``interval`` (store every n-th step of the forward field) is 1 unless the caller
  knows the band of the residual: see `pylops_vmb.modelling.sampling.storage_interval`;
* where ``dt`` needs substeps, a Jacobian takes them here: the wavelet is upsampled and
  every n-th sample of the record is kept, which has an exact adjoint.  The propagator's
  own substeps store only the coarse field, and their adjoint is off by 2e-6; they are
  used where ``interval`` says that the residual is band-limited anyway;
* threads: see `pylops_vmb.modelling.threads`.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

COURANT = {2: 0.9, 4: 0.8, 6: 0.75, 8: 0.72}
"""Courant numbers used, by space order: 0.9 times the 2-D stability limits."""


def largest_step(spacing: tuple[float, float], vmax: float, space_order: int) -> float:
    """Return the largest stable time step in s."""
    return COURANT[space_order] / (vmax * math.hypot(1.0 / spacing[0], 1.0 / spacing[1]))


@dataclass(frozen=True)
class Scheme:
    """Numerical settings of a simulation, with everything that has a unit in SI."""

    spacing: tuple[float, float]
    nt: int
    dt: float
    space_order: int
    nbl: int
    max_vel: float
    pml_freq: float
    free_surface: bool = False
    interval: int = 1

    def keywords(self) -> dict[str, Any]:
        """Return the propagator's own keyword arguments."""
        top = 0 if self.free_surface else self.nbl
        return {
            "accuracy": self.space_order,
            "pml_width": [self.nbl, self.nbl, top, self.nbl],
            "boundary": ["pml", "pml", "free" if self.free_surface else "pml", "pml"],
            "pml_freq": self.pml_freq,
            "max_vel": self.max_vel,
            "courant_number": COURANT[self.space_order],
            "nt": self.padded_nt * self.fine_steps,
        }

    @property
    def substeps(self) -> int:
        """Number of stable time steps in ``dt``."""
        return math.ceil(self.dt / largest_step(self.spacing, self.max_vel, self.space_order))

    @property
    def fine_steps(self) -> int:
        """Number of these substeps that are taken here and not by the propagator."""
        return self.substeps if self.interval == 1 else 1

    @property
    def padded_nt(self) -> int:
        """Number of time samples, rounded up to a multiple of the storage interval."""
        return -(-self.nt // self.interval) * self.interval


@dataclass(frozen=True)
class Shots:
    """A batch of shots on the propagator's device.

    Cell numbers of sources ``(ns, 1, 2)`` and receivers ``(ns, nr, 2)``, whole numbers as
    int64 and fractions as floats; source time functions ``(ns, 1, nw)``.
    """

    sources: torch.Tensor
    receivers: torch.Tensor
    wavelets: torch.Tensor

    def __getitem__(self, which: slice) -> "Shots":
        return Shots(self.sources[which], self.receivers[which], self.wavelets[which])

    def to(self, device: torch.device, dtype: torch.dtype) -> "Shots":
        """Return the same shots on another device, amplitudes in another precision."""
        return Shots(
            self.sources.to(device), self.receivers.to(device), self.wavelets.to(device, dtype)
        )


def propagate(vp: torch.Tensor, shots: Shots, scheme: Scheme) -> torch.Tensor:
    """Simulate shot gathers, differentiable with respect to the velocity.

    Parameters
    ----------
    vp : :obj:`torch.Tensor`
        Velocity ``(nx, nz)`` in m/s, not above ``scheme.max_vel``.
    shots : `Shots`
        What to shoot.
    scheme : `Scheme`
        How to simulate.

    Returns
    -------
    d : :obj:`torch.Tensor`
        Data ``(ns, nr, nt)``.
    """
    import deepwave  # noqa: PLC0415 - takes a third of a second

    with quiet():
        out = deepwave.scalar(
            vp,
            scheme.spacing,
            scheme.dt / scheme.fine_steps,
            source_amplitudes=_sources(shots, scheme),
            source_locations=shots.sources,
            receiver_locations=shots.receivers,
            model_gradient_sampling_interval=scheme.interval,
            **scheme.keywords(),
        )
    return _recorded(out.receiver_amplitudes, scheme)


def born(vp: torch.Tensor, dvp: torch.Tensor, shots: Shots, scheme: Scheme) -> torch.Tensor:
    """Simulate the change of the gathers for a small change of the velocity.

    Parameters
    ----------
    vp, dvp : :obj:`torch.Tensor`
        Velocity and its change ``(nx, nz)`` in m/s.
    shots : `Shots`
        What to shoot.
    scheme : `Scheme`
        How to simulate.

    Returns
    -------
    dd : :obj:`torch.Tensor`
        Scattered data ``(ns, nr, nt)``, linear in `dvp`.
    """
    import deepwave  # noqa: PLC0415 - takes a third of a second

    with quiet():
        # since 0.1 the change reaches into the absorbing layer, as a linearisation must
        warnings.simplefilter("ignore", deepwave.MigrationWarning)
        out = deepwave.scalar_born(
            vp,
            scheme.spacing,
            scheme.dt / scheme.fine_steps,
            dv=dvp,
            source_amplitudes=_sources(shots, scheme),
            source_locations=shots.sources,
            sc_receiver_locations=shots.receivers,
            **scheme.keywords(),
        )
    return _recorded(out.sc_receiver_amplitudes, scheme)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the propagator's warning of dispersion: `check_dispersion` words it for users."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="At least six grid cells per wavelength")
        yield


def _sources(shots: Shots, scheme: Scheme) -> torch.Tensor:
    if scheme.fine_steps == 1:
        return -shots.wavelets
    from deepwave.discretisation import upsample  # noqa: PLC0415 - takes a third of a second

    record = torch.nn.functional.pad(shots.wavelets, (0, scheme.nt - shots.wavelets.shape[-1]))
    return -upsample(record, scheme.fine_steps)


def _recorded(traces: torch.Tensor, scheme: Scheme) -> torch.Tensor:
    return traces[..., :: scheme.fine_steps][..., : scheme.nt]
