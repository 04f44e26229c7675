"""The Python blocks of README.md run, in order, in one namespace, in an empty folder."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


def python_blocks(text: str) -> list[tuple[int, str]]:
    """Return the line number and the source of each Python block."""
    return [(text.count("\n", 0, m.start(1)), m.group(1)) for m in BLOCK.finditer(text)]


def run_blocks(path: Path) -> int:
    """Run a document's blocks, with its own name and lines in tracebacks; return their number."""
    blocks = python_blocks(path.read_text(encoding="utf-8"))
    namespace: dict[str, object] = {"__name__": "__main__"}
    for before, source in blocks:
        exec(compile("\n" * before + source, str(path), "exec"), namespace)
    return len(blocks)


def test_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_blocks(README) > 0, "README.md shows no Python"


def test_blocks_share_names_and_report_their_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# x\n```python\na = 1\n```\n```bash\nb\n```\n\n```python\nassert a == 2\n```\n"
    )
    with pytest.raises(AssertionError) as caught:
        run_blocks(page)
    assert caught.traceback[-1].lineno + 1 == 10
