"""Predicted rates, matching errors, error estimates and the fitting of rates."""

from genmlip.theory.rates import RateFit, fit_rate

__all__ = ["RateFit", "fit_rate"]
