"""Statistics that a network may need before training, from the training set alone."""

import math
from dataclasses import dataclass

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.training.datasets.samples import Samples


@dataclass(frozen=True)
class Statistics:
    """What `statistics` finds; the keywords of the networks that predict velocity.

    Parameters
    ----------
    data_scale : :obj:`float`
        Root mean square of the network's input.
    vp_range : :obj:`tuple`
        Slowest and fastest velocity in m/s.
    """

    data_scale: float
    vp_range: tuple[float, float]


def statistics(
    data: Samples, *, preprocessing: Preprocessing, count: int | None = None
) -> Statistics:
    """Measure a training set, sample by sample; memory does not grow with its size.

    Parameters
    ----------
    data : `Samples`
        The training set: statistics of validation samples would leak into the network.
    preprocessing : `Preprocessing`
        Its scaling and gain come before the network.
    count : :obj:`int`, optional
        Look at so many samples, spread evenly over the set; by default at all.

    Returns
    -------
    statistics : `Statistics`

    Raises
    ------
    VMBValueError
        If the set is empty, holds no signal, or all velocities are equal.

    Examples
    --------
    >>> import torch
    >>> pair = torch.full((2, 30, 10), 3.0), torch.linspace(1500.0, 4000.0, 40).view(1, 8, 5)
    >>> statistics([pair], preprocessing=Preprocessing(scale="none"))
    Statistics(data_scale=3.0, vp_range=(1500.0, 4000.0))
    """
    size = len(data)
    count = size if count is None else min(size, check_integer("count", count, at_least=1))
    squares, low, high = 0.0, math.inf, -math.inf
    for number in range(count):
        d, vp = data[number * size // count]
        squares += float(preprocessing.normalise(d).double().square().mean())
        low, high = min(low, float(vp.min())), max(high, float(vp.max()))
    if not (squares > 0.0 and low < high):
        refuse(
            "data",
            "must hold signal and more than one velocity",
            got=f"{count} samples, mean square {squares:g}, velocities {low:g} to {high:g} m/s",
            do="Check how the data set was made",
        )
    return Statistics(math.sqrt(squares / count), (low, high))
