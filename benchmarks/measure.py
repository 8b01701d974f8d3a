"""Contenders in fresh processes, side by side in turn: seconds, CPU seconds, peak memory, medians."""

import os
import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

ROUNDS = 3
ONCE = 60.0  # s; a contender that takes longer runs once
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Run:
    """seconds and cpu_s (s, the contender's own child processes included), peak_mb of the largest process, result."""

    seconds: float
    cpu_s: float
    peak_mb: float
    result: Any
    n_runs: int = 1

    def costs(self, own: "Run") -> dict[str, float]:
        """Columns of the table of results; the ratio is to gravispec's ``own`` run."""
        spent = {"runs": self.n_runs, "seconds": self.seconds, "cpu_s": self.cpu_s}
        return spent | {"ratio": self.seconds / own.seconds, "peak_mb": self.peak_mb}


def set_threads(n: int) -> None:
    """Threads of the linear algebra in processes that start from here on."""
    os.environ.update(dict.fromkeys(THREADS, str(n)))


def fresh(function: Callable, *args: Any, threads: int) -> Run:
    """``function(*args)`` in a process of its own; the time of its imports counts, that of starting Python does not."""
    set_threads(threads)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_run, function, args).result()


def in_turn(contenders: Mapping[str, tuple], *, threads: int, quick: bool) -> dict[str, Run | str]:
    """Median run of each ``{name: (function, *args)}``; "not installed" where the contender's package is missing."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    missing = {}
    for turn in range(1 if quick else ROUNDS):
        for name, (function, *args) in contenders.items():
            if name in missing or (turn and runs[name][0].seconds > ONCE):
                continue
            try:
                runs[name].append(fresh(function, *args, threads=threads))
            except ModuleNotFoundError as error:
                missing[name] = f"not installed: {error.name}"
                continue
            last = runs[name][-1]
            print(f"  {name}, {threads} thread(s): {last.seconds:.1f} s, {last.cpu_s:.1f} CPU s", flush=True)
    return {name: missing[name] if name in missing else median(runs[name]) for name in contenders}


def median(runs: list[Run]) -> Run:
    """The run of median seconds, with the number of runs."""
    middle = sorted(runs, key=lambda run: run.seconds)[(len(runs) - 1) // 2]
    middle.n_runs = len(runs)
    return middle


def rate(function: Callable, n_items: int, *, seconds: float = 0.5) -> float:
    """Items a second of ``function()``, which does n_items: the best of 2 calls, or of more that start in ``seconds``.

    In this process, on one thread where `set_threads` was called before NumPy came.
    """
    best, spent, calls = float("inf"), 0.0, 0
    while spent < seconds or calls < 2:
        start = time.perf_counter()
        function()
        took = time.perf_counter() - start
        best, spent, calls = min(best, took), spent + took, calls + 1
    return n_items / best


def _run(function, args):
    start, cpu = time.perf_counter(), _cpu()
    result = function(*args)
    seconds, cpu = time.perf_counter() - start, _cpu() - cpu
    usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Run(seconds, cpu, max(usage) / 1e3, result)


def _cpu():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
