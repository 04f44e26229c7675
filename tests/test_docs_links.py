"""The check of the links of the built pages finds what leads nowhere."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.scripts import load

SCRIPT = Path(__file__).parents[1] / "docs" / "_links.py"

GOOD = """<a href="other.html#there">x</a> <a href="#own">x</a> <h1 id="own"></h1>
<a href="https://doi.org/10.1190/geo2018-0249.1">x</a> <a href="mailto:a@b.org">x</a>
<img src="a%20b.png" srcset="a%20b.png, a%20b.png 2.00x"> <a href="data.zip">x</a>"""


@pytest.fixture(scope="module")
def links() -> ModuleType:
    """Return the script."""
    return load(SCRIPT)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with two pages, a picture and a download."""
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "other.html").write_text('<p id="there"></p><a href="index.html">x</a>')
    (tmp_path / "a b.png").touch()
    (tmp_path / "data.zip").touch()
    return tmp_path


def test_a_whole_site_has_no_faults(links: ModuleType, site: Path) -> None:
    assert links.faults(site) == []
    assert list(links.external(site)) == [
        "https://doi.org/10.1190/geo2018-0249.1",
        "mailto:a@b.org",
    ]


@pytest.mark.parametrize(
    ("tag", "fault"),
    [
        ('<a href="gone.html">x</a>', "gone.html: no such file"),
        ('<a href="index.html#gone">x</a>', "index.html#gone: no such anchor"),
        ('<a href="#gone">x</a>', "#gone: no such anchor"),
        ('<img src="gone.png">', "gone.png: no such file"),
        ('<img src="a%20b.png" srcset="gone.png 2.00x">', "gone.png: no such file"),
        ('<a href="sub/">x</a>', "sub/: no such file"),
        ('<a href="https://nowhere">x</a>', "https://nowhere: no address"),
        ('<a href="htps://doi.org/1">x</a>', "htps://doi.org/1: no address"),
    ],
)
def test_what_leads_nowhere_is_named_with_its_line(
    links: ModuleType, site: Path, tag: str, fault: str
) -> None:
    (site / "other.html").write_text(f'<p id="there"></p>\n{tag}')
    assert links.faults(site) == [f"other.html:2: {fault}"]


def test_a_folder_without_pages_is_a_fault(links: ModuleType, tmp_path: Path) -> None:
    assert links.faults(tmp_path) == [f"{tmp_path}: no pages"]
