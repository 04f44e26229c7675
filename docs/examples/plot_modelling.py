r"""
Modelling, spacing and time step
================================

`pylops_vmb.AcousticModelling2D` maps a velocity model ``(nx, nz)`` to shot gathers
``(ns, nr, nt)``. This page models one shot, and then measures what the grid spacing and the
time step do to the data, against the exact solution of a homogeneous medium.

You will be able to choose both for your own survey, and to tell from a warning that you chose
badly. The numbers are those of one distance in one medium without reflections.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import hankel2

import pylops_vmb as vmb

# sphinx_gallery_thumbnail_number = 2

# %%
# One shot
# --------
#
# A model from a generator, one source, receivers in every column.

vp = vmb.velocity.FlatLayers((120, 60), seed=3, vp_range=(1800.0, 3500.0))[1]
grid = vmb.Grid(dims=vp.shape, spacing=10.0)
acq = vmb.Acquisition.fixed_spread([600.0], grid.x, nt=700, dt=1e-3, f0=12.0, zs=10.0, zr=10.0)
F = vmb.AcousticModelling2D(grid, acq)
d = F(vp)
print(F, d.shape, d.dtype)
print(F.memory)

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
vmb.plotting.plot_velocity(vp, grid, ax=axes[0], title="velocity")
vmb.plotting.plot_gather(d, acq, ax=axes[1], clip=97.0, title="shot gather", colorbar=True)

# %%
# What the rule of thumb says
# ---------------------------
#
# A stencil of higher order needs fewer cells a wavelength. `pylops_vmb.suggest_sampling` knows
# how many, and the largest stable time step beside them.

velocity, f0, distance = 2000.0, 12.0, 640.0
suggested = {
    order: vmb.suggest_sampling((velocity, 3000.0), f0, space_order=order) for order in (4, 8)
}
for order, sampling in suggested.items():
    print(f"order {order}: {sampling.spacing:.1f} m, {1e3 * sampling.dt:.2f} ms inside")

# %%
# The exact answer
# ----------------
#
# In a homogeneous medium the field of a line source at distance :math:`r` is
# :math:`-\tfrac{i}{4} H_0^{(2)}(\omega r / v)`, times the spectrum of the wavelet and, as
# PyLops scales a source, the area of a cell.


def exact(acq, cell):
    """Return the trace at `distance`, shape (nt,)."""
    length = 8 * acq.nt
    omega = 2.0 * np.pi * np.fft.rfftfreq(length, acq.dt)
    green = np.zeros(omega.size, complex)
    green[1:] = -0.25j * hankel2(0, omega[1:] * distance / velocity)
    return cell * np.fft.irfft(np.fft.rfft(acq.wav, length) * green, length)[: acq.nt]


def error(spacing, dt, **keywords):
    """Return the relative L2 error of the modelled trace."""
    grid = vmb.Grid((round(960.0 / spacing) + 1, round(320.0 / spacing) + 1), spacing)
    acq = vmb.Acquisition.fixed_spread(
        [160.0], [160.0 + distance], nt=round(0.7 / dt), dt=dt, f0=f0, zs=160.0, zr=160.0
    )
    F = vmb.AcousticModelling2D(grid, acq, max_vel=3000.0, **keywords)
    return vmb.metrics.relative_l2(F(np.full(grid.dims, velocity))[0, 0], exact(acq, spacing**2))


# %%
# Spacing
# -------
#
# With the dispersion of the time step taken out (``time_correction=True``) only the spacing
# is left. A coarse grid warns; the warnings are collected here.

spacings = np.array([5.0, 8.0, 10.0, 16.0, 24.0])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    by_order = {
        order: [error(h, 1e-3, space_order=order, time_correction=True) for h in spacings]
        for order in (4, 8)
    }
print(caught[0].message)

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for color, (order, errors) in zip(("tab:blue", "tab:orange"), by_order.items(), strict=True):
    ax.loglog(spacings, errors, "o-", color=color, label=f"order {order}")
    ax.axvline(suggested[order].spacing, color=color, ls=":", label=f"suggested for {order}")
ax.set(xlabel="spacing (m)", ylabel="relative L2 error")
ax.set_xticks(spacings, [f"{h:g}" for h in spacings])
ax.minorticks_off()
ax.legend()

# %%
# Time step
# ---------
#
# ``dt`` is that of the data. Where it is too coarse to be stable, the operator takes substeps
# inside: 2 ms are two steps of 1 ms here, and both have the same error. What remains is the
# error of the second order in time, which the correction removes.

steps = np.array([0.25e-3, 0.5e-3, 1e-3, 2e-3])
plain = [error(10.0, dt, space_order=8) for dt in steps]
corrected = [error(10.0, dt, space_order=8, time_correction=True) for dt in steps]

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.loglog(1e3 * steps, plain, "o-", label="second order in time")
ax.loglog(1e3 * steps, corrected, "s-", label="time_correction=True")
ax.set(xlabel="time step of the data (ms)", ylabel="relative L2 error")
ax.set_xticks(1e3 * steps, [f"{1e3 * dt:g}" for dt in steps])
ax.minorticks_off()
ax.legend()

# %%
# The accurate mode is order 8 with the correction. Leave the correction off to imitate data
# that were themselves made with second order in time, such as OpenFWI's.

print(f"order 8, 10 m, 1 ms: {plain[2]:.1e} plain, {corrected[2]:.1e} corrected")
assert corrected[2] < 1e-3 < 5e-3 < plain[2] < 2e-2
assert by_order[8][3] < 1e-2 < by_order[4][3]
assert any(issubclass(w.category, vmb.errors.DispersionWarning) for w in caught)
