"""What is simulated: models, survey, modelling and decimation, and how they are described."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_choice, refuse
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.velocity import VelocityGenerator

_MODELLING = ("space_order", "nbl", "max_vel", "free_surface", "time_correction")


@dataclass(frozen=True)
class Simulation:
    """How a data set is made; two equal ones give equal bytes.

    Parameters
    ----------
    velocity : `VelocityGenerator`
        Where the models come from: drawn at random, or `StoredVelocities` of a file.
    acq : `Acquisition`
        What is shot.
    spacing : :obj:`tuple`
        Cell sizes ``(dx, dz)`` in m.
    preprocessing : `Preprocessing`
        Its decimation is applied before storing; scaling and gain when reading.
    dtype : {"float16", "float32"}, optional
        How gathers are stored.  In float16 each sample is scaled by a power of two of its
        own, so that its amplitudes keep 11 bits down to 2e-9 of its largest.
    modelling : :obj:`dict`, optional
        Keywords of `AcousticModelling2D` that change the data: ``space_order``, ``nbl``,
        ``max_vel``, ``free_surface``, ``time_correction``.

    Raises
    ------
    VMBValueError
        If the dtype or a setting of the modelling is unknown.
    """

    velocity: VelocityGenerator
    acq: Acquisition
    spacing: tuple[float, float]
    preprocessing: Preprocessing
    dtype: str = "float16"
    modelling: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_choice("dtype", self.dtype, ("float16", "float32"))
        unknown = sorted(set(self.modelling) - set(_MODELLING))
        if unknown:
            do = f"Use some of {', '.join(_MODELLING)}"
            refuse("modelling", "has no such settings", got=", ".join(unknown), do=do)

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything that the bytes depend on, for JSON.

        The fingerprint covers the settings of the modelling that are left to their defaults.
        """
        return {
            "velocity": self.velocity.config,
            "acquisition": self.acq.to_dict(),
            "spacing": list(self.spacing),
            "preprocessing": self.preprocessing.config,
            "dtype": self.dtype,
            "modelling": self.modelling,
            "fingerprint": self.operator().fingerprint(),
        }

    @property
    def shapes(self) -> tuple[tuple[int, int, int], tuple[int, int]]:
        """Shapes of a stored sample: gathers ``(ns, nt, nr)`` and velocity ``(nz, nx)``."""
        nt = self.preprocessing.samples(self.acq.nt)
        return (self.acq.ns, nt, self.acq.nr), self.velocity.dims[::-1]

    def samples(
        self, indices: range, F: AcousticModelling2D | None = None
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Simulate some of the models, one after the other.

        Parameters
        ----------
        indices : :obj:`range`
            Numbers of the models.
        F : `AcousticModelling2D`, optional
            The operator, if it is at hand; it computes on its own device.

        Yields
        ------
        d : :obj:`numpy.ndarray`
            Decimated gathers ``(ns, nt, nr)``.
        vp : :obj:`numpy.ndarray`
            Velocity ``(nz, nx)`` in m/s.
        """
        F = F or self.operator()
        for index in indices:
            vp = self.velocity.sample(index)
            with torch.no_grad():
                d = self.preprocessing.decimate(F(to_tensor(vp, device=F.device)))
            yield d.cpu().contiguous().numpy(), np.ascontiguousarray(vp.T)

    def operator(self, device: str = "cpu") -> AcousticModelling2D:
        """Return the modelling operator of the survey."""
        grid = Grid(self.velocity.dims, self.spacing)
        return AcousticModelling2D(grid, self.acq, device=device, **self.modelling)
