"""What an inversion returns: PyLops' triple, with words."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Iteration(NamedTuple):
    """One line of the history of an inversion.

    Attributes
    ----------
    number : :obj:`int`
        Counted over all bands, from 1.
    band : :obj:`float`
        Low-pass corner in Hz, infinite for the full band.
    misfit : :obj:`float`
        Data misfit in this band; 1 is that of zero data.
    objective : :obj:`float`
        Misfit plus regularisation.
    evaluations : :obj:`int`
        Gradients computed so far in this band, and products with a Gauss-Newton Hessian.
    seconds : :obj:`float`
        Since the start.
    """

    number: int
    band: float
    misfit: float
    objective: float
    evaluations: int
    seconds: float


class InversionResult(tuple[Any, int, NDArray[np.float64]]):
    """The triple ``(vp, niter, cost)`` with a status, a message and a history.

    Parameters
    ----------
    vp : array
        Velocity ``(nx, nz)`` in m/s, in the kind of the data.
    status : {"done", "converged", "stalled", "interrupted", "overfitted"}
        Why the inversion ended; "overfitted" where shots were held out.
    message : :obj:`str`
        The same in words, with what to do next.
    history : :obj:`tuple`, optional
        One `Iteration` each.

    Attributes
    ----------
    vp, niter, cost
        The three entries by name; ``cost`` is the data misfit by iteration.

    Examples
    --------
    >>> import numpy as np
    >>> result = InversionResult(np.zeros((2, 2)), status="done", message="Nothing to do.")
    >>> vp, niter, cost = result
    >>> niter, cost.shape, result.status
    (0, (0,), 'done')
    """

    status: str
    message: str
    history: tuple[Iteration, ...]

    def __new__(
        cls, vp: Any, *, status: str, message: str, history: tuple[Iteration, ...] = ()
    ) -> "InversionResult":
        """Make the triple; count and cost follow from the history."""
        cost = np.array([entry.misfit for entry in history], dtype=np.float64)
        result = super().__new__(cls, (vp, len(history), cost))
        result.status, result.message, result.history = status, message, tuple(history)
        return result

    def __getnewargs_ex__(self) -> tuple[tuple[Any], dict[str, Any]]:
        """Say how to copy or unpickle it."""
        words = {"status": self.status, "message": self.message, "history": self.history}
        return (self.vp,), words

    @property
    def vp(self) -> Any:
        """Velocity ``(nx, nz)`` in m/s."""
        return self[0]

    @property
    def niter(self) -> int:
        """Number of iterations."""
        return self[1]

    @property
    def cost(self) -> NDArray[np.float64]:
        """Data misfit by iteration, shape ``(niter,)``."""
        return self[2]

    def __repr__(self) -> str:
        final = f", misfit {self.cost[-1]:.4g}" if self.niter else ""
        return (
            f"InversionResult({self.status} after {self.niter} iterations{final}: {self.message})"
        )
