"""Ready-made generators in the spirit of public training sets; drawn anew, nothing is copied."""

from pylops_vmb.velocity.faults import FaultedLayers
from pylops_vmb.velocity.gradients import Gradients
from pylops_vmb.velocity.layers import CurvedLayers, FlatLayers
from pylops_vmb.velocity.mixture import Mixture
from pylops_vmb.velocity.salt import SaltBodies


def openfwi_like(dims: tuple[int, int] = (70, 70), seed: int = 0) -> Mixture:
    """Return layers, folds, faults, gradients and salt from 1500 to 4500 m/s.

    Spans what is published of the "Vel" and "Fault" families of OpenFWI [1]_: layers of constant
    velocity, interfaces of sine-like form, one or more faults. Weights: flat 15 %, folded 30 %,
    faulted flat 15 %, faulted folded 30 %, gradients 5 %, salt 5 %.

    Parameters
    ----------
    dims : tuple of int
        Cells ``(nx, nz)``.
    seed : int
        Seed of the sequence.

    References
    ----------
    .. [1] Deng et al., 2022, OpenFWI: large-scale multi-structural benchmark datasets for
       full waveform inversion, NeurIPS Datasets and Benchmarks.
    """
    flat, folded = FlatLayers(dims, faded=0.1), CurvedLayers(dims, faded=0.1)
    members = [
        (0.15, flat),
        (0.30, folded),
        (0.15, FaultedLayers(dims, background=flat)),
        (0.30, FaultedLayers(dims, background=folded)),
        (0.05, Gradients(dims)),
        (0.05, SaltBodies(dims, background=folded)),
    ]
    return Mixture(members, seed=seed)


def fcnvmb_like(dims: tuple[int, int] = (301, 201), seed: int = 0) -> SaltBodies:
    """Return folded layers with salt, in the manner of the set that FCNVMB was published with [1]_.

    Five to ten layers that rise from 2000 to 4000 m/s, gentle relief (mean 6.5 cells, at most
    17, in 201), and in 95 % of the models a salt body of 4500 m/s that takes up to 24 % of the
    cells, 11 % on average.

    Parameters
    ----------
    dims : tuple of int
        Cells ``(nx, nz)``.
    seed : int
        Seed of the sequence.

    References
    ----------
    .. [1] Yang and Ma, 2019, Deep-learning inversion: a next-generation seismic velocity model
       building method, Geophysics 84(4), R583-R599.
    """
    relief = (0.0, 6.5 / 201, 17 / 201)
    layers = CurvedLayers(
        dims, vp_range=(2000.0, 4000.0), layers=(5, 10), rising=1.0, relief=relief
    )
    return SaltBodies(
        dims,
        seed=seed,
        vp_range=(2000.0, 4500.0),
        background=layers,
        share=0.95,
        area=(0.0, 0.242),
    )
