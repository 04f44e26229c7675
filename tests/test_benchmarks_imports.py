"""The benchmark of imports: which files count."""

from pathlib import Path

import pylops_vmb
from tests.benchmarks import imports


def test_files_of_an_editable_and_of_an_installed_package_are_found() -> None:
    for project, package in (("pylops-vmb", "pylops_vmb"), ("pylops", "pylops")):
        files = imports.files_of(project, package)
        assert len({file.name for file in files} & {"__init__.py"}) == 1
        assert all(package in file.parts for file in files)
        assert not any(file.suffix == ".pyc" for file in files)
    folder = Path(pylops_vmb.__file__).parent
    assert folder / "learned" / "weights" / "fcnvmb-mini.safetensors" in imports.files_of(
        "pylops-vmb", "pylops_vmb"
    )


def test_sizes_are_in_mebibytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(2**19))
    (tmp_path / "b").write_bytes(bytes(2**18))
    assert imports.mebibytes(tmp_path.iterdir()) == 0.75


def test_time_is_that_of_the_statement_alone() -> None:
    assert imports._seconds("time.sleep(2.0)", "pass") < 1.0
    assert imports._seconds("pass", "time.sleep(0.1)") >= 0.1
