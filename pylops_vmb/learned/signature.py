"""The signature of training data: ranges of what can be measured of gathers and predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

QUANTILES = (0.01, 0.5, 0.99)
"""What a range holds of the values that were measured."""

Range = tuple[float, float, float]


@dataclass(frozen=True)
class Signature:
    """What the data that a network was trained on looked like, in numbers that were measured.

    Parameters
    ----------
    samples : :obj:`int`
        Gathers that were measured.
    velocity : :obj:`tuple`
        Lowest and highest velocity of their models in m/s.
    pulse : :obj:`tuple`
        Mean first arrival at the receivers nearest to the sources, from the start of the
        record, at the time step of the network, with a norm of one.
    gathers : :obj:`dict`
        Range of each measure of `pylops_vmb.learned.measures.Gauge`: its quantiles at 1, 50
        and 99 percent.
    predictions : :obj:`dict`, optional
        The same of the predictions for data that the network was not trained on:
        ``at_limits``, the fraction of cells within one percent of an end of the range of
        velocities, and ``data_misfit``, the relative data misfit after prediction.

    See Also
    --------
    signature_of : Measure one.
    """

    samples: int
    velocity: tuple[float, float]
    pulse: tuple[float, ...]
    gathers: dict[str, Range]
    predictions: dict[str, Range] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain lists and numbers, ready for JSON."""
        return {
            "samples": self.samples,
            "velocity": list(self.velocity),
            "pulse": list(self.pulse),
            "gathers": {name: list(found) for name, found in self.gathers.items()},
            "predictions": {name: list(found) for name, found in self.predictions.items()},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Signature":
        """Rebuild it from `to_dict`."""
        low, high = map(float, plain["velocity"])
        return cls(
            samples=int(plain["samples"]),
            velocity=(low, high),
            pulse=tuple(map(float, plain["pulse"])),
            gathers={name: _three(found) for name, found in plain["gathers"].items()},
            predictions={name: _three(found) for name, found in plain["predictions"].items()},
        )


def range_of(values: Sequence[float]) -> Range:
    """Return the quantiles at `QUANTILES` of measured values, to six digits."""
    return _three([float(f"{value:.6g}") for value in np.quantile(values, QUANTILES)])


def _three(values: Any) -> Range:
    low, middle, high = map(float, values)
    return low, middle, high
