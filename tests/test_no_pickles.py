"""Nothing in the package loads what could run code: the source is walked, call by call."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pylops_vmb"

PICKLERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
HARMLESS = {"UnpicklingError"}  # what torch raises when it refuses
RUNNERS = {"eval", "exec", "compile", "__import__"}
UNSAFE_YAML = {"load", "load_all", "full_load", "unsafe_load", "FullLoader", "UnsafeLoader"}


def faults(source: str) -> list[str]:
    """Return one line for each thing in a source that could run code from a file."""
    return [
        f"{node.lineno}: {fault}" for node in ast.walk(ast.parse(source)) for fault in _of(node)
    ]


def _of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"import {a.name}" for a in node.names if a.name.split(".")[0] in PICKLERS)
    elif isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        if (node.module or "").split(".")[0] in PICKLERS and names - HARMLESS:
            yield f"from {node.module} import {', '.join(sorted(names))}"
        if node.module == "yaml" and names & UNSAFE_YAML:
            yield "an unsafe loader of yaml"
    elif isinstance(node, ast.Attribute):
        if ast.unparse(node.value) == "yaml" and node.attr in UNSAFE_YAML:
            yield f"yaml.{node.attr}"
    elif isinstance(node, ast.Call):
        yield from _of_call(ast.unparse(node.func), {k.arg: k.value for k in node.keywords})


def _of_call(name: str, keywords: dict[str | None, ast.expr]) -> Iterator[str]:
    def said(keyword: str, value: bool) -> bool:
        given = keywords.get(keyword)
        return isinstance(given, ast.Constant) and given.value is value

    if name in RUNNERS:
        yield f"{name}()"
    if name in ("torch.load", "torch.hub.load") and not said("weights_only", True):
        yield f"{name} without weights_only=True"
    if name in ("np.load", "numpy.load", "np.save", "numpy.save") and not said(
        "allow_pickle", False
    ):
        yield f"{name} without allow_pickle=False"
    if "allow_pickle" in keywords and not said("allow_pickle", False):
        yield "allow_pickle that is not False"


def test_no_file_can_run_code() -> None:
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in sorted(PACKAGE.rglob("*.py"))
        if (lines := faults(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import pickle", "import pickle"),
        ("def f():\n    import joblib.numpy_pickle", "import joblib.numpy_pickle"),
        ("from pickle import loads", "from pickle import loads"),
        ("torch.load(p)", "torch.load without weights_only=True"),
        ("torch.load(p, weights_only=False)", "torch.load without weights_only=True"),
        ("np.load(p)", "np.load without allow_pickle=False"),
        ("np.load(p, allow_pickle=yes)", "allow_pickle that is not False"),
        ("npy.read_array(f, allow_pickle=True)", "allow_pickle that is not False"),
        ("eval('1')", "eval()"),
        ("exec(text)", "exec()"),
        ("yaml.load(text)", "yaml.load"),
        ("yaml.load_all(text, Loader=yaml.FullLoader)", "yaml.FullLoader"),
        ("from yaml import load", "an unsafe loader of yaml"),
    ],
)
def test_what_is_found(source: str, fault: str) -> None:
    assert fault in [line.split(": ", 1)[1] for line in faults(source)]


def test_what_is_allowed() -> None:
    harmless = (
        "from pickle import UnpicklingError",
        "torch.load(p, weights_only=True)",
        "np.load(p, mmap_mode='r', allow_pickle=False)",
        "yaml.safe_load(text)",
        "net.eval()",
        "re.compile('a')",
    )
    assert [faults(source) for source in harmless] == [[]] * len(harmless)
