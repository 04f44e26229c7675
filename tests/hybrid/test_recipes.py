"""Recipes: named settings that explicit ones override."""

import pytest

import pylops_vmb as vmb
from pylops_vmb.errors import VMBValueError
from pylops_vmb.hybrid import RECIPES, HybridSettings


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_made_of_settings(case, network, name):
    solver = vmb.Hybrid(case.F, network(case.true), recipe=name)
    assert solver.settings == HybridSettings(**RECIPES[name])
    assert solver.settings != HybridSettings()


def test_what_is_given_overrides_a_recipe(case, network):
    more = {"niter": 1, "bands": (20.0,), "smooth_start": 0.5}
    result = vmb.hybrid(case.F, case.d, network(case.true), recipe="openfwi", **more)
    assert result.niter == 1
    settings = vmb.Hybrid(case.F, network(case.true), recipe="openfwi", **more).settings
    assert (settings.smooth_start, settings.tv) == (0.5, RECIPES["openfwi"]["tv"])


def test_an_unknown_recipe_is_refused(case, network):
    with pytest.raises(VMBValueError, match=r"recipe: is not .* got 'cake'.*'openfwi'"):
        vmb.Hybrid(case.F, network(case.true), recipe="cake")
