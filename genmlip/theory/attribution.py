"""Which part of the candidate's residual the predicted error comes from: equation (34) term by term.

docs/theory.md, section 12. The prediction d = H̃⁻¹r is linear in the residual, so that with r = Σ_k r_k

    d = Σ_k d_k,    d_k = H̃⁻¹ r_k,    share_k = ⟨Dd_k, Dd⟩ / ‖Dd‖²,    Σ_k share_k = 1.

Within ``CORE_RADIUS`` all of r belongs to the core. Outside, the candidate's forces on the reference's
equilibrium are what its perfect crystal gets wrong:

    elastic  −Ω δC : ∇∇u_lin, the elastic constants in the reference's linear field, ~ r⁻²
    higher   the rest, ~ r⁻³: nonlinear elasticity (δC₃) and dispersion (δμ), which are not told apart, since
             about an edge they largely cancel

About a point defect there is no field u_lin and all of the far field is ``higher``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genmlip._types import Array
from genmlip.crystal.tensors import rotate
from genmlip.dislocations import Dislocation, Equilibrium
from genmlip.statics.norms import energy_norm
from genmlip.theory.estimates import Residual

CORE_RADIUS = 10.0
"""Å; closer to the line than this is the core, farther away the far field."""


@dataclass(frozen=True)
class Attribution:
    """The predicted error ‖D(w̄ − ū)‖ by its causes, the terms in the order of (34).

    sizes : ‖Dd_k‖, Å: the error if only this were wrong
    shares : of the whole, summing to one; negative where a term makes up for others
    """

    sizes: dict[str, float]
    shares: dict[str, float]

    @property
    def dominant(self) -> str:
        """The term without which the error would shrink most."""
        return max(self.shares, key=lambda name: self.shares[name])


def attribute(residual: Residual, known: Equilibrium) -> Attribution:
    """The causes of the predicted error of a candidate; ``known`` is the reference's equilibrium.

    Raises NotPositiveDefiniteError or NotConvergedError where the candidate's Hessian has no inverse.
    """
    cell, free = residual.cell, residual.free
    answers = {}
    for name, r in residual_terms(residual, known).items():
        answers[name] = np.zeros_like(r)
        answers[name][free] = residual.newton_step(r[free]) / residual.scale
    total = sum(answers.values(), np.zeros_like(residual.forces))
    i, j = cell.bonds.i, cell.bonds.j
    whole = total[j] - total[i]
    squared = float(np.vdot(whole, whole))
    return Attribution(
        sizes={name: energy_norm(d, cell.bonds) for name, d in answers.items()},
        shares={
            name: float(np.vdot(d[j] - d[i], whole)) / squared if squared else 0.0
            for name, d in answers.items()
        },
    )


def residual_terms(residual: Residual, known: Equilibrium) -> dict[str, Array]:
    """r_k, each (n, 3) eV/Å on the candidate's atoms, zero on held ones; they sum to the forces."""
    cell = residual.cell
    far = cell.free & (cell.r >= CORE_RADIUS)
    core, outer = np.where(far[:, None], 0.0, residual.forces), np.where(far[:, None], residual.forces, 0.0)
    if not isinstance(cell.defect, Dislocation):
        return {"core": core, "higher": outer}
    elastic = np.where(far[:, None], _elastic_forces(residual, known), 0.0)
    return {"core": core, "elastic": elastic, "higher": outer - elastic}


def _elastic_forces(residual: Residual, known: Equilibrium) -> Array:
    """Ω δC : ∇∇u_lin on every atom, (n, 3) eV/Å; the reference's field is stretched to that cell."""
    cell, reference, scale = residual.cell, known.cell.defect, residual.scale
    assert isinstance(reference, Dislocation)
    own, other = cell.defect.crystal, reference.crystal
    difference = rotate(own.stiffness - other.stiffness / scale**3, reference.frame)
    volume = abs(np.linalg.det(own.primitive_vectors)) / len(own.basis)
    x = cell.reference / scale
    r, theta = reference.far_field.polar(x)
    at = np.stack([r * np.cos(theta), r * np.sin(theta)], axis=1)
    curvature = reference.field.second_gradient(at) / scale
    return volume * np.einsum("iakb,nkba->ni", difference, curvature)
