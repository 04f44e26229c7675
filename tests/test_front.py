"""The package's front: every public name resolves, lazily, and stays what it is."""

import ast
import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import pylops_vmb as vmb

ROOT = Path(__file__).parents[1]
HEAVY = ["torch", "pylops", "deepwave", "matplotlib", "scipy.signal", "segyio"]


def run_python(code: str) -> str:
    """Run code in a fresh interpreter, from the repository root."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def names_for_type_checkers() -> dict[str, str]:
    """Return the names in the ``TYPE_CHECKING`` block and the modules they come from."""
    tree = ast.parse(Path(vmb.__file__).read_text(encoding="utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If) and isinstance(n.test, ast.Name))
    return {alias.name: node.module for node in block.body for alias in node.names}


@pytest.mark.parametrize("name", vmb.__all__)
def test_public_name_resolves(name: str) -> None:
    assert getattr(vmb, name) is not None


def test_type_checkers_see_the_same_names() -> None:
    typed = names_for_type_checkers()
    assert {*typed, "__version__"} == set(vmb.__all__) == set(dir(vmb))
    homes = {name: home.rpartition(".")[2] for name, home in typed.items() if "." in home}
    assert homes == vmb._HOMES


def test_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="'pylops_vmb' has no attribute 'nonsense'"):
        vmb.nonsense  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        f"import json, sys, pylops_vmb; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    assert json.loads(run_python(code)) == []


def test_no_public_name_loads_a_compiler() -> None:
    code = (
        "import json, pylops, torch, sys; before = set(sys.modules); import pylops_vmb as vmb;"
        "[getattr(vmb, name) for name in vmb.__all__]; import pylops_vmb.training.recipes;"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = {"torch._dynamo", "torch._inductor", "sympy", "matplotlib.pyplot"}
    assert not loaded & set(json.loads(run_python(code)))


@pytest.mark.parametrize("name", ["learned", "hybrid"])
@pytest.mark.parametrize("before", ["None", "vmb.LearnedInversion", "vmb.Hybrid"])
def test_function_keeps_its_name_whatever_was_imported_before(name: str, before: str) -> None:
    code = f"import pylops_vmb as vmb; {before}; import pylops_vmb.{name}; print(type(vmb.{name}))"
    assert run_python(code).strip() == "<class 'function'>"


@pytest.mark.slow
def test_import_is_cheap() -> None:
    code = (
        "import pylops, torch; from time import perf_counter as now; t = now();"
        "import pylops_vmb; print(now() - t)"
    )
    assert statistics.median(float(run_python(code)) for _ in range(3)) < 0.2
