"""
Learned inversion
=================

A trained network is an operator from gathers to velocity, `pylops_vmb.LearnedInversion`, and comes
with a card that says what it was trained on. This page reads the card, predicts, and does what
should follow every prediction: model the data of the predicted velocity and compare. The idea of
the network is that of Yang and Ma (2019, Geophysics).
"""

import warnings

import numpy as np

import pylops_vmb as vmb

# %%
# The card
# --------
# It names the survey, the grid, the training and its limits. Read it before anything else.

G = vmb.LearnedInversion.from_pretrained()
print(G.card)
print(G)

# %%
# Prediction
# ----------
# Gathers of a model that the training did not use: the first one from number 2 000 000 on.

F = vmb.AcousticModelling2D(G.grid, G.acq)
true = vmb.velocity.openfwi_like(G.grid.dims, seed=0).sample(2_000_000)
dobs = F(true)
vp = G(dobs)
mae, ssim = vmb.metrics.mae(vp, true), vmb.metrics.ssim(vp, true)
print(f"MAE {mae:.0f} m/s, SSIM {ssim:.3f}")

axes = vmb.plotting.plot_comparison({"True": true, "Network": vp}, G.grid)
axes[0].figure.set_size_inches(9.0, 4.0)

# %%
# Data misfit
# -----------
# Without the true model, what can be judged is how well the prediction explains the data.
# ``G.check`` does it with `F`, and compares spectrum, amplitudes and velocities with those of the
# training as well.

report = G.check(dobs, F)
print(report)
predicted = F(vp)
misfit = vmb.metrics.relative_l2(predicted, dobs)
print(f"relative data misfit {misfit:.3f}")

vmb.plotting.plot_fit(predicted, dobs, G.acq, shot=2)

# %%
# The direct wave, which is most of the energy, fits. Where reflections do not, velocities or
# interfaces are wrong; FWI from here repairs them, see :doc:`/hybrid`.

# %%
# Another survey
# --------------
# Time steps and receivers are interpolated to those of the card. Here are data at 2 ms and in
# every second receiver position; what it costs is printed. A survey that would need extrapolation
# is refused.

recs = G.acq.recs[:, np.r_[0:69:2, 69]]
wav = {"wav": G.acq.wav[::2], "wavc": G.acq.wavc // 2, "f0": G.acq.f0}
acq = vmb.Acquisition(G.acq.srcs, recs, nt=500, dt=2e-3, **wav)
thinned = dobs[:, np.r_[0:69:2, 69], ::2]
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    coarse = G.for_survey(acq)(thinned)
print(*(warning.message for warning in said), sep="\n")
print(f"MAE {vmb.metrics.mae(coarse, true):.0f} m/s from a quarter of the samples")

short = vmb.Acquisition(G.acq.srcs, recs[:, :20], nt=500, dt=2e-3, **wav)
try:
    G.for_survey(short)
except vmb.errors.VMBValueError as error:
    print("refused:", error)

# %%
# One model, without noise and from the generator of the training, shows how it is done; it does
# not show how well it does on your data. For that see :doc:`/hybrid_benchmarks`.

assert report
assert mae < 200.0
assert vmb.metrics.mae(coarse, true) < 1.5 * mae
assert misfit < 0.5
