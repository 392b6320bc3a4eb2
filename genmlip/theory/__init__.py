"""Predicted rates, matching errors, error estimates and the fitting of rates."""
