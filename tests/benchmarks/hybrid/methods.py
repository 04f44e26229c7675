"""Three kinds of start for the same inversion: bands, iterations and penalties are equal."""

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import pylops_vmb as vmb
from pylops_vmb.errors import CardWarning
from pylops_vmb.inversion import InversionResult, linear_start, suggest_bands
from pylops_vmb.io import weights_digest
from tests.benchmarks.cf_sample0 import smoothed
from tests.benchmarks.hybrid.conditions import Problem
from tests.benchmarks.hybrid.models import Velocity

Method = Callable[..., InversionResult]
"""From a problem, callbacks for the solver, and settings by keyword."""

TITLES = {
    "linear": "linear + FWI",
    "network": "network + FWI (hybrid)",
    "skipping": "the same, skip=0.2",
    "oracle": "ORACLE + FWI",
}
"""By name, in the order in which they are shown."""

SKIP = 0.2
"""Data misfit below which a band counts as explained."""


def linear(problem: Problem, callbacks: Sequence[Any], **settings: Any) -> InversionResult:
    """FWI from a velocity that grows linearly with depth."""
    x0 = linear_start(problem.F.grid)
    return vmb.fwi(problem.F, problem.dobs, x0, callbacks=callbacks, **shared(problem, settings))


def oracle(problem: Problem, callbacks: Sequence[Any], **settings: Any) -> InversionResult:
    """FWI from the smoothed truth, which nobody has."""
    x0 = smoothed(problem.true)
    return vmb.fwi(problem.F, problem.dobs, x0, callbacks=callbacks, **shared(problem, settings))


def network(
    problem: Problem, callbacks: Sequence[Any], *, weights: str, **settings: Any
) -> InversionResult:
    """Hybrid inversion as it ships, gate included."""
    G = for_problem(weights, problem)
    words = shared(problem, settings)
    return vmb.hybrid(problem.F, problem.dobs, G, callbacks=callbacks, **words)


def skipping(
    problem: Problem, callbacks: Sequence[Any], *, weights: str, **settings: Any
) -> InversionResult:
    """Hybrid inversion that leaves out the bands which the network's start explains."""
    return network(problem, callbacks, weights=weights, skip=SKIP, **settings)


def prediction(problem: Problem, *, weights: str) -> Velocity:
    """Return what the network says, within the bounds of the inversion."""
    return np.clip(for_problem(weights, problem)(problem.dobs), 1500.0, 4500.0)


def shared(problem: Problem, settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the bands of the data, unless they name their own."""
    return {"bands": suggest_bands(problem.dobs, problem.F.acq.dt)} | settings


def for_problem(weights: str, problem: Problem) -> vmb.LearnedInversion:
    """Return a network for the data of a problem, whatever it was trained on."""
    with warnings.catch_warnings():  # where it is not the card's survey, that is the question
        warnings.simplefilter("ignore", CardWarning)
        return read_network(weights).for_survey(problem.F.acq)


@lru_cache(maxsize=4)
def read_network(weights: str) -> vmb.LearnedInversion:
    """Return the network in a file, or the one that ships under this name."""
    if Path(weights).exists():
        return vmb.LearnedInversion.load(weights)
    return vmb.LearnedInversion.from_pretrained(weights)


def identity(weights: str) -> str:
    """Return name and digest of a network: other weights of one name are another network."""
    G = read_network(weights)
    return f"{G.name}-{weights_digest(G.net.state_dict())[:8]}"
