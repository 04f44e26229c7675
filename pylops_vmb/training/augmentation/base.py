"""The contract of an augmentation: one sample in, one sample out, chance from outside."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields
from typing import Any, ClassVar

import torch

from pylops_vmb._backend import working_dtype
from pylops_vmb._checks import check_choice, check_number, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.learned.preprocessing import Preprocessing
from pylops_vmb.survey import Acquisition, Grid
from pylops_vmb.training.augmentation._random import uniform

Sample = tuple[torch.Tensor, torch.Tensor]
"""Gathers ``(ns, nt, nr)`` and velocity ``(1, nz, nx)`` in m/s."""


@dataclass(frozen=True)
class Augmentation(ABC):
    """A change of one sample ``(d, vp)`` before it is normalised.

    Parameters
    ----------
    p : :obj:`float`, optional
        Probability that a sample is changed.

    Notes
    -----
    All chance comes from the generator of a call, so that equal generators give equal bits,
    whatever was called before.  Nothing is changed in place; gathers and velocity keep their
    dtype and device.  Half precision is computed in float32.

    A subclass is a frozen dataclass that writes ``_apply(d, vp, generator) -> (d, vp)``.
    """

    _: KW_ONLY
    p: float = 1.0

    _kinds: ClassVar[dict[str, type["Augmentation"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._kinds[cls.__name__] = cls

    def __post_init__(self) -> None:
        self._set(p=check_number("p", self.p, at_least=0.0, at_most=1.0))

    def _set(self, **values: Any) -> None:
        """Store checked values; only for use while the object is built."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @abstractmethod
    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        """Change gathers in float32 or float64, and their velocity."""

    def __call__(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        """Change a sample, or leave it as it is.

        Parameters
        ----------
        d : :obj:`torch.Tensor`
            Decimated gathers ``(ns, nt, nr)``, not yet normalised.
        vp : :obj:`torch.Tensor`
            Velocity ``(1, nz, nx)`` in m/s.
        generator : :obj:`torch.Generator`
            Where random numbers come from.

        Returns
        -------
        d, vp : :obj:`torch.Tensor`
            The sample, with the same shapes.

        Raises
        ------
        VMBValueError
            If the shapes are not those of one sample, or not those of the survey.
        """
        _check_sample(d, vp)
        if uniform(generator) >= self.p:
            return d, vp
        changed, moved = self._apply(d.to(working_dtype(d.dtype)), vp, generator)
        return changed.to(d.dtype), moved.to(vp.dtype)

    @property
    def config(self) -> dict[str, Any]:
        """Everything that `from_config` needs, in types that JSON can hold."""
        values = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {"augmentation": type(self).__name__, **values}

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> "Augmentation":
        """Rebuild an augmentation from its `config`.

        Raises
        ------
        VMBValueError
            If the kind or a value is unknown.
        VMBTypeError
            If a parameter is missing or does not belong to the kind.
        """
        kinds = Augmentation._kinds
        name = check_choice("config['augmentation']", config.get("augmentation"), kinds)
        own = {key: value for key, value in config.items() if key != "augmentation"}
        values = {key: _rebuilt(key, value) for key, value in own.items()}
        try:
            return kinds[name](**values)
        except TypeError as error:
            if isinstance(error, VMBTypeError):
                raise
            refuse(
                "config",
                f"does not fit {name}",
                got=error,
                do="Pass what the property config of an augmentation returned",
                error=VMBTypeError,
                cause=error,
            )


@dataclass(frozen=True)
class Compose(Augmentation):
    """Several augmentations, one after the other.

    Parameters
    ----------
    steps : sequence of `Augmentation`
        In the order in which they act.
    p : :obj:`float`, optional
        Probability that they are applied at all; each then follows its own.

    Examples
    --------
    >>> import torch
    >>> from pylops_vmb.training.augmentation import AmplitudeScaling, Compose, Noise
    >>> augment = Compose([Noise((10.0, 30.0), p=0.5), AmplitudeScaling(3.0, per="shot")])
    >>> d, vp = torch.ones(2, 30, 7), torch.full((1, 10, 7), 2000.0)
    >>> d, vp = augment(d, vp, torch.Generator().manual_seed(0))
    >>> d.shape, len(augment.config["steps"])
    (torch.Size([2, 30, 7]), 2)
    """

    steps: tuple[Augmentation, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        steps = tuple(self.steps)
        strangers = [repr(step) for step in steps if not isinstance(step, Augmentation)]
        if strangers:
            do, got = "Pass objects such as Noise((10.0, 30.0))", ", ".join(strangers)
            refuse("steps", "must be augmentations", got=got, do=do, error=VMBTypeError)
        self._set(steps=steps)

    def _apply(self, d: torch.Tensor, vp: torch.Tensor, generator: torch.Generator) -> Sample:
        for step in self.steps:
            d, vp = step(d, vp, generator)
        return d, vp


def check_gathers(d: torch.Tensor, acq: Acquisition, nt: int | None = None) -> None:
    """Refuse gathers ``(ns, nt, nr)`` that are not of the survey."""
    want = (acq.ns, d.shape[1] if nt is None else nt, acq.nr)
    if tuple(d.shape) != want:
        refuse(
            "d",
            f"must have shape (ns, nt, nr) = {want}",
            got=tuple(d.shape),
            do="Build the augmentation with the survey and the preprocessing of the data set",
        )


def _check_sample(d: torch.Tensor, vp: torch.Tensor) -> None:
    do = "Pass one sample, not a batch, as a data set returns it"
    if d.ndim != 3 or not d.is_floating_point():
        got = f"shape {tuple(d.shape)} of {d.dtype}"
        refuse("d", "must be gathers (ns, nt, nr) of floats", got=got, do=do)
    if vp.ndim != 3 or vp.shape[0] != 1:
        refuse("vp", "must have shape (1, nz, nx)", got=tuple(vp.shape), do=do)


def _plain(value: Any) -> Any:
    """Turn surveys, grids and augmentations into what JSON can hold."""
    if isinstance(value, Augmentation):
        return value.config
    if isinstance(value, Acquisition):
        return value.to_dict()
    if isinstance(value, Grid | Preprocessing):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _rebuilt(name: str, value: Any) -> Any:
    """Undo `_plain`, by the name of the parameter."""
    builders: dict[str, Callable[[Any], Any]] = {
        "acq": Acquisition.from_dict,
        "grid": lambda keywords: Grid(**keywords),
        "preprocessing": lambda keywords: Preprocessing(**keywords),
        "steps": lambda steps: [Augmentation.from_config(step) for step in steps],
    }
    return builders[name](value) if name in builders else value
