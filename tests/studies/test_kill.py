"""What a study survives: kill -9 and Ctrl-C of a real process in the middle of its work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genmlip.studies import read_table

DUMMY = Path(__file__).parent / "dummy_study.py"
RUNS = 6


def heed_interrupts():
    """Background jobs of a shell, and what they start, ignore SIGINT otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path):
    """Start the dummy study as a person would, and wait until some rows are there."""
    marks = {"DUMMY_MARKS": str(tmp_path / "marks")}

    def start(*options, rows, seconds=0.3):
        environment = {**os.environ, **marks, "DUMMY_SLEEP": str(seconds)}
        command = [sys.executable, str(DUMMY), "--preset", "paper", "--workers", "1"]
        command += ["--out", str(tmp_path / "out"), *options]
        process = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True, process_group=0,
            preexec_fn=heed_interrupts,  # noqa: PLW1509 - no threads here
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while len(list((tmp_path / "out" / "rows").glob("[!.]*.json"))) < rows:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return process

    return start


def executions(tmp_path):
    return [int(line.split()[0]) for line in (tmp_path / "marks").read_text().splitlines()]


def test_kill_9_loses_at_most_the_run_in_flight_and_leaves_no_worker(start, tmp_path):
    process = start(rows=2)
    process.kill()
    process.wait()
    kept = len(read_table(tmp_path / "out"))
    assert kept >= 2
    worker = int((tmp_path / "marks").read_text().split()[-1])
    deadline = time.monotonic() + 10
    while alive(worker):
        assert time.monotonic() < deadline, "the worker outlived the study"
        time.sleep(0.02)

    process = start("--resume", rows=RUNS)
    assert process.wait(timeout=60) == 0, process.stderr.read()
    table = read_table(tmp_path / "out")
    assert table["square"].tolist() == [x**2 for x in range(RUNS)]
    assert len(executions(tmp_path)) <= RUNS + 1


def test_ctrl_c_stops_with_one_line_and_keeps_the_rows(start, tmp_path):
    process = start(rows=1, seconds=3.0)  # a busy machine must not finish before the signal comes
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the study and to its workers
    assert process.wait(timeout=30) == 130
    message = process.stderr.read()
    assert "genmlip: interrupted" in message
    assert "Traceback" not in message
    table = read_table(tmp_path / "out" / "table.csv")
    assert len(table) >= 1
    assert (table["status"] == "ok").all()


def test_a_second_process_in_the_same_folder_is_turned_away(start, tmp_path):
    first = start(rows=1)
    command = [sys.executable, str(DUMMY), "--preset", "paper", "--out", str(tmp_path / "out"), "--resume"]
    environment = {**os.environ, "DUMMY_SLEEP": "0.3", "DUMMY_MARKS": str(tmp_path / "marks")}
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    first.kill()
    first.wait()
    assert second.returncode == 2
    assert "another process is running the study" in second.stderr


def alive(pid):
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().split()[2] != "Z" if status.parent.parent.is_dir() else _signalled(pid)
    except FileNotFoundError:
        return False


def _signalled(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
