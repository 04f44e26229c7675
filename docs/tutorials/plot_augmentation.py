r"""
Augmentation: what is exact, and what is not
============================================

A simulated pair of gathers and velocity can be made into others without another simulation. Some
changes are *symmetries* of the wave equation, and what comes out is what a simulation would have
given. Others change the wavelet, which a filter can do, or imitate what happens in the field. And
some that are usual for pictures are plainly wrong for gathers. This page compares each with a
simulation of its own.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.interpolate import CubicSpline

import pylops_vmb as vmb
from pylops_vmb.survey import ricker
from pylops_vmb.training import augmentation

# %%
# A survey that is its own mirror image: shots and receivers lie symmetrically about the middle.
# Samples for networks have the order ``(ns, nt, nr)`` and ``(1, nz, nx)``.
grid = vmb.Grid((70, 60), 10.0)
x = 10.0 * np.arange(70)
acq = vmb.Acquisition.fixed_spread([100.0, 340.0, 350.0, 590.0], x, nt=700, dt=0.001, f0=12.0)
F = vmb.AcousticModelling2D(grid, acq)
true = torch.tensor(vmb.velocity.openfwi_family("curvevel_a", grid.dims, seed=4)[1])


def simulate(vp, acq=acq):
    """Return gathers ``(ns, nt, nr)`` of a velocity ``(1, nz, nx)``."""
    return vmb.AcousticModelling2D(grid, acq)(vp[0].T.contiguous()).transpose(1, 2)


d, vp = simulate(true.T[None]), true.T[None]
off = {}


def compare(name, made, simulated):
    off[name] = float((made - simulated).norm() / simulated.norm())
    print(f"{name:32} {off[name]:.1e} from a simulation, relative L2")


draw = torch.Generator().manual_seed(0)

# %%
# Mirror
# ------
# Left becomes right: the model, the receivers, and the order of the shots. Exact, where the
# survey is symmetric; `pylops_vmb.training.augmentation.Mirror` refuses one that is not, such as
# OpenFWI's.
mirror = augmentation.Mirror(acq, grid, p=1.0)
d_mirror, vp_mirror = mirror(d, vp, draw)
compare("mirror", d_mirror, simulate(vp_mirror))

# %%
# Velocity against time
# ---------------------
# In a medium that is :math:`a` times faster everything happens :math:`a` times earlier: if
# :math:`u(x, t)` solves the wave equation for :math:`v`, then :math:`u(x, at)` solves it for
# :math:`av`, with the wavelet :math:`w(at)`. The new sample belongs to another wavelet, or, with
# ``wavelet="kept"``, to the old one through a filter.
a = 0.92
settings = {"range": (a, a)}
scaling = augmentation.TimeVelocityScaling(acq, **settings)
d_scaled, vp_scaled = scaling(d, vp, draw)
wavelet = CubicSpline(acq.dt * np.arange(len(acq.wav)), acq.wav, extrapolate=False)
stretched = np.nan_to_num(wavelet(a * acq.dt * np.arange(len(acq.wav) / a)))
slower = acq.with_wavelet(stretched, round(acq.wavc / a))
compare("velocity and time, w(at)", d_scaled, simulate(vp_scaled, slower))

kept = augmentation.TimeVelocityScaling(acq, **settings, wavelet="kept")
d_kept, vp_kept = kept(d, vp, draw)
compare("velocity and time, wavelet kept", d_kept, simulate(vp_kept))

# %%
# Another wavelet
# ---------------
# Gathers are linear in the wavelet, so that a filter changes it, as far as the old one has
# energy. Here 12 Hz become 15 Hz, with the same time zero.
change = augmentation.WaveletChange(acq, f0=15.0)
d_changed, _ = change(d, vp, draw)
wav15, centre = ricker(15.0, acq.dt)
later = np.concatenate([np.zeros(acq.wavc - centre), wav15])
compare("another wavelet", d_changed, simulate(vp, acq.with_wavelet(later, acq.wavc)))

# %%
# What is done to pictures
# ------------------------
# Shifting the model and the receivers by five cells forgets that the sources stay where they are;
# averaging two samples forgets that data are not linear in velocity. Both make samples that no
# survey records, and a network that learns from them learns wrong physics.
d_shifted, vp_shifted = d.roll(5, dims=2), vp.roll(5, dims=2)
compare("shift by five cells", d_shifted, simulate(vp_shifted))
second = torch.tensor(vmb.velocity.openfwi_family("curvevel_a", grid.dims, seed=4)[2]).T[None]
compare("average of two", (d + simulate(second)) / 2, simulate((vp + second) / 2))

# %%
# A trace of each, in the middle of the line, beside the one that was simulated.
cases = {
    "mirror": (d_mirror, simulate(vp_mirror)),
    "velocity and time, wavelet kept": (d_kept, simulate(vp_kept)),
    "shift by five cells": (d_shifted, simulate(vp_shifted)),
}
t = acq.dt * np.arange(acq.nt)
fig, axes = plt.subplots(3, 1, figsize=(8, 6), layout="constrained", sharex=True)
for ax, (name, (made, simulated)) in zip(axes, cases.items(), strict=True):
    ax.plot(t, simulated[0, :, 30], "k", lw=2, label="simulated")
    ax.plot(t, made[0, :, 30], "--", color="tab:orange", label="made")
    ax.set(ylabel="pressure (1)", title=f"{name}: {off[name]:.1e}")
axes[0].legend(loc="upper right")
axes[-1].set_xlabel("time (s)")

# %%
# What happens in the field
# -------------------------
# Noise, dead traces, uneven amplitudes and late clocks leave the model as it is: the network
# shall learn to ignore them. They make no new geology. Several augmentations are one, each with
# its own probability, and random numbers follow from the generator alone.
field = augmentation.Compose(
    [
        augmentation.Noise((5.0, 5.0)),
        augmentation.DeadTraces((0.1, 0.1), per="receiver"),
        augmentation.AmplitudeScaling(6.0, per="receiver"),
    ]
)
d_field, vp_field = field(d, vp, torch.Generator().manual_seed(1))

fig, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained", sharey=True)
for ax, (name, shown) in zip(axes, {"simulated": d, "in the field": d_field}.items(), strict=True):
    vmb.plotting.plot_gather(shown.transpose(1, 2), acq, ax=ax, title=name)

# %%
# ``Trainer(..., augment=field)`` changes every sample anew in every epoch (:doc:`/training`).
# What an augmentation is worth for a network has to be measured on data that were not made by it;
# one model tells only what is exact.
assert off["mirror"] < 1e-4
assert off["velocity and time, w(at)"] < 5e-3
assert off["velocity and time, wavelet kept"] < 3e-2
assert off["another wavelet"] < 3e-2
assert min(off["shift by five cells"], off["average of two"]) > 0.2
assert torch.equal(vp_field, vp)
