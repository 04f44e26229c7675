"""Several networks as one operator: their mean, and the deviation that their spread foretells."""

import copy
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import to_tensor
from pylops_vmb._checks import check_choice, check_shape, refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io import read_weights, write_weights
from pylops_vmb.learned._restoring import restored
from pylops_vmb.learned.calibration import Array, Calibration, Reliability, fit
from pylops_vmb.learned.card import Card
from pylops_vmb.learned.inversion import LearnedInversion
from pylops_vmb.metrics import LAWS
from pylops_vmb.operators import Linearization, NonlinearOperator
from pylops_vmb.operators._door import enter
from pylops_vmb.survey import Acquisition


class Ensemble(NonlinearOperator):
    r"""Networks trained apart, as one operator from data to velocity.

    Parameters
    ----------
    networks : sequence of `LearnedInversion`
        At least two, of one grid and survey; trained from different seeds or data.
    calibration : `Calibration`, optional
        From spread to deviation; by default the spread as it is.  See `calibrated`.
    name : :obj:`str`, optional
        Name for `repr`.

    Attributes
    ----------
    networks : :obj:`tuple`
        Those whose predictions spread.
    net : :obj:`torch.nn.Module`
        All networks, for their parameters.
    calibration : `Calibration`
        What `spread` applies.
    grid : `Grid`
        Where the velocity lives.
    acq : `Acquisition`
        The survey of the data.

    Raises
    ------
    VMBValueError
        If there are fewer than two networks, or grids or surveys differ.

    Notes
    -----
    With networks :math:`G_1 \dots G_n`,

    .. math::
        G(d) = \frac{1}{n} \sum_i G_i(d), \qquad
        \sigma_0^2 = \frac{1}{n - 1} \sum_i (G_i(d) - G(d))^2, \qquad
        \sigma^2 = s^2 \sigma_0^2 + f^2,

    scale :math:`s` and floor :math:`f` from the `Calibration`.  Networks that saw the same
    data err alike where these are poor: the spread is too small until it is calibrated, and
    the calibration holds for models like those that it was fitted on.

    References
    ----------
    Lakshminarayanan, B., Pritzel, A., Blundell, C., 2017. Simple and scalable predictive
    uncertainty estimation using deep ensembles. NeurIPS.

    Examples
    --------
    >>> from pylops_vmb.learned import Ensemble, LearnedInversion
    >>> G = LearnedInversion.from_pretrained()
    >>> Ensemble([G, G])
    <4900x350000 Ensemble of 2 with dtype=float32>
    """

    _kind = "ensemble"

    def __init__(
        self,
        networks: Sequence[LearnedInversion],
        *,
        calibration: Calibration | None = None,
        name: str | None = None,
    ) -> None:
        self.networks = _check_networks(networks)
        first = self.networks[0]
        self.grid, self.acq = first.grid, first.acq
        self.calibration = calibration or Calibration()
        name = name or f"Ensemble of {len(self.networks)}"
        super().__init__(first.dims, first.dimsd, device=first.device, name=name)

    @property
    def net(self) -> torch.nn.Module:
        """All networks as one module."""
        return torch.nn.ModuleList(G.net for G in self.networks)

    def members(self, d: Any) -> Any:
        """Return the prediction of every network.

        Parameters
        ----------
        d : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
            Data ``(ns, nr, nt)`` or flat.

        Returns
        -------
        vp : same kind as `d`
            Velocities ``(n, nx, nz)`` in m/s, or ``(n, nx nz)`` if `d` is flat; no graph.
        """
        x, door = self._enter(d)
        draws = self._draws(x)
        return door.kind.restore(draws.flatten(1) if door.flat else draws)

    def spread(self, d: Any) -> Any:
        """Return the calibrated standard deviation of the velocity.

        Parameters
        ----------
        d : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
            Data ``(ns, nr, nt)`` or flat.

        Returns
        -------
        std : same kind as `d`
            Standard deviations ``(nx, nz)`` in m/s, or flat if `d` is flat; no graph.
        """
        x, door = self._enter(d)
        return door.leave(self.calibration(self._draws(x).std(0)))

    def calibrated(self, pairs: Iterable[tuple[Any, Any]], *, law: str = "laplace") -> "Ensemble":
        r"""Return a copy whose deviations are honest on held-out models.

        Parameters
        ----------
        pairs : iterable of :obj:`tuple`
            Data ``(ns, nr, nt)`` and true velocity ``(nx, nz)`` in m/s, of models that took no
            part in the training.
        law : {"laplace", "gaussian"}, optional
            Law of the errors.  Laplace's has the heavier tails that misplaced interfaces make.

        Returns
        -------
        G : `Ensemble`
            The same networks; ``print(G.calibration)`` shows scale, floor, and the coverage
            and likelihood before and after.

        Raises
        ------
        VMBValueError
            If there are no pairs, a shape or value cannot be used, or the law is unknown.

        Notes
        -----
        See `pylops_vmb.learned.Calibration`.  The report is that of the models of the fit;
        `reliability` judges others.
        """
        check_choice("law", law, LAWS)
        other = copy.copy(self)
        other.calibration = fit(*self._compare(pairs, Calibration()), law=law)
        return other

    def reliability(self, pairs: Iterable[tuple[Any, Any]]) -> Reliability:
        """Return how well the deviations foretell the errors of models with known truth.

        Parameters
        ----------
        pairs : iterable of :obj:`tuple`
            Data and true velocity, as for `calibrated`; other models than there.

        Returns
        -------
        report : `Reliability`
            Coverage, log-likelihood, rank correlation.
        """
        return Reliability.of(*self._compare(pairs, self.calibration), law=self.calibration.law)

    def for_survey(self, acq: Acquisition) -> "Ensemble":
        """Return the same networks and calibration for data of another survey.

        Parameters
        ----------
        acq : `Acquisition`
            The survey of the data.

        Returns
        -------
        G : `Ensemble`
        """
        networks = [G.for_survey(acq) for G in self.networks]
        return Ensemble(networks, calibration=self.calibration, name=self.name)

    def save(self, path: str | os.PathLike[str], *, dtype: torch.dtype | None = None) -> None:
        """Save networks, cards and calibration in one file, without pickles.

        Parameters
        ----------
        path : path-like
            Name of the file, by custom ``*.safetensors``.
        dtype : :obj:`torch.dtype`, optional
            Storage precision; ``torch.float16`` halves the file.
        """
        tensors = {
            f"{number}.{key}": value
            for number, G in enumerate(self._stored)
            for key, value in G.net.state_dict().items()
        }
        text = {
            "cards": [G.card.to_dict() for G in self._stored],
            "calibration": self.calibration.to_dict(),
            "settings": self._settings,
        }
        write_weights(path, tensors, text, dtype=dtype, kind=self._kind)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        acq: Acquisition | None = None,
        device: str | torch.device = "cpu",
    ) -> "Ensemble":
        """Load a file of `save`; its hash is checked, and nothing in it can run code.

        Parameters
        ----------
        path : path-like
            A file of `save`, of this class.
        acq : `Acquisition`, optional
            The survey of the data, if it differs from that of the cards.
        device : :obj:`str` or :obj:`torch.device`, optional
            Where NumPy input is computed.

        Returns
        -------
        G : `Ensemble`

        Raises
        ------
        VMBFileError
            If the file is missing, damaged, or not of this class.
        """
        tensors, text = read_weights(path, kind=cls._kind)
        cards, settings = text.get("cards"), text.get("settings")
        if not isinstance(cards, list) or not cards or not isinstance(settings, dict):
            do, got = "Download the file again", f"the entries {sorted(text)}"[:300]
            refuse(str(path), "holds no networks", got=got, do=do, error=VMBFileError)
        networks = []
        for number, plain in enumerate(cards):
            card, start = Card.from_dict(plain), f"{number}."
            own = {key: value for key, value in tensors.items() if key.startswith(start)}
            net = restored(card, {key.removeprefix(start): value for key, value in own.items()})
            networks.append(LearnedInversion(net, card, acq=acq, device=device))
        try:
            calibration = Calibration.from_dict(text.get("calibration", {}))
            return cls._restored(networks, calibration, settings)
        except (AttributeError, LookupError, TypeError, ValueError) as err:
            do, got = "Download the file again", str(err)[:300]
            wrong = "holds settings that cannot be used"
            refuse(str(path), wrong, got=got, do=do, error=VMBFileError, cause=err)

    @property
    def _stored(self) -> Sequence[LearnedInversion]:
        return self.networks

    @property
    def _settings(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def _restored(
        cls, networks: list[LearnedInversion], calibration: Calibration, settings: dict[str, Any]
    ) -> "Ensemble":
        return cls(networks, calibration=calibration, **settings)

    def _check(self, x: torch.Tensor) -> None:
        self.networks[0]._check(x)

    def _enter(self, d: Any) -> Any:
        x, door = enter(d, self.dims, device=self.device, name="d")
        self._check(x)
        return x.detach(), door

    @torch.no_grad()
    def _draws(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([G._apply(x) for G in self.networks])

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([G._apply(x) for G in self.networks]).mean(0)

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        values, parts = zip(*(G._linearize(x) for G in self.networks), strict=True)
        return torch.stack(values).mean(0), _Mean(parts)

    def _compare(
        self, pairs: Iterable[tuple[Any, Any]], calibration: Calibration
    ) -> tuple[Array, Array]:
        """Return errors and deviations, ``(models, nx, nz)`` in m/s."""
        errors, deviations = [], []
        for d, vp in pairs:
            x, _ = self._enter(d)
            true = to_tensor(vp, device=x.device, dtype=x.dtype, name="vp")
            check_shape("vp", true.shape, self.dimsd, axes="(nx, nz)")
            with torch.no_grad():
                errors.append(_host(self._apply(x) - true.reshape(self.dimsd)))
            deviations.append(_host(calibration(self._draws(x).std(0))))
        if not errors:
            do = "Pass data and true velocities of held-out models"
            refuse("pairs", "must hold at least one", got="none", do=do)
        return np.stack(errors), np.stack(deviations)


class _Mean:
    """The derivative of a mean is the mean of the derivatives."""

    def __init__(self, parts: Sequence[Linearization]) -> None:
        self._parts = parts

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        return torch.stack([part.jvp(dx) for part in self._parts]).mean(0)

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        return torch.stack([part.vjp(dy) for part in self._parts]).mean(0)


def _host(tensor: torch.Tensor) -> Array:
    return np.asarray(tensor.double().cpu().numpy())


def _check_networks(networks: Sequence[LearnedInversion]) -> tuple[LearnedInversion, ...]:
    if len(networks) < 2:
        do = "Pass two or more, or use Dropout(G) for the spread of a single one"
        refuse("networks", "must be at least two", got=len(networks), do=do)
    first = networks[0]
    for number, G in enumerate(networks):
        if G.grid != first.grid or G.acq.to_dict() != first.acq.to_dict():
            refuse(
                f"networks[{number}]",
                f"must share grid and survey of the first: {first.grid}, {first.acq}",
                got=f"{G.grid}, {G.acq}",
                do="Bring them to one survey with G.for_survey(acq); grids cannot be changed",
            )
    return tuple(networks)
