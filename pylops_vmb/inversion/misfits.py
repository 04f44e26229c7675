"""Data misfits: sums over traces, so that batches of shots add up."""

from collections.abc import Callable

import torch

from pylops_vmb._checks import check_choice

Misfit = Callable[[torch.Tensor], torch.Tensor]


def _l2(residual: torch.Tensor) -> torch.Tensor:
    return 0.5 * residual.square().sum()


def _l1(residual: torch.Tensor) -> torch.Tensor:
    return residual.abs().sum()


MISFITS: dict[str, Misfit] = {"l2": _l2, "l1": _l1}


class RelativeMisfit:
    r"""A misfit divided by that of zero data: 1 for no model at all, 0 for a perfect one.

    Parameters
    ----------
    name : {"l1", "l2"}
        :math:`\sum |r|` or :math:`\tfrac12 \sum r^2`.
    dobs : :obj:`torch.Tensor`
        Observed data of all shots, in the band of the comparison.

    Raises
    ------
    VMBValueError
        If the name is unknown.
    """

    def __init__(self, name: str, dobs: torch.Tensor) -> None:
        self._misfit = MISFITS[check_choice("misfit", name, MISFITS)]
        self._whole = self._misfit(dobs).clamp(min=torch.finfo(dobs.dtype).tiny)

    def __call__(self, d: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
        """Return the misfit of some of the shots."""
        return self._misfit(d - dobs) / self._whole
