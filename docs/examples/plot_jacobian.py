r"""
The Jacobian
============

``F.jacobian(vp)`` is the derivative of the modelling at a velocity model, and an ordinary
`pylops.LinearOperator`. This page compares it with a difference of two simulations, puts it
through a Taylor test and a dot test, and looks at how far a linear prediction reaches.

You will be able to use the Jacobian wherever PyLops takes an operator, and to check one of
your own. Its adjoint as a picture of the ground is the next page,
:ref:`sphx_glr_gallery_examples_plot_migration_operator.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pylops

import pylops_vmb as vmb

# %%
# A model, a point and a perturbation
# -----------------------------------
#
# The Jacobian belongs to one point, here a gradient of velocity. The perturbation is a block
# that is faster by 100 m/s. In float64 the checks are sharp.

grid = vmb.Grid(dims=(80, 50), spacing=10.0)
acq = vmb.Acquisition.fixed_spread([150.0, 640.0], grid.x, nt=450, dt=1e-3, f0=15.0)
F = vmb.AcousticModelling2D(grid, acq, dtype="float64")

vp = np.tile(np.linspace(1800.0, 2600.0, 50), (80, 1))
dv = np.zeros(grid.dims)
dv[35:45, 22:28] = 100.0

d, J = F.linearize(vp)
print(J, isinstance(J, pylops.LinearOperator))

# %%
# ``linearize`` gave the data and the Jacobian from one simulation; ``jacobian`` gives the
# latter alone. Arrays with ``dims`` and flat vectors both work.

born = J @ dv
assert np.allclose((J @ dv.ravel()).reshape(acq.dimsd), born)

# %%
# Born data against a difference
# ------------------------------
#
# To first order, the change of the data is :math:`F(v + \delta v) - F(v) \approx J \delta v`.
# The left side holds multiple scattering and later arrivals, too; they are what remains.

change = F(vp + dv) - d
axes = vmb.plotting.plot_fit(born, change, acq, shot=1)
for ax, title in zip(axes, ("F(vp + dv) - F(vp)", "J dv", "what is not linear"), strict=True):
    ax.set_title(title)
nonlinear = vmb.metrics.relative_l2(born, change)
print(f"not explained by the Jacobian: {100 * nonlinear:.1f} % of the change")

# %%
# Taylor test
# -----------
#
# Halve the step: what the Jacobian leaves must fall by four. With a wrong derivative it falls
# by two only. `pylops_vmb.taylortest` runs this in a random direction, and refuses if the
# order is below 1.9; here it has our perturbation.

steps = 2.0 ** -np.arange(8.0)
taylor = vmb.taylortest(F, vp, dx=dv, steps=steps)
first = [np.linalg.norm(F(vp + h * dv) - d) / np.linalg.norm(d) for h in steps]

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.loglog(100 * steps, first, "o-", label="|F(vp + h dv) - F(vp)|, order 1")
ax.loglog(100 * steps, taylor.remainders, "s-", label="|F(vp + h dv) - F(vp) - h J dv|, order 2")
ax.set(xlabel="perturbation of the block (m/s)", ylabel="relative to |F(vp)|")
ax.legend()
print("orders:", ", ".join(f"{order:.3f}" for order in taylor.slopes))

# %%
# Dot test
# --------
#
# The adjoint satisfies :math:`\langle J u, v\rangle = \langle u, J^H v\rangle` for any two
# vectors. `pylops_vmb.dottest` is seeded and relative to the size of both.

dot = vmb.dottest(J, seed=0)
print(f"<Ju, v> = {dot.forward:.12e}\n<u, Jv> = {dot.adjoint:.12e}\nerror {dot.error:.1e}")

# %%
# It is a PyLops operator
# -----------------------
#
# It can be chained, stacked and handed to solvers. Here the unknown is the velocity of three
# blocks instead of 4000 cells: a matrix of three columns, solved by PyLops' least squares.
# The data are those of the linear problem.

blocks = np.zeros((3, *grid.dims))
for block, x in zip(blocks, (15, 35, 55), strict=True):
    block[x : x + 10, 22:28] = 1.0
Op = J @ pylops.MatrixMult(blocks.reshape(3, -1).T)
truth = np.array([60.0, -40.0, 90.0])
found = pylops.optimization.basic.cgls(Op, Op @ truth, niter=5, tol=0.0)[0]
print("blocks in m/s:", found.round(6))

assert isinstance(J, pylops.LinearOperator)
assert 0.05 < nonlinear < 0.2
assert taylor
assert min(taylor.slopes) > 1.95
assert dot.error < 1e-12
assert np.allclose(found, truth, atol=1e-4)
