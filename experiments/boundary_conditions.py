"""Error of the boundary conditions against the radius: rates of theory (docs/theory.md, G1).

Two potentials for tungsten. Derivatives of fs:W jump: the third at the nearest-neighbour distance, the
second at 3.25 Å, which bonds reach within 15 Å of the core. The other is smooth there, and the forces its
predictor leaves follow r⁻³ to 3 % from 12 Å on; without kimpy its rows fail and say so. The sources reach to
more than two and a half times the reference's interface, from where the flexible boundary extrapolates them.
"""

from genmlip.studies import BoundaryCondition, Study, grid

SMOOTH = "kim:EAM_Dynamo_ZhouJohnsonWadley_2004NISTretabulation_W__MO_914556822329_000"

BOUNDARIES = ["clamped", "sinclair", "flexible"]

study = Study(
    runs=[
        *grid(
            reference=["fs:W", SMOOTH],
            dislocation=["bcc-screw-111", "bcc-mixed-111"],
            boundary=BOUNDARIES,
            radius=[12.0, 16.0, 20.0, 25.0, 30.0, 36.0, 42.0, 50.0],
            reference_radius=150.0,
            source_radius=460.0,
        ),
        *grid(
            reference=["fs:W", SMOOTH],
            dislocation="bcc-edge-111",
            boundary=BOUNDARIES,
            radius=[12.0, 15.0, 18.0, 21.0, 25.0, 30.0],
            reference_radius=90.0,
            source_radius=300.0,
        ),
    ],
    quick=grid(
        dislocation=["bcc-screw-111", "bcc-edge-111"],
        boundary=BOUNDARIES,
        radius=[12.0, 14.5, 17.5, 21.0, 25.0],
        reference_radius=75.0,
        source_radius=250.0,
    ),
    kind=BoundaryCondition,
)

if __name__ == "__main__":
    study.main()
