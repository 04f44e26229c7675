"""Weights files of torchvision: read without running their code, fitted to other channels."""

import mmap
import os
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from pylops_vmb._checks import check_integer, refuse
from pylops_vmb.errors import VMBFileError


def read_torchvision(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read a state dict from ``*.pth`` (``*.pt``) or ``*.safetensors``.

    Parameters
    ----------
    path : path-like
        The file.  Tensors only: a checkpoint that holds objects is refused unread.

    Returns
    -------
    tensors : dict
        Tensors by name on the CPU.

    Raises
    ------
    VMBFileError
        If the file is missing, damaged, of another format, or holds anything but tensors.
    """
    file = Path(path)
    if not file.is_file():
        refuse("path", "is not a file", got=str(file), do="Check the name", error=VMBFileError)
    try:
        stored = load_file(file) if file.suffix == ".safetensors" else _read_pth(file)
    except Exception as err:  # on a damaged file torch raises any: KeyError, struct.error, ...
        refuse(
            file.name,
            "cannot be read as tensors alone",
            got=str(err).partition("\n")[0][:300] or type(err).__name__,
            do="Pass a state dict in .pth or .safetensors; pickled objects are not read",
            error=VMBFileError,
            cause=err,
        )
    return _tensors(stored, file)


def _read_pth(file: Path) -> Any:
    with (
        open(file, "rb") as stream,
        # in a map, a length that is not true asks for no more than the file holds
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of pickle protocols, said of files that are none
        return torch.load(mapped, map_location="cpu", weights_only=True)  # type: ignore[arg-type]


def _tensors(stored: Any, file: Path) -> dict[str, Tensor]:
    """Return the state dict if it is one."""
    if not isinstance(stored, dict) or not all(isinstance(v, Tensor) for v in stored.values()):
        refuse(
            file.name,
            "must be a dictionary of tensors",
            got=type(stored).__name__,
            do="Pass the state dict, not a checkpoint around it",
            error=VMBFileError,
        )
    return dict(stored)


def adapted(weight: Tensor, in_channels: int) -> Tensor:
    """Return filters ``(outputs, inputs, rows, columns)`` for another number of inputs.

    Each new input gets the sum over the old inputs, divided by ``in_channels``: what the
    old filters gave for equal inputs, the new ones give for equal inputs.
    """
    channels = check_integer("in_channels", in_channels, at_least=1)
    if weight.shape[1] == channels:
        return weight
    return (weight.sum(1, keepdim=True) / channels).repeat(1, channels, 1, 1)
