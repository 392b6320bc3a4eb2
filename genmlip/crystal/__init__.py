"""The perfect crystal of a potential: lattice parameter, elastic tensors, force constants, phonons."""
