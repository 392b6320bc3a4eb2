"""What all embedded pair functionals share: V = ½ Σ_j φ(r_j) + F(ρ) with ρ = Σ_j f(r_j)."""

from __future__ import annotations

import numpy as np

from genmlip._types import Array


def embedded_pair_hessian(
    vectors: Array,
    radial_slope: Array,
    radial_curvature: Array,
    density_slope: Array,
    embedding_curvature: float,
) -> Array:
    """∂²V/∂r_j∂r_k of one site, (n, 3, n, 3) eV/Å²; the neighbours couple through the embedding only.

    With h = ½φ + F′(ρ) f the radial function seen by neighbour j and n_j its unit vector,

        ∂²V/∂r_j∂r_k = δ_jk [h″ n_j⊗n_j + (h′/r_j) (1 − n_j⊗n_j)] + F″(ρ) f′_j f′_k n_j⊗n_k.

    vectors : (n, 3) Å
    radial_slope, radial_curvature : (n,) h′ (eV/Å) and h″ (eV/Å²) at fixed F′
    density_slope : (n,) f′
    embedding_curvature : F″
    """
    r = np.linalg.norm(vectors, axis=1)
    n = vectors / r[:, None]
    pull = density_slope[:, None] * n
    hessian: Array = embedding_curvature * np.einsum("ja,kb->jakb", pull, pull)
    nn = np.einsum("ja,jb->jab", n, n)
    j = np.arange(len(r))
    hessian[j, :, j, :] += radial_curvature[:, None, None] * nn + (radial_slope / r)[:, None, None] * (
        np.eye(3) - nn
    )
    return hessian
