"""Runs on the workers of a Dask scheduler; they need the study's folder on a file system they share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genmlip.errors import InputError
from genmlip.studies.cache import Cache
from genmlip.studies.runs import Outcome, Run, attempt


@dataclass(frozen=True)
class DaskCluster:
    """The workers connected to the scheduler at ``address`` (such as tcp://10.0.0.1:8786).

    Raises InputError where Dask is not installed or no scheduler answers there.

    declaration : the .py file that defines the kind of run, where the workers cannot import it
    """

    address: str
    declaration: Path | None = None

    def __call__(self, runs: Sequence[Run], cache: Cache) -> Generator[Outcome, None, None]:
        try:
            from dask.distributed import Client, KilledWorker, as_completed
        except ImportError:
            raise InputError("--scheduler needs Dask: pip install 'genmlip[cluster]'") from None
        try:
            client = Client(self.address, timeout="20s")
        except (OSError, ValueError) as error:
            raise InputError(f"no Dask scheduler answers at {self.address}: {error}") from None
        shared = Cache(cache.folder.absolute())
        with client:
            if self.declaration is not None:
                client.upload_file(str(self.declaration))
            pending = {client.submit(attempt, run, shared, pure=False, retries=0): run for run in runs}
            try:
                for future in as_completed(pending):
                    try:
                        yield future.result()
                    except KilledWorker:
                        yield Outcome.of_death(pending[future], "the Dask worker died under the run")
            finally:
                client.cancel(list(pending))
