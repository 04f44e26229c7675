"""Check the links of the built pages: files, anchors, pictures, downloads; list external ones.

``python docs/_links.py docs/_build/html`` ends with an error if a link inside leads nowhere, or an
external one is no address; ``--external`` prints the latter, ``--reach`` also tries them.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

TIMEOUT = 10.0  # s
ATTRIBUTES = {"a": ("href",), "link": ("href",), "script": ("src",), "img": ("src", "srcset")}


class Page(HTMLParser):
    """The anchors of a page, and the links on it with their lines."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[int, str]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag offers and where it leads."""
        values = {key: value for key, value in attrs if value}
        self.anchors |= {values[key] for key in ("id", "name") if key in values}
        for key in ATTRIBUTES.get(tag, ()):
            self.links += [(self.getpos()[0], link) for link in _split(key, values.get(key))]


def _split(key: str, value: str | None) -> list[str]:
    """Return the links of an attribute; ``srcset`` holds several, each with a width."""
    if not value:
        return []
    return [part.split()[0] for part in value.split(",")] if key == "srcset" else [value]


def _is_external(link: str) -> bool:
    return bool(urlsplit(link).scheme) or link.startswith("//")


def _pages(root: Path) -> list[Path]:
    """Return the pages of a folder; what the theme keeps in ``_static`` is none."""
    return [path for path in sorted(root.rglob("*.html")) if "_static" not in path.parts]


def faults(root: Path) -> list[str]:
    """Return one line for each link of a folder of pages that leads nowhere."""
    pages = {path.resolve(): Page(path) for path in _pages(root)}
    found = []
    for path, page in pages.items():
        for line, link in page.links:
            fault = _bad_address(link) if _is_external(link) else _missing(link, path, pages)
            if fault:
                found.append(f"{path.relative_to(root.resolve())}:{line}: {link}: {fault}")
    return found if pages else [f"{root}: no pages"]


def _missing(link: str, path: Path, pages: dict[Path, Page]) -> str:
    parts = urlsplit(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return "no such anchor"
    return ""


def _bad_address(link: str) -> str:
    parts = urlsplit(link)
    if parts.scheme in ("mailto", "data"):
        return ""
    good = parts.scheme in ("http", "https") and "." in (parts.hostname or "") and " " not in link
    return "" if good else "no address"


def external(root: Path) -> dict[str, str]:
    """Return the external addresses without their anchors, each with the first page it is on."""
    found: dict[str, str] = defaultdict(str)
    for path in _pages(root):
        for _, link in Page(path).links:
            address = link.partition("#")[0]
            if _is_external(link) and address not in found:
                found[address] = str(path.relative_to(root))
    return dict(sorted(found.items()))


def reach(addresses: dict[str, str]) -> Iterator[str]:
    """Yield one line for each address: whether it answered."""
    for address in addresses:
        request = Request(address, headers={"User-Agent": "link check"}, method="HEAD")
        try:
            with urlopen(request, timeout=TIMEOUT) as answer:
                yield f"{answer.status} {address}"
        except (URLError, TimeoutError) as error:
            yield f"failed ({error}) {address}"


def main() -> None:
    """Check a folder of built pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--external", action="store_true", help="print external addresses")
    parser.add_argument("--reach", action="store_true", help="try external addresses")
    args = parser.parse_args()
    addresses = external(args.root)
    if args.external:
        print("\n".join(f"{address}  ({page})" for address, page in addresses.items()))
    if args.reach:
        print("\n".join(reach(addresses)))
    found = faults(args.root)
    if found:
        sys.exit("\n".join([*found, f"{len(found)} links lead nowhere"]))
    print(f"links of {len(_pages(args.root))} pages and their anchors are there")


if __name__ == "__main__":
    main()
