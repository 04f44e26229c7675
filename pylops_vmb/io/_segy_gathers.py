"""Shot gathers of a SEG-Y file, one at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pylops_vmb._checks import refuse, warn
from pylops_vmb.errors import DataWarning, VMBFileError
from pylops_vmb.io._segy_folder import Where, open_layout
from pylops_vmb.io._segy_scan import DEAD, positions, scan
from pylops_vmb.io._segy_survey import Options, find_survey
from pylops_vmb.io._segy_traces import Headers, delays, depths, headers, samples
from pylops_vmb.survey import Acquisition, band, ricker

Wavelet = tuple[NDArray[np.float64], int, float | None]


class GatherFile:
    """Shot gathers that stay in their file until they are asked for; see `open_gathers`.

    Iterate over it, or index it by the number of a shot, for pairs ``(d, acq)``: the
    gather ``(1, nr, nt)`` and its `Acquisition`.

    Attributes
    ----------
    name : :obj:`str`
        Name of the file, or of the folder of files.
    nt, dt : :obj:`int`, :obj:`float`
        Samples of a record and time step in s.
    srcs : :obj:`numpy.ndarray`
        Sources, ``(2, ns)``, rows x and z in m.
    nrs : :obj:`numpy.ndarray`
        Number of receivers of each shot, ``(ns,)``.
    shot_key : :obj:`str`
        What tells shots apart.
    doubts : :obj:`tuple`
        What the file says and need not be true, as sentences.
    """

    def __init__(
        self,
        path: Where,
        *,
        options: Options,
        f0: float | None = None,
        wav: ArrayLike | None = None,
        wavc: int = 0,
    ) -> None:
        self._layout = open_layout(path)
        self._survey = find_survey(self._layout, scan(self._layout), options)
        self.name = self._layout.name
        self.nt, self.dt = self._survey.nt, self._survey.dt
        self.srcs, self.nrs = self._survey.srcs, self._survey.nrs
        self.shot_key = self._survey.key
        self.doubts = tuple(doubt.sentence(self.name) for doubt in self._survey.doubts)
        self._wavelet: Wavelet | None = None
        if wav is not None:
            self._wavelet = np.asarray(wav, np.float64), wavc, f0
        elif f0 is not None:
            self._wavelet = *ricker(f0, self.dt), f0
        for doubt in self._survey.doubts:
            doubt.warn(self.name)

    def __len__(self) -> int:
        return len(self._survey.shots)

    def __iter__(self) -> Iterator[tuple[NDArray[Any], Acquisition]]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, shot: int) -> tuple[NDArray[Any], Acquisition]:
        which = range(len(self))[shot]
        d, recs = self.shot(which)
        wav, wavc, f0 = self.wavelet(d)
        return d[None], Acquisition(
            self.srcs[:, which : which + 1],
            recs,
            nt=self.nt,
            dt=self.dt,
            wav=wav[which : which + 1] if wav.ndim == 2 else wav,
            wavc=wavc,
            f0=f0,
        )

    def __repr__(self) -> str:
        least, most = self.nrs.min(), self.nrs.max()
        receivers = f"{most}" if least == most else f"{least} to {most}"
        return (
            f"GatherFile({self.name}: {len(self)} shots by {self.shot_key} x {receivers} "
            f"receivers, nt={self.nt}, dt={1e3 * self.dt:g} ms)"
        )

    def wavelet(self, d: NDArray[Any]) -> Wavelet:
        """Return wavelet, sample of its time zero and peak frequency, guessed once from ``d``."""
        if self._wavelet is None:
            f0 = self._peak_frequency(d)
            self._wavelet = *ricker(f0, self.dt), f0
        return self._wavelet

    def shot(self, which: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return traces ``(nr, nt)`` and receivers ``(2, nr)`` of a shot, in the file's order."""
        head = self._headers(which)
        d = np.concatenate([samples(self._layout, *piece) for piece in self._pieces(which)])
        d[np.isin(head["trid"], DEAD)] = 0.0
        return self._from_time_zero(d, head), self._receivers(head)

    def places(self, which: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return receivers ``(2, nr)`` and channels ``(nr,)`` of a shot, without its traces."""
        head = self._headers(which)
        return self._receivers(head), head["tracf"].astype(np.int64)

    def _pieces(self, which: int) -> list[tuple[int, int]]:
        return [(int(run["start"]), int(run["stop"])) for run in self._survey.shots[which]]

    def _headers(self, which: int) -> Headers:
        return np.concatenate([headers(self._layout, *piece) for piece in self._pieces(which)])

    def _receivers(self, head: Headers) -> NDArray[np.float64]:
        _, _, x, y = positions(self._layout, head)
        recs = np.stack([self._survey.line.project(x, y), depths(head, self._layout.metre)[1]])
        self._check_spread(recs)
        return recs

    def _from_time_zero(self, d: NDArray[Any], head: Headers) -> NDArray[Any]:
        """Move traces to their time after the shot."""
        if self._survey.early is None:
            return d
        late = np.rint(delays(head) / self.dt).astype(np.int64)
        if self.nt == d.shape[1] and not late.any():
            return d
        moved = np.zeros((len(d), self.nt), d.dtype)
        for number in np.unique(late):
            which, first = late == number, max(int(number), 0)
            piece = d[which, max(-int(number), 0) : max(self.nt - int(number), 0)]
            moved[which, first : first + piece.shape[1]] = piece
        return moved

    def _check_spread(self, recs: NDArray[np.float64]) -> None:
        if recs.shape[1] > 1 and not np.ptp(recs, axis=1).any():
            refuse(
                self.name,
                "holds no receiver positions: all receivers of a shot stand at one place",
                got=f"x = {recs[0, 0]:g} m for {recs.shape[1]} receivers",
                do="Write receiver x into bytes 81-84",
                error=VMBFileError,
            )

    def _peak_frequency(self, d: NDArray[Any]) -> float:
        if not np.isfinite(d).all():
            refuse(
                self.name,
                "holds samples that are no numbers, and no wavelet can be guessed from it",
                got=f"{int((~np.isfinite(d)).sum())} NaN or infinite samples",
                do="Pass f0=, or repair the file",
                error=VMBFileError,
            )
        largest = float(np.abs(d).max())
        f0 = band(d / largest if largest > 0.0 else d, self.dt)[1]
        if f0 <= 0.0:
            do = "Pass f0=, or wav= and wavc="
            wrong = "is strongest at zero frequency, and no wavelet can be guessed from it"
            refuse(self.name, wrong, got=f"{f0:g} Hz", do=do, error=VMBFileError)
        warn(
            self.name,
            "holds no source wavelet; a Ricker of the data's peak frequency is taken",
            got=f"{f0:.3g} Hz",
            do="Pass f0=, or wav= and wavc=, to read_gathers",
            category=DataWarning,
        )
        return f0
