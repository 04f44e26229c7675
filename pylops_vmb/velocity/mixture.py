"""Mixtures of generators, reproducible by index."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pylops_vmb._checks import check_number, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.velocity.base import Array, VelocityGenerator


@dataclass(frozen=True, init=False)
class Mixture(VelocityGenerator):
    """Draw every model from one of several generators.

    Parameters
    ----------
    members : mapping or iterable
        ``{generator: weight}`` or pairs ``(weight, generator)``, all of one grid. Weights are
        relative. The seeds of the members play no part; the mixture's does.
    seed : int
        Seed of the whole sequence.

    Examples
    --------
    >>> from pylops_vmb.velocity import CurvedLayers, FlatLayers, Mixture
    >>> dims = (32, 24)
    >>> gen = Mixture([(1, FlatLayers(dims)), (3, CurvedLayers(dims))], seed=5)
    >>> gen.batch(10, 2).shape, type(gen.member(10)).__name__
    ((2, 32, 24), 'FlatLayers')
    """

    members: tuple[tuple[float, VelocityGenerator], ...]

    def __init__(
        self,
        members: Mapping[VelocityGenerator, float] | Iterable[tuple[float, VelocityGenerator]],
        *,
        seed: int = 0,
    ) -> None:
        checked = _check_members(members)
        ranges = np.array([member.vp_range for _, member in checked])
        vp_range = (float(ranges[:, 0].min()), float(ranges[:, 1].max()))
        self._set(members=checked, dims=checked[0][1].dims, seed=seed, vp_range=vp_range)
        self.__post_init__()

    @property
    def config(self) -> dict[str, Any]:
        """Everything that `from_config` needs, in types that JSON can hold."""
        members = [[weight, member.config] for weight, member in self.members]
        return {"family": "Mixture", "seed": self.seed, "members": members}

    def member(self, index: int) -> VelocityGenerator:
        """Return the generator that draws model ``index``."""
        return self._choose(self._rng(index))

    def _choose(self, rng: np.random.Generator) -> VelocityGenerator:
        weights = np.array([weight for weight, _ in self.members])
        return self.members[int(rng.choice(len(weights), p=weights / weights.sum()))][1]

    def _draw(self, rng: np.random.Generator) -> Array:
        return self._choose(rng).draw(rng).astype(np.float64)


def _check_members(members: Any) -> tuple[tuple[float, VelocityGenerator], ...]:
    """Return pairs of a positive weight and a generator, all of one grid."""
    if isinstance(members, Mapping):
        members = [(weight, member) for member, weight in members.items()]
    checked = tuple((check_number("weight", w, above=0.0), _check_member(m)) for w, m in members)
    grids = {member.dims for _, member in checked}
    if len(grids) != 1:
        do = "Pass at least one generator, and build all with the same dims"
        refuse("members", "must share one grid", got=f"dims {sorted(grids)}", do=do)
    return checked


def _check_member(member: Any) -> VelocityGenerator:
    if not isinstance(member, VelocityGenerator):
        do = "Pass {generator: weight} or pairs (weight, generator)"
        got = type(member).__name__
        refuse("members", "must hold generators", got=got, do=do, error=VMBTypeError)
    return member
