"""The house rules of the source: imports go down the floors, files stay small and explained."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pylops_vmb"

# A file imports from lower lines, or from its own folder.  Floor 0 is a staircase.
FLOORS = (
    ("_version", "errors", "_timing"),  # 0
    ("_optional",),
    ("_checks",),
    ("_backend", "_numpy_files"),
    ("survey",),  # 1
    ("operators", "velocity", "networks", "io", "metrics", "plotting"),  # 2
    ("modelling", "testing"),  # 3
    ("learned", "inversion"),  # 4
    ("hybrid", "training"),  # 5
    ("cli", "__init__"),  # 6
)
MAY_PRINT = {"cli"}
LONGEST = 600  # lines a file

LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def broken_rules(package: Path) -> list[str]:
    """Return one line per broken rule of a package on disk, sorted by file."""
    modules = {module_name(path, package): path for path in sorted(package.rglob("*.py"))}
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules.items()}
    faults = []
    for name, path in modules.items():
        where = path.relative_to(package.parent).as_posix()
        checks = (import_faults(trees[name], name, modules), source_faults(trees[name], name))
        faults += [f"{where}:{line}: {fault}" for check in checks for line, fault in check]
        lines = path.read_text(encoding="utf-8").count("\n")
        faults += [f"{where}: {lines} lines, more than {LONGEST}"] * (lines > LONGEST)
    return faults + cycles(trees)


def module_name(path: Path, package: Path) -> str:
    """Return the dotted name of a file; a folder's front is ``folder.__init__``."""
    return ".".join(path.relative_to(package.parent).with_suffix("").parts)


def room(module: str) -> str:
    """Return the folder or file directly under the package in which a module lives."""
    return module.split(".")[1]


def imports(tree: ast.Module, modules: dict[str, Path]) -> Iterator[tuple[int, str]]:
    """Yield line and module of every import of the package's own modules, wherever it stands."""
    (package,) = {name.split(".")[0] for name in modules}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            if target.split(".")[0] == package:
                yield node.lineno, nearest_module(target, modules)


def nearest_module(target: str, modules: dict[str, Path]) -> str:
    """Return the module that an imported dotted name belongs to."""
    while target:
        for candidate in (target, f"{target}.__init__"):
            if candidate in modules:
                return candidate
        target = target.rpartition(".")[0]
    raise LookupError("the package has no __init__.py")


def import_faults(
    tree: ast.Module, name: str, modules: dict[str, Path]
) -> Iterator[tuple[int, str]]:
    """Yield the imports of a module that do not go down."""
    here = room(name)
    if here not in LEVEL:
        yield 1, f"{here} has no floor"
        return
    for line, target in imports(tree, modules):
        there = room(target)
        if there == here:
            continue
        if there not in LEVEL or LEVEL[there] > LEVEL[here]:
            yield line, f"upward import of {target}"
        elif LEVEL[there] == LEVEL[here]:
            yield line, f"sideways import of {target}"


def source_faults(tree: ast.Module, name: str) -> Iterator[tuple[int, str]]:
    """Yield relative and star imports, prints, and public things without a docstring."""
    if ast.get_docstring(tree) is None:
        yield 1, "no docstring"
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(level=level) if level:
                yield node.lineno, "relative import"
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                yield node.lineno, "star import"
            case ast.Call(func=ast.Name(id="print")) if room(name) not in MAY_PRINT:
                yield node.lineno, "print"
    for node in public_definitions(tree):
        if ast.get_docstring(node) is None:
            yield node.lineno, f"{node.name} has no docstring"


def public_definitions(
    tree: ast.Module | ast.ClassDef,
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield public functions and classes, and the public methods of the latter."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name.startswith("_") or is_restated(node):
                continue
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node)


def is_restated(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Tell whether a definition is an overload, an override, or a property's setter."""
    marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
    return bool(marks & {"overload", "override", "setter", "deleter"})


def cycles(trees: dict[str, ast.Module]) -> list[str]:
    """Return the first circle of imports, if there is one."""
    modules = dict.fromkeys(trees, Path())
    graph = {name: {m for _, m in imports(tree, modules)} for name, tree in trees.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        return ["circular import: " + " -> ".join(reversed(err.args[1]))]
    return []


def test_package_keeps_the_rules() -> None:
    assert broken_rules(PACKAGE) == []


BROKEN = {
    "upward": (
        {"survey/grid.py": "from pylops_vmb.modelling import F"},
        "pylops_vmb/survey/grid.py:2: upward import of pylops_vmb.modelling.__init__",
    ),
    "upward, inside a function": (
        {"errors.py": "def _f():\n    import pylops_vmb._checks"},
        "pylops_vmb/errors.py:3: upward import of pylops_vmb._checks",
    ),
    "upward, to the front": (
        {"cli/main.py": "", "survey/grid.py": "from pylops_vmb import __version__"},
        "pylops_vmb/survey/grid.py:2: upward import of pylops_vmb.__init__",
    ),
    "sideways": (
        {"learned/card.py": "", "inversion/fwi.py": "from pylops_vmb.learned.card import Card"},
        "pylops_vmb/inversion/fwi.py:2: sideways import of pylops_vmb.learned.card",
    ),
    "circular": (
        {
            "survey/grid.py": "import pylops_vmb.survey.wave",
            "survey/wave.py": "from pylops_vmb.survey.grid import Grid",
        },
        "circular import: pylops_vmb.survey.",
    ),
    "circular, through the folder's own front": (
        {
            "survey/__init__.py": "from pylops_vmb.survey.grid import Grid",
            "survey/grid.py": "from pylops_vmb.survey import Grid",
        },
        "circular import: pylops_vmb.survey.",
    ),
    "no floor": ({"utils.py": ""}, "pylops_vmb/utils.py:1: utils has no floor"),
    "relative": (
        {"survey/grid.py": "from . import wave"},
        "pylops_vmb/survey/grid.py:2: relative import",
    ),
    "star": (
        {"survey/grid.py": "from numpy import *"},
        "pylops_vmb/survey/grid.py:2: star import",
    ),
    "print": ({"metrics.py": "print(1)"}, "pylops_vmb/metrics.py:2: print"),
    "long": ({"metrics.py": "\n" * 600}, "pylops_vmb/metrics.py: 602 lines, more than 600"),
    "unexplained": (
        {"metrics.py": "class A:\n    '''A.'''\n    def f(self): ..."},
        "pylops_vmb/metrics.py:4: f has no docstring",
    ),
}


def write_package(root: Path, files: dict[str, str]) -> Path:
    """Write a package that keeps the rules, with the given sources added to it."""
    package = root / "pylops_vmb"
    for name in ("__init__.py", "modelling/__init__.py", "errors.py", "_checks.py", *files):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""What lives here."""\n{files.get(name, "")}\n', encoding="utf-8")
    return package


@pytest.mark.parametrize("case", BROKEN)
def test_broken_rule_is_found(case: str, tmp_path: Path) -> None:
    files, expected = BROKEN[case]
    (fault,) = broken_rules(write_package(tmp_path, files))
    assert fault.startswith(expected)


def test_kept_rules_pass(tmp_path: Path) -> None:
    files = {
        "cli/__init__.py": "from pylops_vmb import modelling\nprint(modelling)",
        "modelling/fast.py": "from pylops_vmb.modelling import kernel\nimport numpy",
        "modelling/kernel.py": "from pylops_vmb._checks import refuse\nimport pylops_vmb.errors",
    }
    assert broken_rules(write_package(tmp_path, files)) == []
