"""Random numbers of one sample, from the generator that is given and from nowhere else."""

from typing import Any

import torch


def uniform(generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> float:
    """Draw one number from ``low`` to ``high``."""
    draw = torch.rand((), generator=generator, device=generator.device, dtype=torch.float64)
    return low + (high - low) * draw.item()


def uniforms(
    generator: torch.Generator, shape: tuple[int, ...], low: float, high: float
) -> torch.Tensor:
    """Draw float64 numbers from ``low`` to ``high``."""
    draws = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
    return low + (high - low) * draws


def normals(generator: torch.Generator, like: torch.Tensor) -> torch.Tensor:
    """Draw standard normal numbers of the shape, dtype and device of ``like``."""
    settings: Any = {"generator": generator, "device": generator.device, "dtype": like.dtype}
    return torch.randn(like.shape, **settings).to(like.device)


def chosen(generator: torch.Generator, shape: tuple[int, ...], count: int) -> torch.Tensor:
    """Return a mask of the given shape in which exactly ``count`` places are true."""
    mask = torch.zeros(shape, dtype=torch.bool, device=generator.device)
    order = torch.randperm(mask.numel(), generator=generator, device=generator.device)
    mask.view(-1)[order[:count]] = True
    return mask


def shape_per(d: torch.Tensor, per: str) -> tuple[int, int, int]:
    """Return the shape of one number per survey, shot, receiver or trace of ``(ns, nt, nr)``."""
    ns, _, nr = d.shape
    shapes = {"survey": (1, 1, 1), "shot": (ns, 1, 1), "receiver": (1, 1, nr), "trace": (ns, 1, nr)}
    return shapes[per]
