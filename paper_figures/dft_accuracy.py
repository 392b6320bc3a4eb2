"""Errors of linear ACE on DFT data against the number of functions, beside GAP and MTP."""

from genmlip.report import error_vs_functions, save
from genmlip.studies import read_table

if __name__ == "__main__":
    save(error_vs_functions(read_table("dft_accuracy")), "figures/dft_accuracy")
