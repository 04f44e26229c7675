"""Where and how a survey was shot: sources, receivers, time axis, wavelet."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylops_vmb._checks import check_finite, check_integer, check_number, refuse
from pylops_vmb.survey.grid import Grid
from pylops_vmb.survey.wavelets import band, ricker


class Acquisition:
    r"""Geometry, time axis and source wavelet of a 2-D survey.

    Parameters
    ----------
    srcs : array_like
        Source coordinates, rows x and z in m, shape ``(2, ns)``.
    recs : array_like
        Receiver coordinates, rows x and z in m: ``(2, nr)`` for a fixed spread,
        ``(2, ns, nr)`` where every shot has receivers of its own.
    nt : :obj:`int`
        Number of time samples.
    dt : :obj:`float`
        Time step in s.
    wav : array_like
        Source wavelet, causal, ``(nw,)`` or one a shot ``(ns, nw)`` with ``nw <= nt``.
    wavc : :obj:`int`, optional
        Sample of the wavelet's time zero; events arrive ``wavc * dt`` late.
    f0 : :obj:`float`, optional
        Peak frequency in Hz; by default that of the wavelet's spectrum.

    Attributes
    ----------
    ns, nr : :obj:`int`
        Number of shots and of receivers a shot.
    dimsd : :obj:`tuple`
        Shape of the data, ``(ns, nr, nt)``.

    Raises
    ------
    VMBValueError
        If shapes disagree, a number is not finite, or the wavelet is longer than the record.

    See Also
    --------
    Acquisition.fixed_spread : Sources and receivers given by their x alone.
    Acquisition.streamer : Receivers that move with the source.

    Examples
    --------
    >>> Acquisition.openfwi()
    Acquisition(5 shots x 70 receivers, fixed spread, nt=1000, dt=1 ms, f0=15 Hz)
    """

    def __init__(
        self,
        srcs: ArrayLike,
        recs: ArrayLike,
        *,
        nt: int,
        dt: float,
        wav: ArrayLike,
        wavc: int = 0,
        f0: float | None = None,
    ) -> None:
        self.srcs = _coordinates("srcs", srcs, ndims=(2,))
        self.recs = _coordinates("recs", recs, ndims=(2, 3))
        self.ns, self.nr = self.srcs.shape[1], self.recs.shape[-1]
        if self.recs.ndim == 3 and self.recs.shape[1] != self.ns:
            refuse(
                "recs",
                f"must hold one spread for each of the {self.ns} shots",
                got=f"{self.recs.shape[1]} spreads",
                do="Pass recs of shape (2, ns, nr), or (2, nr) for a fixed spread",
            )
        self.nt = check_integer("nt", nt, at_least=2)
        self.dt = check_number("dt", dt, above=0.0, unit="s")
        self.wav = self._check_wavelet(wav)
        self.wavc = check_integer("wavc", wavc)
        self.f0 = band(self.wav, self.dt)[1] if f0 is None else check_number("f0", f0, above=0.0)

    @classmethod
    def fixed_spread(
        cls,
        xs: ArrayLike,
        xr: ArrayLike,
        *,
        nt: int,
        dt: float,
        f0: float,
        zs: float = 0.0,
        zr: float = 0.0,
    ) -> "Acquisition":
        """Make a survey in which all shots are recorded by the same receivers.

        Parameters
        ----------
        xs, xr : array_like
            Positions of sources and receivers along x in m, ``(ns,)`` and ``(nr,)``.
        nt : :obj:`int`
            Number of time samples.
        dt : :obj:`float`
            Time step in s.
        f0 : :obj:`float`
            Peak frequency of the Ricker wavelet in Hz.
        zs, zr : :obj:`float`, optional
            Depth of sources and receivers in m.

        Returns
        -------
        acq : `Acquisition`
        """
        wav, wavc = ricker(f0, dt)
        return cls(_at_depth(xs, zs), _at_depth(xr, zr), nt=nt, dt=dt, wav=wav, wavc=wavc, f0=f0)

    @classmethod
    def streamer(
        cls,
        xs: ArrayLike,
        offsets: ArrayLike,
        *,
        nt: int,
        dt: float,
        f0: float,
        zs: float = 0.0,
        zr: float = 0.0,
    ) -> "Acquisition":
        """Make a survey in which the receivers move with the source.

        Parameters
        ----------
        xs : array_like
            Positions of the sources along x in m, ``(ns,)``.
        offsets : array_like
            Positions of the receivers relative to the source in m, ``(nr,)``.
        nt : :obj:`int`
            Number of time samples.
        dt : :obj:`float`
            Time step in s.
        f0 : :obj:`float`
            Peak frequency of the Ricker wavelet in Hz.
        zs, zr : :obj:`float`, optional
            Depth of sources and receivers in m.

        Returns
        -------
        acq : `Acquisition`
        """
        wav, wavc = ricker(f0, dt)
        xr = np.add.outer(np.atleast_1d(np.asarray(xs, float)), np.asarray(offsets, float))
        return cls(_at_depth(xs, zs), _at_depth(xr, zr), nt=nt, dt=dt, wav=wav, wavc=wavc, f0=f0)

    @classmethod
    def openfwi(cls) -> "Acquisition":
        """Return the survey of the OpenFWI Vel, Fault and Style families.

        Five shots at 10 m depth over `Grid.openfwi`, 70 receivers, one in every
        column, 1000 samples at 1 ms, 15 Hz Ricker.  The first sample of the wavelet
        is dropped, which moves the data one sample earlier: so they match the
        published gathers (0.6 % relative L2).
        """
        columns = np.array([0.0, 17.0, 34.0, 52.0, 69.0])
        wav, wavc = ricker(15.0, 1e-3)
        return cls(
            _at_depth(10.0 * columns, 10.0),
            _at_depth(10.0 * np.arange(70), 10.0),
            nt=1000,
            dt=1e-3,
            wav=wav[1:],
            wavc=wavc - 1,
            f0=15.0,
        )

    @classmethod
    def fcnvmb(cls) -> "Acquisition":
        """Return the survey of Yang and Ma (2019) over `Grid.fcnvmb`.

        29 shots at 30 m depth, 301 receivers at the surface, 2000 samples at 1 ms,
        20 Hz Ricker.
        """
        return cls.fixed_spread(
            np.linspace(100.0, 2900.0, 29),
            10.0 * np.arange(301),
            nt=2000,
            dt=1e-3,
            f0=20.0,
            zs=30.0,
        )

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Acquisition":
        """Rebuild a survey from `to_dict`."""
        return cls(fields["srcs"], fields["recs"], **{k: fields[k] for k in _SCALARS})

    def to_dict(self) -> dict[str, Any]:
        """Return the survey as plain lists and numbers, ready for JSON."""
        arrays = {"srcs": self.srcs.tolist(), "recs": self.recs.tolist(), "wav": self.wav.tolist()}
        return arrays | {k: getattr(self, k) for k in _SCALARS if k != "wav"}

    @property
    def dimsd(self) -> tuple[int, int, int]:
        """Shape of the data, ``(ns, nr, nt)``."""
        return (self.ns, self.nr, self.nt)

    @property
    def t(self) -> NDArray[np.float64]:
        """Time axis, shape ``(nt,)``, s."""
        return np.asarray(self.dt * np.arange(self.nt), np.float64)

    @property
    def delay(self) -> float:
        """Time of the wavelet's zero in s: how late events arrive."""
        return self.wavc * self.dt

    @property
    def receivers(self) -> NDArray[np.float64]:
        """Receiver coordinates of every shot, shape ``(2, ns, nr)``, m."""
        if self.recs.ndim == 3:
            return self.recs
        return np.broadcast_to(self.recs[:, None, :], (2, self.ns, self.nr))

    @property
    def offsets(self) -> NDArray[np.float64]:
        """Receiver minus source along x, shape ``(ns, nr)``, m."""
        return np.asarray(self.receivers[0] - self.srcs[0][:, None])

    @property
    def fmax(self) -> float:
        """Frequency in Hz above which the wavelet holds less than 2e-4 of its peak."""
        return min(band(self.wav, self.dt, level=2e-4)[2], 0.5 / self.dt)

    def band(self, level: float = 1e-3) -> tuple[float, float, float]:
        """Return lowest, strongest and highest frequency of the wavelet, Hz."""
        return band(self.wav, self.dt, level=level)

    def select(self, shots: Sequence[int] | slice) -> "Acquisition":
        """Return the survey of some of the shots.

        Parameters
        ----------
        shots : :obj:`slice` or sequence of :obj:`int`
            Which shots.

        Returns
        -------
        acq : `Acquisition`
        """
        recs = self.recs[:, shots] if self.recs.ndim == 3 else self.recs
        wav = self.wav[shots] if self.wav.ndim == 2 else self.wav
        return self._replace(srcs=self.srcs[:, shots], recs=recs, wav=wav)

    def with_wavelet(
        self, wav: ArrayLike, wavc: int = 0, *, f0: float | None = None
    ) -> "Acquisition":
        """Return the same survey with another source wavelet.

        Parameters
        ----------
        wav : array_like
            Causal samples, ``(nw,)`` or ``(ns, nw)``.
        wavc : :obj:`int`, optional
            Sample of its time zero.
        f0 : :obj:`float`, optional
            Peak frequency in Hz; by default that of the wavelet's spectrum.

        Returns
        -------
        acq : `Acquisition`
        """
        return self._replace(wav=wav, wavc=wavc, f0=f0)

    def check(self, grid: Grid) -> None:
        """Refuse a survey that does not lie on the grid.

        Parameters
        ----------
        grid : `Grid`
            Where the velocity model lives.

        Raises
        ------
        VMBValueError
            If a source or a receiver lies outside.
        """
        for label, coords in (("source", self.srcs), ("receiver", self.receivers)):
            outside = np.argwhere(~grid.contains(coords))
            if outside.size:
                _refuse_outside(grid, label, outside[0], coords)

    def _check_wavelet(self, wav: ArrayLike) -> NDArray[np.float64]:
        samples = np.array(wav, dtype=np.float64)
        if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[0] != self.ns):
            refuse(
                "wav",
                "must be one wavelet (nw,) or one a shot (ns, nw)",
                got=f"shape {samples.shape}",
                do=f"Pass {self.ns} wavelets or a single one",
            )
        if samples.shape[-1] > self.nt:
            refuse(
                "wav",
                f"must not be longer than the record of {self.nt} samples",
                got=f"{samples.shape[-1]} samples",
                do="Cut the wavelet or record longer",
            )
        check_finite("wav", samples)
        return samples

    def _replace(self, **changes: Any) -> "Acquisition":
        fields = {"srcs": self.srcs, "recs": self.recs} | {k: getattr(self, k) for k in _SCALARS}
        fields |= changes
        return Acquisition(fields.pop("srcs"), fields.pop("recs"), **fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Acquisition) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        spread = "fixed spread" if self.recs.ndim == 2 else "receivers by shot"
        return (
            f"Acquisition({self.ns} shots x {self.nr} receivers, {spread}, "
            f"nt={self.nt}, dt={1e3 * self.dt:g} ms, f0={self.f0:.3g} Hz)"
        )


