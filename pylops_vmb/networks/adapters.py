"""Which numbers of a network are optimised: weights as they are, or low-rank changes of them.

Both turn one vector `theta` into the tensors that the network is called with, so that any
optimiser of vectors serves, and what comes out are plain weights of the same network.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pylops_vmb._backend import generator
from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.networks.parts import select

_KERNELS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


class Adapted(Protocol):
    """A network with a vector of numbers to optimise; the network itself is never changed."""

    net: nn.Module

    def start(self) -> Tensor:
        """Return the vector that stands for the network as it is."""

    def tensors(self, theta: Tensor) -> dict[str, Tensor]:
        """Return the parameters that a vector stands for, by name, differentiable."""


class Weights:
    """Some parameters of a network as one vector.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        The network.
    names : iterable of :obj:`str`
        Names of parameters.

    Raises
    ------
    VMBValueError
        If there are none.

    Examples
    --------
    >>> adapted = Weights(nn.Linear(3, 2), ["bias"])
    >>> adapted.start().shape, list(adapted.tensors(torch.zeros(2)))
    (torch.Size([2]), ['bias'])
    """

    def __init__(self, net: nn.Module, names: Iterable[str]) -> None:
        self.net, wanted = net, set(names)
        self._own = {name: p.detach() for name, p in net.named_parameters() if name in wanted}
        if not self._own:
            refuse("part", "leaves nothing to optimise", got="no weights", do="Choose more")

    def start(self) -> Tensor:
        """Return the present weights."""
        return torch.cat([weight.reshape(-1) for weight in self._own.values()])

    def tensors(self, theta: Tensor) -> dict[str, Tensor]:
        """Return the weights that a vector stands for."""
        return _cut(theta, {name: weight.shape for name, weight in self._own.items()})


class LowRank:
    r"""Changes of low rank of the kernels of a network.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        The network.
    rank : :obj:`int`, optional
        Largest rank of the change of a kernel.
    seed : :obj:`int`, optional
        Of the first factor.

    Raises
    ------
    VMBValueError
        If the network has no layers with kernels, or the rank is not positive.

    Notes
    -----
    A kernel :math:`W`, as a matrix with one row for each entry of its first axis, becomes
    :math:`W + B A` with :math:`A` of `rank` rows.  :math:`A` is drawn, :math:`B` starts at
    zero: the start is the network to the bit.  Biases and norms stay.

    References
    ----------
    E. J. Hu et al., LoRA: low-rank adaptation of large language models, ICLR, 2022, arXiv
    2106.09685.

    Examples
    --------
    >>> adapted = LowRank(nn.Linear(3, 2), rank=1)
    >>> adapted.start().shape, adapted.tensors(adapted.start())["weight"].shape
    (torch.Size([5]), torch.Size([2, 3]))
    """

    def __init__(self, net: nn.Module, *, rank: int = 4, seed: int = 0) -> None:
        self.net, rank = net, check_integer("rank", rank, at_least=1)
        self._seed = seed
        self._own = {
            f"{name}.weight".removeprefix("."): layer.weight.detach()
            for name, layer in net.named_modules()
            if isinstance(layer, _KERNELS)
        }
        if not self._own:
            do = "Optimise all of it, with part='all'"
            refuse("part", "needs layers with kernels", got=type(net).__name__, do=do)
        self._shapes: dict[str, tuple[int, ...]] = {}
        for name, weight in self._own.items():
            rows, columns = len(weight), weight[0].numel()
            held = min(rank, rows, columns)
            self._shapes |= {f"{name} B": (rows, held), f"{name} A": (held, columns)}

    def start(self) -> Tensor:
        """Return drawn factors A, and zeros for B."""
        like = next(iter(self._own.values()))
        random, factors = generator(self._seed), []
        for name, shape in self._shapes.items():
            if name.endswith("B"):
                factors.append(torch.zeros(shape, dtype=torch.float64).reshape(-1))
            else:
                drawn = torch.randn(shape, generator=random, dtype=torch.float64)
                factors.append(drawn.reshape(-1) / shape[1] ** 0.5)
        return torch.cat(factors).to(like)

    def tensors(self, theta: Tensor) -> dict[str, Tensor]:
        """Return the kernels that a vector stands for."""
        factors = _cut(theta, self._shapes)
        return {
            name: weight + (factors[f"{name} B"] @ factors[f"{name} A"]).reshape(weight.shape)
            for name, weight in self._own.items()
        }


def adapt(net: nn.Module, part: str, *, rank: int = 4, seed: int = 0) -> Adapted:
    """Return what is optimised of a network.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        The network.
    part : :obj:`str`
        "all", "low-rank", or a part, layer or pattern as `pylops_vmb.networks.parts.select`
        takes it, such as "last".
    rank, seed
        Of "low-rank", as in `LowRank`.

    Returns
    -------
    adapted : `Adapted`
        The network and its vector.

    Raises
    ------
    VMBValueError
        If the part is unknown.
    """
    if part == "low-rank":
        return LowRank(net, rank=rank, seed=seed)
    return Weights(net, select(net, "*" if part == "all" else part, name="part"))


def call(adapted: Adapted, theta: Tensor, inputs: Tensor) -> Tensor:
    """Return what a network makes of its input, with the parameters that a vector stands for."""
    output: Tensor = functional_call(adapted.net, adapted.tensors(theta), (inputs,))
    return output


def merge(adapted: Adapted, theta: Tensor) -> dict[str, Tensor]:
    """Return the whole state of the network with the parameters that a vector stands for."""
    state = dict(adapted.net.state_dict())
    tuned = {name: value.detach().to(state[name]) for name, value in adapted.tensors(theta).items()}
    return state | tuned


def _cut(theta: Tensor, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return pieces of a vector in some shapes, in their order."""
    sizes = [torch.Size(shape).numel() for shape in shapes.values()]
    pieces = torch.split(theta, sizes)
    return {
        name: piece.reshape(shape)
        for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }
