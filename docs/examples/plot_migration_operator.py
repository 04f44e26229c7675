r"""
Migration is the adjoint
========================

Reverse-time migration spreads scattered data back along the paths that they came. As an
operator it is the adjoint of the Jacobian, ``J.H``, and it is the direction in which
full-waveform inversion starts. This page shows both, on a model whose reflectors are known.

You will be able to migrate with `pylops_vmb.rtm` and to say what its amplitudes mean: they
are a gradient and not velocities. For velocities, invert the Jacobian by least squares
(`pylops_vmb.lsm`).
"""

import matplotlib.pyplot as plt
import numpy as np
import pylops
import torch

import pylops_vmb as vmb

# sphinx_gallery_thumbnail_number = 2

# %%
# Reflectors and a background
# ---------------------------
#
# Two thin layers and a diffractor in a gradient. The migration knows the gradient alone.

grid = vmb.Grid(dims=(120, 60), spacing=10.0)
acq = vmb.Acquisition.fixed_spread(
    np.arange(50.0, 1151.0, 150.0), grid.x, nt=650, dt=1e-3, f0=15.0, zs=10.0, zr=10.0
)
F = vmb.AcousticModelling2D(grid, acq)

background = np.tile(np.linspace(1800.0, 2700.0, 60), (120, 1)).astype("float32")
dv = np.zeros_like(background)
for column in range(120):
    dv[column, 22 + column // 20] = 150.0  # a dipping layer, 10 m thick
dv[:, 45] = -150.0  # a flat and slower one
dv[80, 36] = 400.0  # a diffractor
true = background + dv

# %%
# Scattered data
# --------------
#
# What the reflectors add to the data of the background.

d = F(background)
dd = F(true) - d
ax = vmb.plotting.plot_gather(dd, acq, shot=3, title="scattered data, shot 3", colorbar=True)

# %%
# The adjoint
# -----------
#
# `pylops_vmb.rtm` is one line: ``F.jacobian(vp).H @ dd``.

J = F.jacobian(background)
image = vmb.rtm(F, background, dd)
assert np.allclose(image, J.H @ dd)

# %%
# The raw image is strongest at sources and receivers, because the waves are. A Laplacian, as
# PyLops has it, takes away the smooth part; a gain with depth is for the eye. The diffractor at
# 360 m is one cell and stays faint.

sharp = -(pylops.Laplacian(grid.dims, weights=(1, 1), dtype="float32") @ image)
sharp = sharp * grid.z.astype("float32")

fig, axes = plt.subplots(3, 1, figsize=(7, 9), sharex=True, layout="constrained")
extent = (grid.x[0], grid.x[-1], grid.z[-1], grid.z[0])
titles = ("velocity perturbation", "J.H @ dd", "minus its Laplacian, times depth")
units = ("m/s", "gradient (data² s/m)", "relative to its 99.5th percentile")
sharp /= np.percentile(np.abs(sharp[:, 8:]), 99.5)
limits = (150.0, np.percentile(np.abs(image), 97.0), 1.0)
for ax, picture, title, unit, limit in zip(
    axes, (dv, image, sharp), titles, units, limits, strict=True
):
    shown = ax.imshow(picture.T, cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent)
    ax.set(ylabel="z (m)", title=title)
    fig.colorbar(shown, ax=ax, label=unit)
axes[-1].set_xlabel("x (m)")

# %%
# It is the gradient of the misfit
# --------------------------------
#
# With :math:`\phi(v) = \tfrac12 \|F(v) - d\|^2` the descent direction in the background is
# :math:`-\nabla\phi = J^H (d - F(v))`: the first step of full-waveform inversion is a
# migration (Lailly, 1983; Tarantola, 1984, Geophysics). Torch arrives at the same numbers.

vp = torch.tensor(background, requires_grad=True)
(0.5 * (F(vp) - torch.tensor(F(true))).square().sum()).backward()
difference = np.abs(image + vp.grad.numpy()).max() / np.abs(image).max()
print(f"J.H @ dd against minus the gradient of torch: {difference:.1e} of the largest value")

# %%
# Where does the image have its strongest depths? In each column of the middle, compare with
# the two layers.

columns = np.arange(30, 75)
upper = np.array([14 + sharp[c, 14:36].argmax() for c in columns])
lower = np.array([36 + sharp[c, 36:55].argmin() for c in columns])
off = np.abs(np.stack([upper - (22 + columns // 20), lower - 45])).mean(axis=1)
print(f"mean error in depth: {10 * off[0]:.1f} m for the upper layer, {10 * off[1]:.1f} m below")

assert difference < 1e-4
assert off.max() < 1.0  # cells of 10 m; the wavelength is about 140 m
