"""Training cells, labelled data sets, design matrices and least-squares solvers."""
