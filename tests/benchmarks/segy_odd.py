"""Odd SEG-Y files that others made: what each is, and what the readers make of it.

Reads ``segy_odd`` (test files of segyio) and ``field_viking`` in the folder VMB_DATA.
``VMB_DATA=DIR python -m tests.benchmarks segy_odd --docs docs/segy_odd.inc`` writes the table
of the documentation; a test compares both.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

from pylops_vmb.errors import VMBFileError, VMBWarning
from pylops_vmb.io import read_gathers, read_traces
from tests.benchmarks.report import Report, data_folder

WHAT = {
    "1x1.sgy": "a cube of one line, without positions",
    "Format1msb.sgy": "part of a cube (F3), IBM floats",
    "Format2msb.sgy": "the same, 32-bit integers",
    "Format5lsb.sgy": "the same, IEEE floats, little endian",
    "Format5msb.sgy": "the same, IEEE floats",
    "Format7msb.sgy": "the same, 24-bit integers",
    "broken.sgy": "ends within a trace",
    "delay-scalar.sgy": "one trace, its delay with a scalar of its own",
    "f3-lsb.sgy": "part of a cube (F3), 16-bit integers, little endian",
    "f3-withdead.sgy": "part of a cube (F3), traces missing",
    "f3.sgy": "part of a cube (F3), 16-bit integers",
    "interval-neg-bin-pos-trace.sgy": "negative interval in the binary header",
    "interval-pos-bin-neg-trace.sgy": "negative interval in the trace header",
    "mapping-unparsable.sgy": "two extended text headers that are no XML",
    "shot-gather.sgy": "four field records of different sizes, without positions",
    "small.sgy": "a cube, without positions",
    "stanzas-unknown-count.sgy": "extended text headers, their number not given",
    "text-embed-null.sgy": "a text header with zeros in it",
    "tiny.sgy": "a cube of six traces, without positions",
    "viking_small.segy": "four marine shots; counts and units of its headers are wrong",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the table as RST")


def run(options: argparse.Namespace) -> Report:
    """Read all files; write the table where it is asked for."""
    rows = [outcome(path) for path in files(data_folder())]
    if options.docs:
        options.docs.write_text(rst(rows), encoding="utf-8")
    return Report("segy_odd", "odd SEG-Y files, read or refused", rows)


def files(folder: Path) -> Iterator[Path]:
    """Yield the files in the order of the table."""
    yield from sorted((folder / "segy_odd").glob("*.sgy"), key=lambda path: path.name)
    yield folder / "field_viking" / "viking_small.segy"


def outcome(path: Path) -> dict[str, str]:
    """Read one file as gathers, then its traces alone."""
    row = {"file": path.name, "what": WHAT[path.name]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for key, read in (("gathers", _gathers), ("traces", _traces)):
            try:
                row[key] = read(path)
            except VMBFileError as refusal:
                row[key] = f"refused: {_words(str(refusal), path)}"
    said = dict.fromkeys(
        _words(str(w.message), path) for w in caught if issubclass(w.category, VMBWarning)
    )
    return {**row, "said": " ".join(said) or "nothing"}


def rst(rows: list[dict[str, str]]) -> str:
    """Return the table as a list-table."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 18 22 30 10 20", ""]
    titles = {"file": "file", "what": "what it is", "gathers": "``read_gathers``"}
    titles |= {"traces": "``read_traces``", "said": "warnings"}
    for row in (titles, *rows):
        cells = [f"``{row['file']}``" if row is not titles else "file"]
        cells += [row[key] for key in list(titles)[1:]]
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(cells)]
    return "\n".join(lines) + "\n"


def _gathers(path: Path) -> str:
    d, _ = read_gathers(path, f0=20.0)
    return "read: " + " x ".join(map(str, d.shape))


def _traces(path: Path) -> str:
    d, dt = read_traces(path)
    return f"read: {d.shape[0]} x {d.shape[1]}, {1e3 * dt:g} ms"


def _words(sentence: str, path: Path) -> str:
    """Leave out the name of the file and the advice."""
    return sentence.removeprefix(f"{path.name}: ").partition(". ")[0] + "."
