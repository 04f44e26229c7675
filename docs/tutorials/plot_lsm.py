"""
Least-squares migration
=======================

Migration applies the adjoint of the Jacobian; least-squares migration inverts it, and so removes
the footprint of wavelet and geometry (Nemeth et al., 1999, Geophysics). The Jacobian of a
modelling is a PyLops operator: this page hands it to PyLops' own CGLS and LSQR, and measures what
the image gains.
"""

import matplotlib.pyplot as plt
import numpy as np
import pylops

import pylops_vmb as vmb

# %%
# Background and data
# -------------------
# The background is smooth and has no reflectors; the perturbation has all of them, one of them a
# point. A known background is the assumption of every migration.
grid = vmb.Grid((70, 50), 10.0)
xs, xr = 10.0 * np.arange(4, 70, 10), 10.0 * np.arange(70)
acq = vmb.Acquisition.fixed_spread(xs, xr, nt=700, dt=1e-3, f0=20.0)
F = vmb.AcousticModelling2D(grid, acq)
background = vmb.inversion.linear_start(grid, (1800.0, 2600.0)).astype("float64")
dm = np.zeros(grid.dims)
dm[:, 15:17], dm[:, 30:32], dm[34:36, 22:24] = 60.0, -60.0, 80.0
dd = F(background + dm) - F(background)

# %%
# Migration and its inverse
# -------------------------
# The residual beside zero is what linear (Born) modelling cannot explain.
J = F.jacobian(background)
image = vmb.rtm(F, background, dd)
y = dd.ravel()
niter = 15
cgls, _, _, _, _, cost = pylops.optimization.basic.cgls(J, y, niter=niter, tol=0.0)
lsqr = pylops.optimization.basic.lsqr(J, y, niter=niter, atol=0.0, btol=0.0)[0]
lsm, _, ours = vmb.lsm(F, background, dd, niter=niter)
cgls, lsqr = np.reshape(cgls, grid.dims), np.reshape(lsqr, grid.dims)
for name, m in {"cgls": cgls, "lsqr": lsqr, "vmb.lsm": lsm}.items():
    print(f"{name:8s} residual {np.linalg.norm(y - J @ m.ravel()) / np.linalg.norm(y):.3f}")

# %%
# Migration is not in m/s: below the sources it is scaled to the peak of the true perturbation,
# for the picture. Least squares needs no scaling.
scale = abs(dm).max() / abs(image[:, 10:]).max()
images = {"true perturbation": dm, "migration, scaled": scale * image, "least squares": lsm}
fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True, layout="constrained")
for ax, (name, m) in zip(axes, images.items(), strict=True):
    picture = ax.imshow(m.T, extent=(-5, 695, 495, -5), cmap="RdBu_r", vmin=-60, vmax=60)
    ax.set(xlabel="x (m)", title=name)
axes[0].set_ylabel("z (m)")
fig.colorbar(picture, ax=axes, label="velocity perturbation (m/s)")

# %%
# Convergence
# -----------
# PyLops' CGLS and `pylops_vmb.lsm` are the same method, and in float64 their residuals lie on one
# line. (In float32 rounding parts them after some ten iterations.)
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(np.asarray(ours) / ours[0], marker="o", label="vmb.lsm")
ax.plot(np.asarray(cost) / cost[0], marker=".", label="pylops cgls")
ax.set(xlabel="iteration", ylabel="norm of the residual (data: 1)", ylim=(0, 1.02))
ax.legend()

# %%
# What is gained
# --------------
# Both are compared with the true perturbation below 100 m, whatever their scale: likeness as
# correlation; sharpness as the part of the energy of an image that lies in the cells of the
# reflectors and not in side lobes around them.
below = np.s_[:, 10:]
likeness = {
    name: np.corrcoef(m[below].ravel(), dm[below].ravel())[0, 1] for name, m in images.items()
}
sharpness = {name: np.sum(m[dm != 0] ** 2) / np.sum(m[below] ** 2) for name, m in images.items()}
for name in images:
    print(f"{name:18s} correlation {likeness[name]:.2f}, energy in place {sharpness[name]:.2f}")

fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, m in images.items():
    ax.plot(grid.z, m[20:50].mean(0), label=name)
ax.set(xlabel="z (m)", ylabel="velocity perturbation (m/s)")
ax.legend()

# %%
# Exact data of a known background flatter every migration: with a wrong background the reflectors
# move, and iterations do not bring them back; that takes FWI (:doc:`/hybrid`).
same = np.linalg.norm(cgls - lsm) / np.linalg.norm(lsm)
print(f"difference of vmb.lsm and PyLops' cgls: {same:.1e}")
assert same < 0.01
assert ours[-1] < 0.5 * ours[0]
assert likeness["least squares"] > likeness["migration, scaled"] + 0.1
assert sharpness["least squares"] > 1.2 * sharpness["migration, scaled"]
