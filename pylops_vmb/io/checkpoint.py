"""Checkpoints of training and inversion: any nested state, to the bit, never a pickle."""

import base64
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np
import torch

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError, VMBTypeError
from pylops_vmb.io._document import Tensors, read_document, write_document

_KIND = "checkpoint"
_DTYPE = re.compile(r"[<>|][biufcmMSU]\d+(\[\d*[a-zA-Z]+\])?")


def save_checkpoint(path: str | os.PathLike[str], state: Mapping[Any, Any]) -> None:
    """Save a nested state, whole or not at all; an earlier checkpoint survives a failure.

    Parameters
    ----------
    path : path-like
        Name of the file, by custom ``*.safetensors``.
    state : :obj:`dict`
        Dictionaries (with keys of any of the plain kinds), lists and tuples of tensors,
        NumPy arrays and scalars, numbers, strings, bytes, booleans and None: state
        dictionaries of networks, optimisers and random generators, histories, models.

    Raises
    ------
    VMBTypeError
        If the state holds anything else; the message names the place.
    VMBFileError
        If the folder is missing.

    Notes
    -----
    Tensors and arrays go into safetensors, the tree around them into its JSON metadata.
    """
    tensors: Tensors = {}
    tree = _encode(state, "state", tensors)
    write_document(path, tensors, kind=_KIND, text=tree)


def load_checkpoint(path: str | os.PathLike[str]) -> dict[Any, Any]:
    """Load a nested state; nothing in the file can run code.

    Parameters
    ----------
    path : path-like
        A file of `save_checkpoint`.

    Returns
    -------
    state : :obj:`dict`
        What was saved, to the bit: the same dtypes and key types, tensors contiguous
        and on the CPU, subclasses of dict, list and tuple as dict, list and tuple.

    Raises
    ------
    VMBFileError
        If the file is missing, damaged, a pickled checkpoint or not a checkpoint.
    """
    tensors, tree = read_document(path, kind=_KIND)
    try:
        state = _decode(tree, tensors)
        if not isinstance(state, dict):
            raise TypeError(f"a {type(state).__name__} in the place of a dictionary")
    except (LookupError, RecursionError, RuntimeError, TypeError, ValueError) as err:
        refuse(
            os.path.basename(path),
            "is damaged",
            got=f"a state that cannot be rebuilt ({type(err).__name__}: {str(err)[:300]})",
            do="Start afresh, or use an earlier checkpoint",
            error=VMBFileError,
            cause=err,
        )
    return state


def _encode(value: Any, where: str, tensors: Tensors) -> Any:
    """Return ``value`` as JSON: plain values as they are, all else as ``{kind: content}``."""
    if isinstance(value, np.generic):
        return {"scalar": _encode(np.asarray(value), where, tensors)}
    if value is None or type(value) in (bool, int, float, str):
        return value
    for kind, encode in _ENCODERS.items():
        if isinstance(value, kind):
            return encode(value, where, tensors)
    return _refuse_kind(where, type(value).__name__)


def _encode_tensor(value: torch.Tensor, where: str, tensors: Tensors) -> dict[str, Any]:
    return {"tensor": _store(value, where, tensors)}


def _encode_array(value: np.ndarray[Any, Any], where: str, tensors: Tensors) -> dict[str, Any]:
    if value.dtype.kind in "OV":
        _refuse_kind(where, f"an array of dtype {value.dtype}")
    raw = torch.frombuffer(bytearray(value.tobytes()), dtype=torch.uint8) if value.size else None
    name = _store(torch.empty(0, dtype=torch.uint8) if raw is None else raw, where, tensors)
    return {"array": [name, value.dtype.str, list(value.shape)]}


def _encode_dict(value: Mapping[Any, Any], where: str, tensors: Tensors) -> dict[str, Any]:
    pairs = [
        [_encode(key, f"{where} key {key!r}", tensors), _encode(inner, f"{where}.{key}", tensors)]
        for key, inner in value.items()
    ]
    return {"dict": pairs}


def _encode_sequence(value: Any, where: str, tensors: Tensors) -> dict[str, Any]:
    items = [_encode(inner, f"{where}.{i}", tensors) for i, inner in enumerate(value)]
    return {"tuple" if isinstance(value, tuple) else "list": items}


def _encode_bytes(value: bytes, *_: Any) -> dict[str, Any]:
    return {"bytes": base64.b64encode(value).decode("ascii")}


def _store(tensor: torch.Tensor, where: str, tensors: Tensors) -> str:
    name = f"{len(tensors):06d} {where}"
    tensors[name] = tensor
    return name


_ENCODERS: dict[type, Callable[[Any, str, Tensors], Any]] = {
    torch.Tensor: _encode_tensor,
    np.ndarray: _encode_array,
    dict: _encode_dict,
    list: _encode_sequence,
    tuple: _encode_sequence,
    bytes: _encode_bytes,
}


def _decode(tree: Any, tensors: Tensors) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    return _DECODERS[kind](content, tensors)


def _decode_array(content: list[Any], tensors: Tensors) -> np.ndarray[Any, Any]:
    name, dtype, shape = content
    if not _DTYPE.fullmatch(dtype):
        raise ValueError(f"{dtype[:30]!r} is no type of numbers")
    raw = tensors.pop(name).numpy().tobytes()
    return np.frombuffer(raw, dtype=dtype).reshape(shape).copy()


# each tensor is taken once: else a small file could ask for many copies of a large one
_DECODERS: dict[str, Callable[[Any, Tensors], Any]] = {
    "tensor": lambda name, tensors: tensors.pop(name),
    "array": _decode_array,
    "scalar": lambda tree, tensors: _decode(tree, tensors)[()],
    "dict": lambda pairs, tensors: {_decode(k, tensors): _decode(v, tensors) for k, v in pairs},
    "list": lambda items, tensors: [_decode(item, tensors) for item in items],
    "tuple": lambda items, tensors: tuple(_decode(item, tensors) for item in items),
    "bytes": lambda text, _: base64.b64decode(text, validate=True),
}


def _refuse_kind(where: str, got: str) -> NoReturn:
    refuse(
        where,
        "cannot be kept in a checkpoint",
        got=got,
        do="Keep tensors, arrays, numbers, strings, bytes, lists and dictionaries of these",
        error=VMBTypeError,
    )
