"""Modelling call by call: data, and the products of the Jacobian, side by side.

On the CPU each shot whose field is stored is a call of its own, whatever the number of threads,
and sums over shots are taken in the order of the shots: so results do not depend on the threads.
Where nothing is stored a call takes a group of shots, which gives the same bits.
"""

from collections.abc import Callable, Iterator
from functools import partial, reduce
from itertools import pairwise
from typing import Any, Protocol

import torch

from pylops_vmb.modelling.propagator import (
    Scheme,
    Shots,
    State,
    advance,
    born,
    detached,
    fields,
    propagate,
    recorded,
)
from pylops_vmb.modelling.threads import side_by_side


class Call(Protocol):
    """One call of the propagator and its adjoint."""

    def run(self) -> torch.Tensor:
        """Return the data ``(ns, nr, nt)``, and keep what `vjp` needs."""

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Return the adjoint of the derivative, ``(nx, nz)``, as often as one likes."""


class Stored:
    """A call that keeps its graph: its adjoint costs the backward pass only."""

    def __init__(self, vp: torch.Tensor, shots: Shots, scheme: Scheme) -> None:
        self._vp = vp.detach().requires_grad_()
        self._shots, self._scheme = shots, scheme

    def run(self) -> torch.Tensor:
        """Simulate, and keep the field of every stored step."""
        with torch.enable_grad():
            self._d = propagate(self._vp, self._shots, self._scheme)
        return self._d.detach()

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Return the adjoint by the kept graph."""
        return torch.autograd.grad(self._d, self._vp, dy, retain_graph=True)[0]


class Segments:
    r"""A call that keeps the wavefields at the borders of segments of time.

    The adjoint takes the segments from the last to the first: each is simulated again with its
    graph, and hands the gradient of its initial fields to the one before.
    """

    def __init__(self, vp: torch.Tensor, shots: Shots, scheme: Scheme, *, segments: int) -> None:
        self._vp, self._shots, self._scheme = vp.detach(), shots, scheme
        self._steps = list(_split(scheme, segments))

    def run(self) -> torch.Tensor:
        """Simulate, and keep the wavefields at the borders."""
        self._borders: list[State | None] = []
        traces, state = [], None
        with torch.no_grad():
            for steps in self._steps:
                self._borders.append(state)
                some, state = self._advance(self._vp, steps, state)
                traces.append(some)
            return recorded(torch.cat(traces, dim=-1), self._shots, self._scheme)

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Return the adjoint, segment by segment from the end."""
        residual, gradient = self._spread(dy), torch.zeros_like(self._vp)
        carried: list[torch.Tensor] = []
        for steps, border in reversed(list(zip(self._steps, self._borders, strict=True))):
            slope, carried = self._back(steps, border, [residual[..., steps], *carried])
            gradient += slope
        return gradient

    def _advance(
        self, vp: torch.Tensor, steps: slice, state: State | None
    ) -> tuple[torch.Tensor, State]:
        return advance(vp, self._shots, self._scheme, steps=steps, state=state)

    def _back(
        self, steps: slice, border: State | None, dy: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the segment's share of the gradient, and that of its initial fields."""
        start = detached(border)
        inputs = [field.requires_grad_() for field in (self._vp.detach(), *fields(start))]
        with torch.enable_grad():
            traces, end = self._advance(inputs[0], steps, start or None)
        outputs = [traces, *fields(end)][: len(dy)]  # nobody looks at the last fields
        slope, *carried = torch.autograd.grad(outputs, inputs, dy)
        return slope, carried

    def _spread(self, dy: torch.Tensor) -> torch.Tensor:
        """Return the residual at each time step: the adjoint of `recorded`."""
        traces = dy.new_zeros(*dy.shape[:-1], self._scheme.steps, requires_grad=True)
        with torch.enable_grad():
            d = recorded(traces, self._shots, self._scheme)
        return torch.autograd.grad(d, traces, dy)[0]


