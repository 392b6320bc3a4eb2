"""Where runs are carried out: worker processes on this machine. A worker that dies costs its run only."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Protocol

from genmlip.errors import InputError
from genmlip.studies.cache import Cache
from genmlip.studies.runs import Outcome, Run, attempt

THREAD_LIMITS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}


class Executor(Protocol):
    """Carries out runs and yields their outcomes as they come, in any order."""

    def __call__(self, runs: Sequence[Run], cache: Cache) -> Generator[Outcome, None, None]: ...


@dataclass(frozen=True)
class InProcess:
    """One run after the other in this process: for a debugger and for tests."""

    def __call__(self, runs: Sequence[Run], cache: Cache) -> Generator[Outcome, None, None]:
        yield from (attempt(run, cache) for run in runs)


@dataclass(frozen=True)
class LocalProcesses:
    """``workers`` processes, each with one thread, fed one run at a time.

    Not concurrent.futures: there one process that dies breaks the pool, and nobody knows whose run it was.

    declaration : the .py file that defines the kind of run, where it is not in an importable module
    """

    workers: int
    declaration: Path | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InputError(f"the number of workers must be at least 1, not {self.workers}")

    def __call__(self, runs: Sequence[Run], cache: Cache) -> Generator[Outcome, None, None]:
        waiting = deque(runs)
        busy: dict[connection.Connection, tuple[_Worker, Run]] = {}
        try:
            with environment(THREAD_LIMITS):
                for _ in range(min(self.workers, len(runs))):
                    self._start(waiting, busy, cache)
                while busy:
                    for ready in connection.wait(list(busy)):
                        worker, run = busy.pop(ready)  # type: ignore[call-overload]
                        outcome = worker.outcome()
                        yield outcome or Outcome.of_death(run, worker.obituary())
                        if not waiting:
                            worker.stop()
                        elif outcome:
                            busy[worker.connection] = (worker, worker.give(waiting.popleft()))
                        else:
                            self._start(waiting, busy, cache)
        finally:
            for worker, _ in busy.values():
                worker.stop()

    def _start(
        self, waiting: deque[Run], busy: dict[connection.Connection, tuple[_Worker, Run]], cache: Cache
    ) -> None:
        worker = _Worker(cache, self.declaration)
        busy[worker.connection] = (worker, worker.give(waiting.popleft()))


class _Worker:
    """A process that is handed one run at a time through a pipe; the end of the pipe means that it died."""

    def __init__(self, cache: Cache, declaration: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, cache, declaration), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, run: Run) -> Run:
        with suppress(BrokenPipeError):  # it died while idle: reading its outcome will say so
            self.connection.send(run)
        return run

    def outcome(self) -> Outcome | None:
        """The outcome of the run in hand, or None where the process is no more."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None

    def obituary(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        if code == -signal.SIGKILL:
            return "the worker process was killed (signal 9), as the system does when memory runs out"
        return f"the worker process died ({f'signal {-code}' if code < 0 else f'exit code {code}'})"

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(runs: connection.Connection, cache: Cache, declaration: Path | None) -> None:
    """The life of a worker: receive a run, send its outcome, until the pipe closes."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to every process; the study's own stops the workers
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if declaration is not None:
        from genmlip.studies.declaration import load_declaration

        load_declaration(declaration)
    while True:
        try:
            run = runs.recv()
        except EOFError:
            return
        runs.send(attempt(run, cache))


def _die_with_parent() -> None:
    """Otherwise a study that is killed would leave workers behind that write into its folder."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes started within (their libraries read them when loaded)."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
