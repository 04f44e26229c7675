"""
Without low frequencies
=======================

Field data often lack what lies below a few hertz, and FWI from a poor start then has nothing to
begin with. This page removes everything below 4 Hz from the data, inverts with and without it from
the same linear start, and then from the start of a network that was trained on cut data. How the
idea works, and at how many models, is in :doc:`/low_frequencies`.
"""

import matplotlib.pyplot as plt

import pylops_vmb as vmb

# %%
# Data, whole and cut
# -------------------
# The filter is causal, as that of a recording instrument. The wavelet passes it as well, so that
# modelling and data agree and nothing but frequencies is missing. The model is the one of
# ``pylops-vmb demo``: it was chosen because velocity grows with depth in it, as in the start.
grid, acq = vmb.Grid.openfwi(), vmb.Acquisition.openfwi()
cut = vmb.survey.LowCut(4.0)
cut_acq = cut.on(acq)
F, F_cut = vmb.AcousticModelling2D(grid, acq), vmb.AcousticModelling2D(grid, cut_acq)
true = vmb.velocity.openfwi_like(grid.dims, seed=0).sample(2_000_004)
dobs = F(true)
d_cut = cut(dobs, acq.dt)
print(
    f"filtered data and filtered wavelet: {vmb.metrics.relative_l2(F_cut(true), d_cut):.1e} apart"
)

ax = vmb.plotting.plot_spectra(dobs, acq, shots=False, db=True, label="whole")
vmb.plotting.plot_spectra(d_cut, acq, shots=False, db=True, ax=ax, label="cut")
_ = ax.set_xlim(0, 40)

# %%
# The same start, with and without
# --------------------------------
x0 = vmb.inversion.linear_start(grid)
settings = {"niter": 10, "bands": (5.0, 8.0, 12.0, None)}
whole = vmb.fwi(F, dobs, x0, **settings)
lost = vmb.fwi(F_cut, d_cut, x0, **settings)

# %%
# A network's start
# -----------------
# ``fcnvmb-mini-lowcut`` saw cut data in its training. What lies below the corner is its guess
# from what models look like; FWI checks the guess where there are data.
G = vmb.LearnedInversion.from_pretrained("fcnvmb-mini-lowcut", acq=cut_acq)
hybrid = vmb.hybrid(F_cut, d_cut, G, x0=x0, **settings)
print(hybrid.reason)

models = {
    "true": true,
    "linear start": x0,
    "FWI, whole data": whole.vp,
    "FWI, cut data": lost.vp,
    "network, cut data": G(d_cut),
    "hybrid, cut data": hybrid.vp,
}
mae = {name: vmb.metrics.mae(vp, true) for name, vp in models.items()}
for name, vp in models.items():
    misfit = vmb.metrics.relative_l2(F_cut(vp), d_cut)
    print(f"{name:18s} MAE {mae[name]:4.0f} m/s, misfit of the cut data {misfit:.3f}")

fig, axes = plt.subplots(2, 3, figsize=(10, 6.8), sharex=True, sharey=True, layout="constrained")
vmb.plotting.plot_comparison(models, grid, axes=axes.ravel())

# %%
# Down the middle, the long wavelengths tell the difference.
fig, ax = plt.subplots(figsize=(5, 4.6), layout="constrained")
for name in ("true", "FWI, cut data", "network, cut data", "hybrid, cut data"):
    ax.plot(models[name][35] / 1e3, grid.z, label=name, color="black" if name == "true" else None)
ax.set(xlabel="velocity (km/s)", ylabel="z (m)", title="x = 350 m")
ax.invert_yaxis()
ax.legend()

# %%
# From the linear start FWI does not find the model with the whole data either, although it
# explains them: for *this* start even 3 Hz are not low enough. "Low" is a property of the start,
# not a number of hertz, and the network's start needs no frequencies that were not recorded. One
# model of the kind that the network was trained on, and a wavelet that is known.
assert mae["hybrid, cut data"] < 0.6 * mae["FWI, cut data"]
assert mae["hybrid, cut data"] < mae["network, cut data"]
assert mae["hybrid, cut data"] < 0.6 * mae["FWI, whole data"]
