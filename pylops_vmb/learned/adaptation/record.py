"""What was done to data on their way to another survey, step by step, with numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pylops_vmb.survey import Acquisition


@dataclass(frozen=True)
class Step:
    """One step of an adaptation.

    Parameters
    ----------
    name : :obj:`str`
        Of the step, e.g. "wavelet".
    what : :obj:`str`
        What was done, in words.
    figures : :obj:`dict`, optional
        Numbers, with their units in the keys.

    Examples
    --------
    >>> print(Step("time", "4 ms to 1 ms", {"samples": 1000}))
    time: 4 ms to 1 ms (samples 1000)
    """

    name: str
    what: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain words and numbers, ready for JSON."""
        return {"name": self.name, "what": self.what, "figures": dict(self.figures)}

    def __str__(self) -> str:
        numbers = ", ".join(f"{key} {_word(value)}" for key, value in self.figures.items())
        return f"{self.name}: {self.what}" + (f" ({numbers})" if numbers else "")


class Steps(tuple[Step, ...]):
    """The steps in their order; printed, one line each.

    Examples
    --------
    >>> print(Steps([Step("sorting", "3 shots"), Step("mute", "not asked for")]))
    sorting: 3 shots
    mute: not asked for
    """

    __slots__ = ()

    def to_list(self) -> list[dict[str, Any]]:
        """Return the steps as plain words and numbers, ready for JSON."""
        return [step.to_dict() for step in self]

    def __getitem__(self, which: Any) -> Any:
        if not isinstance(which, str):
            return super().__getitem__(which)
        for step in self:
            if step.name == which:
                return step
        raise KeyError(which)

    def __str__(self) -> str:
        return "\n".join(map(str, self))


class Adapted(tuple[Any, Acquisition]):
    """The pair ``(data, acq)`` with the record of what was done.

    Parameters
    ----------
    data : array
        Gathers ``(ns, nr, nt)``, in the kind of the input.
    acq : `Acquisition`
        Their survey.
    steps : iterable of `Step`, optional
        The record.

    Attributes
    ----------
    data, acq
        The two entries by name.
    steps : `Steps`
        The record: printed, one line a step; ``steps.to_list()`` goes into JSON.
    """

    steps: Steps

    def __new__(cls, data: Any, acq: Acquisition, steps: Any = ()) -> "Adapted":
        """Make the pair."""
        pair = super().__new__(cls, (data, acq))
        pair.steps = Steps(steps)
        return pair

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Say how to copy or unpickle it."""
        return (self.data, self.acq), {"steps": tuple(self.steps)}

    @property
    def data(self) -> Any:
        """Gathers ``(ns, nr, nt)``."""
        return self[0]

    @property
    def acq(self) -> Acquisition:
        """Their survey."""
        return self[1]

    def __iter__(self) -> Iterator[Any]:
        return super().__iter__()

    def __repr__(self) -> str:
        return f"Adapted({tuple(self.data.shape)}, {self.acq!r}, {len(self.steps)} steps)"


def _word(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
