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
* where ``dt`` needs substeps, they are taken here: the wavelet is upsampled and every n-th
  sample of the record is kept, which has an exact adjoint (that of the propagator's own
  substeps is off by 2e-6, because they store only the coarse field).  A gradient with an
  ``interval`` is for band-limited residuals, and reads its record through a low-pass
  instead, whose adjoint puts nothing between the samples;
* threads: see `pylops_vmb.modelling.threads`.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

State = dict[str, Any]
"""Wavefields that carry a simulation on: tensors, and the propagator's bundle of the layer's."""

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
        }

    @property
    def substeps(self) -> int:
        """Number of stable time steps in ``dt``."""
        return math.ceil(self.dt / largest_step(self.spacing, self.max_vel, self.space_order))

    @property
    def padded_nt(self) -> int:
        """Number of time samples, rounded up to a multiple of the storage interval."""
        return -(-self.nt // self.interval) * self.interval

    @property
    def steps(self) -> int:
        """Number of time steps that are taken."""
        return self.padded_nt * self.substeps

    @property
    def stride(self) -> int:
        """Every how many of these steps the forward field is stored."""
        return self.interval * self.substeps if self.interval > 1 else 1


@dataclass(frozen=True)
class Shots:
    """A batch of shots on the propagator's device.

    Cell numbers of sources ``(ns, 1, 2)`` and receivers ``(ns, nr, 2)``, whole numbers as
    int64 and fractions as floats; what is injected at each time step ``(ns, 1, steps)``, or
    its beginning; the matrix ``(nt, nt * substeps)`` that makes a trace from what is recorded at
    each time step, or None where samples are picked.
    """

    sources: torch.Tensor
    receivers: torch.Tensor
    amplitudes: torch.Tensor
    readout: torch.Tensor | None = None

    def __getitem__(self, which: slice) -> "Shots":
        return Shots(
            self.sources[which], self.receivers[which], self.amplitudes[which], self.readout
        )

    def __len__(self) -> int:
        """Return the number of shots."""
        return self.sources.shape[0]

    def split(self, size: int) -> list["Shots"]:
        """Return the shots in batches of ``size`` or less."""
        return [self[i : i + size] for i in range(0, len(self), size)]

    def groups(self, scheme: Scheme, *, workers: int, most: int = 8) -> list["Shots"]:
        """Return the shots in equal groups of at most so many, as many groups for each worker.

        A call of the propagator takes some 2 ms to begin; a shot of 70 x 70 cells, 15 ms.
        Where samples are computed from the record, each shot is alone: the sums of a matrix
        product round otherwise for several shots, and data must not depend on the workers.
        """
        if self.readout is not None or (scheme.interval > 1 and scheme.substeps > 1):
            return self.split(1)
        count = workers * -(-len(self) // (workers * most))
        borders = [number * len(self) // count for number in range(count + 1)]
        return [self[first:last] for first, last in pairwise(borders) if last > first]

    def to(self, device: torch.device, dtype: torch.dtype) -> "Shots":
        """Return the same shots on another device, amplitudes in another precision."""
        readout = None if self.readout is None else self.readout.to(device, dtype)
        return Shots(
            self.sources.to(device),
            self.receivers.to(device),
            self.amplitudes.to(device, dtype),
            readout,
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
    traces, _ = advance(vp, shots, scheme, steps=slice(0, scheme.steps))
    return recorded(traces, shots, scheme)


def advance(
    vp: torch.Tensor, shots: Shots, scheme: Scheme, *, steps: slice, state: State | None = None
) -> tuple[torch.Tensor, State]:
    """Take some of the time steps.

    Parameters
    ----------
    vp : :obj:`torch.Tensor`
        Velocity ``(nx, nz)`` in m/s.
    shots : `Shots`
        What to shoot.
    scheme : `Scheme`
        How to simulate.
    steps : :obj:`slice`
        Which steps; a multiple of ``scheme.stride`` of them.
    state : :obj:`dict`, optional
        Wavefields after the steps before; by default rest.

    Returns
    -------
    traces : :obj:`torch.Tensor`
        What the receivers record at each of the steps, ``(ns, nr, steps)``.
    state : :obj:`dict`
        Wavefields after these steps, those of the absorbing layer included.
    """
    import deepwave  # noqa: PLC0415 - takes a third of a second

    with quiet():
        out = deepwave.scalar(
            vp,
            scheme.spacing,
            scheme.dt / scheme.substeps,
            source_amplitudes=-shots.amplitudes[..., steps],
            source_locations=shots.sources,
            receiver_locations=shots.receivers,
            model_gradient_sampling_interval=scheme.stride,
            nt=steps.stop - steps.start,
            initial_state=state,
            **scheme.keywords(),
        )
    return out.receiver_amplitudes, dict(out.final_state)


def detached(state: State | None) -> State:
    """Return the same wavefields without their graph."""
    return {name: field.detach() for name, field in (state or {}).items()}


def fields(state: State) -> list[torch.Tensor]:
    """Return the wavefields as a list."""
    own = [field for field in state.values() if isinstance(field, torch.Tensor)]
    layer = [field for field in state.values() if not isinstance(field, torch.Tensor)]
    return own + [field for part in layer for field in part.values()]


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
        out = deepwave.scalar_born(
            vp,
            scheme.spacing,
            scheme.dt / scheme.substeps,
            dv=dvp,
            source_amplitudes=-shots.amplitudes,
            source_locations=shots.sources,
            sc_receiver_locations=shots.receivers,
            nt=scheme.steps,
            **scheme.keywords(),
        )
    return recorded(out.sc_receiver_amplitudes, shots, scheme)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence two warnings of the propagator.

    That of dispersion, because `check_dispersion` words it for users; and that a change of
    the velocity reaches, since version 0.1, into the absorbing layer, as a linearisation must.
    """
    import deepwave  # noqa: PLC0415 - takes a third of a second

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="At least six grid cells per wavelength")
        warnings.simplefilter("ignore", deepwave.MigrationWarning)
        yield


def upsampled(wavelets: torch.Tensor, scheme: Scheme) -> torch.Tensor:
    """Bring wavelets ``(ns, 1, nw)`` to the time step that is taken."""
    if scheme.substeps == 1:
        return wavelets
    from deepwave.discretisation import upsample  # noqa: PLC0415 - takes a third of a second

    record = torch.nn.functional.pad(wavelets, (0, scheme.nt - wavelets.shape[-1]))
    return upsample(record, scheme.substeps)


def recorded(traces: torch.Tensor, shots: Shots, scheme: Scheme) -> torch.Tensor:
    """Make data ``(ns, nr, nt)`` from what is recorded at each time step."""
    if shots.readout is not None:
        return traces[..., : shots.readout.shape[1]] @ shots.readout.T
    if scheme.interval > 1 and scheme.substeps > 1:
        from deepwave.discretisation import downsample  # noqa: PLC0415

        return downsample(traces, scheme.substeps)[..., : scheme.nt]
    return traces[..., :: scheme.substeps][..., : scheme.nt]
