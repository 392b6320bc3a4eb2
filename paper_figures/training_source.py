"""Errors of fits to bulk cells, to quadrupoles of the dislocation, and to both (docs/theory.md, 13)."""

from genmlip.report import error_by_source, save
from genmlip.studies import read_table

if __name__ == "__main__":
    save(error_by_source(read_table("training_source")), "figures/training_source")
