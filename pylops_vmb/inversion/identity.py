"""What tells one inversion from another: what a checkpoint must agree in to be resumed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from pylops_vmb._backend import generator, to_tensor
from pylops_vmb._checks import refuse, warn
from pylops_vmb.errors import FileWarning, VMBFileError
from pylops_vmb.inversion.processes import Team
from pylops_vmb.inversion.settings import InversionSettings
from pylops_vmb.io import weights_digest
from pylops_vmb.operators import NonlinearOperator
from pylops_vmb.operators.autograd import apply_linear
from pylops_vmb.operators.nonlinear import Composite


def identity_of(
    F: NonlinearOperator,
    settings: InversionSettings,
    dobs: torch.Tensor,
    *,
    mask: torch.Tensor | None,
    team: Team,
) -> dict[str, Any]:
    """Return what tells an inversion from others, by name.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.
    settings : `InversionSettings`
        The settings.
    dobs : :obj:`torch.Tensor`
        Observed data ``(ns, nr, nt)`` of this member's shots.
    mask : :obj:`torch.Tensor` or None
        Cells that may change.
    team : `Team`
        Who holds the other shots.

    Returns
    -------
    identity : :obj:`dict`
        Digests and words, and lists of numbers that agree to 1e-5.
    """
    tensors = {"dobs": fingerprint(dobs, F.dimsd[0], team)}
    if mask is not None:
        tensors["mask"] = mask
    for number, r in enumerate(settings.dataregs):
        if r is not None:
            tensors[f"dataregs {number}"] = to_tensor(r, name="dataregs").detach()
    return {
        "modelling": modelling_digest(F),
        "settings": settings_in_words(settings),
        "Regs": sizes_of(settings.Regs, dobs),
        "data": weights_digest(tensors),
    }


def check_start(digest: str, saved: str) -> None:
    """Refuse a start that is not that of the saved run, by their digests.

    Raises
    ------
    VMBFileError
        If they differ.
    """
    if digest != saved:
        refuse(
            "x0",
            "must be the start of the saved run, which goes on from its own model",
            got="another start",
            do="Leave it out, or name another file as checkpoint",
            error=VMBFileError,
        )


def modelling_digest(F: NonlinearOperator) -> str:
    """Return what is known of an operator in one word.

    Parameters
    ----------
    F : `NonlinearOperator`
        The modelling.

    Returns
    -------
    digest : :obj:`str`
        What its method ``fingerprint()`` returns, as that of `AcousticModelling2D`, which
        knows grid, survey and scheme; without one, its name and shapes.
    """
    if isinstance(F, Composite):
        return f"{modelling_digest(F.outer)} @ {modelling_digest(F.inner)}"
    own = getattr(F, "fingerprint", None)
    return str(own()) if own else repr((F.name, F.dims, F.dimsd))


def settings_in_words(settings: InversionSettings) -> str:
    """Return settings in words that are the same in every process; functions by their names."""
    words = repr(replace(settings, mask=None, dataregs=()))
    return re.sub(r" at 0x[0-9a-fA-F]+", "", words)


def warn_of_nameless(settings: InversionSettings) -> None:
    """Warn if a function of the settings has no name of its own."""
    words = settings_in_words(settings)
    if "<lambda>" in words or "<locals>" in words:
        warn(
            "checkpoint",
            "cannot tell a lambda or an inner function from another one",
            got=f"misfit={settings.misfit!r}",
            do="Define the function in a module, so that its name stands for it",
            category=FileWarning,
        )


def sizes_of(Regs: Sequence[Any], like: torch.Tensor) -> list[float]:
    """Return the norm of each operator applied to one random vector.

    Their names do not tell ``0.1 * L`` from ``0.2 * L``.

    Parameters
    ----------
    Regs : sequence of :obj:`pylops.LinearOperator`
        Acting on velocity.
    like : :obj:`torch.Tensor`
        Dtype and device of the vector.

    Returns
    -------
    sizes : :obj:`list`
        To about 1e-6: compare them with a tolerance.
    """
    return [_size(R, like) for R in Regs]


def _size(R: Any, like: torch.Tensor) -> float:
    vector = torch.randn(R.shape[1], generator=generator(0), dtype=torch.float64).to(like)
    return float(apply_linear(R, vector).double().norm())


def fingerprint(data: torch.Tensor, ns: int, team: Team) -> torch.Tensor:
    """Return a SHA-256 of each shot of the survey, whoever holds it.

    Parameters
    ----------
    data : :obj:`torch.Tensor`
        This member's shots ``(..., nr, nt)``.
    ns : :obj:`int`
        Number of shots of the survey.
    team : `Team`
        Who holds the others.

    Returns
    -------
    rows : :obj:`torch.Tensor`
        Bytes ``(ns, 32)``, the same however the shots are shared.
    """
    mine = team.shots(ns)

    def own_rows() -> list[torch.Tensor]:
        rows = torch.zeros(ns, 32, dtype=torch.float64)
        for row, shot in zip(rows[mine], data, strict=True):
            row[:] = torch.tensor(list(bytes.fromhex(weights_digest({"shot": shot}))))
        return [rows]

    return team.sum(own_rows)[0].to(torch.uint8)
