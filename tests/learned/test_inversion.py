"""LearnedInversion: the contract, the network's mode, files, other surveys, refusals."""

import numpy as np
import pytest
import torch

from pylops_vmb.errors import CardWarning, VMBFileError, VMBValueError
from pylops_vmb.learned import LearnedInversion
from pylops_vmb.operators import dottest
from pylops_vmb.testing import check_nonlinear_operator


def statistics(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_it_is_the_network_after_its_preprocessing(G, net, card, d):
    inputs = card.preprocessing(torch.from_numpy(d).float())
    with torch.no_grad():
        expected = net.eval()(inputs[None])[0, 0].T
    np.testing.assert_allclose(G(d), expected, rtol=1e-5)
    assert G(d).shape == (8, 6)
    assert repr(G) == "<48x1620 tiny with dtype=float32>"
    assert (G.dims, G.dimsd, G.grid) == ((3, 9, 60), (8, 6), card.grid)


def test_the_whole_contract_of_a_nonlinear_operator(G, d):
    check_nonlinear_operator(G, d)


def test_kinds_are_kept(G, d):
    single = G(torch.from_numpy(d.astype(np.float32)))
    assert (type(single), single.dtype) == (torch.Tensor, torch.float32)
    assert G(d).dtype == np.float64
    assert G(d.ravel()).shape == (48,)


def test_the_adjoint_is_exact_in_float64(G, d):
    J = G.jacobian(d)
    assert J.dtype == np.float64
    assert dottest(J).error < 1e-13


def test_the_jacobian_is_the_slope(G, d, rng):
    direction, step = rng.standard_normal(d.shape), 1e-6
    slope = (G(d + step * direction) - G(d - step * direction)) / (2 * step)
    size = np.linalg.norm(slope)
    assert size > 1.0  # m/s: the network listens
    assert np.linalg.norm(G.jacobian(d) @ direction - slope) < 1e-5 * size


def test_a_network_in_training_mode_changes_nothing(net, card, d):
    G = LearnedInversion(net.train(), card)
    before, calm = statistics(G.net), G(d)
    for mode in (G.net.train, G.net.eval):
        mode()
        np.testing.assert_array_equal(G(d), calm)
        J = G.jacobian(d)
        J.H @ (J @ d)
        G(torch.from_numpy(d).requires_grad_()).sum().backward()
    assert same(before, statistics(G.net))
    assert not any(parameter.requires_grad for parameter in G.net.parameters())


def test_float32_uses_the_network_itself_in_training_mode_too(G, d):
    before = statistics(G.net)
    G.net.train()
    x = torch.from_numpy(d.astype(np.float32))
    G(x)
    G.jacobian(x).H @ torch.ones(8, 6)
    assert same(before, statistics(G.net))


def test_amplitude_is_ignored(G, d):
    np.testing.assert_allclose(G(1e6 * d), G(d), rtol=1e-9)


def test_save_and_load_are_exact(G, d, tmp_path):
    path = tmp_path / "tiny.safetensors"
    G.save(path)
    again = LearnedInversion.load(path)
    assert same(statistics(G.net), statistics(again.net))
    assert again.card == G.card
    np.testing.assert_array_equal(again(d), G(d))


def test_half_precision_halves_the_file(G, d, tmp_path):
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    G.save(full)
    G.save(half, dtype=torch.float16)
    rounded = LearnedInversion.load(half)
    assert half.stat().st_size < 0.75 * full.stat().st_size
    assert next(rounded.net.parameters()).dtype == torch.float32
    np.testing.assert_allclose(rounded(d), G(d), rtol=2e-3)


def test_one_changed_byte_is_refused(G, tmp_path):
    path = tmp_path / "tiny.safetensors"
    G.save(path)
    damaged = bytearray(path.read_bytes())
    damaged[-5] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(VMBFileError, match=r"(?i)damaged|hash|sha-?256"):
        LearnedInversion.load(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(VMBFileError, match=r"none\.safetensors"):
        LearnedInversion.load(tmp_path / "none.safetensors")


def test_an_unknown_name_is_refused():
    with pytest.raises(VMBValueError, match=r"name: is not a known choice, got 'vgg'.*fcnvmb-mini"):
        LearnedInversion.from_pretrained("vgg")


def test_data_of_another_survey_are_resampled(G, d, survey):
    fine = survey(nt=240, dt=1e-3)
    t, tfine = G.acq.t, fine.t
    smooth = np.sin(2 * np.pi * 8 * tfine) * np.ones((3, 9, 1))
    expected = G(np.sin(2 * np.pi * 8 * t) * np.ones((3, 9, 1)))
    other = G.for_survey(fine)
    assert (other.dims, other.dimsd) == ((3, 9, 240), (8, 6))
    np.testing.assert_allclose(other(smooth), expected, rtol=1e-3)
    dottest(other.jacobian(smooth))


def test_a_survey_unlike_that_of_the_training_is_warned_about(G, survey):
    with pytest.warns(CardWarning, match="peak frequency 20 Hz instead of 12 Hz") as caught:
        G.for_survey(survey(f0=20.0))
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.0, r"d: holds no signal, got zeros only\. Check how the data were read"),
        (np.nan, r"d: must be finite, got 1620 NaN or infinite values\. Mute or interpolate"),
    ],
)
def test_data_without_a_signal_are_refused(G, d, value, message):
    for call in (G, G.jacobian):
        with pytest.raises(VMBValueError, match=message):
            call(np.full_like(d, value))


def test_data_of_another_shape_are_refused(G, d):
    with pytest.raises(VMBValueError, match=r"axes seem to be swapped.*\(3, 9, 60\)"):
        G(d.transpose(0, 2, 1))
