"""The signature of a training, measured for the card of its network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from pylops_vmb._backend import generator
from pylops_vmb.learned import LearnedInversion, predictions_of, signature_of
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.training.datasets import Samples
from pylops_vmb.training.datasets.samples import Pair

_TRAINING, _HELD_OUT = 1000, 100
"""At most so many samples are measured, and predicted."""


def with_signature(
    G: LearnedInversion,
    data: Samples,
    held_out: Samples,
    *,
    augment: Callable[..., Any] | None = None,
    F: NonlinearOperator | None = None,
) -> LearnedInversion:
    """Return a network whose card tells what its training data looked like.

    Parameters
    ----------
    G : `LearnedInversion`
        The trained network.
    data : `Samples`
        What it was trained on; a thousand samples, evenly taken, are measured.
    held_out : `Samples`
        What it was not trained on; a hundred are predicted.
    augment : callable, optional
        The augmentation of the training; it acts on all samples, and on what `F` models of
        the predictions, with the same random numbers.
    F : `NonlinearOperator`, optional
        The modelling: it tells how well the predictions explain the data.

    Returns
    -------
    G : `LearnedInversion`
        The same network, with a card for `LearnedInversion.check`.

    See Also
    --------
    pylops_vmb.learned.signature_of : What is measured.
    """
    trained, predicted = _View(data, _TRAINING, augment), _View(held_out, _HELD_OUT, augment)
    card = G.card
    signature = signature_of(trained, card.acq, card.preprocessing)

    def model(number: int, vp: torch.Tensor) -> torch.Tensor:
        assert F is not None
        d = card.preprocessing.decimate(F(vp.to(F.device)).reshape(F.dimsd).cpu())
        return predicted.changed(number, d, vp.T[None])[0]

    predictions = predictions_of(
        G, predicted, signature.velocity, model=None if F is None else model
    )
    signature = replace(signature, predictions=predictions)
    return LearnedInversion(G.net, replace(card, signature=signature), device=G.device)


class _View:
    """Some samples of a set, evenly taken, augmented with chance of their own."""

    def __init__(self, data: Samples, most: int, augment: Callable[..., Any] | None) -> None:
        count = min(len(data), most)
        self._rows = [number * len(data) // count for number in range(count)] if count else []
        self._data, self._augment = data, augment

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int, /) -> Pair:
        return self.changed(index, *self._data[self._rows[index]])

    def changed(self, number: int, d: torch.Tensor, vp: torch.Tensor) -> Pair:
        """Return a sample as the augmentation changes the one of this number."""
        if self._augment is None:
            return d, vp
        changed: Pair = self._augment(d, vp, generator(number))
        return changed
