"""Honest deviations: how often the truth lies within them, and the scale that makes it so."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pylops_vmb._checks import check_choice, check_number, refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.metrics import LAWS, coverage, log_likelihood

LEVELS = (0.5, 0.68, 0.9, 0.95)
"""Probabilities of the intervals that are reported."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """How well standard deviations foretell errors, over all cells of some models.

    Parameters
    ----------
    levels : :obj:`tuple`
        Probabilities of intervals around the prediction.
    covered : :obj:`tuple`
        Shares of the cells whose true velocity lies in them.
    log_likelihood : :obj:`float`
        Mean logarithm of the probability density of the errors, in 1/(m/s).
    correlation : :obj:`float`
        Rank correlation (Spearman) of the deviations with the absolute errors.
    models : :obj:`int`
        How many models.
    """

    levels: tuple[float, ...]
    covered: tuple[float, ...]
    log_likelihood: float
    correlation: float
    models: int

    @classmethod
    def of(cls, error: Any, std: Any, *, law: str) -> "Reliability":
        """Compare errors with deviations, both ``(models, nx, nz)`` in m/s."""
        from scipy.stats import spearmanr  # noqa: PLC0415  keeps the package's import light

        size, std = np.abs(error).ravel(), np.asarray(std)
        varied = np.ptp(size) > 0.0 and np.ptp(std) > 0.0
        return cls(
            levels=LEVELS,
            covered=tuple(map(float, coverage(error, std, LEVELS, law=law))),
            log_likelihood=log_likelihood(error, std, law=law),
            correlation=float(spearmanr(std.ravel(), size).statistic) if varied else 0.0,
            models=len(error),
        )

    def __str__(self) -> str:
        shares = ", ".join(
            f"{100 * level:g} %: {100 * share:.1f} %"
            for level, share in zip(self.levels, self.covered, strict=True)
        )
        return (
            f"in the interval of {shares}; log-likelihood {self.log_likelihood:.3f}, "
            f"rank correlation {self.correlation:.2f} ({self.models} models)"
        )


@dataclass(frozen=True)
class Calibration:
    r"""From the spread of predictions to a standard deviation of their error.

    Parameters
    ----------
    scale : :obj:`float`, optional
        Factor :math:`s` of the spread.
    floor : :obj:`float`, optional
        Least deviation :math:`f`, m/s.
    law : {"laplace", "gaussian"}, optional
        Law of the errors.
    before, after : `Reliability`, optional
        Of the models that the calibration was fitted on.

    Raises
    ------
    VMBValueError
        If a number is negative or the law is unknown.

    Notes
    -----
    :math:`\sigma^2 = s^2 \sigma_0^2 + f^2`.  The floor is what all predictions get wrong
    alike, which no spread can show.

    Examples
    --------
    >>> import torch
    >>> Calibration(scale=2.0, floor=30.0)(torch.tensor([20.0]))
    tensor([50.])
    """

    scale: float = 1.0
    floor: float = 0.0
    law: str = "laplace"
    before: Reliability | None = None
    after: Reliability | None = None

    def __post_init__(self) -> None:
        check_number("scale", self.scale, at_least=0.0)
        check_number("floor", self.floor, at_least=0.0, unit="m/s")
        check_choice("law", self.law, LAWS)

    def __call__(self, std: torch.Tensor) -> torch.Tensor:
        """Return the deviation of a spread, m/s."""
        return torch.hypot(self.scale * std, torch.full_like(std, self.floor))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain lists, numbers and strings, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Calibration":
        """Rebuild it from `to_dict`, also after JSON.

        Raises
        ------
        VMBFileError
            If an entry is missing or unknown.
        """
        parts = _entries(cls, plain)
        for name in ("before", "after"):
            if parts[name] is not None:
                report = _entries(Reliability, parts[name])
                report |= {key: tuple(report[key]) for key in ("levels", "covered")}
                parts[name] = Reliability(**report)
        return cls(**parts)

    def __str__(self) -> str:
        lines = [f"{self.law} law, spread x {self.scale:.3g} and at least {self.floor:.3g} m/s"]
        for name in ("before", "after"):
            if getattr(self, name) is not None:
                lines.append(f"  {name:6} {getattr(self, name)}")
        return "\n".join(lines)


def fit(error: Array, spread: Array, *, law: str = "laplace") -> Calibration:
    r"""Return the calibration under which errors are most likely.

    Parameters
    ----------
    error : :obj:`numpy.ndarray`
        Predicted minus true velocity, ``(models, nx, nz)``, m/s.
    spread : :obj:`numpy.ndarray`
        Raw standard deviations of the same shape, m/s.
    law : {"laplace", "gaussian"}, optional
        Law of the errors.

    Returns
    -------
    calibration : `Calibration`

    Raises
    ------
    VMBValueError
        If all errors are zero, a value is not finite, or the law is unknown.

    Notes
    -----
    Maximum likelihood in :math:`\log s` and :math:`\log f`, by the simplex of Nelder and Mead.

    References
    ----------
    Kuleshov, V., Fenner, N., Ermon, S., 2018. Accurate uncertainties for deep learning using
    calibrated regression. ICML.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  keeps the package's import light

    size = math.sqrt(float(np.square(error).mean()))
    if size == 0.0:
        do = "Calibrate on models that took no part in the training"
        refuse("pairs", "must show errors", got="predictions equal to the truth", do=do)

    def unlikely(logs: Array) -> float:
        scale, floor = np.exp(logs)
        return -log_likelihood(error, np.hypot(scale * spread, floor), law=law)

    width = max(math.sqrt(float(np.square(spread).mean())), 1e-6 * size)
    start = np.log([0.7 * size / width, 0.3 * size])
    bounds = list(zip(start - 7.0, start + 7.0, strict=True))
    found = minimize(unlikely, start, method="Nelder-Mead", bounds=bounds, tol=1e-5)
    scale, floor = (float(value) for value in np.exp(found.x))
    after = Reliability.of(error, np.hypot(scale * spread, floor), law=law)
    before = Reliability.of(error, spread, law=law)
    return Calibration(scale, floor, law, before=before, after=after)


def _entries(cls: Any, plain: Mapping[str, Any]) -> dict[str, Any]:
    known = {entry.name for entry in fields(cls)}
    if set(plain) != known:
        refuse(
            "calibration",
            "does not have the entries of this version",
            got=f"missing {sorted(known - set(plain))}, unknown {sorted(set(plain) - known)}",
            do="Calibrate again with this version of the package",
            error=VMBFileError,
        )
    return dict(plain)
