"""What flows through a network: shapes from layer to layer, and who joins whom."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBTypeError

_KINDS = (  # of the first whose name is part of the function's
    ("conv_transpose", "upsampling"),
    ("interpolate", "upsampling"),
    ("upsample", "upsampling"),
    ("conv", "convolution"),
    ("pool", "pooling"),
    ("linear", "dense"),
    ("cat", "concatenation"),
)
_SUMS = ("add", "add_", "__add__", "__radd__", "__iadd__")
_VIEWS = ("__getitem__", "pad", "flatten", "reshape", "view", "squeeze", "unsqueeze", "narrow")


@dataclass
class Stage:
    """Maps of one shape, and the layers that make and keep them.

    Attributes
    ----------
    kind : :obj:`str`
        What made the shape: "input", "convolution", "pooling", "upsampling", "dense",
        "concatenation", "crop" (of the last maps) or "other".
    shape : :obj:`tuple`
        Of one sample: ``(channels, rows, columns)``, or ``(features,)``.
    sources : :obj:`list`
        Numbers of the stages that it is made of.
    join : {"", "sum", "concatenation"}
        How several sources come together.
    layers : :obj:`int`
        Layers with weights in it.
    """

    kind: str
    shape: tuple[int, ...]
    sources: list[int] = field(default_factory=list)
    join: str = ""
    layers: int = 0


def network_stages(net: torch.nn.Module, in_shape: Sequence[int]) -> tuple[Stage, ...]:
    """Return what flows through a network, from the network itself.

    Parameters
    ----------
    net : :obj:`torch.nn.Module`
        Any network of one input and one output.  It is left as it is, and nothing is
        computed: its structure runs on torch's device "meta", which knows shapes only.
    in_shape : sequence of :obj:`int`
        Shape of one sample, such as ``(ns, nt, nr)``.

    Returns
    -------
    stages : :obj:`tuple`
        One `Stage` a shape, in the order in which the network runs, input first.  Layers that
        keep the shape, such as norms, activations and further convolutions, belong to the
        stage before; so do sums within one stage.

    Raises
    ------
    VMBTypeError
        If `net` is not a module.
    VMBValueError
        If the shape is not one of positive sizes.

    Examples
    --------
    >>> from pylops_vmb.networks import build
    >>> from pylops_vmb.plotting import network_stages
    >>> stages = network_stages(build("unet", width=2, depth=1, padded=True), (1, 8, 8))
    >>> for stage in stages[1:5]:
    ...     print(stage.kind, stage.shape)
    convolution (2, 8, 8)
    pooling (2, 4, 4)
    convolution (4, 4, 4)
    upsampling (2, 8, 8)
    >>> stages[5].join, stages[5].shape, stages[5].sources
    ('concatenation', (4, 8, 8), [1, 4])
    """
    _check_module(net)
    sizes = tuple(check_integer("in_shape", size, at_least=1) for size in in_shape)
    inputs = torch.empty(1, *sizes, device="meta")
    recorder = _Recorder(inputs)
    with torch.no_grad(), recorder:
        output = _without_memory(net)(inputs)
    recorder.finish(output)
    return tuple(recorder.stages)


class _Recorder(TorchFunctionMode):
    """Sees every torch function that touches what came from the input."""

    def __init__(self, inputs: torch.Tensor) -> None:
        super().__init__()
        self.stages = [Stage("input", tuple(inputs.shape[1:]))]
        # The tensors are kept, or another could get the same identity.
        self._known: dict[int, tuple[torch.Tensor, int]] = {id(inputs): (inputs, 0)}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        del types
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        given = _tensors([*args, *kwargs.values()])
        sources = sorted({number for value in given for number in self._at(value)})
        if sources and isinstance(output, torch.Tensor) and output.ndim > 1:
            number = self._place(getattr(func, "__name__", ""), sources, tuple(output.shape[1:]))
            self._known[id(output)] = (output, number)
        return output

    def finish(self, output: torch.Tensor) -> None:
        """Add a stage for a last change of shape by a crop."""
        shape = tuple(output.shape[1:])
        (number,) = self._at(output) or [len(self.stages) - 1]
        if self.stages[number].shape != shape:
            self.stages.append(Stage("crop", shape, [number]))

    def _at(self, value: torch.Tensor) -> list[int]:
        return [self._known[id(value)][1]] if id(value) in self._known else []

    def _place(self, name: str, sources: list[int], shape: tuple[int, ...]) -> int:
        """Return the number of the stage to which an output belongs."""
        latest = self.stages[sources[-1]]
        if name in _VIEWS:
            return sources[-1]
        if name in _SUMS and len(sources) > 1:
            latest.join, latest.shape = "sum", shape
            latest.sources = sorted({*latest.sources, *sources[:-1]})
            return sources[-1]
        kind = next((kind for part, kind in _KINDS if part in name), "other")
        weighs = int("conv" in name or name == "linear")
        starts = kind == "concatenation" or (weighs and latest.kind not in ("convolution", "dense"))
        if shape == latest.shape and not starts:
            latest.layers += weighs
            return sources[-1]
        join = kind if kind == "concatenation" else ""
        self.stages.append(Stage(kind, shape, sources, join, weighs))
        return len(self.stages) - 1


def _check_module(net: Any) -> None:
    if not isinstance(net, torch.nn.Module):
        do = "Pass the network itself: of a learned inversion, G.net"
        refuse("net", "must be a module", got=type(net).__name__, do=do, error=VMBTypeError)


def _tensors(values: Sequence[Any]) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors(value)
    return found


def _without_memory(net: torch.nn.Module) -> torch.nn.Module:
    """Return a copy whose parameters and buffers have shapes only."""
    held = [*net.parameters(), *net.buffers()]
    twin = copy.deepcopy(net, {id(value): _meta(value) for value in held})
    return twin.eval()


def _meta(value: torch.Tensor) -> torch.Tensor:
    bare = value.detach().to("meta")
    return torch.nn.Parameter(bare, False) if isinstance(value, torch.nn.Parameter) else bare
