"""
Hybrid inversion
================

FWI needs a start that is close enough; a network gives one at once, but does not look at how well
it explains the data. This page inverts the same gathers three ways, by the network alone, by FWI
from a start that is linear in depth, and by FWI from the network (`pylops_vmb.hybrid`), scores all
three, and shows how the gate between the starts decides. You will be able to do the same with your
own gathers; the guide is :doc:`/hybrid`.
"""

import matplotlib.pyplot as plt

import pylops_vmb as vmb

# %%
# Data
# ----
# The network in the wheel knows its survey and its grid. The model is drawn from the generator of
# its training, with a number far above those that the training used. It is the one of
# ``pylops-vmb demo``: its velocity grows with depth, as the linear start does, which gives FWI
# from there a fair chance. (On number 2 000 000, the first that was tried, the three do not
# change places.) It takes part in the simulation of the data and in the scores, in nothing else.
G = vmb.LearnedInversion.from_pretrained()
grid, acq = G.grid, G.card.acq
F = vmb.AcousticModelling2D(grid, acq)
true = vmb.velocity.openfwi_like(grid.dims, seed=0).sample(2_000_004)
dobs = F(true)
print(acq, grid, sep="\n")

# %%
# Three inversions
# ----------------
# Both runs of FWI have the same settings: bands from low to high frequencies that the spectrum of
# the data suggests, and the same number of iterations in each.

settings = {"niter": 15}
x0 = vmb.inversion.linear_start(grid)
network = G(dobs)
fwi = vmb.fwi(F, dobs, x0, **settings)
hybrid = vmb.hybrid(F, dobs, G, x0=x0, **settings)

# %%
# Which start, and why
# --------------------
# The gate compares data misfits, band by band: it never sees the true model.

print(hybrid.start, "|", hybrid.reason)
for name, misfits in hybrid.starts.items():
    print(f"{name:18s}", *(f"{misfit:8.4f}" for misfit in misfits))

# %%
# Scores
# ------
# Mean absolute error and structural similarity against the true model, and how much of the data
# is left unexplained, which is the only one of the three that you have in the field.

models = {"True": true, "Network": network, "FWI from linear": fwi.vp, "Hybrid": hybrid.vp}
mae = {name: vmb.metrics.mae(vp, true) for name, vp in models.items()}
misfit = {name: vmb.metrics.relative_l2(F(vp), dobs) for name, vp in models.items()}
print(f"{'':16s} MAE (m/s)   SSIM  data misfit")
for name, vp in models.items():
    print(f"{name:16s} {mae[name]:9.0f} {vmb.metrics.ssim(vp, true):6.3f} {misfit[name]:12.4f}")

# %%
# The picture
# -----------
# One colour scale for all models; stars are shots, triangles every fifth receiver. Below are
# profiles at the white line, and the data misfit over the iterations of all bands; it jumps where
# a band begins, because another part of the spectrum is then compared.

plt.rcParams.update({"font.size": 15, "axes.titlesize": 16})
fig = plt.figure(figsize=(13.5, 8.0), layout="constrained")
top, bottom = fig.subfigures(2, 1, height_ratios=(1.0, 0.95))
axes = top.subplots(1, 4, sharey=True)
vmb.plotting.plot_comparison(models, grid, axes=axes)
x, column = grid.x, grid.dims[0] // 2
for ax, name in zip(axes, models, strict=True):
    ax.set_title(
        f"{name}\n" + (f"MAE {mae[name]:.0f} m/s" if name != "True" else "shots ★, receivers ▾")
    )
    ax.plot(
        acq.srcs[0],
        acq.srcs[1],
        "*",
        color="red",
        markersize=13,
        markeredgecolor="white",
        clip_on=False,
    )
    ax.plot(acq.recs[0, ::5], acq.recs[1, ::5], "v", color="black", markersize=4, clip_on=False)
    ax.axvline(x[column], color="white", linestyle=":", linewidth=1.5)
    ax.set_xticks([0, 300, 600])

colours = {"True": "black", "Network": "C1", "FWI from linear": "C0", "Hybrid": "C3"}
left, right = bottom.subplots(1, 2, width_ratios=(1.0, 1.3))
for name, vp in models.items():
    style = {"color": colours[name], "linewidth": 3.0 if name in ("True", "Hybrid") else 2.0}
    left.plot(vp[column] / 1e3, grid.z, label=name, **style)
left.set(xlabel="velocity (km/s)", ylabel="z (m)", title=f"Velocity at x = {x[column]:.0f} m")
left.invert_yaxis()
left.legend(fontsize=12)
for name, result in {"FWI from linear": fwi, "Hybrid": hybrid}.items():
    iterations = [entry.number for entry in result.history]
    right.semilogy(iterations, result.cost, color=colours[name], linewidth=2.5, label=name)
right.set(xlabel="iteration", ylabel="data misfit (zero data: 1)", title="Convergence, all bands")
right.legend(fontsize=12)

# %%
# FWI from the linear start explains the data nearly as well as the hybrid does, with a wrong
# model. It is one model on a small grid, without noise, drawn as the training was drawn: a
# picture of how the parts work together, not of what to expect elsewhere. Sixty models are in
# :doc:`/hybrid_benchmarks`; models unlike the training and damaged data in :doc:`/hybrid_more`.

ssim = {name: vmb.metrics.ssim(vp, true) for name, vp in models.items()}
assert mae["Hybrid"] < 0.95 * mae["Network"]
assert mae["Hybrid"] < 0.5 * mae["FWI from linear"]
assert ssim["Hybrid"] > ssim["Network"] + 0.05
assert misfit["Hybrid"] < 0.2 * misfit["Network"]
