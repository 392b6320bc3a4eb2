"""Error against the size of the training cells in silicon and aluminium (docs/theory.md, G3)."""

from genmlip.report import error_vs_cell, save
from genmlip.studies import read_table

if __name__ == "__main__":
    save(error_vs_cell(read_table("second_material")), "figures/second_material")
