"""Viking Graben line 12 as a problem of inversion: data, survey, start, and what is held out.

Nothing here knows the ground: the start is the gradient below a seabed, of a small grid of both,
that explains one shot best.
"""

import itertools
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import butter, sosfilt, sosfiltfilt

import pylops_vmb as vmb
from pylops_vmb.io import read_gathers, summary
from pylops_vmb.learned import Limits, adapt
from pylops_vmb.learned.adaptation import Broken, Steps, broken_limits
from pylops_vmb.modelling import AcousticModelling2D
from pylops_vmb.survey import Acquisition, Grid, ricker

FILE = Path("field_viking") / "viking_small.segy"
CELL = 12.5
"""Cells, m: 9 to a wavelength of 1480 m/s at 13 Hz."""
BAND = (5.0, 16.0)
"""Corners of the causal band-pass, Hz: the data hold little below the first."""
F0 = 10.0
WATER = 1480.0
SECONDS = 0.5
"""Length of the wavelet: shorter than the 0.48 s of the first multiple would allow it to imitate
that one alone."""
UNLIKE_DB = 2.0
"""A channel is dead if it differs so much from the median of five in every shot."""
HELD_SHOT = 3
HELD_OFFSETS = (1450.0, 1750.0)
BANDS = ((5.0, 8.0), (8.0, 11.0), (11.0, 16.0))
"""Bands in which the misfit is told, Hz."""
Floats = NDArray[np.float32]


class Found(NamedTuple):
    """What the file holds, and what the package said of it."""

    data: Floats
    acq: Acquisition
    summary: str
    said: tuple[str, ...]


class Start(NamedTuple):
    """A gradient below water."""

    vp: Floats
    seabed: float
    top: float
    slope: float
    likeness: float


@dataclass(frozen=True)
class Problem:
    """Data on the survey that can be modelled.

    Parameters
    ----------
    F : `AcousticModelling2D`
        The modelling, with a first guess of the wavelet.
    dobs : :obj:`numpy.ndarray`
        Field data ``(ns, nr, nt)``, in the band, of line sources.
    fitted : :obj:`numpy.ndarray`
        Traces that the inversion sees, ``(ns, nr)``.
    steps : `Steps`
        How they became so.
    """

    F: AcousticModelling2D
    dobs: Floats
    fitted: NDArray[np.bool_]
    steps: Steps

    @property
    def seen(self) -> Floats:
        """The data with the held-out traces dead."""
        return self.dobs * self.fitted[..., None]

    def wavelet(self, vp: Any) -> AcousticModelling2D:
        """Return the modelling with the wavelet that explains the fitted traces best."""
        length = round(SECONDS / self.F.acq.dt)
        wav = vmb.estimate_wavelet(self.F, vp, self.seen, length=length)
        return self.F.with_wavelet(wav, self.F.acq.wavc)

    def held_out(self) -> dict[str, NDArray[np.bool_]]:
        """Return which traces are compared, by name."""
        shot = (np.arange(self.F.acq.ns) == HELD_SHOT)[:, None]
        held = ~self.fitted & self.dobs.any(-1)
        return {
            "fitted": self.fitted,
            "held-out shot": held & shot,
            "held-out offsets": held & ~shot,
        }


def found(folder: Path) -> Found:
    """Read the file with its wrong headers, and keep what is said of them."""
    path = folder / FILE
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        data, acq = read_gathers(path)
        text = str(summary(path))
    lines = [line for line in text.splitlines() if not line.startswith("C")]
    return Found(data, acq, "\n".join(lines), tuple(str(one.message) for one in said))


def refused(here: Found, network: str) -> tuple[Broken, ...]:
    """Return the limits that forbid to give the data to a network."""
    G = vmb.LearnedInversion.from_pretrained(network)
    return broken_limits(here.data, here.acq, to=G)


