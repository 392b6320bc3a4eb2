"""Who may import whom, and what ``import genmlip`` costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import genmlip

PACKAGE = Path(genmlip.__file__).parent
FLOORS = [
    {"potentials"},
    {"crystal"},
    {"statics"},
    {"dislocations"},
    {"training", "theory"},
    {"report"},
    {"studies"},
    {"cli"},
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
UPWARDS = {
    ("dislocations/equilibrium.py", "report"),  # Equilibrium.plot() draws itself
    ("studies/study.py", "cli"),  # Study.main() is a command line
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported_parts(path):
    """(part of the package, whether the import stands inside a function) of every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("genmlip."):
                yield name.split(".")[1], id(node) in inner


def test_every_part_has_a_floor():
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} == set(FLOOR)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path):
    relative = path.relative_to(PACKAGE)
    own = relative.parts[0]
    for part, lazy in imported_parts(path):
        if part in FLOOR and part != own and not (lazy and (relative.as_posix(), part) in UPWARDS):
            assert FLOOR[part] < FLOOR.get(own, 0), f"{relative} imports genmlip.{part}"


def test_the_exceptions_are_still_needed():
    for name, part in UPWARDS:
        assert part in {imported for imported, _ in imported_parts(PACKAGE / name)}


def test_importing_genmlip_is_quick_and_pulls_in_nothing_heavy():
    code = (
        "import sys, time; start = time.perf_counter(); import genmlip; wall = time.perf_counter() - start; "
        "print(wall, *({'numba', 'matplotlib', 'pandas', 'ase', 'scipy', 'sympy'} & set(sys.modules)))"
    )
    wall, *heavy = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert float(wall) < 1.0
    assert heavy == []
