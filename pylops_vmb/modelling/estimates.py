"""The memory of a gradient, told without building an operator."""

from pylops_vmb.modelling.acoustic import AcousticModelling2D
from pylops_vmb.modelling.memory import MemoryEstimate
from pylops_vmb.survey import Acquisition, Grid


def estimate_memory(
    grid: Grid,
    acq: Acquisition,
    *,
    fmax: float | None = None,
    nbl: int = 20,
    space_order: int = 4,
    max_vel: float = 5500.0,
    memory: str | float | None = None,
    dtype: str = "float32",
) -> MemoryEstimate:
    """Estimate the memory of one gradient without building an operator.

    Parameters
    ----------
    grid : `Grid`
        Where the velocity lives.
    acq : `Acquisition`
        What is shot and recorded.
    fmax : :obj:`float`, optional
        Highest frequency of the residuals in Hz, as in `AcousticModelling2D.for_band`;
        None is for a Jacobian, which stores every step.
    nbl : :obj:`int`, optional
        Width of the absorbing zone in cells.
    space_order : :obj:`int`, optional
        Order of the spatial stencil.
    max_vel : :obj:`float`, optional
        Highest velocity in m/s that will be modelled: it sets the number of time steps.
    memory : :obj:`str` or :obj:`float`, optional
        Budget; by default half of what is free on the host.
    dtype : :obj:`str`, optional
        Precision.

    Returns
    -------
    estimate : `MemoryEstimate`
        Bytes a shot and in all, and how many shots fit; printed, it is a sentence.

    Raises
    ------
    VMBMemoryError
        If not even one shot fits.

    Examples
    --------
    >>> from pylops_vmb.survey import Acquisition, Grid
    >>> grid, acq = Grid.fcnvmb(), Acquisition.fcnvmb()
    >>> plan = estimate_memory(grid, acq, fmax=15.0, memory="4GiB")
    >>> plan.interval, plan.per_shot // 2**20, plan.batch
    (6, 107, 29)
    """
    F = AcousticModelling2D(
        grid,
        acq,
        nbl=nbl,
        space_order=space_order,
        max_vel=max_vel,
        memory=memory,
        dtype=dtype,
    )
    plan = F.plan() if fmax is None else F.for_band(fmax).plan()
    plan.require()
    return plan
