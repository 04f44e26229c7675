"""Tables and pictures as a page of the documentation, in RST."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def title(text: str, line: str = "-") -> str:
    """Return a title of a section, or of the page with ``=``."""
    return f"{text}\n{line * len(text)}\n"


def list_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table; a column ``NAME ±`` is written into the cell of its ``NAME``.

    Examples
    --------
    >>> print(list_table([{"method": "linear", "MAE": 0.0812, "MAE ±": 0.02}]))
    .. list-table::
       :header-rows: 1
    <BLANKLINE>
       * - method
         - MAE
       * - linear
         - .0812 ± .0200
    <BLANKLINE>
    """
    columns = list(dict.fromkeys(k for row in rows for k in row if not k.endswith(" ±")))
    lines = [columns, *([_with_spread(row, column) for column in columns] for row in rows)]
    table = [".. list-table::", "   :header-rows: 1", ""]
    for line in lines:
        first, *rest = line
        table.append(f"   * - {first}".rstrip())
        table += [f"     - {cell}".rstrip() for cell in rest]
    return "\n".join([*table, ""])


def bullets(lines: Sequence[str]) -> str:
    """Return a list of sentences."""
    return "\n".join(f"* {line}" for line in lines) + "\n"


def between(page: Path, name: str, made: str) -> None:
    """Replace what stands between ``.. NAME: begin`` and ``.. NAME: end`` on a page."""
    begin, end = f".. {name}: begin\n", f".. {name}: end\n"
    text = page.read_text(encoding="utf-8")
    before, after = text.partition(begin)[0], text.partition(end)[2]
    page.write_text(f"{before}{begin}\n{made}\n{end}{after}", encoding="utf-8")


def picture(path: Path, page: Path, *, alt: str) -> str:
    """Copy a picture beside a page, into ``_static``, and return the lines that show it."""
    static = page.parent / "_static"
    static.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, static / path.name)
    return f".. image:: _static/{path.name}\n   :alt: {alt}\n"


def number(value: Any) -> str:
    """Return three digits of a number, in the manner of the documentation: ``.0812``.

    Examples
    --------
    >>> number(0.08123), number(12.34), number(123), number(None), number(float("inf"))
    ('.0812', '12.3', '123', '', 'never')
    >>> number(2.7e-6), number(0.0)
    ('2.7e-06', '0')
    """
    if value is None or isinstance(value, str):
        return value or ""
    if value == float("inf"):
        return "never"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else _below_one(value)


def _below_one(value: float) -> str:
    if 0.0 < abs(value) < 5e-4:
        return f"{value:.1e}"
    digits = 4 if abs(value) < 0.1 else 3
    return f"{value:.{digits}f}".replace("0.", ".", 1) if round(value, digits) else "0"


def _with_spread(row: Mapping[str, Any], column: str) -> str:
    spread = row.get(f"{column} ±")
    return number(row.get(column)) + (f" ± {number(spread)}" if spread is not None else "")
