"""Documents: tensors in a safetensors file, a JSON text beside them, a SHA-256 over both."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError, VMBTypeError
from pylops_vmb.io._atomic import atomic_path
from pylops_vmb.io._files import check_file

Tensors = dict[str, torch.Tensor]

_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of tensors, in the order of their names.

    Parameters
    ----------
    tensors : :obj:`dict`
        Tensors by name, on any device.

    Returns
    -------
    sha256 : :obj:`str`
        64 hexadecimal digits; they do not depend on the order of the dictionary.
    """
    sha = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        sha.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def write_document(
    path: str | os.PathLike[str], tensors: Mapping[str, torch.Tensor], *, kind: str, text: Any
) -> None:
    """Write tensors and a JSON value to one file, whole or not at all.

    Parameters
    ----------
    path : path-like
        Name of the file.
    tensors : :obj:`dict`
        Tensors by name, on any device; views and shared storage are copied.
    kind : :obj:`str`
        What the file is, checked by `read_document`.
    text : :obj:`dict`
        Anything that JSON can hold.

    Raises
    ------
    VMBFileError
        If the folder is missing.
    """
    stored = {name: _plain_copy(name, tensor) for name, tensor in tensors.items()}
    words = json.dumps(text)
    metadata = {"kind": kind, "sha256": digest(stored), "text": words, "text_sha256": _hash(words)}
    with atomic_path(path) as part:
        save_file(stored, part, metadata=metadata)


def read_document(path: str | os.PathLike[str], *, kind: str) -> tuple[Tensors, dict[str, Any]]:
    """Read what `write_document` wrote, and refuse it if one bit has changed.

    Parameters
    ----------
    path : path-like
        Name of the file.
    kind : :obj:`str`
        What the file must be.

    Returns
    -------
    tensors : :obj:`dict`
        Tensors by name, on the CPU.
    text : :obj:`dict`
        The JSON value.

    Raises
    ------
    VMBFileError
        If the file is missing, a pickle, another format, another kind or damaged.
    """
    file = check_file(path)
    _check_format(file, kind)
    metadata, tensors = _load(file)
    if metadata.get("kind") != kind:
        refuse(
            file.name,
            f"is a safetensors file, and not a {kind} file of pylops_vmb",
            got=metadata.get("kind", "no such mark")[:100],
            do=f"Pass a {kind} file; bare tensors are read with safetensors.torch.load_file",
            error=VMBFileError,
        )
    words = metadata.get("text", "")
    if _hash(words) != metadata.get("text_sha256") or digest(tensors) != metadata.get("sha256"):
        _refuse_damaged(file, "contents that do not match the SHA-256 stored with them")
    try:
        text = json.loads(words)
    except (ValueError, RecursionError) as err:
        _refuse_damaged(file, f"a text that is no JSON ({err})", cause=err)
    if not isinstance(text, dict):
        _refuse_damaged(file, f"a text that is no dictionary ({type(text).__name__})")
    return tensors, text


def _plain_copy(name: str, tensor: Any) -> torch.Tensor:
    if not isinstance(tensor, torch.Tensor):
        got = type(tensor).__name__
        refuse(name, "must be a tensor", got=got, do="Pass tensors", error=VMBTypeError)
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)


def _check_format(file: Path, kind: str) -> None:
    with open(file, "rb") as stream:
        start = stream.read(9)
    if start.startswith(_PICKLES):
        refuse(
            file.name,
            "is a pickled checkpoint, which can run code when it is loaded and is never read here",
            got="a torch.save (.pth, .pt) or pickle file",
            do="Convert it once, if you trust it: read the tensors with "
            "torch.load(path, weights_only=True) and store them with write_weights",
            error=VMBFileError,
        )
    if start[8:] != b"{":
        refuse(
            file.name,
            f"is not a {kind} file (safetensors)",
            got=f"a file that starts with {start!r}",
            do="Check the name, or download the file again",
            error=VMBFileError,
        )


def _load(file: Path) -> tuple[dict[str, str], Tensors]:
    try:
        with safe_open(file, framework="pt") as stored:
            names = stored.keys()
            return stored.metadata() or {}, {name: stored.get_tensor(name) for name in names}
    except (SafetensorError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as err:
        _refuse_damaged(file, str(err), cause=err)


def _refuse_damaged(file: Path, got: str, cause: BaseException | None = None) -> NoReturn:
    refuse(
        file.name,
        "is damaged",
        got=" ".join(got.split())[:300],
        do="Copy or download the file again",
        error=VMBFileError,
        cause=cause,
    )


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
