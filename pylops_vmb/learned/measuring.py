"""Measure the signature of a training: its gathers, and a network's predictions."""

from collections.abc import Callable
from typing import Protocol

import torch

from pylops_vmb._checks import refuse
from pylops_vmb.learned.inversion import LearnedInversion
from pylops_vmb.learned.measures import Gauge, at_limits, data_misfit
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.learned.signature import Range, Signature, range_of
from pylops_vmb.survey import Acquisition


class Pairs(Protocol):
    """Decimated gathers ``(ns, nt, nr)`` and velocity ``(1, nz, nx)`` in m/s, by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, torch.Tensor]: ...


def signature_of(samples: Pairs, acq: Acquisition, preprocessing: Preprocessing) -> Signature:
    """Measure gathers that a network was, or will be, trained on.

    Parameters
    ----------
    samples : sequence
        Pairs of decimated gathers ``(ns, nt, nr)`` and velocity ``(1, nz, nx)`` in m/s, as a
        data set returns them; a thousand are enough.
    acq : `Acquisition`
        Their survey.
    preprocessing : `Preprocessing`
        How they were decimated.

    Returns
    -------
    signature : `Signature`
        Without predictions.

    Raises
    ------
    VMBValueError
        If there are no samples.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.learned import Preprocessing, signature_of
    >>> from pylops_vmb.survey import Acquisition
    >>> acq = Acquisition.fixed_spread([0.0], [0.0, 50.0], nt=200, dt=0.002, f0=20.0)
    >>> d = torch.randn(1, 200, 2, generator=torch.Generator().manual_seed(0))
    >>> found = signature_of([(d, torch.full((1, 4, 4), 2000.0))], acq, Preprocessing())
    >>> found.samples, found.velocity, found.gathers["dead"]
    (1, (2000.0, 2000.0), (0.0, 0.0, 0.0))
    """
    if len(samples) == 0:
        refuse("samples", "must hold gathers to measure", got="none", do="Pass some")
    pairs = [samples[number] for number in range(len(samples))]
    ends = [(float(vp.min()), float(vp.max())) for _, vp in pairs]
    velocity = min(low for low, _ in ends), max(high for _, high in ends)
    gauge = Gauge(acq, preprocessing, velocity[1])
    pulse = torch.stack([gauge.pulses(d.double()).mean(0) for d, _ in pairs]).mean(0)
    pulse = pulse / pulse.norm()
    found = [gauge(d, pulse) for d, _ in pairs]
    return Signature(
        samples=len(pairs),
        velocity=velocity,
        pulse=tuple(float(f"{value:.5g}") for value in pulse),
        gathers={name: range_of([one[name] for one in found]) for name in found[0]},
    )


@torch.no_grad()
def predictions_of(
    G: LearnedInversion,
    samples: Pairs,
    velocity: tuple[float, float],
    *,
    model: Callable[[int, torch.Tensor], torch.Tensor] | None = None,
) -> dict[str, Range]:
    """Measure what a network predicts for data that it was not trained on.

    Parameters
    ----------
    G : `LearnedInversion`
        The network.
    samples : sequence
        Pairs as in `signature_of`, of a validation set.
    velocity : :obj:`tuple`
        Lowest and highest velocity of the training in m/s.
    model : callable, optional
        ``model(number, vp)`` returns decimated gathers ``(ns, nt, nr)`` of a velocity
        ``(nx, nz)``, made as those of that sample were.

    Returns
    -------
    predictions : :obj:`dict`
        For `Signature`: ``at_limits``, and with `model` also ``data_misfit``.

    Raises
    ------
    VMBValueError
        If there are no samples.
    """
    if len(samples) == 0:
        refuse("samples", "must hold gathers to predict from", got="none", do="Pass some")
    limits, misfits = [], []
    for number in range(len(samples)):
        d = samples[number][0]
        vp = G.net(G.card.preprocessing.normalise(d)[None])[0, 0].T
        limits.append(at_limits(vp, velocity))
        if model is not None:
            misfits.append(data_misfit(model(number, vp), d))
    found = {"at_limits": range_of(limits)}
    return found | ({"data_misfit": range_of(misfits)} if misfits else {})
