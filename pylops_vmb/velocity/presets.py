"""Ready-made generators in the spirit of public training sets; drawn anew, nothing is copied."""

from pylops_vmb.velocity.faults import FaultedLayers
from pylops_vmb.velocity.gradients import Gradients
from pylops_vmb.velocity.layers import CurvedLayers, FlatLayers
from pylops_vmb.velocity.mixture import Mixture
from pylops_vmb.velocity.ridges import SaltRidges
from pylops_vmb.velocity.rough import RoughLayers
from pylops_vmb.velocity.salt import SaltBodies
from pylops_vmb.velocity.segsalt import SaltBasin


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


def fcnvmb_like(dims: tuple[int, int] = (301, 201), seed: int = 0) -> SaltRidges:
    """Return rough layers with salt, in the manner of the set that FCNVMB was published with [1]_.

    Five to ten layers of velocities uniform from 2000 to 4000 m/s, sorted downwards, nearly flat
    with one rough form; in every model salt of 4500 m/s across most of the width, half of it
    ridges on the bottom (16 % of the cells) and half lenses at mid-depth (7 %).

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
    layers = RoughLayers(
        dims,
        vp_range=(2000.0, 4000.0),
        layers=(5, 10),
        thinnest=15.5 / 201,
        roughness=0.9 / 201,
        rougher=0.07,
        reach=5.4 / 301,
        flare=3.7 / 201,
    )
    return SaltRidges(dims, seed=seed, vp_range=(2000.0, 4500.0), background=layers)


def seg_salt_like(dims: tuple[int, int] = (301, 201), seed: int = 0) -> SaltBasin:
    """Return basins in the manner of the slices of the SEG/EAGE salt model [1]_.

    Water of 1500 m/s over the uppermost cells, folded sediments from about 1710 to 2700 m/s that
    lose a seventh below an overpressured horizon, thin reflectors up to 3400 m/s, and in four of
    five models a salt body of 4482 m/s with a rugose top on 3 to 14 % of the cells.

    Parameters
    ----------
    dims : tuple of int
        Cells ``(nx, nz)``.
    seed : int
        Seed of the sequence.

    References
    ----------
    .. [1] Aminzadeh, Brac and Kunz, 1997, 3-D salt and overthrust models, SEG/EAGE 3-D
       Modeling Series 1.

    Examples
    --------
    >>> from pylops_vmb.velocity import seg_salt_like
    >>> vp = seg_salt_like((60, 40), seed=3)[0]
    >>> vp.shape, float(vp.min())
    ((60, 40), 1500.0)
    """
    return SaltBasin(dims, seed=seed, vp_range=(1500.0, 4482.0))
