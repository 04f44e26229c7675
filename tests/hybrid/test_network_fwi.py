"""FWI for the numbers of a network: the chain rule, the start, and all that FWI promises."""

import copy
import pickle

import numpy as np
import pytest
import torch

import pylops_vmb as vmb
from pylops_vmb.errors import StartWarning, VMBFileError, VMBTypeError, VMBValueError
from pylops_vmb.hybrid import NetworkFWIResult
from pylops_vmb.hybrid.reparameterised import Reparameterisation
from pylops_vmb.inversion import linear_start
from pylops_vmb.inversion.objective import Value
from pylops_vmb.inversion.preconditioning import Preconditioner
from pylops_vmb.networks import DeepPrior
from pylops_vmb.networks.adapters import adapt

SHORT = {"niter": 3, "bands": (20.0, None), "within": 40.0}
PLAIN = Preconditioner(illumination=False)


@pytest.fixture
def decoder():
    torch.manual_seed(4)
    return DeepPrior((16, 24), width=4, depth=2)


def drawing(net, *, part="all", bounds=(1500.0, 4500.0)):
    net = copy.deepcopy(net).double()
    return Reparameterisation(adapt(net, part), net.noise(seed=0), bounds=bounds)


def bowl(vp):
    """Return the distance to 2400 m/s, as an objective."""
    assert not vp.requires_grad
    off = (vp - 2400.0) / 1000.0
    return Value(0.0, float(off.square().sum()), 2e-3 * off)


@pytest.mark.parametrize("part", ["all", "low-rank", "last"])
def test_the_pulled_gradient_is_the_derivative(decoder, part):
    network = drawing(decoder, part=part, bounds=(1.0, 1e5))
    torch.manual_seed(1)
    theta = network.theta + 0.01 * torch.randn_like(network.theta)
    change, step = torch.randn_like(theta), 1e-6
    value = network.value(theta, bowl, PLAIN)
    up, down = (network.value(theta + s * step * change, bowl, PLAIN).total for s in (1, -1))
    assert float(value.gradient @ change) == pytest.approx((up - down) / (2 * step), rel=1e-5)


def test_at_a_bound_the_gradient_only_leads_back(decoder):
    vp = drawing(decoder).vp()
    assert 1600.0 < float(vp.mean()) < 4400.0
    low, high = float(vp.max()) + 100.0, float(vp.max()) + 200.0
    network = drawing(decoder, bounds=(low, high))
    assert torch.equal(network.vp(), torch.full_like(vp, low))

    def towards(sign):
        return lambda v: Value(0.0, 0.0, sign * torch.ones_like(v))

    assert not network.value(network.theta, towards(1.0), PLAIN).gradient.any()
    assert network.value(network.theta, towards(-1.0), PLAIN).gradient.any()


def test_the_decoder_learns_the_start_and_the_misfit_falls(case):
    result = vmb.network_fwi(case.F, case.d, x0=case.fallback, **SHORT | {"niter": 8})
    assert isinstance(result, NetworkFWIResult)
    assert result.pretraining["gap"] <= 40.0
    assert result.pretraining["steps"] > 0
    assert (result.niter, result.status) == (16, "done")
    assert result.cost[7] < 0.8 * result.cost[0]
    copied = pickle.loads(pickle.dumps(result))
    assert copied.pretraining == result.pretraining


def test_the_start_is_drawn_and_by_default_linear_in_depth(case):
    solver = vmb.NetworkFWI(case.F, "deep-prior", **SHORT)
    x = solver.setup(case.d)
    gap = float((x - torch.from_numpy(linear_start(case.grid))).abs().mean())
    assert gap == pytest.approx(solver.pretraining["gap"], abs=15.0)
    with pytest.warns(StartWarning, match=r"x0: could not be drawn to 5 m/s .* after 2 steps"):
        vmb.NetworkFWI(case.F, "deep-prior", pretrain=2, bands=(20.0,)).setup(case.d)


