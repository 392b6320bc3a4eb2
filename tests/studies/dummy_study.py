"""A study whose runs take no physics: what the engine must survive, one parameter each."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from genmlip.errors import InputError
from genmlip.studies import Study, grid
from genmlip.studies.runs import UnfinishedRunError


@dataclass(frozen=True)
class Square:
    """x², after ``sleep`` seconds, or a failure of a chosen kind; leaves a mark for each time that it ran."""

    x: int
    behaviour: str = "works"
    sleep: float = 0.0
    marks: str = ""

    def __post_init__(self):
        if self.x < 0:
            raise InputError(f"x must not be negative, got {self.x}")

    def __call__(self, cache):
        if self.marks:
            with Path(self.marks).open("a") as marks:
                marks.write(f"{self.x} {os.getpid()}\n")
        time.sleep(self.sleep)
        if self.behaviour == "raises":
            raise ZeroDivisionError("no inverse of zero")
        if self.behaviour == "stops":
            raise UnfinishedRunError("only the square", {"square": self.x**2})
        if self.behaviour == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        return {"square": self.x**2, "inverse": 1 / self.x if self.x else float("nan")}


study = Study(
    runs=grid(x=range(6)),
    quick=grid(x=[1, 2]),
    kind=Square,
    sleep=float(os.environ.get("DUMMY_SLEEP", "0")),
    marks=os.environ.get("DUMMY_MARKS", ""),
)

if __name__ == "__main__":
    study.main()
