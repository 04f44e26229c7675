"""What happens at an operator's door: kind, shape and device in, the same out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pylops_vmb._backend import Kind, kind_of, to_tensor, working_dtype
from pylops_vmb._checks import check_shape


@dataclass(frozen=True)
class Door:
    """Remembers how an array came in, so that the answer goes out the same way."""

    kind: Kind
    flat: bool

    def leave(self, tensor: torch.Tensor) -> Any:
        """Return ``tensor`` in the kind that came in, flattened if that was flat."""
        return self.kind.restore(tensor.reshape(-1) if self.flat else tensor)


def enter(
    array: Any, dims: Sequence[int], *, device: torch.device, name: str
) -> tuple[torch.Tensor, Door]:
    """Take an array in as a tensor of shape ``dims``, float32 or float64.

    NumPy arrays go to ``device``; tensors and CuPy arrays are computed where they are.
    An array that has shape ``dims`` is never flat, even if ``dims`` has one axis.
    """
    kind = kind_of(array, name)
    got = tuple(np.shape(array))
    check_shape(name, got, dims, axes="dims")
    where = device if kind.library == "numpy" else kind.device
    tensor = to_tensor(array, device=where, dtype=working_dtype(kind.dtype), name=name)
    return tensor.reshape(tuple(dims)), Door(kind, got != tuple(dims))
