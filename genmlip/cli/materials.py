"""``genmlip potentials`` and ``genmlip crystal``."""

from __future__ import annotations

from genmlip.cli.arguments import Json, Pot, StructureName, Symbol
from genmlip.cli.output import only_results_on_stdout, show, show_rows

UNITS = {"a0": "Å", "energy_per_atom": "eV"} | dict.fromkeys(
    ("C11", "C12", "C44", "C44_clamped", "C111", "C112", "C123", "C144", "C155", "C166", "C456"), "GPa"
)


def potentials(json: Json = False) -> None:
    """List the potentials that can be loaded here."""
    from genmlip.potentials import available_potentials

    rows = available_potentials()
    if json:
        fields = ("pattern", "description", "available", "note")
        show({"potentials": [dict(zip(fields, row, strict=True)) for row in rows]}, as_json=True)
    else:
        show_rows(("potential", "what", "here", ""), rows)


def crystal(pot: Pot, symbol: Symbol = None, structure: StructureName = None, json: Json = False) -> None:
    """Lattice parameter, energy, elastic constants (relaxed-ion) and stability of the perfect crystal."""
    from genmlip.crystal import Crystal
    from genmlip.potentials import load_potential

    with only_results_on_stdout():
        result = Crystal.from_potential(load_potential(pot), structure, symbol).summary()
    show(result, json, UNITS)
