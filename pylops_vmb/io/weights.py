"""Weights of a network as one document: safetensors, a JSON card, a SHA-256."""

import json
import os
from collections.abc import Mapping
from typing import Any

import torch

from pylops_vmb._checks import check_choice, refuse
from pylops_vmb.errors import VMBTypeError
from pylops_vmb.io._document import Tensors, digest, read_document, write_document

__all__ = ["read_weights", "weights_digest", "write_weights"]

weights_digest = digest
_KIND = "weights"


def write_weights(
    path: str | os.PathLike[str],
    tensors: Mapping[str, torch.Tensor],
    card: Mapping[str, Any],
    *,
    dtype: torch.dtype | None = None,
    kind: str = _KIND,
) -> None:
    """Write the weights of a network and their card.

    Parameters
    ----------
    path : path-like
        Name of the file, by custom ``*.safetensors``; it is replaced as a whole.
    tensors : :obj:`dict`
        The network's ``state_dict()``.
    card : :obj:`dict`
        What a user must know of the weights: strings, numbers, booleans, None, lists and
        dictionaries with string keys (tuples come back as lists).
    dtype : :obj:`torch.dtype`, optional
        Store floating-point tensors in this dtype (``torch.float16`` halves the file);
        integers stay as they are.
    kind : :obj:`str`, optional
        What the file holds, if not one network; `read_weights` asks for it.

    Raises
    ------
    VMBTypeError
        If the card is not JSON, or a value of ``tensors`` is not a tensor.
    VMBValueError
        If a weight is too large for ``dtype``.
    VMBFileError
        If the folder is missing.
    """
    _check_card(card)
    if dtype is not None:
        tensors = {name: _convert(name, tensor, dtype) for name, tensor in tensors.items()}
    write_document(path, tensors, kind=kind, text=card)


def read_weights(
    path: str | os.PathLike[str], *, kind: str = _KIND
) -> tuple[Tensors, dict[str, Any]]:
    """Read weights and card; nothing in the file can run code.

    Parameters
    ----------
    path : path-like
        A file of `write_weights`.
    kind : :obj:`str`, optional
        What the file must hold.

    Returns
    -------
    tensors : :obj:`dict`
        Tensors by name on the CPU, in the dtype they were stored in.
    card : :obj:`dict`
        The card.

    Raises
    ------
    VMBFileError
        If the file is missing, damaged, a pickled checkpoint or not a weights file.
    """
    return read_document(path, kind=kind)


def _convert(name: str, tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    check_choice("dtype", dtype, (torch.float16, torch.bfloat16, torch.float32, torch.float64))
    if not tensor.is_floating_point():
        return tensor
    stored = tensor.to(dtype)
    if not torch.equal(stored.isfinite(), tensor.isfinite()):
        refuse(
            name,
            f"must fit into {dtype}",
            got=f"values up to {float(tensor.abs().max()):g}",
            do="Store these weights as float32",
        )
    return stored


def _check_card(card: Mapping[str, Any]) -> None:
    try:
        json.dumps(card, allow_nan=False)
    except (TypeError, ValueError) as err:
        _refuse_card(str(err))
    _check_keys(card)


def _check_keys(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                _refuse_card(f"the key {key!r}")
            _check_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_keys(inner)


def _refuse_card(got: str) -> None:
    refuse(
        "card",
        "must be a dictionary that JSON can hold",
        got=got,
        do="Use strings, finite numbers, booleans, None, lists, and dictionaries with string keys",
        error=VMBTypeError,
    )
