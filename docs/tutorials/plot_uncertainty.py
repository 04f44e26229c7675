r"""
How sure is a prediction?
=========================

A learned inversion answers any gather with a model and no doubt. This page asks four times how
sure one may be: by the spread of an *ensemble* of networks, by *dropout* in one network, by the
*calibration* that makes a spread an honest deviation, and by the *posterior* of full-waveform
inversion, which knows nothing of networks. Then the spread is put to work, as the weight of a
prior.
"""

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np

import pylops_vmb as vmb

grid, acq = vmb.Grid.openfwi(), vmb.Acquisition.openfwi()
F = vmb.AcousticModelling2D(grid, acq)

# %%
# An ensemble
# -----------
# The three networks of one survey in the wheel were trained on different mixtures of models and
# data. Where they disagree, at most one of them is right. (An ensemble in the strict sense, of
# one training from several seeds, is more alike; Lakshminarayanan et al., 2017.)
names = ("fcnvmb-mini", "fcnvmb-mini-full", "fcnvmb-mini-robust")
E = vmb.Ensemble([vmb.LearnedInversion.from_pretrained(name) for name in names])

models = vmb.velocity.openfwi_like(seed=11).batch(0, 30)
pairs = [(F(vp), vp) for vp in models]
dobs, true = pairs[26]
mean, spread = E(dobs), E.spread(dobs)

# %%
# Calibration
# -----------
# Networks that learned from the same kind of models err alike, and then the spread is too small.
# Fifteen pairs that no network was trained on fit a scale :math:`s` and a floor :math:`f`,
# :math:`\sigma^2 = s^2\sigma_0^2 + f^2`; another fifteen say what became of it. An honest
# deviation covers as many cells as its law says.
fitted, fresh = pairs[:15], pairs[15:]
C = E.calibrated(fitted)
print("scale and floor:", round(C.calibration.scale, 2), round(C.calibration.floor), "m/s")
reports = {"as it is": E.reliability(fresh), "calibrated": C.reliability(fresh)}
for name, report in reports.items():
    print(f"{name}: {report}")

ax = None
for name, report in reports.items():
    ax = vmb.plotting.plot_coverage(report.levels, report.covered, ax=ax, label=name)
ax.set_title("cells whose true velocity lies in the interval")

# %%
# Spread and error
# ----------------
# For one of the fresh models, on one scale of colours. The ensemble doubts most at the
# interfaces, where it errs most; but not at each of them, and what all members get wrong alike it
# cannot see.
std = C.spread(dobs)
top = float(np.quantile(abs(mean - true), 0.98))
fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained", sharey=True)
vmb.plotting.plot_velocity(
    mean, grid, ax=axes[0], vmin=1500, vmax=4500, title="mean of the ensemble"
)
vmb.plotting.plot_uncertainty(
    abs(mean - true), grid, ax=axes[1], vmax=top, title="its error", label="absolute error (m/s)"
)
vmb.plotting.plot_uncertainty(std, grid, ax=axes[2], vmax=top, title="its deviation")

# %%
# Along a line downwards the interval holds the truth, or it does not.
ax = vmb.plotting.plot_profile(mean, std, grid, x=350.0, true=true)
ax.set_title("x = 350 m")

# %%
# Dropout
# -------
# One network alone can be asked, too: thinned copies of it, without some of its channels, spread
# as an ensemble does (Gal and Ghahramani, 2016). This network was not trained with dropout; its
# spread is a sensitivity, whose size means nothing before it is calibrated.
thinned = vmb.Dropout(E.networks[1], p=0.02, draws=8, seed=0).calibrated(fitted)
print("dropout, calibrated:", thinned.reliability(fresh))

# %%
# What the data leave open
# ------------------------
# FWI has a deviation of its own. Near a solution, data :math:`d` with noise :math:`\sigma_d`
# leave open what their Jacobian :math:`J` does not see: the diagonal of :math:`(J^T J /
# \sigma_d^2 + \sigma_v^{-2})^{-1}`. `pylops_vmb.posterior_std` estimates it with few products of
# :math:`J`. It grows with depth and is small where waves pass often. The method "diagonal" is a
# lower bound, which neglects that errors of neighbours can cancel in the data; "lowrank" is an
# upper one. Both assume that the solution is in the right valley, which is just what a network
# can get wrong.
rng = np.random.default_rng(0)
sigma = 0.02 * float(np.sqrt(np.mean(dobs**2)))
noisy = dobs + rng.normal(scale=sigma, size=dobs.shape).astype("float32")
result = vmb.hybrid(F, noisy, C, prior=0.1, niter=10, bands=(8.0, None), profile=0, race=0)
posterior = vmb.posterior_std(
    F, result.vp, noise_std=sigma, prior_std=300.0, method="diagonal", probes=16
)

# %%
# A prior that knows where it is sure
# -----------------------------------
# With ``prior=`` an ensemble pulls the velocity of `pylops_vmb.hybrid` to its mean, by
# :math:`\tfrac{\epsilon^2}{2N} \| (v - \bar v) / \sigma \|^2` up to a constant: hard where its
# members agree, softly where they do not. The result above was made with it.
free = vmb.hybrid(F, noisy, C, niter=10, bands=(8.0, None), profile=0, race=0)
errors = {
    "ensemble": vmb.metrics.mae(mean, true),
    "hybrid": vmb.metrics.mae(free.vp, true),
    "hybrid with prior": vmb.metrics.mae(result.vp, true),
}
for name, error in errors.items():
    print(f"{name:18} mean absolute error {error:4.0f} m/s")

fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained", sharey=True)
vmb.plotting.plot_velocity(true, grid, ax=axes[0], vmin=1500, vmax=4500, title="true")
vmb.plotting.plot_velocity(
    result.vp, grid, ax=axes[1], vmin=1500, vmax=4500, title="hybrid with prior"
)
vmb.plotting.plot_uncertainty(
    posterior,
    grid,
    ax=axes[2],
    vmax=float(np.quantile(posterior, 0.95)),
    title="what the data leave open",
)

# %%
# Data of all shots with little noise decide nearly everything here, and the prior changes little.
# Thirty models and one survey are few; the calibration holds for models like those that it was
# fitted on, and for no others (:doc:`/hybrid`).
#
# **References.** Gal and Ghahramani, 2016, ICML, arXiv 1506.02142; Lakshminarayanan, Pritzel and
# Blundell, 2017, NeurIPS, arXiv 1612.01474.
far = {
    name: np.abs(np.subtract(report.covered, report.levels)).max()
    for name, report in reports.items()
}
print(
    f"largest error of a share: {far['as it is']:.2f} as it is, {far['calibrated']:.2f} calibrated"
)
assert far["calibrated"] < 0.15 < 0.25 < far["as it is"]
assert reports["as it is"].correlation > 0.4
assert errors["hybrid with prior"] < errors["ensemble"]
assert posterior[:, 60:].mean() > posterior[:, :20].mean()
