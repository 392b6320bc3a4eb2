"""Solvers of the reduced least-squares problem min ‖R c − z‖², each one class with the method ``solve``.

The prior is a vector Γ > 0, one number per function: the size of a coefficient is measured by ‖Γ c‖, so a Γ
that grows with radial and angular degree prefers smooth potentials. All work on d = Γ c, and none forms RᵀR.
"""

from genmlip.training.solvers.ard import ARD
from genmlip.training.solvers.bayesian_ridge import BayesianRidge
from genmlip.training.solvers.direct import OrdinaryLeastSquares, TruncatedSVD
from genmlip.training.solvers.posterior import Posterior
from genmlip.training.solvers.ridge import GCVRidge, Ridge
from genmlip.training.solvers.rrqr import RankRevealingQR
from genmlip.training.solvers.solution import Solution, Solver
from genmlip.training.solvers.spectrum import Spectrum

__all__ = [
    "ARD",
    "BayesianRidge",
    "GCVRidge",
    "OrdinaryLeastSquares",
    "Posterior",
    "RankRevealingQR",
    "Ridge",
    "Solution",
    "Solver",
    "Spectrum",
    "TruncatedSVD",
]