@pytest.mark.parametrize("part", ["all", "low-rank"])
def test_a_learned_inversion_starts_from_its_prediction_and_stays(case, tiny, part):
    G = tiny()
    before = copy.deepcopy(G.net.state_dict())
    solver = vmb.NetworkFWI(case.F, G, part=part, niter=4, bands=(20.0,))
    x = solver.setup(case.d)
    np.testing.assert_allclose(x, np.clip(G(case.d), 1500.0, 4500.0), rtol=1e-6)
    result = solver.solve(case.d)
    assert result.cost[-1] < result.cost[0]
    assert (result.pretraining, G.net.training) == ({}, False)
    assert all(torch.equal(v, before[k]) for k, v in G.net.state_dict().items())
    tuned = copy.deepcopy(G.net)
    tuned.load_state_dict(solver.weights())
    with torch.no_grad():
        vp = tuned(G.inputs(torch.from_numpy(case.d))[None])[0, 0].T
    np.testing.assert_allclose(result.vp, vp.clamp(1500.0, 4500.0), rtol=1e-6)


def test_bounds_and_mask_hold(case, decoder):
    mask = np.ones(case.grid.dims)
    mask[:, :4] = 0.0
    more = SHORT | {"bounds": (2200.0, 2350.0), "mask": mask, "lr": 1e-2}
    vp = vmb.network_fwi(case.F, case.d, decoder, x0=case.fallback, **more).vp
    np.testing.assert_array_equal(vp[:, :4], case.fallback[:, :4])
    assert np.ptp(vp[:, 4:]) > 1.0
    assert 2200.0 <= vp.min() <= vp.max() <= 2350.0


@pytest.mark.parametrize("more", [{}, {"optimiser": "lbfgs", "lr": 1e-2}, {"smooth": 1.0}])
def test_a_resumed_run_gives_the_same_bits(tmp_path, case, decoder, raising, more):
    path, more = tmp_path / "run.safetensors", SHORT | more | {"x0": case.fallback}
    whole = vmb.network_fwi(case.F, case.d, decoder, **more)
    for after in (1, 4):
        with pytest.raises(ZeroDivisionError):
            vmb.network_fwi(
                case.F, case.d, decoder, callbacks=[raising(after)], checkpoint=path, **more
            )
    resumed = vmb.network_fwi(case.F, case.d, decoder, checkpoint=path, **more)
    np.testing.assert_array_equal(resumed.vp, whole.vp)
    assert resumed.cost.tolist() == whole.cost.tolist()
    assert resumed.pretraining["steps"] == whole.pretraining["steps"]
    other = DeepPrior((16, 24), width=4, depth=2)
    with pytest.raises(VMBFileError, match="got other network in"):
        vmb.network_fwi(case.F, case.d, other, checkpoint=path, **more)


def test_each_band_decays_over_its_own_iterations(case, tiny):
    solver = vmb.NetworkFWI(case.F, tiny(), niter=(1, 3), bands=(20.0, None))
    x = solver.setup(case.d)
    assert solver._stage._optimiser._inner._niter == 1
    solver.step(x)
    assert solver._stage._optimiser._inner._niter == 3


def test_kinds_come_out_as_they_came_in(case, decoder):
    more = {"x0": case.fallback, "niter": 1, "bands": (20.0,), "within": 60.0}
    plain = vmb.network_fwi(case.F, case.d, decoder, **more)
    assert (type(plain.vp), plain.vp.dtype) == (np.ndarray, np.float32)
    tensor = vmb.network_fwi(case.F, torch.from_numpy(case.d), decoder, **more).vp
    assert (type(tensor), tensor.requires_grad) == (torch.Tensor, False)
    np.testing.assert_array_equal(tensor.numpy(), plain.vp)
    double = vmb.network_fwi(case.F, case.d.astype("f8"), decoder, **more).vp
    assert double.dtype == np.float64
    np.testing.assert_allclose(double, plain.vp, atol=20.0)


def test_refusals(case, tiny, decoder):
    with pytest.raises(VMBTypeError, match="net: must be a learned inversion or a decoder, got in"):
        vmb.NetworkFWI(case.F, 3)
    with pytest.raises(VMBValueError, match="net: is not a known choice, got 'fcnvmb'"):
        vmb.NetworkFWI(case.F, "fcnvmb")
    with pytest.raises(VMBValueError, match=r"net: must draw the grid of F.*out_shape=\(16, 24\)"):
        vmb.NetworkFWI(case.F, DeepPrior((24, 16), width=2))
    with pytest.raises(VMBValueError, match="x0: cannot be used: the prediction of the network"):
        vmb.network_fwi(case.F, case.d, tiny(), x0=case.fallback)
    with pytest.raises(VMBValueError, match=r"optimiser: 'lbfgs' needs the gradient as it is"):
        vmb.NetworkFWI(case.F, decoder, optimiser="lbfgs", illumination=True)
