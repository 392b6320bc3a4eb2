"""What choosing training cells and weights for a dislocation gains over usual ones, there and in others."""

from pathlib import Path

from genmlip.report import save
from genmlip.report.plots.selection import selection_gain, selection_gains
from genmlip.studies import read_table

if __name__ == "__main__":
    table = read_table("optimal_training")
    gains = selection_gains(table)
    gains.to_csv(Path("results") / "optimal_training_gains.csv", index=False)
    print(gains.round(2).to_string(index=False))
    for k, reference in enumerate(gains["reference"].unique(), 1):
        save(selection_gain(table, reference), f"figures/optimal_training_{k}")
