"""Finding and loading the file that declares a study."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from genmlip.errors import InputError, UnknownNameError

FOLDER = Path("experiments")


def find_declaration(name: str) -> Path:
    """Path of the declaration called ``name``: a .py file, or the name of one in ./experiments/.

    Raises UnknownNameError with the nearest name.
    """
    path = Path(name)
    if path.suffix == ".py":
        if path.is_file():
            return path.resolve()
        raise InputError(f"there is no study file {name}")
    for folder in _folders():
        if (folder / f"{name}.py").is_file():
            return (folder / f"{name}.py").resolve()
    known = declared_names()
    if not known:
        raise InputError(f"there is no study {name!r}: no folder {FOLDER}/ here; give the path of a .py file")
    raise UnknownNameError("study", name, known)


def declared_names() -> list[str]:
    """The names that :func:`find_declaration` knows here."""
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.py") if path.stem[0] != "_"})


def load_declaration(path: Path) -> ModuleType:
    """Import the file under its own name, once per process: its classes can then travel between processes."""
    loaded = sys.modules.get(path.stem)
    if loaded is not None and getattr(loaded, "__file__", None) == str(path):
        return loaded
    if loaded is not None:
        raise InputError(f"rename {path}: {path.stem!r} is the name of another Python module")
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def _folders() -> list[Path]:
    """./experiments, then those of a source checkout, then those that an installed genmlip brought along."""
    checkout = Path(__file__).resolve().parents[2]
    installed = Path(sys.prefix) / "share" / "genmlip"
    folders = (FOLDER.resolve(), checkout / FOLDER, installed / FOLDER)
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]
