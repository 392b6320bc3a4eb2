"""Reference and candidate energies as site potentials: analytic forms, EAM files, OpenKIM, any ASE calculator."""

from genmlip.potentials.base import Evaluation, Evaluator, Potential, SitePotential

__all__ = ["Evaluation", "Evaluator", "Potential", "SitePotential"]
