"""What the hybrid returns: the triple of an inversion, and where it started and why."""

from collections.abc import Mapping
from typing import Any

from pylops_vmb.inversion import InversionResult, Iteration


class HybridResult(InversionResult):
    """The triple of an inversion, and where it started.

    Attributes
    ----------
    start : {"network", "network, smoothed", "x0", "linear", "profile"}
        Which start was taken.
    starts : :obj:`dict`
        Data misfits of the candidates by name, one a band, the lowest first.
    reason : :obj:`str`
        Why that start, in one sentence.
    """

    start: str
    starts: dict[str, tuple[float, ...]]
    reason: str

    def __new__(
        cls,
        vp: Any,
        *,
        status: str,
        message: str,
        history: tuple[Iteration, ...] = (),
        start: str,
        starts: Mapping[str, tuple[float, ...]],
        reason: str = "",
    ) -> "HybridResult":
        """Make the triple."""
        result = super().__new__(cls, vp, status=status, message=message, history=history)
        assert isinstance(result, HybridResult)
        result.start, result.starts, result.reason = start, dict(starts), reason
        return result

    def __getnewargs_ex__(self) -> tuple[tuple[Any], dict[str, Any]]:
        """Say how to copy or unpickle it."""
        args, words = super().__getnewargs_ex__()
        return args, words | {"start": self.start, "starts": self.starts, "reason": self.reason}
