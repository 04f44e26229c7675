"""A survey in several SEG-Y files: a folder of shots, read as one file that holds them all."""

import os
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from pylops_vmb._checks import refuse
from pylops_vmb.errors import VMBFileError
from pylops_vmb.io._segy_layout import Doubt, Layout, read_layout

SUFFIXES = (".sgy", ".segy")

Where = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Joined(Layout):
    """Files one after the other; ``path`` is their folder, and the rest that of the first."""

    files: tuple[Layout, ...] = ()

    @property
    def parts(self) -> tuple[Layout, ...]:
        """The files."""
        return self.files

    def pieces(self, start: int, stop: int) -> Iterator[tuple[Layout, int, int]]:
        """Yield the files that hold the traces ``start`` to ``stop``, and which of theirs."""
        while start < stop:
            which = bisect_right(self.ends, start)
            first = self.ends[which - 1] if which else 0
            until = min(stop, self.ends[which])
            yield self.files[which], start - first, until - first
            start = until

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Number of traces up to the end of each file."""
        return tuple(accumulate(file.ntraces for file in self.files))


def open_layout(path: Where) -> Layout:
    """Read and check the binary headers of a file, of several, or of those of a folder.

    Parameters
    ----------
    path : path-like or sequence of path-like
        A SEG-Y file; a folder, whose files ending in .sgy or .segy are taken in the order
        of the numbers in their names; or files, taken in their order.

    Raises
    ------
    VMBFileError
        As `read_layout` for each file; if there is none, or they differ in what traces of
        one survey share.
    """
    if isinstance(path, (str, os.PathLike)):
        if not Path(path).is_dir():
            return read_layout(path)
        folder = Path(path).resolve()
        layouts = [read_layout(file) for file in segy_files(folder)]
    else:
        layouts = [read_layout(file) for file in path]
        folder = layouts[0].path.resolve().parent if layouts else Path("files")
    if not layouts:
        refuse(
            folder.name,
            "holds no SEG-Y files",
            got=f"no file that ends in {' or '.join(SUFFIXES)}",
            do="Pass a folder of shots, or a file; folders in it are not searched",
            error=VMBFileError,
        )
    return _joined(folder, layouts)


def segy_files(folder: Path) -> list[Path]:
    """Return the SEG-Y files of a folder, ``shot2`` before ``shot10``, hidden ones left out."""
    files = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES]
    return sorted((f for f in files if f.is_file() and f.name[0] != "."), key=_by_number)


def _by_number(file: Path) -> tuple[list[tuple[int, str]], str]:
    words = re.findall(r"\d+|\D+", file.name)
    return [(int(w), "") if w.isdecimal() else (-1, w.lower()) for w in words], file.name


def _joined(folder: Path, layouts: Sequence[Layout]) -> Layout:
    for what, of in _SHARED.items():
        _check_alike(folder, layouts, what, of)
    first = layouts[0]
    shared = {field.name: getattr(first, field.name) for field in fields(Layout)}
    return Joined(
        **shared
        | {
            "path": folder,
            "ntraces": sum(layout.ntraces for layout in layouts),
            "doubts": _doubts(layouts),
        },
        files=tuple(layouts),
    )


_SHARED: dict[str, Callable[[Layout], str]] = {
    "numbers of samples": lambda layout: f"{layout.nt}",
    "sample intervals": lambda layout: f"{layout.interval:g} us",
    "units of length": lambda layout: "m" if layout.metre == 1.0 else "ft",
}


def _check_alike(
    folder: Path, layouts: Sequence[Layout], what: str, of: Callable[[Layout], str]
) -> None:
    counts = Counter(map(of, layouts))
    if len(counts) == 1:
        return
    usual = counts.most_common(1)[0][0]
    other = next(layout for layout in layouts if of(layout) != usual)
    refuse(
        folder.name,
        f"holds SEG-Y files with different {what}, which are not one survey",
        got=f"{usual} in {counts[usual]} of {len(layouts)} files, {of(other)} in {other.name}",
        do="Move what is no shot of this survey elsewhere, or bring the files to one form",
        error=VMBFileError,
    )


def _doubts(layouts: Sequence[Layout]) -> tuple[Doubt, ...]:
    """Word the doubts about files once, with the number of files that share them."""
    held = Counter(doubt for layout in layouts for doubt in layout.doubts)
    first = {doubt: layout.name for layout in reversed(layouts) for doubt in layout.doubts}
    return tuple(
        replace(doubt, got=f"{doubt.got}; {count} of {len(layouts)} files, as {first[doubt]}")
        for doubt, count in held.items()
    )
