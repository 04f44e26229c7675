"""The card of a network's weights: what they are, what they expect, where they end."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from pylops_vmb._checks import refuse, warn
from pylops_vmb.errors import CardWarning, VMBFileError
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.learned.signature import Signature
from pylops_vmb.survey import Acquisition, Grid

_LONGEST = 10**5
"""Samples of a trace or cells along an axis, beyond which a card is no survey's."""
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class Card:
    """What a user must know of a network before trusting it.

    Parameters
    ----------
    name : :obj:`str`
        Name of the weights.
    network : :obj:`dict`
        ``name`` and ``config`` for `pylops_vmb.networks.build`.
    grid : `Grid`
        Where the predicted velocity lives.
    acq : `Acquisition`
        The survey it was trained on.
    preprocessing : `Preprocessing`
        What happens to the data before the network.
    training : :obj:`dict`, optional
        Data, seeds, settings, seconds.
    metrics : :obj:`dict`, optional
        Measured figures, with their units in the keys.
    limits : :obj:`tuple`, optional
        Sentences that say where the network must not be trusted.
    licence : :obj:`str`, optional
        Of the weights.
    signature : `Signature`, optional
        What the training data looked like, for `LearnedInversion.check`.
    """

    name: str
    network: dict[str, Any]
    grid: Grid
    acq: Acquisition
    preprocessing: Preprocessing
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    licence: str = "LGPL-3.0-or-later"
    signature: Signature | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain lists, numbers and strings, ready for JSON."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        plain |= {
            "grid": asdict(self.grid),
            "acq": self.acq.to_dict(),
            "preprocessing": self.preprocessing.config,
            "limits": list(self.limits),
            "signature": None if self.signature is None else self.signature.to_dict(),
        }
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Card":
        """Rebuild a card from `to_dict`; the signature, which older files lack, may be missing.

        Raises
        ------
        VMBFileError
            If an entry is missing, unknown or of no use.
        """
        known = {entry.name for entry in fields(cls)}
        got = set(plain) if isinstance(plain, Mapping) else {type(plain).__name__}
        if got | {"signature"} != known:
            refuse(
                "card",
                "does not have the entries of this version",
                got=f"missing {sorted(known - got)}, unknown {sorted(got - known)}"[:500],
                do="Use weights written by this version of the package",
                error=VMBFileError,
            )
        try:
            return cls(**_parts(plain))
        except _FAULTS as err:
            refuse(
                "card",
                "has entries that cannot be used",
                got=" ".join(f"{type(err).__name__}: {err}".split())[:300],
                do="Download the weights again, or use some that this package wrote",
                error=VMBFileError,
                cause=err,
            )

    def differences(self, acq: Acquisition) -> list[str]:
        """List where a survey differs from the one of the training, in words.

        Parameters
        ----------
        acq : `Acquisition`
            The survey of the data.

        Returns
        -------
        differences : :obj:`list`
            Sentences; empty if the survey fits.
        """
        found = []
        if abs(acq.f0 - self.acq.f0) > 0.1 * self.acq.f0:
            found.append(f"peak frequency {acq.f0:.3g} Hz instead of {self.acq.f0:.3g} Hz")
        if abs(acq.delay - self.acq.delay) > 0.25 / self.acq.f0:
            found.append(
                f"wavelet delay {1e3 * acq.delay:.0f} ms instead of {1e3 * self.acq.delay:.0f} ms"
            )
        if acq.ns == self.acq.ns:
            away = np.abs(acq.srcs - self.acq.srcs).max()
            if away > max(self.grid.spacing):
                found.append(f"sources up to {away:.0f} m away from those of the training")
        return found

    def check(self, acq: Acquisition) -> None:
        """Warn if a survey differs from that of the training.

        Parameters
        ----------
        acq : `Acquisition`
            The survey of the data.
        """
        found = self.differences(acq)
        if found:
            warn(
                self.name,
                "was trained on another survey",
                got="; ".join(found),
                do="Adapt the data, or train on this survey; check the data misfit of the result",
                category=CardWarning,
            )

    def __str__(self) -> str:
        metrics = ", ".join(f"{key} {value:.4g}" for key, value in self.metrics.items())
        lines = [
            f"{self.name}: {self.network['name']} {self.network['config']}",
            f"  expects {self.acq}",
            f"  gives   {self.grid}",
            f"  metrics {metrics or 'none'}",
            f"  licence {self.licence}",
            *(f"  limit   {limit}" for limit in self.limits),
        ]
        return "\n".join(lines)


def _parts(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a card, after checking what its constructor takes on trust."""
    parts = dict(plain)
    grid = {key: tuple(value) for key, value in plain["grid"].items()}
    parts["grid"] = Grid(**grid)
    parts["acq"] = acq = Acquisition.from_dict(plain["acq"])
    parts["preprocessing"] = Preprocessing(**plain["preprocessing"])
    parts["limits"] = tuple(plain["limits"])
    signature = plain.get("signature")
    parts["signature"] = None if signature is None else Signature.from_dict(signature)
    wanted = {"name": str, "licence": str, "network": dict, "training": dict, "metrics": dict}
    for key, kind in wanted.items():
        if not isinstance(parts[key], kind):
            raise TypeError(f"{key} must be a {kind.__name__}")
    network = parts["network"]
    if not isinstance(network["name"], str) or not isinstance(network["config"], dict):
        raise TypeError("network must have a name and a config")
    if not all(type(value) in (int, float) for value in parts["metrics"].values()):
        raise TypeError("metrics must be numbers")
    if not all(isinstance(limit, str) for limit in parts["limits"]):
        raise TypeError("limits must be sentences")
    if acq.nt > _LONGEST or max(parts["grid"].dims) > _LONGEST:
        raise ValueError(f"{acq.nt} samples and {parts['grid'].dims} cells are more than exist")
    return parts
