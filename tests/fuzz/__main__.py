"""``python -m tests.fuzz NAME --minutes 10``: damaged files for as long as you like."""

import argparse
import json
import select
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from tests.fuzz.worker import CASES

SECONDS = 90.0
"""Longest time of a case, all its readings together."""
RSS = 1024 * 1024
"""How far the memory of the process may grow, kB."""


class Worker:
    """A process that runs cases, and is started again when it does not come back."""

    def __init__(self, name: str, seed: int) -> None:
        command = [sys.executable, "-m", "tests.fuzz.worker", name, str(seed)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer(300.0)

    def case(self, number: int) -> dict[str, Any]:
        """Run one case; a process that is gone or does not answer is its defect."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # a process that is gone gives no answer
            self._process.stdin.write(f"{number}\n")
            self._process.stdin.flush()
        answer = self._answer(SECONDS)
        return {"lost": answer} if answer in ("crash", "hang") else dict(json.loads(answer))

    def _answer(self, seconds: float) -> str:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            self.end()
            return "hang"
        return self._process.stdout.readline() or "crash"

    def end(self) -> int:
        """End the process, and return how it ended."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # of what was not read any more
                pipe.close()
        return self._process.wait()


def main() -> int:
    """Run cases until the time is up; the exit code is 1 if there were defects."""
    options = _options()
    print(f"{options.name}, seed {options.seed}", flush=True)
    began, number, restarts = time.monotonic(), options.first, 0
    outcomes: Counter[str] = Counter()
    defects: dict[str, int] = {}
    worker, rss = Worker(options.name, options.seed), 0
    while time.monotonic() - began < 60.0 * options.minutes and number < options.last:
        found = worker.case(number)
        if "lost" in found:
            found = {"defect": f"{found['lost']}, exit code {worker.end()}"}
            worker, rss, restarts = Worker(options.name, options.seed), 0, restarts + 1
        grown = found.get("rss", 0) - (rss or found.get("rss", 0))
        rss = max(rss, found.get("rss", 0))
        if grown > RSS:
            found = {"defect": f"the process grew by {grown} kB"}
        if "defect" in found and found["defect"] not in defects:
            defects[found["defect"]] = number
            print(f"case {number}: {found['defect']}", flush=True)
        outcomes.update(f"{key}: {value}" for key, value in found.get("outcomes", {}).items())
        number += 1
    worker.end()
    minutes = (time.monotonic() - began) / 60.0
    for line, count in sorted(outcomes.items()):
        print(f"  {count:8} {line}")
    print(
        f"{options.name}: {number - options.first} cases in {minutes:.1f} minutes, "
        f"{len(defects)} kinds of defects, {restarts} processes lost, peak {rss // 1024} MiB"
    )
    return int(bool(defects))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", choices=list(CASES), help="which reader")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--seed", type=int, default=0, help="of all cases (0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (0)")
    parser.add_argument("--last", type=float, default=float("inf"), help="the one to stop before")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
