"""Seismic velocity model building with PyLops: learned, physics-based, and both together.

The public names load their modules on first use, so that ``import pylops_vmb`` itself
costs next to nothing.  `learned` and `hybrid` are functions here, although folders of
those names exist; what else lives in them is reached with
``from pylops_vmb.learned import ...``.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pylops_vmb._version import __version__

if TYPE_CHECKING:
    from pylops_vmb import (
        errors,
        inversion,
        io,
        metrics,
        modelling,
        networks,
        operators,
        plotting,
        survey,
        testing,
        training,
        velocity,
    )
    from pylops_vmb.hybrid import Hybrid, Learned, NetworkFWI, hybrid, learned, network_fwi, tune
    from pylops_vmb.inversion import (
        FWI,
        GaussNewton,
        L2Misfit,
        estimate_wavelet,
        fwi,
        gauss_newton,
        lsm,
        posterior_std,
        rtm,
        water_mask,
    )
    from pylops_vmb.learned import Dropout, Ensemble, LearnedInversion, adapt
    from pylops_vmb.modelling import AcousticModelling2D, estimate_memory, suggest_sampling
    from pylops_vmb.operators import (
        Jacobian,
        NonlinearOperator,
        compose,
        dottest,
        taylortest,
        to_module,
    )
    from pylops_vmb.survey import Acquisition, Grid

__all__ = [
    "FWI",
    "AcousticModelling2D",
    "Acquisition",
    "Dropout",
    "Ensemble",
    "GaussNewton",
    "Grid",
    "Hybrid",
    "Jacobian",
    "L2Misfit",
    "Learned",
    "LearnedInversion",
    "NetworkFWI",
    "NonlinearOperator",
    "__version__",
    "adapt",
    "compose",
    "dottest",
    "errors",
    "estimate_memory",
    "estimate_wavelet",
    "fwi",
    "gauss_newton",
    "hybrid",
    "inversion",
    "io",
    "learned",
    "lsm",
    "metrics",
    "modelling",
    "network_fwi",
    "networks",
    "operators",
    "plotting",
    "posterior_std",
    "rtm",
    "suggest_sampling",
    "survey",
    "taylortest",
    "testing",
    "to_module",
    "training",
    "tune",
    "velocity",
    "water_mask",
]

_HOMES = {
    "Acquisition": "survey",
    "Grid": "survey",
    "Jacobian": "operators",
    "NonlinearOperator": "operators",
    "compose": "operators",
    "dottest": "operators",
    "taylortest": "operators",
    "to_module": "operators",
    "AcousticModelling2D": "modelling",
    "estimate_memory": "modelling",
    "suggest_sampling": "modelling",
    "Dropout": "learned",
    "Ensemble": "learned",
    "LearnedInversion": "learned",
    "adapt": "learned",
    "FWI": "inversion",
    "fwi": "inversion",
    "GaussNewton": "inversion",
    "L2Misfit": "inversion",
    "gauss_newton": "inversion",
    "estimate_wavelet": "inversion",
    "lsm": "inversion",
    "posterior_std": "inversion",
    "rtm": "inversion",
    "water_mask": "inversion",
    "Hybrid": "hybrid",
    "Learned": "hybrid",
    "NetworkFWI": "hybrid",
    "hybrid": "hybrid",
    "learned": "hybrid",
    "network_fwi": "hybrid",
    "tune": "hybrid",
}


class _Front(ModuleType):
    """The class of this module: a public function keeps its name against a folder's.

    Python binds a folder to its parent when it is first imported, by whoever it is;
    without this, ``vmb.hybrid`` would be the function or the folder depending on what
    had been imported before.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Front

if not TYPE_CHECKING:  # hidden from type checkers, which would accept any name because of it

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name not in _HOMES:
            return import_module(f"{__name__}.{name}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
