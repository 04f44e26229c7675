"""A symmetric survey of three shots over 49 x 36 cells, and its accurate gathers."""

import numpy as np
import pytest
import torch

from pylops_vmb.learned import Preprocessing
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.velocity import CurvedLayers

GRID = Grid((49, 36), 10.0)
DT = 1e-3


class Line:
    """The survey, its simulation, and how gathers are compared."""

    grid = GRID

    @staticmethod
    def survey(f0: float = 15.0, delay: float = 0.08, nt: int = 400) -> Acquisition:
        """Return the survey with a Ricker wavelet of any peak frequency and delay, not rounded."""
        t = DT * np.arange(int(2.0 * delay / DT) + 1)
        phase = (np.pi * f0 * (t - delay)) ** 2
        wav = (1.0 - 2.0 * phase) * np.exp(-phase)
        xs, xr = np.array([70.0, 240.0, 410.0]), GRID.x
        srcs, recs = (np.stack([x, np.full(x.size, 20.0)]) for x in (xs, xr))
        return Acquisition(srcs, recs, nt=nt, dt=DT, wav=wav, wavc=round(delay / DT), f0=f0)

    @staticmethod
    def gathers(acq: Acquisition, vp: torch.Tensor, *, max_vel: float = 3500.0) -> torch.Tensor:
        """Simulate ``(ns, nr, nt)`` from ``(1, nz, nx)`` without dispersion in time.

        The correction of the dispersion is less accurate at the end of a record: it is cut off.
        """
        longer = acq._replace(nt=acq.nt + 60)
        settings = {"space_order": 8, "time_correction": True, "max_vel": max_vel}
        return AcousticModelling2D(GRID, longer, **settings)(vp[0].T)[..., : acq.nt]

    @staticmethod
    def misfit(d: torch.Tensor, wanted: torch.Tensor) -> float:
        """Return the relative L2 distance."""
        return float((d - wanted).norm() / wanted.norm())


@pytest.fixture(scope="session")
def vp() -> torch.Tensor:
    """Return folded layers ``(1, nz, nx)`` in float64."""
    layers = CurvedLayers(GRID.dims, vp_range=(1600.0, 3000.0), seed=3)
    return torch.from_numpy(layers[0]).double().T[None]


@pytest.fixture(scope="session", params=["antialias", "middle"])
def preprocessing(request: pytest.FixtureRequest) -> Preprocessing:
    return Preprocessing(step=5, decimation=request.param)


@pytest.fixture(scope="session")
def recorded(vp: torch.Tensor) -> torch.Tensor:
    """Return the gathers ``(ns, nr, nt)`` of the survey."""
    return Line.gathers(Line.survey(), vp)


@pytest.fixture(scope="session")
def line() -> type[Line]:
    return Line
