"""Learned inversion with the interface of a solver."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import torch
from pylops.optimization.basesolver import Solver

from pylops_vmb._checks import refuse
from pylops_vmb.hybrid.starts import misfit_of
from pylops_vmb.inversion import InversionResult, Iteration
from pylops_vmb.inversion.planning import in_unit
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.operators import NonlinearOperator

_LOGGER = logging.getLogger(__name__)


class Learned(Solver):  # type: ignore[misc]
    """Inversion by a network: one step, the same triple.

    Parameters
    ----------
    G : `LearnedInversion`
        The network.
    F : `NonlinearOperator`, optional
        The modelling; with it, the data misfit of the prediction is computed.
    misfit : {"l2", "l1"}, optional
        How data are compared; 1 is the misfit of zero data.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, step and run.

    Examples
    --------
    >>> import pylops_vmb as vmb
    >>> solver = vmb.Learned(vmb.LearnedInversion.from_pretrained())
    """

    def __init__(
        self,
        G: LearnedInversion,
        F: NonlinearOperator | None = None,
        *,
        misfit: str = "l2",
        callbacks: Sequence[Any] | None = None,
    ) -> None:
        self.F, self._misfit = F, misfit
        self.history: list[Iteration] = []
        super().__init__(G, callbacks=list(callbacks) if callbacks else None)

    def memory_usage(self, show: bool = False, unit: str = "B") -> float:
        """Return the memory of the network's weights; see `FWI.memory_usage`."""
        size = sum(p.numel() * p.element_size() for p in self.Op.net.parameters())
        if show:
            _LOGGER.info("weights: %d bytes", size)
        return in_unit(size, unit)

    def setup(self, dobs: Any, x0: Any = None, *, show: bool = False) -> Any:
        """Keep the data; a starting model is of no use to a network and refused.

        Returns
        -------
        dobs : array
            The data.
        """
        del show
        if x0 is not None:
            refuse(
                "x0",
                "cannot be used by a network alone",
                got="a starting model",
                do="Leave it out, or call hybrid(F, dobs, G, x0)",
            )
        self.dobs, self.iiter, self.history, self.tstart = dobs, 0, [], time.time()
        return dobs

    def step(self, x: Any, show: bool = False) -> Any:
        """Predict.

        Parameters
        ----------
        x : array
            The data (there is nothing else to start from).
        show : :obj:`bool`, optional
            Write a line to the log.

        Returns
        -------
        vp : array
            Velocity ``(nx, nz)`` in m/s.
        """
        with torch.no_grad():
            vp = self.Op(x).reshape(self.Op.dimsd)
        self.iiter += 1
        if self.F is not None:
            value = misfit_of(self.F, self.dobs, vp, misfit=self._misfit)
            seconds = time.time() - self.tstart
            self.history.append(Iteration(1, float("inf"), value, value, 0, seconds))
        if show:
            _LOGGER.info("%s", self.history)
        return vp

    def run(self, x: Any, show: bool = False) -> Any:
        """Run the only step."""
        vp = self.step(x, show=show)
        self.callback(vp)
        return vp

    def solve(self, dobs: Any, x0: Any = None, *, show: bool = False) -> InversionResult:
        """Invert.

        Parameters
        ----------
        dobs : array
            Observed data ``(ns, nr, nt)`` or flat; NumPy, torch or CuPy.
        x0 : None
            There for the common interface; anything else is refused.
        show : :obj:`bool`, optional
            Write a line to the log.

        Returns
        -------
        result : `InversionResult`
            ``vp, niter, cost``; ``cost`` is empty without a modelling operator.
        """
        vp = self.run(self.setup(dobs, x0=x0, show=show), show=show)
        self.finalize()
        return InversionResult(
            vp,
            status="done",
            message="Predicted by a network; compare the data misfit before you trust it.",
            history=tuple(self.history),
        )


def learned(
    G: LearnedInversion,
    dobs: Any,
    x0: Any = None,
    *,
    F: NonlinearOperator | None = None,
    callbacks: Sequence[Any] | None = None,
    show: bool = False,
) -> InversionResult:
    """Invert data by a network: `Learned` as a function.

    Parameters
    ----------
    G : `LearnedInversion`
        The network.
    dobs, x0, show
        As in `Learned.solve`.
    F : `NonlinearOperator`, optional
        The modelling; with it, the data misfit of the prediction is computed.
    callbacks : sequence of :obj:`pylops.optimization.callback.Callbacks`, optional
        Called around setup, step and run.

    Returns
    -------
    result : `InversionResult`
        ``vp, niter, cost``, with status and message.
    """
    return Learned(G, F, callbacks=callbacks).solve(dobs, x0, show=show)
