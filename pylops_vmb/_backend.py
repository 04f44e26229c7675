"""NumPy, torch and CuPy at the door: zero-copy bridges, devices and seeds.

Inside the package everything is torch.  `Kind` remembers what came in, so that
what goes out has the same kind, device and dtype.  CUDA data never visits the
host: CuPy arrays travel through DLPack.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pylops_vmb._checks import refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.errors import VMBTypeError

_FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}


@dataclass(frozen=True)
class Kind:
    """Where an array lives: its library, its dtype and its device."""

    library: str
    dtype: torch.dtype
    device: torch.device

    def restore(self, tensor: torch.Tensor) -> Any:
        """Turn a tensor back into this kind, without a copy where none is needed.

        Parameters
        ----------
        tensor : :obj:`torch.Tensor`
            Any shape, on any device.

        Returns
        -------
        array : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray`
            The same values as the kind that was remembered.
        """
        dtype = self.dtype if self.dtype in _FLOATS else tensor.dtype
        tensor = tensor.to(device=self.device, dtype=dtype)
        if self.library == "torch":
            return tensor
        tensor = tensor.detach()
        if self.library == "cupy":
            return optional_import("cupy", "CuPy arrays").from_dlpack(tensor.contiguous())
        return tensor.numpy()


def kind_of(array: Any, name: str = "array") -> Kind:
    """Return the `Kind` of an array.

    Parameters
    ----------
    array : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray` or sequence
        A real array; sequences count as NumPy.
    name : :obj:`str`, optional
        Name of the argument, for the message.

    Returns
    -------
    kind : `Kind`

    Raises
    ------
    VMBTypeError
        If the array is not real and numeric.
    """
    if isinstance(array, torch.Tensor):
        if array.is_complex():
            refuse(
                name, "must be real", got=array.dtype, do="Pass its real part", error=VMBTypeError
            )
        return Kind("torch", array.dtype, array.device)
    if type(array).__module__.split(".")[0] == "cupy":
        return Kind("cupy", _torch_dtype(array, name), torch.device("cuda", array.device.id))
    return Kind("numpy", _torch_dtype(np.asarray(array), name), torch.device("cpu"))


def to_tensor(
    array: Any,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    name: str = "array",
) -> torch.Tensor:
    """Return ``array`` as a tensor, sharing memory where that is possible.

    Parameters
    ----------
    array : :obj:`numpy.ndarray` or :obj:`torch.Tensor` or :obj:`cupy.ndarray` or sequence
        Any layout: strided, read-only and big-endian NumPy arrays are copied.
    device, dtype : optional
        Where to put it; by default the array's own device and dtype.
    name : :obj:`str`, optional
        Name of the argument, for the message.

    Returns
    -------
    tensor : :obj:`torch.Tensor`

    Raises
    ------
    VMBTypeError
        If the array is not real and numeric.
    """
    kind = kind_of(array, name)
    if kind.library == "numpy":
        values = np.asarray(array)
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        if not values.flags.writeable or any(stride < 0 for stride in values.strides):
            values = values.copy(order="K")  # a transposed view of a file is read in its order
        array = torch.from_numpy(values)
    elif kind.library == "cupy":
        array = torch.utils.dlpack.from_dlpack(array)
    tensor: torch.Tensor = array
    return tensor.to(device=device or kind.device, dtype=dtype or tensor.dtype)


def working_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype to compute in: float64 stays, everything else is float32."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    """Return the NumPy name of a float32 or float64 torch dtype."""
    return np.dtype(np.float64 if dtype == torch.float64 else np.float32)


def generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a torch generator with its seed set."""
    return torch.Generator(device).manual_seed(seed)


def _torch_dtype(array: Any, name: str) -> torch.dtype:
    kind, size = np.dtype(array.dtype).kind, np.dtype(array.dtype).itemsize
    if kind not in "fiub" or (kind == "f" and size > 8):
        refuse(
            name,
            "must be real and numeric, at most 64 bits",
            got=f"dtype {array.dtype}",
            do="Convert it to float32 or float64",
            error=VMBTypeError,
        )
    native = np.empty(0, dtype=np.dtype(array.dtype).newbyteorder("="))
    return torch.from_numpy(native).dtype
