"""Error against the size of the training cells, with and without virials (docs/theory.md, G3)."""

from genmlip.report import error_vs_cell, save
from genmlip.studies import read_table

if __name__ == "__main__":
    save(error_vs_cell(read_table("training_cell_size")), "figures/training_cell_size")
