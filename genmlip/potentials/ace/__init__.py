"""Linear atomic cluster expansion: basis, coupling coefficients, kernels, files."""
