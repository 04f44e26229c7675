"""Which shots an iteration compares, where not all: spread out, and each as often as any other."""

import math

import numpy as np

from pylops_vmb._checks import refuse


class Subsets:
    """Random subsets of the shots of a survey, without replacement.

    Parameters
    ----------
    ns : :obj:`int`
        Number of shots.
    count : :obj:`int`
        How many a draw may take.
    seed : sequence of :obj:`int`
        Another seed draws otherwise; the same one draws the same, wherever it is asked.

    Attributes
    ----------
    epoch : :obj:`int`
        Draws after which every shot was taken once more.

    Raises
    ------
    VMBValueError
        If there are not so many shots.

    Notes
    -----
    Neighbours differ least, so they are kept apart: the shots are cut, in their order, into
    groups as long as an epoch, and each group deals one shot to each draw of the epoch.

    Examples
    --------
    >>> subsets = Subsets(6, 2, seed=(0,))
    >>> subsets.epoch, sorted(shot for draw in range(3) for shot in subsets[draw])
    (3, [0, 1, 2, 3, 4, 5])
    """

    def __init__(self, ns: int, count: int, *, seed: tuple[int, ...]) -> None:
        if count > ns:
            refuse(
                "shots",
                f"must not exceed the {ns} shots of the survey",
                got=count,
                do="Choose fewer, or None for all",
            )
        self.epoch = math.ceil(ns / count)
        self._ns, self._seed = ns, seed

    def __getitem__(self, draw: int) -> list[int]:
        """Return the shots of a draw, in their order."""
        epoch, turn = divmod(draw, self.epoch)
        rng = np.random.default_rng((*self._seed, epoch))
        groups = [np.arange(i, i + self.epoch) for i in range(0, self._ns, self.epoch)]
        dealt = [int(rng.permutation(group)[turn]) for group in groups]
        return [shot for shot in dealt if shot < self._ns]
