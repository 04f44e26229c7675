"""Uncertainty of a single network: its predictions spread when some channels are dropped."""

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from pylops_vmb._backend import generator
from pylops_vmb._checks import check_integer, check_number, refuse
from pylops_vmb.learned._copies import Copies
from pylops_vmb.learned.calibration import Calibration
from pylops_vmb.learned.ensemble import Ensemble
from pylops_vmb.learned.inversion import LearnedInversion
from pylops_vmb.operators import Linearization
from pylops_vmb.survey import Acquisition

_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU)


class Dropout(Ensemble):
    r"""A network with the spread of Monte-Carlo dropout: thinned copies of it as an `Ensemble`.

    Parameters
    ----------
    G : `LearnedInversion`
        The network; it need not have been trained with dropout.
    p : :obj:`float`, optional
        Probability by which a channel is dropped, above 0 and below 1; small, for a network
        that was trained without dropout.
    draws : :obj:`int`, optional
        Thinned networks, at least two; `spread` costs that many predictions.
    seed : :obj:`int`, optional
        Seed of the dropped channels.
    calibration : `Calibration`, optional
        From spread to deviation; see `Ensemble.calibrated`.

    Attributes
    ----------
    G : `LearnedInversion`
        The whole network.

    Raises
    ------
    VMBValueError
        If a number is out of range, or the network has no activation to drop channels after.

    Notes
    -----
    The prediction and its Jacobian are those of the whole network, so that asking for a
    deviation never makes a prediction worse.  A draw zeroes every channel after every
    activation with probability `p` and divides the others by :math:`1 - p`.  The channels of
    a draw follow from the seed alone: the same data give the same deviation, on any device.

    In a network trained with dropout the draws sample an approximate posterior of its weights
    (Gal and Ghahramani 2016).  A network trained without it has never had to do without a
    channel: its draws measure how much a prediction hangs on single channels, a sensitivity
    that foretells errors in part only, and their size means nothing until `calibrated`.  Few
    channels must go: in the network that ships with the package a tenth takes the mean of the
    draws far from the prediction, while 0.005 and 0.02, once calibrated, explain the errors of
    held-out models equally well.

    References
    ----------
    Gal, Y., Ghahramani, Z., 2016. Dropout as a Bayesian approximation: representing model
    uncertainty in deep learning. ICML.

    Tompson, J. et al., 2015. Efficient object localization using convolutional networks. CVPR.

    Examples
    --------
    >>> from pylops_vmb.learned import Dropout, LearnedInversion
    >>> Dropout(LearnedInversion.from_pretrained(), draws=4)
    <4900x350000 Dropout of fcnvmb-mini with dtype=float32>
    """

    _kind = "dropout"

    def __init__(
        self,
        G: LearnedInversion,
        *,
        p: float = 0.005,
        draws: int = 16,
        seed: int = 0,
        calibration: Calibration | None = None,
    ) -> None:
        self.G = G
        self.p = check_number("p", p, above=0.0)
        if self.p >= 1.0:
            refuse("p", "must be below 1", got=f"{p:g}", do="Drop a few channels, such as p=0.005")
        self.draws = check_integer("draws", draws, at_least=2)
        self.seed = check_integer("seed", seed)
        thinned = [_thinned(G, self.p, number=number, seed=seed) for number in range(self.draws)]
        super().__init__(thinned, calibration=calibration, name=f"Dropout of {G.name}")

    @property
    def net(self) -> nn.Module:
        """The whole network."""
        return self.G.net

    def for_survey(self, acq: Acquisition) -> "Dropout":
        """Return the same network, draws and calibration for data of another survey.

        Parameters
        ----------
        acq : `Acquisition`
            The survey of the data.

        Returns
        -------
        G : `Dropout`
        """
        return Dropout(self.G.for_survey(acq), calibration=self.calibration, **self._settings)

    @property
    def _stored(self) -> tuple[LearnedInversion, ...]:
        return (self.G,)

    @property
    def _settings(self) -> dict[str, Any]:
        return {"p": self.p, "draws": self.draws, "seed": self.seed}

    @classmethod
    def _restored(
        cls, networks: list[LearnedInversion], calibration: Calibration, settings: dict[str, Any]
    ) -> "Dropout":
        return cls(networks[0], calibration=calibration, **settings)

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return self.G._apply(x)

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        return self.G._linearize(x)


class _ChannelDropout(nn.Module):
    """Drops the same channels of every map it sees, in evaluation mode too."""

    def __init__(self, p: float, seed: int) -> None:
        super().__init__()
        self._p, self._seed = p, seed

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        kept = torch.rand(maps.shape[1], generator=generator(self._seed)) >= self._p
        return maps * (kept.to(maps) / (1.0 - self._p)).reshape(1, -1, *[1] * (maps.ndim - 2))


def _thinned(G: LearnedInversion, p: float, *, number: int, seed: int) -> LearnedInversion:
    """Return one draw: the layers of the network, with its own parameters, and dropout between."""
    shared = [*G.net.parameters(), *G.net.buffers()]
    net = copy.deepcopy(G.net, {id(tensor): tensor for tensor in shared})
    places = [
        (parent, name, layer)
        for parent in list(net.modules())
        for name, layer in parent.named_children()
        if isinstance(layer, _ACTIVATIONS)
    ]
    if not places:
        do = "Use Ensemble, or a network whose activations are layers such as torch.nn.ReLU"
        refuse("G", "must have activation layers, after which channels are dropped", got=G, do=do)
    for place, (parent, name, layer) in enumerate(places):
        dropped = _ChannelDropout(p, seed=_mixed(seed, number, place))
        setattr(parent, name, nn.Sequential(layer, dropped))
    thinned = copy.copy(G)
    thinned.net, thinned._copies = net, Copies(fold=False)
    return thinned


def _mixed(*numbers: int) -> int:
    """Return one seed of several numbers, like no other combination's."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