def problem(here: Found) -> Problem:
    """Bring the data to a survey on cells, of line sources, in the band of the inversion.

    Positions move to the next cell: by 0.5 m along x, and from 6 and 10 m to 12.5 m in depth.
    Below 13 Hz this changes the ghosts by a factor that is the same for all angles within 4 %,
    and the wavelet takes it.
    """
    given = here.acq
    srcs, recs = (CELL * np.rint(coords / CELL) for coords in (given.srcs, given.recs))
    srcs[1], recs[1] = CELL, CELL
    wav, wavc = ricker(F0, given.dt)
    guess = given.with_wavelet(wav, wavc, f0=F0)
    on_cells = Acquisition(srcs, recs, nt=given.nt, dt=given.dt, wav=wav, wavc=wavc, f0=F0)
    loose = Limits(lows=10.0, highs=0.0)  # FWI starts where the data do
    data, acq = adapted = adapt(
        here.data, guess, to=on_cells, point_source=True, amplitude="none", origin=0.0, limits=loose
    )
    first, last = recs[0].min() - 2 * CELL, srcs[0].max() + 3 * CELL
    grid = Grid((round((last - first) / CELL) + 1, 120), CELL, (first, CELL))
    F = AcousticModelling2D(grid, acq, free_surface=True, max_vel=3500.0)
    data = _in_band(data, acq.dt)
    data[:, unlike(data)] = 0.0
    fitted = data.any(-1)
    fitted[HELD_SHOT] = False
    offsets = np.abs(acq.offsets)
    fitted[(offsets >= HELD_OFFSETS[0]) & (offsets < HELD_OFFSETS[1])] = False
    return Problem(F, data, fitted, adapted.steps)


def start(problem: Problem) -> Start:
    """Return the gradient below a seabed that explains the first shot best."""
    F, seen = problem.F.shots(slice(0, 1)), problem.seen[:1]
    one = Problem(F, seen, problem.fitted[:1], problem.steps)
    tried = itertools.product((337.5, 350.0, 362.5), (1650.0, 1750.0, 1850.0), (0.3, 0.5, 0.7))
    best = None
    for seabed, top, slope in tried:
        vp = _gradient(F.grid, seabed, top, slope)
        likeness = fit(one.wavelet(vp)(vp), seen, problem.fitted[:1])["likeness"]
        if best is None or likeness > best.likeness:
            best = Start(vp, seabed, top, slope, likeness)
    assert best is not None
    return best


def invert(problem: Problem, begin: Start) -> Any:
    """Invert for velocity below the seabed, from low to high frequencies, wavelet by band."""
    F = problem.wavelet(begin.vp)
    mask = np.broadcast_to(F.grid.z > begin.seabed - 2 * CELL, F.grid.dims).astype(np.float32)
    return vmb.inversion.fit_profile(
        F,
        problem.seen,
        begin.vp,
        misfit="agc",
        bands=(8.0, 10.0, None),
        niter=10,
        bounds=(1450.0, 3400.0),
        mask=mask,
        smooth=1.0,
        estimate_source=True,
    )


def fit(d: Floats, dobs: Floats, which: NDArray[np.bool_]) -> dict[str, float]:
    """Return relative L2 misfit and mean correlation of the traces of two data sets."""
    d, dobs = np.asarray(d)[which].astype(float), dobs[which].astype(float)
    norms = np.linalg.norm(d, axis=-1) * np.linalg.norm(dobs, axis=-1)
    return {
        "misfit": float(np.linalg.norm(d - dobs) / np.linalg.norm(dobs)),
        "likeness": float(((d * dobs).sum(-1) / np.maximum(norms, 1e-30)).mean()),
    }


def in_part(d: Floats, dt: float, band: tuple[float, float]) -> Floats:
    """Return traces between two frequencies, with zero phase."""
    return np.asarray(sosfiltfilt(butter(3, band, "band", fs=1.0 / dt, output="sos"), d))


def unlike(d: Floats) -> NDArray[np.int64]:
    """Return the channels whose gain is not that of their neighbours in any shot."""
    level = 20.0 * np.log10(np.sqrt((d**2).mean(-1)))
    off = level - median_filter(level, (1, 5), mode="nearest")
    return np.flatnonzero((np.abs(off) > UNLIKE_DB).all(0))


def repeatability(problem: Problem, band: tuple[float, float]) -> float:
    """Return the relative difference of neighbouring shots at equal offsets."""
    d = in_part(problem.dobs, problem.F.acq.dt, band)
    return float(np.linalg.norm(d[1:] - d[:-1]) / np.linalg.norm(d[:-1]))


def _in_band(d: Floats, dt: float) -> Floats:
    """Filter causally, as an instrument would, so that the filter becomes a part of the wavelet."""
    low, high = (
        butter(order, corner, kind, fs=1.0 / dt, output="sos")
        for order, corner, kind in ((4, BAND[0], "high"), (6, BAND[1], "low"))
    )
    return np.asarray(sosfilt(high, sosfilt(low, d)), np.float32)


def _gradient(grid: Grid, seabed: float, top: float, slope: float) -> Floats:
    below = np.minimum(top + slope * (grid.z - seabed), 3300.0)
    column = np.where(grid.z < seabed, WATER, below).astype(np.float32)
    return np.broadcast_to(column, grid.dims).copy()
