from importlib.util import find_spec
from pathlib import Path

import pytest

from genmlip.errors import InputError
from genmlip.studies import Cache, Study
from genmlip.studies.cluster import DaskCluster


@pytest.mark.skipif(find_spec("distributed") is not None, reason="Dask is installed")
def test_a_scheduler_without_dask_is_refused_with_what_to_install(dummy, tmp_path):
    with pytest.raises(InputError, match=r"pip install 'genmlip\[cluster\]'"):
        next(
            DaskCluster("tcp://127.0.0.1:8786")(Study([{"x": 1}], kind=dummy.Square).runs(), Cache(tmp_path))
        )


def test_runs_on_dask_workers_give_the_same_table_and_survive_a_dead_worker(dummy, tmp_path):
    distributed = pytest.importorskip(
        "dask.distributed", reason="the extra genmlip[cluster] is not installed"
    )
    runs = [{"x": 1}, {"x": 2, "behaviour": "raises"}, {"x": 3, "behaviour": "dies"}, {"x": 4}]
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        executor = DaskCluster(cluster.scheduler_address, Path(dummy.__file__))
        table = Study(runs, kind=dummy.Square).execute(tmp_path / "out", executor=executor)
    assert table["status"].tolist() == ["ok", "failed", "failed", "ok"]
    assert table["error_type"].dropna().tolist() == ["ZeroDivisionError", "ProcessDied"]
