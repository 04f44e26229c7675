"""Runs many jobs, one row each, and goes on after a kill where it was.

A folder holds ``rows.jsonl``, one finished job a line.  A job is known by its key: what has a
row is not done again, and what another command works on in the same folder is left to it.
"""

import fcntl
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

Row = dict[str, Any]
Job = Callable[[], Row]
"""Of picklable parts; returns plain numbers and strings."""

_ROWS = "rows.jsonl"


def run_jobs(folder: Path, jobs: Mapping[str, Job], *, processes: int = 1) -> None:
    """Do the jobs that have no row yet; each row is kept as soon as its job is done.

    Parameters
    ----------
    folder : :obj:`pathlib.Path`
        Where the rows are.
    jobs : :obj:`dict`
        By key, which is a good name of a file; done in this order.
    processes : :obj:`int`, optional
        Worker processes of one thread each; 0 works in this one, with its threads.

    Raises
    ------
    RuntimeError
        If a job failed, after all others were done.
    """
    (folder / "claims").mkdir(parents=True, exist_ok=True)
    known = set(read_rows(folder))
    missing = {key: job for key, job in jobs.items() if key not in known}
    _say(f"{len(jobs)} jobs, {len(missing)} to do in {folder}")
    failed = _alone(folder, missing) if processes == 0 else _pooled(folder, missing, processes)
    if failed:
        key, cause = next(iter(failed.items()))
        raise RuntimeError(f"{len(failed)} of {len(jobs)} jobs failed, first {key}") from cause


def read_rows(folder: Path) -> dict[str, Row]:
    """Return the rows by key, in the order of their writing; a half-written line is no row."""
    path = folder / _ROWS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines if _whole(line)]
    return {row["key"]: row for row in rows}


def _alone(folder: Path, jobs: Mapping[str, Job]) -> dict[str, Exception]:
    failed: dict[str, Exception] = {}
    for key, job in jobs.items():
        try:
            _do(folder, key, job)
        except Exception as cause:  # raised by run_jobs, after the others
            failed[key] = cause
    return failed


def _pooled(folder: Path, jobs: Mapping[str, Job], processes: int) -> dict[str, Exception]:
    os.environ["OMP_NUM_THREADS"] = "1"  # read by the workers when they load their libraries
    context, began = multiprocessing.get_context("spawn"), time.monotonic()
    failed: dict[str, Exception] = {}
    with ProcessPoolExecutor(processes, context, _begin_worker) as pool:
        futures: dict[Future[str], str] = {
            pool.submit(_do, folder, key, job): key for key, job in jobs.items()
        }
        try:
            for number, future in enumerate(as_completed(futures), 1):
                cause, key = future.exception(), futures[future]
                if isinstance(cause, Exception):
                    failed[key] = cause
                left = (time.monotonic() - began) / number * (len(jobs) - number)
                said = f"FAILED: {cause}" if cause else future.result()
                _say(f"{number}/{len(jobs)} {key}: {said}; about {left / 60:.0f} min left")
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
    return failed


def _begin_worker() -> None:
    """One thread; the interrupt is the parent's business; no life after the parent's end."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(folder: Path, key: str, job: Job) -> str:
    with _claim(folder, key) as mine:
        if not mine:
            return "left to another command"
        if key in read_rows(folder):
            return "done by another command"
        began = time.perf_counter()
        row = job()
        _append(folder / _ROWS, {"key": key} | row)
        return f"{time.perf_counter() - began:.0f} s"


@contextmanager
def _claim(folder: Path, key: str) -> Iterator[bool]:
    """Say whether this process has the job; the claim ends with the process, however it ends."""
    with (folder / "claims" / key).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _append(path: Path, row: Row) -> None:
    line = (json.dumps(row) + "\n").encode()
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line  # a killed writer's half line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except json.JSONDecodeError:
        return False


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
