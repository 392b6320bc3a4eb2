"""Preconditioned energy minimisation, the norms of the theory and the stability constant."""
