r"""
How FWI and a network relate
============================

Full-waveform inversion (FWI) and a trained network look like rivals: one iterates on a wave
equation, the other answers at once. They are made of the same parts. This page takes a small
survey and goes from one to the other in four steps, each of which runs: FWI is the training of a
network whose weights are the velocity; the adjoint of modelling is a first network of one layer;
a few gradient steps with learned filters are a deep one; and a network in the place of the
velocity is a prior.

The bridge is that `pylops_vmb.AcousticModelling2D` keeps torch's graph: ``F(v)`` of a tensor can be
differentiated as any layer can.
"""

# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np
import torch

import pylops_vmb as vmb
from pylops_vmb.inversion import linear_start

dims = (32, 24)
grid = vmb.Grid(dims, 20.0)
x = 20.0 * np.arange(32)
acq = vmb.Acquisition.fixed_spread(x[[4, 16, 27]], x[::2], nt=110, dt=0.006, f0=7.0)
F = vmb.AcousticModelling2D(grid, acq)

models = torch.tensor(vmb.velocity.openfwi_family("curvevel_a", dims).batch(0, 24))
gathers = [F(model) for model in models]
true, dobs = models[22], gathers[22]
v0 = torch.tensor(linear_start(grid, (1500.0, 4000.0)))  # knows nothing of the model


# %%
# FWI is training
# ---------------
# A recurrent network applies one layer at each time. So does a finite-difference scheme: its
# hidden state is the wavefield at two times, its layer
#
# .. math:: u_{t+1} = 2 u_t - u_{t-1} + \Delta t^2 v^2 (\nabla^2 u_t + s_t),
#
# and its only weights are the velocities :math:`v` (Richardson, 2018; Sun et al., 2020).
# Back-propagation through time in this network *is* the adjoint-state method. Here torch's
# ``backward`` makes the gradient of :math:`\phi(v) = \|F(v) - d\|^2 / \|d\|^2`, and
# `pylops_vmb.L2Misfit`, the objective of `pylops_vmb.fwi`, the same.
def misfit(v):
    return (F(v) - dobs).square().sum() / dobs.square().sum()


v = v0.clone().requires_grad_()
misfit(v).backward()
adjoint_state = vmb.L2Misfit(F, dobs).grad(v0)
difference = float((v.grad - adjoint_state).norm() / v.grad.norm())
print(f"torch's gradient and that of FWI differ by {difference:.1e} of their norm")

# %%
# A training loop with an optimiser of torch is therefore FWI, and 30 epochs are 30 iterations.
v = v0.clone().requires_grad_()
optimiser = torch.optim.Adam([v], lr=30.0)
curve = []
for _ in range(30):
    optimiser.zero_grad()
    phi = misfit(v)
    phi.backward()
    optimiser.step()
    with torch.no_grad():
        v.clamp_(1500.0, 4500.0)
    curve.append(float(phi.detach()))
trained = v.detach()

settings = {"bands": (None,), "bounds": (1500.0, 4500.0)}
classic = vmb.fwi(F, dobs, v0, niter=30, tv=0.0, **settings)

# %%
# The adjoint as a first network
# ------------------------------
# A network of one linear layer goes from data to a change of the model:
#
# .. math:: v_1 = v_0 + a\, J^T (d - F(v_0)).
#
# Its weights are the rows of the Jacobian :math:`J` at :math:`v_0`, as many as data times cells.
# Nobody trained them: the wave equation knows them. This layer is one reverse-time migration of
# the residual. It tells *where* something is, with the wrong amplitudes: cells near sources and
# receivers get nearly all of it. That is what the next steps have to mend.
d0, J = F.linearize(v0)
image = J.H @ (dobs - d0)
alike = float(torch.corrcoef(torch.stack([image.ravel(), (true - v0).ravel()]))[0, 1])
print(f"one layer of {J.shape[1]} x {J.shape[0]} weights, none of them trained")
print(f"correlation of its image with the true change: {alike:.2f}")

fig, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained", sharey=True)
extent = (-10, 630, 470, -10)
for ax, (name, shown) in zip(
    axes, {"true change": true - v0, "one layer": image}.items(), strict=True
):
    top = float(shown.abs().max())
    drawing = ax.imshow(shown.T / top, cmap="RdBu", vmin=-1, vmax=1, extent=extent)
    ax.set(title=name, xlabel="x (m)")
axes[0].set_ylabel("z (m)")
fig.colorbar(drawing, ax=axes, label="change / largest change (1)", shrink=0.8)


# %%
# A gradient step as a layer
# --------------------------
# Put a few such layers in a row, and give each of them something to learn. In the learned
# gradient schemes of Adler and Öktem (2017) that is a network that sees the gradient; here a
# filter :math:`K_k` of 7 x 7 cells and step lengths :math:`a_k` in m/s, one a depth, will do:
#
# .. math:: v_{k+1} = v_k + a_k\, (K_k * g_k / \mathrm{rms}\, g_k), \qquad g_k = J_k^T (d - F(v_k)).
#
# `pylops_vmb.to_module` makes a layer of the adjoint :math:`J_k^T`, so that torch differentiates
# through the physics: the derivative of :math:`g_k` with respect to :math:`v_k` is :math:`-J_k^T
# J_k`, the Hessian of Gauss and Newton. (The change of :math:`J_k` itself is left out: the
# propagator has no second derivative.)
class Step(torch.nn.Module):
    def __init__(self, length):
        super().__init__()
        self.length = torch.nn.Parameter(torch.full((dims[1],), length).log())
        self.filter = torch.nn.Conv2d(1, 1, 7, padding=3, bias=False)
        torch.nn.init.dirac_(self.filter.weight)  # begins as plain gradient descent

    def forward(self, v, d):
        J = F.jacobian(v.detach())
        g = vmb.to_module(J.H)(d - F(v))
        g = self.filter((g / g.detach().square().mean().sqrt())[None])[0]
        return (v + self.length.exp() * g).clamp(1500.0, 4500.0)


