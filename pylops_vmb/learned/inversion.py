"""Learned inversion: shot gathers in, velocity out, as a nonlinear operator."""

import os
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_choice, check_finite, check_integer, check_shape, refuse
from pylops_vmb.io import read_weights, write_weights
from pylops_vmb.learned._copies import Copies, wants_derivative
from pylops_vmb.learned._restoring import restored
from pylops_vmb.learned.card import Card
from pylops_vmb.learned.checking import (
    CheckReport,
    Finding,
    basis_of,
    data_findings,
    prediction_findings,
    survey_findings,
    unusable,
)
from pylops_vmb.learned.measures import at_limits, data_misfit
from pylops_vmb.learned.resampling import Resampling
from pylops_vmb.networks.prediction import PRECISIONS
from pylops_vmb.operators import Linearization, NonlinearOperator
from pylops_vmb.operators.linearization import GraphLinearization
from pylops_vmb.survey import Acquisition

_WEIGHTS = files("pylops_vmb.learned") / "weights"
_SUFFIX = ".safetensors"


def available() -> tuple[str, ...]:
    """Return the names of the networks that ship with the package.

    Examples
    --------
    >>> from pylops_vmb.learned import available
    >>> "fcnvmb-mini" in available()
    True
    """
    there = sorted(entry.name for entry in _WEIGHTS.iterdir())
    return tuple(name.removesuffix(_SUFFIX) for name in there if name.endswith(_SUFFIX))


