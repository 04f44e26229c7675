"""One inversion by any of the three methods, timed and judged."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.cli._messages import say
from pylops_vmb.hybrid import hybrid, learned
from pylops_vmb.inversion import InversionResult, fwi
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.metrics import relative_l2, scores
from pylops_vmb.modelling import AcousticModelling2D

METHODS = ("learned", "fwi", "hybrid")


@dataclass(frozen=True)
class Job:
    """Data to invert, and what to invert them with.

    Parameters
    ----------
    F : `AcousticModelling2D`
        The modelling.
    data : array
        Gathers ``(ns, nr, nt)``.
    G : `LearnedInversion`, optional
        The network, for this survey.
    true : array, optional
        The true velocity ``(nx, nz)`` in m/s, to judge by and for nothing else.
    """

    F: AcousticModelling2D
    data: Any
    G: LearnedInversion | None = None
    true: Any = None

    def solve(
        self,
        method: str,
        *,
        x0: Any = None,
        checkpoint: Path | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> tuple[InversionResult, dict[str, Any]]:
        """Invert by one method.

        Parameters
        ----------
        method : {"learned", "fwi", "hybrid"}
            Which one.
        x0 : array, optional
            Start of FWI, or fallback of the hybrid.
        checkpoint : :obj:`pathlib.Path`, optional
            File that a long run is saved to.
        settings : :obj:`dict`, optional
            See `FWISettings`.

        Returns
        -------
        result : `InversionResult`
            As the method returned it.
        figures : :obj:`dict`
            A line of the table.
        """
        more = {"x0": x0, "checkpoint": checkpoint, "show": True} | dict(settings or {})
        started = time.perf_counter()
        match method:
            case "learned":
                result = learned(self._network, self.data)
            case "fwi":
                result = fwi(self.F, self.data, **more)
            case _:
                result = hybrid(self.F, self.data, self._network, **more)
        seconds = time.perf_counter() - started
        say(f"{method}: {result.status}. {result.message}")
        figures = self.judge(result.vp) | {"iterations": result.niter, "seconds": seconds}
        return result, {"method": method, "start": _start(method, result, x0)} | figures

    def judge(self, vp: Any) -> dict[str, Any]:
        """Return data misfit (relative L2) and, where the truth is known, errors."""
        with torch.no_grad():
            figures = {"data_misfit": relative_l2(self.F(vp), self.data)}
        if self.true is None:
            return figures
        found = scores(vp, self.true)
        return {
            "mae_m_s": found["mae"],
            "rmse_m_s": found["rmse"],
            "mae_1500": found["mae"] / 1500.0,
            "ssim": found["ssim"],
            "ssim_uniform": found["ssim_uniform"],
        } | figures

    @property
    def _network(self) -> LearnedInversion:
        assert self.G is not None
        return self.G


def check_device(device: str) -> None:
    """Refuse a CUDA device where there is none."""
    if device != "cpu" and not torch.cuda.is_available():
        refuse("--device", "needs a CUDA device", got=device, do="Use --device cpu")


def progress(result: InversionResult) -> list[dict[str, Any]]:
    """Return the history of an inversion for JSON; None is the full band."""
    return [
        {
            "iteration": entry.number,
            "band_hz": None if math.isinf(entry.band) else entry.band,
            "misfit": entry.misfit,
            "objective": entry.objective,
            "seconds": entry.seconds,
        }
        for entry in result.history
    ]


def _start(method: str, result: InversionResult, x0: Any) -> str | None:
    if method == "learned":
        return None
    taken = str(getattr(result, "start", "linear" if x0 is None else "x0"))
    return "given model" if taken == "x0" else taken
