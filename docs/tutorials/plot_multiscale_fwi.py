"""
Multiscale FWI
==============

FWI compares waves sample by sample: a modelled wave that is late by more than half a period pulls
the model the wrong way (cycle skipping). Low frequencies have long periods, so one begins with
them (Bunks et al., 1995, Geophysics). This page inverts the same gathers from the same start with
and without bands, with the same number of iterations, and goes through what `pylops_vmb.fwi`
offers.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from pylops.optimization.callback import Callbacks

import pylops_vmb as vmb

# %%
# Data and start
# --------------
# Velocity grows with depth, with a slow and a fast body in it. The start is linear in depth, too
# slow by a few hundred m/s everywhere, and knows nothing of the bodies. The case was made to show
# cycle skipping: on the layered model of the hybrid page bands helped much less.
grid, acq = vmb.Grid.openfwi(), vmb.Acquisition.openfwi()
F = vmb.AcousticModelling2D(grid, acq)
x, z = np.meshgrid(grid.x, grid.z, indexing="ij")
true = vmb.inversion.linear_start(grid, (1900.0, 3100.0))
true[np.hypot(x - 200.0, z - 220.0) < 90.0] -= 300.0
true[np.hypot(x - 480.0, z - 300.0) < 110.0] += 300.0
x0 = vmb.inversion.linear_start(grid, (1600.0, 2800.0))
dobs = F(true)

# %%
# Bands
# -----
# By default the corners follow from the spectrum of the data. Each is a low-pass: a band holds
# all frequencies below its corner, the last one all there are.
bands = vmb.inversion.suggest_bands(dobs, acq.dt)
print("corners (Hz):", *(f"{band:.1f}" for band in bands))
ax = vmb.plotting.plot_spectra(dobs, acq, title="observed data")
for band in bands[:-1]:
    ax.axvline(band, color="0.5", linestyle=":")

# %%
# With and without
# ----------------
# Forty iterations each: ten in every band, or all of them with all frequencies at once.
with_bands = vmb.fwi(F, dobs, x0, bands=bands, niter=10)
at_once = vmb.fwi(F, dobs, x0, bands=(None,), niter=10 * len(bands))

models = {"true": true, "start": x0, "with bands": with_bands.vp, "all at once": at_once.vp}
mae = {name: vmb.metrics.mae(vp, true) for name, vp in models.items()}
misfit = {name: vmb.metrics.relative_l2(F(vp), dobs) for name, vp in models.items()}
upper = {name: vmb.metrics.mae(vp[:, :35], true[:, :35]) for name, vp in models.items()}
for name in models:
    print(
        f"{name:12s} MAE {mae[name]:4.0f} m/s, in the upper half {upper[name]:4.0f} m/s, "
        f"data misfit {misfit[name]:.3f}"
    )

axes = vmb.plotting.plot_comparison(models, grid)

# %%
# The data misfit over the iterations. With bands it jumps where a band begins, as more of the
# spectrum is compared; each band begins where the one before has brought the model.
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, result in {"with bands": with_bands, "all at once": at_once}.items():
    vmb.plotting.plot_history(result.cost, ax=ax, label=name)
_ = ax.set(ylabel="data misfit (zero data: 1)")

# %%
# Cycle skipping, seen
# --------------------
# One trace of a far receiver, scaled by its peak. The start is late by about a period of the
# wavelet. In the end both inversions explain the trace well, and one of the two models is wrong:
# a good fit is necessary, not sufficient. The lower half, which no wave turns in, stays
# unresolved in both.
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for name, vp in models.items():
    trace = F(vp)[0, 60]
    style = {"color": "black", "linewidth": 3} if name == "true" else {}
    ax.plot(acq.t, trace / abs(trace).max(), label=name, **style)
ax.set(xlabel="time (s)", ylabel="amplitude (peak: 1)", xlim=(0.1, 0.8))
ax.legend()

# %%
# More options
# ------------
# ``niter`` and ``misfit`` may differ from band to band, and ``estimate_source`` finds the wavelet
# at the start of a band, where it is not known. A checkpoint keeps an inversion: this one is
# interrupted after three iterations, and the repeated call goes on from there.


class StopAfterThree(Callbacks):
    def on_step_end(self, solver, _):
        if solver.iiter == 3:
            raise KeyboardInterrupt


options = {"bands": bands[:2], "niter": (3, 2), "misfit": ("l2", "agc"), "estimate_source": True}
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "fwi.npz"
    first = vmb.fwi(F, dobs, x0, checkpoint=path, callbacks=[StopAfterThree()], **options)
    print(first.status, "after", first.niter)
    resumed = vmb.fwi(F, dobs, x0, checkpoint=path, **options)
    print(resumed.status, "after", resumed.niter)

# %%
# One model without noise, whose lowest frequencies were recorded. Where they were not, see
# :doc:`/low_frequencies`; where the start is too poor for any band, see :doc:`/hybrid`.
assert mae["with bands"] < 0.9 * mae["all at once"]
assert mae["with bands"] < mae["start"] < mae["all at once"]
assert upper["with bands"] < 0.7 * upper["all at once"]
assert first.status == "interrupted"
assert resumed.niter == 5