_SCALARS = ("nt", "dt", "wav", "wavc", "f0")


def _coordinates(name: str, coords: ArrayLike, ndims: Sequence[int]) -> NDArray[np.float64]:
    points = np.array(coords, dtype=np.float64)
    if points.ndim not in ndims or points.shape[0] != 2 or points.size == 0:
        refuse(
            name,
            "must have the rows x and z",
            got=f"shape {points.shape}",
            do=f"Pass shape (2, {'ns' if name == 'srcs' else 'nr) or (2, ns, nr'}), in m",
        )
    check_finite(name, points)
    return points


def _at_depth(x: ArrayLike, z: float) -> NDArray[np.float64]:
    x = np.atleast_1d(np.asarray(x, dtype=np.float64))
    return np.stack([x, np.full_like(x, z)])


def _refuse_outside(
    grid: Grid, label: str, which: NDArray[np.int64], coords: NDArray[np.float64]
) -> None:
    x, z = coords[(slice(None), *which)]
    xmin, xmax, zmin, zmax = grid.extent
    refuse(
        "acq",
        f"{label} {int(which[-1])} lies outside the grid "
        f"(x {xmin:g} to {xmax:g} m, z {zmin:g} to {zmax:g} m)",
        got=f"x = {x:g} m, z = {z:g} m",
        do=f"Move the {label} or widen the grid; coordinates are in metres, not in cells",
    )
