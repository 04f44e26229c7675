"""
When not to trust
=================

A network answers any gather. This page asks what speaks against an answer: `G.check` compares data
with what the card says of the training, `E.spread` says where several networks disagree, and
surveys that cannot be brought to that of the network are refused. For each trouble it says what to
do.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import pylops_vmb as vmb

G = vmb.LearnedInversion.from_pretrained()
grid, acq = G.grid, G.acq
F = vmb.AcousticModelling2D(grid, acq)
true = vmb.velocity.openfwi_like(grid.dims, seed=0).sample(2_000_004)
dobs = F(true)

# %%
# Data in trouble
# ---------------
# White noise of a tenth of the root mean square of the data, a wavelet of 10 instead of 15 Hz,
# and every third trace dead. The check also warns; here the report is enough.
rng = np.random.default_rng(0)
scale = 0.1 * float(np.sqrt(np.mean(dobs**2)))
noisy = dobs + rng.normal(scale=scale, size=dobs.shape).astype("float32")
other = vmb.Acquisition.fixed_spread(acq.srcs[0], acq.recs[0], nt=1000, dt=1e-3, f0=10.0)
other = acq.with_wavelet(other.wav, other.wavc)
dead = dobs.copy()
dead[:, ::3] = 0.0
troubles = {
    "clean": dobs,
    "noise": noisy,
    "other wavelet": vmb.AcousticModelling2D(grid, other)(true),
    "dead traces": dead,
}
reports, predictions = {}, {}
for name, d in troubles.items():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", vmb.errors.CardWarning)
        reports[name] = G.check(d, F)
    predictions[name] = G(d)
    print(f"--- {name}\n{reports[name]}")

# %%
# Was the check right?
# --------------------
# The predictions that it doubts are the bad ones here, and none of them looks bad by itself.
mae = {name: vmb.metrics.mae(vp, true) for name, vp in predictions.items()}
for name, report in reports.items():
    print(f"{name:14s} MAE {mae[name]:4.0f} m/s, trusted: {bool(report)}")
axes = vmb.plotting.plot_comparison({"true": true} | predictions, grid)
axes[0].figure.set_size_inches(13, 3.4)

# %%
# What to do: a network that was trained for such damage, and FWI after it.
robust = vmb.LearnedInversion.from_pretrained("fcnvmb-mini-robust")
better = {name: vmb.metrics.mae(robust(d), true) for name, d in troubles.items()}
for name, error in better.items():
    print(f"{name:14s} robust network: MAE {error:4.0f} m/s")

# %%
# Where networks disagree
# -----------------------
# The spread of an ensemble needs no modelling. It is no error bar unless it is calibrated
# (:doc:`/gallery/tutorials/plot_uncertainty`), but data unlike the training raise it.
names = ("fcnvmb-mini", "fcnvmb-mini-full", "fcnvmb-mini-robust")
E = vmb.Ensemble([vmb.LearnedInversion.from_pretrained(name) for name in names])
spread = {name: E.spread(d) for name, d in troubles.items()}
for name, std in spread.items():
    print(f"{name:14s} mean spread {std.mean():4.0f} m/s")
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for ax, name in zip(axes, ("clean", "noise"), strict=True):
    vmb.plotting.plot_uncertainty(spread[name], grid, ax=ax, vmax=800, title=name)

# %%
# Another geometry
# ----------------
# Half of the spread, or half of the recording time, cannot be brought to the survey of the
# network without inventing data: it is refused. Record wider or longer, or train a network for
# this survey (:doc:`/training`).
wavelet = {"wav": acq.wav, "wavc": acq.wavc, "f0": acq.f0}
half = vmb.Acquisition(acq.srcs, acq.recs[:, :35], nt=1000, dt=1e-3, **wavelet)
short = vmb.Acquisition(acq.srcs, acq.recs, nt=500, dt=1e-3, **wavelet)
refused = 0
for survey in (half, short):
    try:
        G.for_survey(survey)
    except vmb.errors.VMBValueError as error:
        refused += 1
        print("refused:", error)

# %%
# What no check finds
# -------------------
# Velocities beyond those of the training: the same model 25 per cent faster. The networks agree
# with each other and with the direct waves, and all are wrong.
fast = np.clip(1.25 * true, 1500.0, 5500.0)
d_fast = F(fast)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", vmb.errors.CardWarning)
    unnoticed = G.check(d_fast, F)
error = vmb.metrics.mae(G(d_fast), fast)
print(unnoticed)
print(f"MAE {error:.0f} m/s, mean spread {E.spread(d_fast).mean():.0f} m/s")

# %%
# A report without findings is no proof, and one with findings is a reason to look, not a verdict.
# The data misfit after FWI remains the last word (:doc:`/hybrid`). One model, and one size of
# each trouble.
assert reports["clean"]
assert not any(reports[name] for name in ("noise", "other wavelet", "dead traces"))
assert min(mae[name] for name in mae if name != "clean") > 1.2 * mae["clean"]
assert better["noise"] < mae["noise"]
assert refused == 2
assert unnoticed
assert error > 2 * mae["clean"]
