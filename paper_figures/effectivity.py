"""The a-posteriori estimate against the true error, over all potentials of the study (docs/theory.md, G5)."""

from genmlip.report import effectivity, save
from genmlip.studies import read_table

if __name__ == "__main__":
    save(effectivity(read_table("training_cell_size")), "figures/effectivity")