class LearnedInversion(NonlinearOperator):
    r"""A trained network as an operator from data to velocity.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        Takes ``(batch, ns, nt, nr)`` and returns ``(batch, 1, nz, nx)`` in m/s.
    card : `Card`
        What the network expects and gives.
    acq : `Acquisition`, optional
        The survey of the data, if it is not the one of the card: time and receivers are
        interpolated, and differences in wavelet and sources are said in a `CardWarning`.
    device : :obj:`str` or :obj:`torch.device`, optional
        Where NumPy input is computed.
    name : :obj:`str`, optional
        Name for `repr`; by default that of the card.
    precision : {"float32", "bfloat16", "auto"}, optional
        In which float32 data are multiplied where a prediction alone is asked for; derivatives are
        taken in float32. ``"bfloat16"`` keeps 8 bits of each factor: on processors that have it,
        and only there, it takes half the time or less, and the velocity changes by some m/s.
        ``"auto"`` takes it there.

    Attributes
    ----------
    net : :obj:`torch.nn.Module`
        The network, in evaluation mode, in float32.
    card : `Card`
        Its card.
    precision : :obj:`str`
        As it was asked for.
    grid : `Grid`
        Where the velocity lives.
    acq : `Acquisition`
        The survey of the data.

    Raises
    ------
    VMBValueError
        If the survey cannot be brought to that of the card without extrapolation.

    Notes
    -----
    :math:`G(d) = N(P R\,d)`: resampling :math:`R`, preprocessing :math:`P` (decimation,
    scaling, gain), network :math:`N`.  All of it is differentiable, so that
    ``G.jacobian(d)`` is a PyLops operator, and all of it is saved in the card.

    A prediction runs a copy of the network that is made for it on first use
    (`pylops_vmb.networks.prepared`) and made again when the network has changed; what is asked
    for a derivative runs the network itself. Both are kept on the device of the data.

    Examples
    --------
    >>> from pylops_vmb.learned import LearnedInversion
    >>> G = LearnedInversion.from_pretrained()
    >>> G
    <4900x350000 fcnvmb-mini with dtype=float32>
    >>> G.grid
    Grid(70 x 70 cells of 10 m x 10 m, x 0 to 690 m, z 0 to 690 m)
    """

    def __init__(
        self,
        net: torch.nn.Module,
        card: Card,
        *,
        acq: Acquisition | None = None,
        device: str | torch.device = "cpu",
        name: str | None = None,
        precision: str = "float32",
    ) -> None:
        self.precision = check_choice("precision", precision, PRECISIONS)
        self.acq, self.card, self.grid = acq or card.acq, card, card.grid
        super().__init__(
            self.acq.dimsd, card.grid.dims, dtype="float32", device=device, name=name or card.name
        )
        self._resample = Resampling(self.acq, card.acq)
        card.check(self.acq)
        self.net = net.float().eval().requires_grad_(False)
        self._copies = Copies(self.precision)

    @classmethod
    def from_pretrained(
        cls,
        name: str = "fcnvmb-mini",
        *,
        acq: Acquisition | None = None,
        device: str | torch.device = "cpu",
        precision: str = "float32",
    ) -> "LearnedInversion":
        """Return a network that ships with the package.

        Parameters
        ----------
        name : :obj:`str`, optional
            One of `available`; ``print(G.card)`` says what it was trained on and its limits.
        acq : `Acquisition`, optional
            The survey of the data, if it differs from that of the card.
        device : :obj:`str` or :obj:`torch.device`, optional
            Where NumPy input is computed.
        precision : {"float32", "bfloat16", "auto"}, optional
            Of predictions, as in `LearnedInversion`.

        Returns
        -------
        G : `LearnedInversion`

        Raises
        ------
        VMBValueError
            If the name is unknown.
        """
        with as_file(_WEIGHTS / f"{check_choice('name', name, available())}{_SUFFIX}") as path:
            return cls.load(path, acq=acq, device=device, precision=precision)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        acq: Acquisition | None = None,
        device: str | torch.device = "cpu",
        precision: str = "float32",
    ) -> "LearnedInversion":
        """Load weights and card; the hash is checked, and nothing in the file can run code.

        Parameters
        ----------
        path : path-like
            A file of `save`.
        acq : `Acquisition`, optional
            The survey of the data, if it differs from that of the card.
        device : :obj:`str` or :obj:`torch.device`, optional
            Where NumPy input is computed.
        precision : {"float32", "bfloat16", "auto"}, optional
            Of predictions, as in `LearnedInversion`.

        Returns
        -------
        G : `LearnedInversion`

        Raises
        ------
        VMBFileError
            If the file is missing, damaged, or not a weights file.
        """
        tensors, plain = read_weights(path)
        card = Card.from_dict(plain)
        net = restored(card, tensors)
        return cls(net, card, acq=acq, device=device, precision=precision)

    def save(self, path: str | os.PathLike[str], *, dtype: torch.dtype | None = None) -> None:
        """Save weights and card in one file.

        Parameters
        ----------
        path : path-like
            Name of the file, by custom ``*.safetensors``.
        dtype : :obj:`torch.dtype`, optional
            Storage precision; ``torch.float16`` halves the file.
        """
        write_weights(path, self.net.state_dict(), self.card.to_dict(), dtype=dtype)

    def for_survey(self, acq: Acquisition) -> "LearnedInversion":
        """Return the same network for data of another survey.

        Parameters
        ----------
        acq : `Acquisition`
            The survey of the data.

        Returns
        -------
        G : `LearnedInversion`
        """
        keywords: dict[str, Any] = {"device": self.device, "name": self.name}
        return LearnedInversion(self.net, self.card, acq=acq, precision=self.precision, **keywords)

    def inputs(self, d: torch.Tensor) -> torch.Tensor:
        """Return data ``(..., ns, nr, nt)`` as the network is fed: resampled and preprocessed.

        Parameters
        ----------
        d : :obj:`torch.Tensor`
            Data ``(..., ns, nr, nt)`` of the survey.

        Returns
        -------
        inputs : :obj:`torch.Tensor`
            Network order ``(..., ns, nt, nr)``, differentiable.
        """
        return self.card.preprocessing(self._resample(d))

    def check(self, d: Any, F: NonlinearOperator | None = None) -> CheckReport:
        r"""Say when not to trust the prediction: compare data with the card.

        Parameters
        ----------
        d : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
            Gathers ``(ns, nr, nt)`` or flat.
        F : `NonlinearOperator`, optional
            The modelling of this survey on the grid of the network: it tells how well the
            prediction explains the data, the surest sign of all.

        Returns
        -------
        report : `CheckReport`
            True if nothing speaks against the prediction; it prints its findings.  Each is
            also given as a warning of its category: `SpectrumWarning`, `AmplitudeWarning`,
            `GeometryWarning` or `VelocityWarning`, all of them `CardWarning`.

        Raises
        ------
        VMBValueError
            If the shape of the data or of `F` is wrong.

        Notes
        -----
        What is measured (`pylops_vmb.learned.measures.Gauge`) was measured of the training
        data as well, and the card keeps its quantiles :math:`q_{0.01}` and :math:`q_{0.99}`.
        A measure is reported outside of

        .. math::
            [q_{0.01} - \tfrac12 w,\; q_{0.99} + \tfrac12 w], \quad w = q_{0.99} - q_{0.01}.

        Power below -50 dB is not compared.  A card without a signature has only its wavelet
        to compare with, and the report says so.

        Examples
        --------
        >>> import numpy as np
        >>> from pylops_vmb.learned import LearnedInversion
        >>> G = LearnedInversion.from_pretrained()
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     report = G.check(np.zeros(G.dims, np.float32))
        >>> bool(report), report.categories
        (False, ('amplitude',))
        """
        check_shape("d", np.shape(d), self.dims, axes="(ns, nr, nt)")
        kind = kind_of(d, "d")
        device = self.device if kind.library == "numpy" else kind.device
        data = to_tensor(d, device=device, dtype=working_dtype(kind.dtype), name="d").detach()
        with torch.no_grad():
            findings = self._findings(data.reshape(self.dims), F)
        report = CheckReport(self.card.name, tuple(findings), basis_of(self.card))
        report.warn()
        return report

    def _findings(self, d: torch.Tensor, F: NonlinearOperator | None) -> list[Finding]:
        found = survey_findings(self.card, self.acq)
        fault = unusable(d)
        if fault is not None:
            return [*found, fault]
        if F is not None and (F.dims, F.dimsd) != (self.dimsd, self.dims):
            do = "Model on the grid of the card and for the survey of G, G.acq"
            refuse("F", f"must map {self.dimsd} to {self.dims}", got=repr(F), do=do)
        decimate, signature = self.card.preprocessing.decimate, self.card.signature
        seen = decimate(self._resample(d))
        found += data_findings(self.card, seen)
        if signature is None:
            return found
        vp = self._apply(d)
        measures = {"at_limits": at_limits(vp, signature.velocity)}
        if F is not None:
            modelled = to_tensor(F(vp), device=d.device, dtype=d.dtype).reshape(self.dims)
            measures["data_misfit"] = data_misfit(decimate(self._resample(modelled)), seen)
        return found + prediction_findings(signature, measures)

    def predict(self, d: Any, *, batch: int = 8) -> Any:
        """Predict from the gathers of many surveys.

        Parameters
        ----------
        d : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
            Gathers ``(n, ns, nr, nt)`` of `n` surveys with the geometry of `acq`.
        batch : :obj:`int`, optional
            How many the network takes at a time.

        Returns
        -------
        vp : same kind as `d`
            Velocities ``(n, nx, nz)`` in m/s, without a graph.

        Raises
        ------
        VMBValueError
            If the shape or a value cannot be used.

        Examples
        --------
        >>> import numpy as np
        >>> from pylops_vmb.learned import LearnedInversion
        >>> G = LearnedInversion.from_pretrained()
        >>> d = np.random.default_rng(0).standard_normal((2, *G.dims)).astype(np.float32)
        >>> G.predict(d).shape
        (2, 70, 70)
        """
        size = check_integer("batch", batch, at_least=1)
        dims = (np.shape(d)[0] if np.ndim(d) == 1 + len(self.dims) else 1, *self.dims)
        if np.shape(d) != dims or dims[0] == 0:
            axes = ", ".join(map(str, self.dims))
            do = "Stack the gathers of the surveys; for one survey, call G(d)"
            refuse("d", f"must be (n, ns, nr, nt) = (n, {axes})", got=np.shape(d), do=do)
        kind, found = kind_of(d, "d"), []
        device = self.device if kind.library == "numpy" else kind.device
        with torch.no_grad():
            for first in range(0, dims[0], size):
                some = d[first : first + size]
                x = to_tensor(some, device=device, dtype=working_dtype(kind.dtype), name="d")
                for one in x:
                    self._check(one)
                found.append(self._predict(self._copies.fast(self.net, x), x))
            return kind.restore(torch.cat(found))

    def _apply(self, x: torch.Tensor) -> torch.Tensor:
        wanted = wants_derivative(self.net, x)
        net = (self._copies.exact if wanted else self._copies.fast)(self.net, x)
        return self._predict(net, x[None])[0]

    def _linearize(self, x: torch.Tensor) -> tuple[torch.Tensor, Linearization]:
        # the network is chosen outside: nothing can be copied inside a forward-mode derivative
        net = self._copies.exact(self.net, x)
        linearization = GraphLinearization(lambda x: self._predict(net, x[None])[0], x)
        return linearization.y, linearization

    def _predict(self, net: torch.nn.Module, d: torch.Tensor) -> torch.Tensor:
        """Return velocities ``(n, nx, nz)`` of gathers ``(n, ns, nr, nt)``."""
        inputs = torch.stack([self.inputs(one) for one in d])  # one by one stays in the cache
        prediction: torch.Tensor = net(inputs)
        return prediction[:, 0].transpose(-1, -2)

    def _check(self, x: torch.Tensor) -> None:
        check_finite("d", x.detach(), do="Mute or interpolate these samples first")
        if all(float(end) == 0.0 for end in x.detach().aminmax()):
            refuse("d", "holds no signal", got="zeros only", do="Check how the data were read")
