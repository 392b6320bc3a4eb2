"""What virials gain for the dislocations and for the vacancy (docs/theory.md, G6)."""

import pandas as pd

from genmlip.report import save, virial_gain
from genmlip.studies import read_table

if __name__ == "__main__":
    tables = [read_table("training_cell_size"), read_table("vacancy_control")]
    save(virial_gain(pd.concat(tables)), "figures/vacancy_control")