class Repeated:
    """A call that keeps nothing: its adjoint simulates again."""

    def __init__(self, make: Callable[[], Call], run: Callable[[], torch.Tensor]) -> None:
        self._make, self._run = make, run

    def run(self) -> torch.Tensor:
        """Simulate."""
        with torch.no_grad():
            return self._run()

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Simulate with what the adjoint needs, and return the adjoint."""
        part = self._make()
        part.run()
        return part.vjp(dy)


class WaveLinearization:
    """Data at a velocity, and the Jacobian there.

    Parameters
    ----------
    calls : :obj:`list` of `Shots`
        What is simulated at a time.
    groups : :obj:`list` of `Shots`
        The same shots, as they are simulated at a time where nothing is stored.
    scheme : `Scheme`
        How to simulate.
    kept : :obj:`int`
        How many of the calls, the first ones, keep what their adjoint needs.
    segments : :obj:`int`
        In how many segments of time the adjoint is taken.
    workers : :obj:`int`
        Calls side by side where the field is stored, and otherwise.
    """

    def __init__(
        self,
        calls: list[Shots],
        scheme: Scheme,
        *,
        groups: list[Shots],
        kept: int,
        segments: int = 1,
        workers: tuple[int, int] = (1, 1),
    ) -> None:
        self._calls, self._groups, self._scheme = calls, groups, scheme
        self._kept, self._segments = kept, segments
        self._workers, self._light_workers = workers

    def run(self, vp: torch.Tensor) -> torch.Tensor:
        """Return the data ``(ns, nr, nt)`` at a velocity ``(nx, nz)``, which must not change."""
        self._vp = vp.detach()
        self._parts = [self._part(number) for number in range(len(self._calls))]
        workers = self._workers if self._kept else self._light_workers
        return torch.cat(side_by_side(lambda part: part.run(), self._parts, workers=workers))

    def jvp(self, dx: torch.Tensor) -> torch.Tensor:
        """Return ``J dx``: one simulation of the wave and of its change."""
        product = partial(self._born, dx.detach())
        return torch.cat(side_by_side(product, self._groups, workers=self._light_workers))

    def vjp(self, dy: torch.Tensor) -> torch.Tensor:
        """Return ``J^H dy``, summed in the order of the shots."""
        pieces = torch.split(dy.detach(), [len(shots) for shots in self._calls])
        pairs = zip(self._parts, pieces, strict=True)
        slopes = side_by_side(lambda pair: pair[0].vjp(pair[1]), pairs, workers=self._workers)
        return reduce(torch.add, slopes)

    def _part(self, number: int) -> Call:
        what = (self._vp, self._calls[number], self._scheme)
        make: Callable[[], Call] = (
            partial(Segments, *what, segments=self._segments)
            if self._segments > 1
            else partial(Stored, *what)
        )
        return make() if number < self._kept else Repeated(make, partial(propagate, *what))

    def _born(self, dx: torch.Tensor, shots: Shots) -> torch.Tensor:
        with torch.no_grad():
            return born(self._vp, dx, shots, self._scheme)


def modelled(vp: torch.Tensor, wave: WaveLinearization) -> torch.Tensor:
    """Return ``wave.run(vp)`` as a function that autograd knows, in both modes."""
    d: torch.Tensor = _Modelled.apply(vp, wave)  # type: ignore[no-untyped-call]
    return d


class _Modelled(torch.autograd.Function):
    @staticmethod
    def forward(vp: torch.Tensor, wave: WaveLinearization) -> torch.Tensor:
        return wave.run(vp)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        del output
        ctx.wave = inputs[1]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.wave.vjp(dy), None

    @staticmethod
    def jvp(ctx: Any, dx: torch.Tensor, _: None) -> torch.Tensor:
        dd: torch.Tensor = ctx.wave.jvp(dx)
        return dd


def _split(scheme: Scheme, segments: int) -> Iterator[slice]:
    """Split the time steps evenly, at steps where the field is stored."""
    stored = scheme.steps // scheme.stride
    borders = [scheme.stride * (number * stored // segments) for number in range(segments + 1)]
    return (slice(*pair) for pair in pairwise(borders))
