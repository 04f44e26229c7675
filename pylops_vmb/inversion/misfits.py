"""Data misfits: one value a shot, so that shots can be drawn, batched and shared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from pylops_vmb._checks import check_choice, check_number, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.inversion import comparisons
from pylops_vmb.inversion.processes import ALONE, Team

Comparison = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From modelled and observed data ``(ns, nr, nt)`` to one value a shot ``(ns,)``."""


@dataclass(frozen=True)
class Misfit:
    """A way to compare data.

    Attributes
    ----------
    compare : callable
        From modelled and observed data ``(ns, nr, nt)`` to one value a shot ``(ns,)``.
    broadband : :obj:`bool`
        Whether its residual can hold frequencies that neither data hold.
    """

    compare: Comparison
    broadband: bool = True


MISFITS = {
    "l2": Misfit(comparisons.l2, broadband=False),
    "l1": Misfit(comparisons.l1),
    "huber": Misfit(comparisons.huber),
    "agc": Misfit(comparisons.agc, broadband=False),
    "trace_normalised": Misfit(comparisons.normalised, broadband=False),
    "cross_correlation": Misfit(comparisons.normalised, broadband=False),
    "envelope": Misfit(comparisons.envelope),
}
"""By name; the formulas are in `pylops_vmb.inversion.comparisons`."""

Chosen = str | Comparison | Mapping[str | Comparison, float]
"""A misfit by name, one's own, or several with their weights."""


def parse_misfit(misfit: Chosen) -> list[tuple[Misfit, float]]:
    """Return misfits with their weights.

    Parameters
    ----------
    misfit : :obj:`str` or callable or :obj:`dict`
        A name, a function of modelled and observed data, or several of them with weights.

    Raises
    ------
    VMBValueError
        If a name is unknown, a weight is not positive, or there is none.
    VMBTypeError
        If it is something else.
    """
    if isinstance(misfit, Mapping):
        if not misfit:
            refuse("misfit", "must not be empty", got=misfit, do="Write e.g. {'l2': 1.0}")
        return [(_one(m), check_number("misfit", w, above=0.0)) for m, w in misfit.items()]
    return [(_one(misfit), 1.0)]


def by_band(misfit: Chosen | Sequence[Chosen]) -> tuple[Chosen, ...]:
    """Return the misfits of the bands, the first first; the last one goes on.

    Raises
    ------
    VMBValueError, VMBTypeError
        As `parse_misfit`, or if there is none.
    """
    chosen = tuple(misfit) if isinstance(misfit, list | tuple) else (misfit,)
    if not chosen:
        refuse("misfit", "must not be empty", got=misfit, do="Write e.g. ('l2', 'agc')")
    for one in chosen:
        parse_misfit(one)
    return chosen


def _one(misfit: str | Comparison) -> Misfit:
    if isinstance(misfit, str):
        return MISFITS[check_choice("misfit", misfit, MISFITS)]
    if not callable(misfit):
        refuse(
            "misfit",
            "must be a name, a function, or a dict of them with weights",
            got=type(misfit).__name__,
            do=f"Use one of {', '.join(map(repr, MISFITS))}, or pass f(d, dobs)",
            error=VMBTypeError,
        )
    return Misfit(misfit)


def _by_shot(values: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
    """Return the values of a misfit in float64, if it is one for each shot."""
    if values.shape != dobs.shape[:1]:
        refuse(
            "misfit",
            f"must return one value for each of {len(dobs)} shots, shape {(len(dobs),)}",
            got=f"shape {tuple(values.shape)}",
            do="Sum over receivers and time only: (d - dobs).abs().sum((1, 2))",
        )
    return values.detach().double()


class RelativeMisfit:
    r"""A misfit divided by that of zero data: 1 for no model at all, 0 for a perfect one.

    Parameters
    ----------
    misfit : :obj:`str` or callable or :obj:`dict`
        See `parse_misfit`.  Of several, each is divided by its own value for zero data.
    dobs : :obj:`torch.Tensor`
        Observed data of this member's shots, in the band of the comparison.
    which : :obj:`slice`, optional
        Which shots of the survey they are.
    ns : :obj:`int`, optional
        Number of shots of the survey.
    team : `Team`, optional
        Who holds the other shots.

    Attributes
    ----------
    broadband : :obj:`bool`
        Whether the residual can hold frequencies that neither data hold.

    Raises
    ------
    VMBValueError
        If a name is unknown.

    Notes
    -----
    A trace of `dobs` that is exactly zero recorded nothing and carries no weight, whatever the
    misfit: modelled data are compared in the live traces alone.
    """

    def __init__(
        self,
        misfit: Chosen,
        dobs: torch.Tensor,
        *,
        which: slice | None = None,
        ns: int | None = None,
        team: Team = ALONE,
    ) -> None:
        self._terms = parse_misfit(misfit)
        self.broadband = any(term.broadband for term, _ in self._terms)
        which = which or slice(0, len(dobs))

        def of_zero_data() -> list[torch.Tensor]:
            shares = torch.zeros(
                len(self._terms), ns or len(dobs), dtype=torch.float64, device=dobs.device
            )
            for share, (term, _) in zip(shares, self._terms, strict=True):
                if len(dobs):
                    share[which] = _by_shot(term.compare(torch.zeros_like(dobs), dobs), dobs)
            return [shares]

        (self._zero,) = team.sum(of_zero_data)
        self.draw(None)

    def draw(self, count: int | None) -> None:
        """Expect so many shots of the survey instead of all: their sum then stands for all."""
        fraction = 1.0 if count is None else count / self._zero.shape[1]
        zero = fraction * self._zero.sum(1)
        self._whole = zero.clamp(min=torch.finfo(torch.float32).tiny).tolist()

    def __call__(self, d: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
        """Return the sum over the live traces of some of the shots, a scalar."""
        return self._sum(comparisons.live(dobs) * d, dobs)

    def bend(self, dd: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
        """Return the sum of a change of the data alone, over the traces where `dobs` is live."""
        return self._sum(comparisons.live(dobs) * dd, torch.zeros_like(dd))

    def _sum(self, d: torch.Tensor, dobs: torch.Tensor) -> torch.Tensor:
        shares = [
            term.compare(d, dobs).sum() * (weight / whole)
            for (term, weight), whole in zip(self._terms, self._whole, strict=True)
        ]
        return torch.stack(shares).sum()
