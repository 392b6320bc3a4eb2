"""Error of a fixed potential against the radius of the simulated region (docs/theory.md, G2)."""

from genmlip.report import error_vs_radius, save
from genmlip.studies import read_table

if __name__ == "__main__":
    save(error_vs_radius(read_table("domain_radius")), "figures/domain_radius")
