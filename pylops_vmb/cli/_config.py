"""Options from a file, checked as a whole before anything runs: TOML, YAML or JSON."""

import argparse
import json
import tomllib
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from pylops_vmb._checks import refuse
from pylops_vmb._optional import optional_import
from pylops_vmb.errors import VMBFileError

Raw = dict[str, Any]
"""Words of a command line by the name of their argument: one, a list, or True for a switch."""
_SUFFIXES = (".toml", ".yaml", ".yml", ".json")
_LARGEST = 2**24
"""Bytes of a file of options or a report; both are far smaller."""


def read_document(path: Path) -> dict[str, Any]:
    """Read a file of options, or a report.

    Raises
    ------
    VMBFileError
        If the file is missing, too large, or no table in TOML, YAML or JSON.
    VMBImportError
        If it is YAML, and PyYAML is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        _refuse(path, f"must end in {', '.join(_SUFFIXES)}", repr(suffix))
    if not path.is_file():
        _refuse(path, "is not a file", f"'{path}'")
    if path.stat().st_size > _LARGEST:
        _refuse(path, "is too large for options", f"{path.stat().st_size} bytes")
    document: Any
    yaml = optional_import("yaml", "reading YAML") if suffix in (".yaml", ".yml") else None
    try:
        text = path.read_text(encoding="utf-8")
        if yaml is not None:
            document = _yaml(yaml, text)
        else:
            document = tomllib.loads(text) if suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as err:
        _refuse(path, "cannot be read", " ".join(str(err).split()), cause=err)
    if not isinstance(document, dict):
        _refuse(path, "must hold a table of options", type(document).__name__)
    return document


def options_of(
    document: Mapping[Any, Any], command: argparse.ArgumentParser, *, sections: Collection[str]
) -> tuple[Raw, list[str]]:
    """Return the options of a command, and all that is wrong with them.

    Parameters
    ----------
    document : :obj:`dict`
        What a file holds.
    command : :obj:`argparse.ArgumentParser`
        What the options are for.
    sections : collection of :obj:`str`
        Names of all commands.  A table of the name of this one adds to the options; those
        of the others are for them.

    Returns
    -------
    options : :obj:`dict`
        Words by the name of their argument.
    problems : :obj:`list`
        One line each.
    """
    name = command.prog.rpartition(" ")[2]
    mine = document.get(name, {})
    if not isinstance(mine, Mapping):
        return {}, [f"'{name}' must be a table of options, got {mine!r}"]
    top = {key: value for key, value in document.items() if key not in sections}
    known = {action.dest: action for action in _arguments(command)}
    options: Raw = {}
    problems = []
    for key, value in {**top, **mine}.items():
        action = known.get(str(key).replace("-", "_"))
        if action is None:
            problems.append(_unknown(str(key), [_spelled(name) for name in known]))
        elif value is not None:
            found = list(_problems(action, value))
            problems += [f"'{key}' {problem}" for problem in found]
            if not found:
                options[action.dest] = _words(action, value)
    return options, problems


def _arguments(command: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in command._actions if action.dest not in ("help", "config")]


def _unknown(key: str, known: list[str]) -> str:
    near = get_close_matches(_spelled(key), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    return f"'{key}' is not an option here: {hint}"


def _spelled(name: str) -> str:
    return name.replace("_", "-")


def _problems(action: argparse.Action, value: Any) -> Iterator[str]:
    """Yield what is wrong with one value."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            yield f"must be true or false, got {value!r}"
        return
    table = isinstance(value, Mapping) and getattr(action.type, "__name__", "") == "setting"
    flat = value if isinstance(value, list) else [value]
    odd = [one for one in flat if isinstance(one, bool) or not isinstance(one, str | int | float)]
    if odd and not table:
        yield f"must be a number, a word or a list of them, got {odd[0]!r}"
        return
    words = _words(action, value)
    wanted = action.nargs if isinstance(action.nargs, int) else None
    count = len(words) if isinstance(words, list) else 1
    if wanted is not None and count != wanted:
        yield f"must be {wanted} values, got {count}"
    if not count:
        yield "must not be empty"
    for word in words if isinstance(words, list) else [words]:
        yield from _wrong_word(action, word)


def _words(action: argparse.Action, value: Any) -> Any:
    """Return a checked value as it would be written on the command line."""
    if action.nargs == 0:
        return value
    if isinstance(value, Mapping):
        return [f"{name}={inner!r}" for name, inner in _flat(value)]
    listed = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return ",".join(listed) if action.nargs in (None, "?") else listed


def _flat(table: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a table; those of a table within it as ``stage.entry``."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", entry) for inner, entry in value.items())
        else:
            yield str(name), value


def _wrong_word(action: argparse.Action, word: str) -> Iterator[str]:
    value: Any = word
    if callable(action.type):
        try:
            value = action.type(word)
        except argparse.ArgumentTypeError as err:
            yield str(err)
            return
        except (TypeError, ValueError):
            yield f"must be {_KINDS.get(action.type, 'another value')}, got {word!r}"
            return
    if action.choices is not None and value not in action.choices:
        yield f"must be one of {', '.join(map(str, action.choices))}, got {word!r}"


_KINDS: dict[Any, str] = {float: "a number", int: "a whole number"}


def _yaml(yaml: Any, text: str) -> Any:
    """Return plain data; no object of Python is made."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise ValueError(str(err)) from err


def _refuse(path: Path, wrong: str, got: str, cause: BaseException | None = None) -> NoReturn:
    do = "Write options as NAME = VALUE, as in the page on the command line"
    refuse(path.name, wrong, got=got, do=do, error=VMBFileError, cause=cause)
