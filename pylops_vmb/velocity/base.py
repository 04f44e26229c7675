"""The contract of a velocity generator: seeded, reproducible by index, rebuilt from its config."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pylops_vmb._checks import check_choice, check_integer, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.velocity._checks import check_dims, check_range

Array = npt.NDArray[np.float64]
Model = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class VelocityGenerator(ABC):
    """Random velocity models of shape ``(nx, nz)`` in m/s, z down.

    Model ``i`` depends on the configuration, the seed and ``i`` alone, never on what
    was drawn before: parts of a data set can be made in parallel and in any order.

    Parameters
    ----------
    dims : tuple of int
        Cells ``(nx, nz)`` of a model, at least 8 each. All lengths of a family are
        fractions of the grid, so that a finer grid shows the same geology.
    seed : int
        Seed of the whole sequence.
    vp_range : tuple of float
        Least and largest velocity in m/s.

    Notes
    -----
    A subclass is a frozen dataclass that writes ``_draw(rng) -> (nx, nz)``.
    """

    dims: tuple[int, int]
    _: KW_ONLY
    seed: int = 0
    vp_range: tuple[float, float] = (1500.0, 4500.0)

    _families: ClassVar[dict[str, type["VelocityGenerator"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._families[cls.__name__] = cls

    def __post_init__(self) -> None:
        self._set(
            dims=check_dims(self.dims),
            seed=check_integer("seed", self.seed),
            vp_range=check_range("vp_range", self.vp_range, at_least=1.0, unit="m/s"),
        )

    def _set(self, **values: Any) -> None:
        """Store checked values; only for use while the object is built."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @abstractmethod
    def _draw(self, rng: np.random.Generator) -> Array:
        """Draw one model ``(nx, nz)`` in m/s."""

    def draw(self, rng: np.random.Generator) -> Model:
        """Draw one model ``(nx, nz)`` in m/s from the given random numbers, kept in range."""
        vp = np.clip(self._draw(rng), *self.vp_range)
        return np.ascontiguousarray(vp, dtype=np.float32)

    def _rng(self, index: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, check_integer("index", index)])

    def sample(self, index: int) -> Model:
        """Return model ``index``, ``(nx, nz)`` float32 in m/s."""
        return self.draw(self._rng(index))

    def __getitem__(self, index: int) -> Model:
        return self.sample(index)

    def batch(self, start: int, count: int) -> Model:
        """Return the models ``start`` to ``start + count - 1``, ``(count, nx, nz)`` in m/s."""
        start, count = check_integer("start", start), check_integer("count", count)
        models = np.empty((count, *self.dims), dtype=np.float32)
        for row in range(count):
            models[row] = self.sample(start + row)
        return models

    @property
    def config(self) -> dict[str, Any]:
        """Everything that `from_config` needs, in types that JSON can hold."""
        values = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {"family": type(self).__name__, **values}

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> "VelocityGenerator":
        """Rebuild a generator from its `config`.

        Raises
        ------
        VMBValueError
            The family or a value is unknown.
        VMBTypeError
            A parameter is missing or does not belong to the family.
        """
        values = {name: _rebuilt(value) for name, value in config.items()}
        families = VelocityGenerator._families
        name = check_choice("config['family']", values.pop("family", None), families)
        try:
            return families[name](**values)
        except TypeError as error:
            if isinstance(error, VMBTypeError):
                raise
            refuse(
                "config",
                f"does not fit {name}",
                got=error,
                do="Pass what the property config of a generator returned",
                error=VMBTypeError,
                cause=error,
            )


def check_background(background: Any, dims: tuple[int, int], *, family: type[Any]) -> Any:
    """Return ``background`` if it is a ``family`` generator on the grid ``dims``."""
    if not isinstance(background, family):
        do = f"Pass a {family.__name__} generator or one derived from it"
        got = type(background).__name__
        refuse("background", f"must be {family.__name__}", got=got, do=do, error=VMBTypeError)
    if background.dims != dims:
        do = "Build both with the same dims"
        refuse("background", f"must have dims {dims}", got=background.dims, do=do)
    return background


def _plain(value: Any) -> Any:
    """Turn generators into configs and tuples into lists."""
    if isinstance(value, VelocityGenerator):
        return value.config
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _rebuilt(value: Any) -> Any:
    """Undo `_plain`."""
    if isinstance(value, Mapping):
        return VelocityGenerator.from_config(value)
    if isinstance(value, list | tuple):
        return tuple(_rebuilt(item) for item in value)
    return value
