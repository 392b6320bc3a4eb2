"""Error against the accuracy of the fit: elastic constants and forces (docs/theory.md, G4)."""

from genmlip.report import error_vs_delta_C, error_vs_force_rmse, save
from genmlip.studies import read_table

if __name__ == "__main__":
    table = read_table("fit_accuracy")
    save(error_vs_delta_C(table), "figures/fit_accuracy_elastic")
    save(error_vs_force_rmse(table), "figures/fit_accuracy_forces")
