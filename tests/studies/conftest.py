"""The dummy study, loaded as the command line loads a study's file."""

from pathlib import Path

import pytest

from genmlip.studies.declaration import load_declaration

DUMMY = Path(__file__).parent / "dummy_study.py"


@pytest.fixture(scope="session")
def dummy():
    return load_declaration(DUMMY)