class Unrolled(torch.nn.Module):
    def __init__(self, length):
        super().__init__()
        self.steps = torch.nn.ModuleList(Step(length) for _ in range(3))

    def forward(self, d):
        v = v0
        for step in self.steps:
            v = step(v, d)
        return v


def errors(predict, numbers):
    with torch.no_grad():
        return [float((predict(gathers[n]) - models[n]).abs().mean()) for n in numbers]


# %%
# It is trained on sixteen models and their gathers, of which eight also choose the best length of
# plain steps to compare with. Eight models that none of this has seen tell how good it is.
train, test = range(16), range(16, 24)
best = min((50.0, 100.0, 150.0), key=lambda a: np.mean(errors(Unrolled(a), train[:8])))
plain, net = Unrolled(best), Unrolled(100.0)
optimiser = torch.optim.Adam(net.parameters(), lr=0.03)
for _ in range(3):
    for first in train[::2]:
        optimiser.zero_grad()
        for n in (first, first + 1):
            loss = (net(gathers[n]) - models[n]).abs().mean() / 2000.0
            loss.backward()
        optimiser.step()

scores = {
    "start": errors(lambda _: v0, test),
    f"3 plain steps of {best:.0f} m/s": errors(plain, test),
    "3 learned steps": errors(net, test),
}
for name, score in scores.items():
    print(f"{name:25} mean absolute error of 8 new models {np.mean(score):4.0f} m/s")

fig, ax = plt.subplots(figsize=(4.5, 3.6), layout="constrained")
for number, step in enumerate(net.steps):
    ax.plot(step.length.exp().detach(), 20.0 * np.arange(24), label=f"step {number + 1}")
ax.axvline(best, color="0.6", ls="--", label="plain")
ax.set(xlabel="length of a step (m/s)", ylabel="z (m)", ylim=(460, 0), title="what was learned")
ax.legend()

# %%
# More layers, more channels, data only at the first layer: the end of this road is FCNVMB
# (:doc:`/gallery/tutorials/plot_vgg_to_fcnvmb`), which learns the wave equation with everything
# else, and asks for thousands of models where this had sixteen.
#
# A network in the place of the velocity
# --------------------------------------
# The other way about, FWI can train the weights :math:`\theta` of a network that draws the
# velocity:
#
# .. math::
#    \min_\theta \phi(v(\theta)), \qquad
#    \nabla_\theta \phi = \left(\frac{\partial v}{\partial \theta}\right)^T \nabla_v \phi.
#
# What the network draws easily is preferred: it is a prior, without a single training model (He
# and Wang, 2021; Zhu et al., 2022). `pylops_vmb.network_fwi` does it with a small decoder that
# first learns to draw the start. A *trained* network as a prior is ``vmb.hybrid(F, dobs, G,
# prior=0.1)``; see :doc:`/hybrid`.
drawn = vmb.network_fwi(F, dobs, x0=v0, niter=30, lr=2e-3, tv=0.0, **settings)

with torch.no_grad():
    learned = net(dobs)
panels = {
    "true": true,
    "start": v0,
    "torch's Adam": trained,
    "vmb.fwi": classic.vp,
    "unrolled, 3 steps": learned,
    "deep prior": drawn.vp,
}
fig, axes = plt.subplots(2, 3, figsize=(9, 5), layout="constrained", sharex=True, sharey=True)
for ax, (name, vp) in zip(axes.flat, panels.items(), strict=True):
    vmb.plotting.plot_velocity(vp, grid, ax=ax, vmin=1500, vmax=4500, title=name, colorbar=False)
    ax.label_outer()
fig.colorbar(axes[0, 0].images[0], ax=axes, label="velocity (km/s)", shrink=0.8)
mae = {name: float(vmb.metrics.mae(vp, true)) for name, vp in panels.items()}
off = {name: float(vmb.metrics.relative_l2(F(vp), dobs)) for name, vp in panels.items()}
for name in panels:
    print(f"{name:18} mean absolute error {mae[name]:5.0f} m/s, data misfit {off[name]:.3f}")

# %%
# Whoever starts from a line in the full band skips cycles: FWI, by torch or not, and the deep
# prior explain the data far better than the start, with models that are wrong. (Bands from low to
# high are the remedy, and the default of `pylops_vmb.fwi`; they are left out here, so that all
# compare the same data.) The unrolled network has seen models of this kind and is nearest to the
# truth, while it explains the data worst of all. Each knows what the other does not, which is why
# :doc:`/hybrid` puts them together.
#
# Three shots, 768 cells and models of one kind show how the parts fit, not which method is best:
# for that see :doc:`/benchmarks`.
#
# **References.** Adler and Öktem, 2017, Inverse Problems 33, arXiv 1704.04058; He and Wang, 2021,
# Geophysics 86(1), V1-V13; Richardson, 2018, arXiv 1801.07232; Sun, Niu, Innanen, Li and Trad,
# 2020, Geophysics 85(2), R87-R99; Zhu et al., 2022, Geophysics 87(1).
assert difference < 1e-4
assert curve[-1] < 0.3 * curve[0]
assert np.mean(scores["3 learned steps"]) < 0.97 * np.mean(errors(plain, test))
assert off["vmb.fwi"] < off["deep prior"] < 0.3 * off["start"]
assert mae["unrolled, 3 steps"] < 0.9 * mae["vmb.fwi"]
