"""The propagator and a solver as one would call and write them by hand, with our settings."""

from collections.abc import Callable
from functools import partial
from typing import Any

import deepwave
import numpy as np
import torch

import pylops_vmb as vmb

Product = Callable[[torch.Tensor], torch.Tensor]


class Direct:
    """The propagator as one would call it by hand, everything prepared beforehand."""

    def __init__(self, F: vmb.AcousticModelling2D, interval: int) -> None:
        acq, grid, self.interval = F.acq, F.grid, interval
        wav = np.broadcast_to(-acq.wav, (acq.ns, 1, acq.wav.size)).astype(np.float32)
        self._keywords: dict[str, Any] = {
            "grid_spacing": grid.spacing,
            "dt": acq.dt,
            "source_amplitudes": torch.from_numpy(wav),
            "source_locations": _cells(grid, acq.srcs[:, :, None]),
            "receiver_locations": _cells(grid, acq.receivers),
            "accuracy": 4,
            "pml_width": 20,
            "pml_freq": acq.f0,
            "max_vel": 5500.0,
            "courant_number": 0.8,
            "nt": -(-acq.nt // interval) * interval,
            "model_gradient_sampling_interval": interval,
        }
        self._nt = acq.nt

    def __call__(self, vp: torch.Tensor) -> torch.Tensor:
        traces: torch.Tensor = deepwave.scalar(vp, **self._keywords).receiver_amplitudes
        return traces[..., : self._nt]

    @torch.no_grad()
    def forward(self, vp: torch.Tensor) -> torch.Tensor:
        """Return the data without a graph."""
        return self(vp)

    def derivative(self, vp: torch.Tensor) -> tuple[Product, Product]:
        """Return Born modelling at a velocity and its adjoint, for which the graph is kept."""
        point = vp.clone().requires_grad_()
        traces, born = self(point), partial(self._born, vp)
        return born, lambda d: torch.autograd.grad(traces, point, d, retain_graph=True)[0]

    @torch.no_grad()
    def _born(self, vp: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        keywords = dict(self._keywords)
        receivers = keywords.pop("receiver_locations")
        del keywords["model_gradient_sampling_interval"]
        out = deepwave.scalar_born(vp, dv=change, sc_receiver_locations=receivers, **keywords)
        scattered: torch.Tensor = out.sc_receiver_amplitudes
        return scattered[..., : self._nt]


class LeastSquares:
    """Conjugate gradients for least squares, as `pylops.cgls` without damping."""

    def __init__(self, born: Product, adjoint: Product, d: torch.Tensor) -> None:
        self._born, self._adjoint = born, adjoint
        self._s, self._c = d.clone(), adjoint(d)
        self._q, self._x = born(self._c), torch.zeros_like(self._c)
        self._k = _square(self._c)
        self.cost: list[float] = []

    def step(self) -> torch.Tensor:
        """Run one iteration and return the model."""
        a = self._k / _square(self._q)
        self._x = self._x + a * self._c
        self._s = self._s - a * self._q
        r = self._adjoint(self._s)
        k = _square(r)
        self._c, self._k = r + k / self._k * self._c, k
        self._q = self._born(self._c)
        self.cost.append(float(self._s.norm()))
        return self._x


def _square(x: torch.Tensor) -> torch.Tensor:
    return torch.dot(x.ravel(), x.ravel())


def _cells(grid: vmb.Grid, coords: Any) -> torch.Tensor:
    return torch.from_numpy(grid.cells(coords).round().astype(np.int64).transpose(1, 2, 0).copy())
