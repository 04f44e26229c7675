"""Damage to bytes and to JSON, from a random generator."""

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

Random = np.random.Generator

NUMBERS = (
    *(0, 1, 2, 3, 7, 8, 100, 127, 128, 255, 256, 65535, 2**15, 2**24, 2**31 - 1, 2**31),
    *(2**32 - 1, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 10**9, 10**12),
    *(-1, -2, -8, -(2**31), -(2**63)),
)
"""Counts that have broken programs."""


def pick(rng: Random, items: Any) -> Any:
    """Return one of a sequence, whatever its types."""
    return items[int(rng.integers(len(items)))]


def damage(rng: Random, raw: bytes, *, within: int | None = None) -> bytes:
    """Damage bytes in one to four places, the first ``within`` ones more than others."""
    data = bytearray(raw)
    for _ in range(int(rng.integers(1, 5))):
        size = len(data) if within is None or rng.random() < 0.2 else min(within, len(data))
        data = pick(rng, _DAMAGES)(rng, data, int(rng.integers(max(size, 1))))
    return bytes(data)


def _flip(rng: Random, data: bytearray, at: int) -> bytearray:
    if data:
        data[at] ^= 1 << int(rng.integers(8))
    return data


def _byte(rng: Random, data: bytearray, at: int) -> bytearray:
    if data:
        data[at] = int(rng.integers(256))
    return data


def _number(rng: Random, data: bytearray, at: int) -> bytearray:
    code = str(pick(rng, "bhiq"))
    size = struct.calcsize("=" + code)
    value = int(pick(rng, NUMBERS)) & (2 ** (8 * size) - 1)
    aligned = at // size * size
    data[aligned : aligned + size] = value.to_bytes(size, str(pick(rng, ["little", "big"])))
    return data


def _cut(rng: Random, data: bytearray, at: int) -> bytearray:
    return data[:at]


def _cut_end(rng: Random, data: bytearray, at: int) -> bytearray:
    return data[: len(data) - int(rng.integers(1, 20))]


def _remove(rng: Random, data: bytearray, at: int) -> bytearray:
    return data[:at] + data[at + int(rng.integers(1, 40)) :]


def _insert(rng: Random, data: bytearray, at: int) -> bytearray:
    return data[:at] + rng.bytes(int(rng.integers(1, 40))) + data[at:]


def _repeat(rng: Random, data: bytearray, at: int) -> bytearray:
    end = at + int(rng.integers(1, 200))
    return data[:end] + data[at:end] * int(rng.integers(1, 4)) + data[end:]


def _zero(rng: Random, data: bytearray, at: int) -> bytearray:
    length = len(data[at : at + int(rng.integers(1, 40))])
    data[at : at + length] = bytes([int(pick(rng, [0, 255]))]) * length
    return data


_DAMAGES: tuple[Callable[[Random, bytearray, int], bytearray], ...] = (
    *(_flip, _byte, _byte, _number, _number, _number, _cut, _cut_end, _remove, _insert),
    *(_repeat, _zero),
)


def strange(rng: Random) -> Any:
    """Return a JSON value that nobody expects."""
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: int(pick(rng, NUMBERS)),
        lambda: pick(rng, [None, True, False, math.nan, math.inf, -math.inf, 1e308, 1e-308, 0.5]),
        lambda: pick(rng, ["", "a", "\x00", "é\U0001f600", "9" * 50, "x" * 5000, "../../etc"]),
        lambda: pick(rng, [[], {}, [[]], [{}], {"": None}, [1, "a", None], {"name": "unet"}]),
        lambda: [0.0] * int(rng.integers(1, 2000)),
        lambda: nested(int(rng.integers(2, 400))),
    )
    return pick(rng, kinds)()


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def damage_tree(rng: Random, tree: Any) -> Any:
    """Return JSON with one to four values replaced, lost, repeated or renamed."""
    tree = json.loads(json.dumps(tree))
    for _ in range(int(rng.integers(1, 5))):
        places = list(_places(tree))
        if not places:
            return strange(rng)
        holder, key = pick(rng, places)
        what = rng.random()
        if what < 0.6:
            holder[key] = strange(rng)
        elif what < 0.75:
            del holder[key]
        elif what < 0.85:
            other, name = pick(rng, places)
            holder[key] = json.loads(json.dumps(other[name])) if name in _keys(other) else None
        elif isinstance(holder, dict):
            holder[pick(rng, ["", "extra", key + "s", "shape"])] = holder.pop(key)
        else:
            holder.insert(key, strange(rng))
    return tree


def damage_json(rng: Random, tree: Any) -> str:
    """Return the text of a damaged tree, sometimes with damage that only a text can have."""
    text = json.dumps(damage_tree(rng, tree) if rng.random() < 0.8 else tree)
    what = rng.random()
    if what < 0.05:
        return damage(rng, text.encode()).decode("utf-8", "replace")
    if what < 0.1:
        return pick(
            rng, ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, "nan", "", "{", '"\\ud800"']
        )
    if what < 0.2 and isinstance(tree, dict) and text.startswith("{"):
        key = pick(rng, list(tree))  # a key that stands there twice
        return f"{{{json.dumps(key)}: {json.dumps(strange(rng))}, {text[1:]}"
    return text


def _keys(holder: Any) -> Any:
    return holder.keys() if isinstance(holder, dict) else range(len(holder))


def _places(tree: Any, depth: int = 0) -> Any:
    """Yield every place of a tree, long lists of numbers by a few of theirs."""
    if depth > 12 or not isinstance(tree, dict | list):
        return
    keys = list(_keys(tree))
    for key in keys if isinstance(tree, dict) else keys[:3] + keys[-1:]:
        yield tree, key
        yield from _places(tree[key], depth + 1)
