"""Errors of the boundary conditions against the radius, their rates, and the radii needed (theory, G1)."""

from pathlib import Path

from genmlip.report import boundary_rates, save
from genmlip.studies import read_table
from genmlip.theory import fit_boundary_rates, radii_needed, rate_table

WINDOW = (15.0, 100.0)  # Å; in smaller cells the boundary reaches into the core, most of all the edge's

if __name__ == "__main__":
    table = read_table("boundary_conditions")
    rates = fit_boundary_rates(table, WINDOW)
    for name, found in (("boundary_rates", rate_table(rates)), ("boundary_radii", radii_needed(rates))):
        found.to_csv(Path("results") / f"{name}.csv", index=False)
        print(found.round(3).to_string(index=False))
    finished = table.loc[table["status"] == "ok", "reference"].unique()
    for k, reference in enumerate(finished, 1):
        save(boundary_rates(table, reference, WINDOW), f"figures/boundary_rates_{k}")
