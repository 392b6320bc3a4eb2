"""Error of the boundary conditions against the radius: rates of theory (docs/theory.md, G1).

Two potentials for tungsten. The curvature of the Finnis–Sinclair pair potential jumps at 3.25 Å, which bonds
cross only in the core; the other is smooth, and its predictor leaves forces that follow r⁻³ to three digits
from 12 Å on. Without kimpy the rows of the latter fail and say so.
"""

from genmlip.studies import BoundaryCondition, Study, grid

SMOOTH = "kim:EAM_Dynamo_ZhouJohnsonWadley_2004NISTretabulation_W__MO_914556822329_000"

study = Study(
    runs=grid(
        reference=["fs:W", SMOOTH],
        dislocation=["bcc-screw-111", "bcc-mixed-111", "bcc-edge-111"],
        boundary=["clamped", "sinclair", "flexible"],
        radius=[12.0, 16.0, 22.0, 26.0, 30.0, 36.0, 42.0, 50.0, 60.0],
    ),
    quick=grid(
        dislocation=["bcc-screw-111", "bcc-edge-111"],
        boundary=["clamped", "sinclair", "flexible"],
        radius=[12.0, 15.0, 19.0, 24.0, 30.0],
        reference_radius=90.0,
        source_radius=150.0,
    ),
    kind=BoundaryCondition,
)

if __name__ == "__main__":
    study.main()
