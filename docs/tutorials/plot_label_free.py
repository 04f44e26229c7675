r"""
Fine-tuning without labels
==========================

A trained network meets gathers that are not like its training. There is no velocity to train on,
only the gathers themselves: the wave equation must be the teacher. `pylops_vmb.tune` changes a few
numbers of the network so that its prediction, modelled, gives the observed data (Jin et al.,
2022). This page does it on two gathers, holds a shot of each out to tell when to stop, and says
what happens to the data misfit *and* to the error of the model, which need not fall together.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt

import pylops_vmb as vmb

grid = vmb.Grid.openfwi()
F = vmb.AcousticModelling2D(grid, vmb.Acquisition.openfwi())
G = vmb.LearnedInversion.from_pretrained()

# %%
# Two gathers that are not like the training
# ------------------------------------------
# One model has a ridge of salt in layers of the kind of Yang and Ma (2019), the other strongly
# curved layers of OpenFWI's harder family. How well a prediction explains the data, anyone can
# compute; how far it is from the truth, only we can.
models = {
    "salt ridge": vmb.velocity.fcnvmb_like(grid.dims, seed=1)[0],
    "curved layers": vmb.velocity.openfwi_family("curvevel_b", grid.dims)[0],
}
gathers = {name: F(true) for name, true in models.items()}
before = {name: G(d) for name, d in gathers.items()}


def judge(name, vp):
    """Return data misfit (relative) and mean absolute error (m/s)."""
    off = vmb.metrics.relative_l2(F(vp), gathers[name])
    return float(off), float(vmb.metrics.mae(vp, models[name]))


# %%
# Tuning
# ------
# By default low-rank changes of all kernels are optimised (:math:`W + BA`; Hu et al., 2022),
# which begin at the network to the bit. Of the five shots one is held out of the objective; the
# network sees all. What comes out is the point where the held-out shot fits best, and an ordinary
# network with a card that tells how it was made.
tuned = {name: vmb.tune(G, F, d, niter=15, bands=(None,)) for name, d in gathers.items()}

fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", sharex=True)
for ax, (name, one) in zip(axes, tuned.items(), strict=True):
    rows = one.card.training["history"]
    for label, mark in {"misfit": "o-", "held_out": "s--"}.items():
        what = {"misfit": "four shots", "held_out": "the shot held out"}[label]
        ax.plot(range(1, len(rows) + 1), [row[label] for row in rows], mark, label=what)
    ax.set(xlabel="iteration", ylabel="misfit of the data (1)", yscale="log", title=name)
    ax.xaxis.get_major_locator().set_params(integer=True)
axes[0].legend()

# %%
# What was gained
# ---------------
scores = {}
fig, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained", sharex=True, sharey=True)
for row, (name, one) in zip(axes, tuned.items(), strict=True):
    after = one(gathers[name])
    scores[name] = [judge(name, before[name]), judge(name, after)]
    (off0, mae0), (off1, mae1) = scores[name]
    print(f"{name:14} data misfit {off0:.3f} -> {off1:.3f}, error {mae0:.0f} -> {mae1:.0f} m/s")
    panels = {f"{name}: true": models[name], "before": before[name], "after": after}
    for ax, (title, vp) in zip(row, panels.items(), strict=True):
        scale = {"vmin": 1500, "vmax": 4500, "colorbar": False}
        vmb.plotting.plot_velocity(vp, grid, ax=ax, title=title, **scale)
        ax.label_outer()
fig.colorbar(axes[0, 0].images[0], ax=axes, label="velocity (km/s)", shrink=0.6)

# %%
# Both gathers are explained better than before, the shots held out included. The salt ridge got a
# slightly better model, the curved layers a worse one. Shots held out notice when one shot is
# fitted at the cost of the others; they do not notice a velocity that is wrong for all of them. A
# smaller misfit is no proof of a better velocity.
#
# And a tuned network is one for its gathers. What each has done to the other's:
for name, one in tuned.items():
    other = next(key for key in tuned if key != name)
    print(
        f"tuned on {name:14} the error of {other:14} {judge(other, before[other])[1]:.0f} -> "
        f"{judge(other, one(gathers[other]))[1]:.0f} m/s"
    )

# %%
# So tune on the gathers you want to invert, where the prediction already explains most of them,
# and use the result for these, best as the start of `pylops_vmb.fwi`. With labels for new data
# use `pylops_vmb.training.finetune` (:doc:`/gallery/tutorials/plot_training`). Two gathers are no
# statistics; some are in the notes of `pylops_vmb.hybrid.Tuning` and in
# :doc:`/hybrid_benchmarks`.
#
# **References.** Hu et al., 2022, ICLR, arXiv 2106.09685; Jin et al., 2022, ICLR, arXiv
# 2110.07584; Yang and Ma, 2019, Geophysics 84(4).
for name, one in tuned.items():
    metrics = one.card.metrics
    assert metrics["held_out_misfit"] < 0.85 * metrics["held_out_misfit_before"]
    assert scores[name][1][0] < 0.9 * scores[name][0][0]
assert scores["curved layers"][1][1] > scores["curved layers"][0][1]
