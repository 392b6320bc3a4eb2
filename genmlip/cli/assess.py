"""``genmlip assess``: how wrong a potential is about a defect, by a reference or as far as its data tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genmlip.cli.arguments import Boundary, Candidate, Disloc, Json, Radius, StructureName, Symbol
from genmlip.cli.defects import UNITS, forces_on_stderr, say_what_is_lost
from genmlip.cli.output import counting, messages, only_results_on_stdout, show, show_sentences
from genmlip.errors import InputError, UnstableCrystalError

if TYPE_CHECKING:
    from genmlip.dislocations import Equilibrium
    from genmlip.potentials import Potential
    from genmlip.training import Dataset

FMAX = 1e-5
"""eV/Å; what remains is not part of the prediction."""

MAX_CALLS = 300
"""Force calls after which the candidate counts as having no such dislocation."""

PREDICTION_UNITS = dict.fromkeys(
    ("predicted_error", "predicted_low", "predicted_high", "corrector_norm", "largest_displacement"), "Å"
)


def assess(
    disloc: Disloc,
    candidate: Candidate,
    radius: Radius,
    reference: Annotated[
        str | None, typer.Option(metavar="POT", help="Potential that counts as the truth.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.xyz",
            help="Instead of a reference: the labelled data that the candidate was fitted to. Repeatable.",
        ),
    ] = None,
    richer: Annotated[
        str | None,
        typer.Option(
            metavar="D[,D…]",
            help="With --data: degrees of the basis that says what the truth may be, one or one per order. "
            "Default: those of the candidate, enlarged to at least 2.25 times as many functions.",
        ),
    ] = None,
    draws: Annotated[
        int, typer.Option(min=2, help="With --data: how many plausible references are drawn.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="With --data: of the draws.")] = 0,
    boundary: Boundary = None,
    estimate_only: Annotated[
        bool,
        typer.Option("--estimate-only", help="Relax nothing with the candidate, only predict its error."),
    ] = False,
    symbol: Symbol = None,
    structure: StructureName = None,
    json: Json = False,
) -> None:
    """How wrong a potential is about a defect: with another potential as the truth, what the theory
    estimates, where it comes from, and what to add to the training set; with the data of its fit, what these
    predict.

    Example: genmlip assess --reference fs:W --candidate ace:w.json bcc-screw-111 --radius 40

    Example: genmlip assess --data my-dft.xyz --candidate ace:mine.json bcc-screw-111 --radius 20

    Example: genmlip assess --reference fs:W --candidate ase:mycalc:make vacancy --radius 9 --estimate-only
    """
    from genmlip.dislocations import check_defect

    if (reference is None) == (not data):
        raise InputError("assess needs either --reference POT or --data FILE, and not both")
    check_defect(disloc)
    if reference is not None:
        if richer is not None:
            raise InputError("--richer goes with --data; a reference says itself what the truth is")
        _against_reference(
            disloc, candidate, radius, reference, boundary, estimate_only, symbol, structure, json
        )
        return
    if estimate_only:
        raise InputError("--estimate-only goes with --reference; with --data the candidate has to be relaxed")
    if boundary not in (None, "clamped"):
        raise InputError(f"with --data the boundary is clamped, not {boundary}")
    _from_data(disloc, candidate, radius, data or [], richer, draws, seed, symbol, structure, json)


def _against_reference(
    disloc: str,
    candidate: str,
    radius: float,
    reference: str,
    boundary: str | None,
    estimate_only: bool,
    symbol: str | None,
    structure: str | None,
    json: bool,
) -> None:
    from genmlip.crystal import Crystal
    from genmlip.dislocations import make_defect
    from genmlip.potentials import load_potential
    from genmlip.theory import advice
    from genmlip.theory import assess as compare

    with only_results_on_stdout(), messages().status("relaxing the defect with both potentials"):
        truth, judged = load_potential(reference), load_potential(candidate)
        say_what_is_lost(truth, judged)
        defect = make_defect(Crystal.from_potential(truth, structure, symbol), disloc)
        result = compare(truth, judged, defect, radius, boundary, estimate_only=estimate_only)
    verdict = advice(result)
    show(result.summary() | ({"verdict": verdict} if json else {}), json, UNITS)
    if not json:
        show_sentences(verdict)
    if result.failure is not None:
        raise result.failure


def _from_data(
    disloc: str,
    candidate: str,
    radius: float,
    files: list[Path],
    richer: str | None,
    draws: int,
    seed: int,
    symbol: str | None,
    structure: str | None,
    json: bool,
) -> None:
    from genmlip.potentials import load_potential
    from genmlip.studies.specifications import parse_degree
    from genmlip.theory import predict_error
    from genmlip.training import PlausibleReferences, fit_richer
    from genmlip.training.plausible import fit_record, fitted_to

    degrees = None if richer is None else parse_degree(richer)
    with only_results_on_stdout():
        judged = load_potential(candidate)
        fit_record(judged)  # complains before any work is done
        data = _read(files)
        at_rest = _relaxed(judged, disloc, radius, symbol, structure)
        with counting("fitting the richer basis") as progress:
            fit = fit_richer(judged, data, degrees, progress)
        prediction = predict_error(at_rest, judged, PlausibleReferences.of(fit, draws, seed))
    sentences = prediction.sentences()
    result = prediction.summary() | {
        "n_functions": judged.n_coefficients,
        "n_functions_richer": fit.potential.n_coefficients,
        "n_equations": fit.n_rows,
        "n_draws": draws,
        "same_data": fitted_to(judged, data),
    }
    show(result | ({"verdict": sentences} if json else {}), json, PREDICTION_UNITS)
    if not json:
        show_sentences(sentences)


def _read(files: list[Path]) -> Dataset:
    """All of them, in this order."""
    from genmlip.training import Dataset

    whole = Dataset(())
    for file in files:
        whole += Dataset.read(file)
    return whole


def _relaxed(
    potential: Potential, disloc: str, radius: float, symbol: str | None, structure: str | None
) -> Equilibrium:
    """The potential's own dislocation, in a closed boundary."""
    from genmlip.crystal import Crystal
    from genmlip.dislocations import equilibrate, make_defect
    from genmlip.dislocations.boundaries import closed_boundary

    if disloc == "vacancy":
        raise InputError("without a reference, errors are predicted for dislocations only, not for a vacancy")
    crystal = Crystal.from_potential(potential, structure, symbol)
    defect = make_defect(crystal, disloc)
    if not crystal.is_stable:
        raise UnstableCrystalError(
            f"{crystal.structure} {crystal.symbol} with {potential.spec} is unstable at a0 = "
            f"{crystal.a0:.4f} Å; no dislocation in it can be assessed"
        )
    with forces_on_stderr() as progress:
        found = equilibrate(
            defect, potential, radius, closed_boundary(defect), FMAX, max_calls=MAX_CALLS, callback=progress
        )
    return found.require_convergence()
