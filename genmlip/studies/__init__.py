"""Declarative studies: parameters to runs to one tidy table; resumable and parallel."""
