import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.crystal import Crystal
from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace import LinearACE
from genmlip.training import (
    ARD,
    BayesianRidge,
    Configuration,
    Dataset,
    GCVRidge,
    OrdinaryLeastSquares,
    RankRevealingQR,
    Ridge,
    TruncatedSVD,
    Weights,
    evaluate,
    fit,
    label,
    training_cells,
)

EXACT = [
    OrdinaryLeastSquares(), Ridge(1e-13), TruncatedSVD(1e-13), RankRevealingQR(1e-13), GCVRidge(),
    BayesianRidge(), BayesianRidge(separate_noise=True), ARD(), ARD(separate_noise=True),
]  # fmt: skip
"""Solvers that reproduce labels which the model can describe."""


@pytest.mark.parametrize("observations", ["F", "EF", "EFV", "FV"])
@pytest.mark.parametrize("solver", EXACT, ids=str)
def test_a_fit_to_its_own_labels_recovers_the_coefficients(known_ace, small_ace, cells, observations, solver):
    data = label(cells, known_ace)
    result = fit(small_ace, data, observations, solver=solver)
    scale = np.abs(known_ace.coefficients).max()
    assert_allclose(result.potential.coefficients, known_ace.coefficients, atol=1e-8 * scale)
    if "E" in observations:
        assert_allclose(result.potential.E0["W"], -1.7, atol=1e-8)
    assert result.errors["F"].rmse < 1e-8


def test_virial_labels_are_minus_the_derivative_of_the_energy_labels_with_respect_to_strain(tungsten):
    atoms = tungsten.unit_cell().repeat(2)
    atoms.positions += 0.1 * np.random.default_rng(1).standard_normal(atoms.positions.shape)
    step, virial = 1e-4, np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            moved = []
            for sign in (1, -1):
                strain = np.eye(3)
                strain[a, b] += 0.5 * sign * step
                strain[b, a] += 0.5 * sign * step
                copy = atoms.copy()
                copy.set_cell(atoms.cell.array @ strain, scale_atoms=True)
                moved.append(copy)
            plus, minus = label(moved, tungsten.potential)
            virial[a, b] = -(plus.energy - minus.energy) / (2 * step)
    assert_allclose(label([atoms], tungsten.potential)[0].virial, virial, atol=2e-5)


def test_labels_are_those_of_the_calculator_whether_it_is_ours_or_not():
    atoms = Atoms(
        "Ar4", positions=[[0, 0, 0], [1.9, 1.9, 0], [1.9, 0, 1.9], [0, 1.9, 1.9]], cell=[4, 4.2, 4], pbc=True
    )
    atoms.info["config_type"] = "fcc"
    atoms.info["energy"] = 99.0  # an old label
    calculator = LennardJones(sigma=2.5, rc=6.0)
    configuration = label([atoms], calculator)[0]
    atoms.calc = calculator
    assert configuration.energy == atoms.get_potential_energy()
    assert_array_equal(configuration.forces, atoms.get_forces())
    assert_allclose(configuration.stress, atoms.get_stress(), rtol=1e-12, atol=1e-14)
    assert configuration.group == "fcc"
    assert "energy" not in configuration.atoms.info


def test_a_molecule_gets_no_virial(tungsten):
    atoms = Atoms("W2", positions=[[0, 0, 0], [0, 0, 2.6]])
    assert label([atoms], tungsten.potential)[0].virial is None


def test_errors_are_those_of_the_numbers_themselves(known_ace, tungsten_data):
    errors = evaluate(known_ace, tungsten_data)
    results = [(known_ace.evaluate(c.atoms), c) for c in tungsten_data]
    energy = np.array([(r.energy - c.energy) / len(c) for r, c in results])
    forces = np.concatenate([(r.forces - c.forces).ravel() for r, c in results])
    virial = np.array([(r.virial - c.virial) / len(c) for r, c in results])
    for letter, values in {"E": energy, "F": forces, "V": virial}.items():
        assert_allclose(errors[letter].rmse, np.sqrt(np.mean(values**2)), rtol=1e-10)
        assert_allclose(errors[letter].mae, np.mean(np.abs(values)), rtol=1e-10)
    bulk = [r for r in errors.records() if r["group"] == "bulk"]
    assert [r["observation"] for r in bulk] == ["E", "F", "V"]
    assert errors["F", "bulk"].n == 3 * sum(len(c) for c in tungsten_data.select("bulk"))
    with pytest.raises(UnknownNameError):
        errors["F", "liquid"]


def coefficients(ace, data, **settings):
    return fit(ace, data, **{"solver": Ridge(1e-6), "observations": "EFV", **settings}).potential.coefficients


def loss(potential, data, weights):
    """The loss as the documentation of the observations states it."""
    total = 0.0
    for c in data:
        result, n = potential.evaluate(c.atoms), len(c)
        factor = weights.groups.get(c.group, 1.0) * c.weight
        total += factor**2 * (
            weights.E**2 * (result.energy - c.energy) ** 2 / n
            + weights.F**2 * np.sum((result.forces - c.forces) ** 2)
            + weights.V**2 * np.sum((result.virial - c.virial) ** 2) / n
        )
    return total


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(w=st.tuples(*[st.floats(0.1, 30)] * 4))
def test_the_weighted_loss_is_the_documented_one_and_the_fit_minimises_it(small_ace, tungsten_data, w):
    weights = Weights(E=w[0], F=w[1], V=w[2], groups={"strained": w[3]})
    result = fit(small_ace, tungsten_data, weights=weights, solver=OrdinaryLeastSquares())
    best = loss(result.potential, tungsten_data, weights)
    assert_allclose(result.solution.loss, best, rtol=1e-7)
    rng = np.random.default_rng(0)
    for _ in range(3):
        step = 1e-4 * rng.standard_normal(small_ace.n_coefficients) * np.abs(result.potential.coefficients)
        moved = result.potential.with_coefficients(result.potential.coefficients + step)
        assert loss(moved, tungsten_data, weights) > best


def test_a_weight_of_two_counts_as_four_copies(small_ace, tungsten_data):
    heavy = tungsten_data.with_weights(lambda c: 2.0 if c.group == "strained" else 1.0)
    strained = tungsten_data.select("strained")
    copies = tungsten_data + strained + strained + strained
    by_group = coefficients(small_ace, tungsten_data, weights=Weights(groups={"strained": 2.0}))
    assert_allclose(coefficients(small_ace, heavy), coefficients(small_ace, copies), rtol=1e-7)
    assert_allclose(coefficients(small_ace, heavy), by_group, rtol=1e-10)


def test_a_weight_of_zero_leaves_out_an_observation_or_a_group(small_ace, tungsten_data):
    no_virials = coefficients(small_ace, tungsten_data, weights=Weights(V=0.0))
    assert_allclose(no_virials, coefficients(small_ace, tungsten_data, observations="EF"), rtol=1e-9)
    no_strained = coefficients(small_ace, tungsten_data, weights=Weights(groups={"strained": 0.0}))
    assert_allclose(no_strained, coefficients(small_ace, tungsten_data.select("bulk")), rtol=1e-9)


def test_the_order_of_the_configurations_does_not_matter(small_ace, tungsten_data):
    turned = Dataset(tungsten_data.configurations[::-1])
    assert_allclose(coefficients(small_ace, turned), coefficients(small_ace, tungsten_data), rtol=1e-7)
    assert turned.sha256 != tungsten_data.sha256


def test_reference_energies_are_given_or_from_free_atoms_or_fitted(small_ace, tungsten_data):
    free = Configuration(Atoms("W"), energy=-2.5, forces=np.zeros((1, 3)), group="isolated_atom")
    assert fit(small_ace, tungsten_data, E0={"W": -3.0}).potential.E0 == {"W": -3.0}
    weights = Weights(groups={"isolated_atom": {"V": 0.0}})
    from_atom = fit(small_ace, tungsten_data + Dataset((free,)), weights=weights)
    assert from_atom.potential.E0 == {"W": -2.5}
    assert from_atom.metadata["E0"]["fitted"] is False
    shifted = Dataset(tuple(replace(c, energy=c.energy + 4.0 * len(c)) for c in tungsten_data))
    fitted, moved = (fit(small_ace, data).potential for data in (tungsten_data, shifted))
    assert_allclose(moved.E0["W"] - fitted.E0["W"], 4.0, rtol=1e-8)
    assert_allclose(moved.coefficients, fitted.coefficients, rtol=1e-6, atol=1e-8)


def test_the_potential_knows_how_it_was_fitted(small_ace, tungsten_data, tmp_path):
    result = fit(small_ace, tungsten_data, "EF", Weights(E=5.0))
    record = json.loads(json.dumps(result.potential.metadata))["fit"]
    assert record["observations"] == "EF"
    assert record["weights"]["E"] == 5.0
    assert record["data"]["sha256"] == tungsten_data.sha256
    assert record["data"]["groups"]["strained"] == {"configurations": 6, "atoms": 12}
    assert {"genmlip", "numpy", "scipy", "python"} <= record["versions"].keys()
    assert record["n_rows"] == len(tungsten_data) + 3 * tungsten_data.n_atoms
    shortest = min(
        a.get_all_distances(mic=True)[np.triu_indices(len(a), 1)].min()
        for a in (c.atoms for c in tungsten_data)
    )
    assert_allclose(result.potential.metadata["smallest_distance"], shortest, rtol=1e-10)
    assert "RMSE" in result.table()
    assert "condition" in result.table()


def with_noise(data, sizes, rng):
    """Labels with normal errors of E and V in eV per √atom and of F in eV/Å."""

    def changed(c):
        root, virial = np.sqrt(len(c)), rng.standard_normal((3, 3))
        return replace(
            c,
            energy=c.energy + sizes["E"] * root * rng.standard_normal(),
            forces=c.forces + sizes["F"] * rng.standard_normal(c.forces.shape),
            virial=c.virial + sizes["V"] * root * (np.triu(virial) + np.triu(virial, 1).T)
            / np.where(np.eye(3, dtype=bool), 1.0, np.sqrt(2.0)),
        )  # fmt: skip

    return Dataset(tuple(map(changed, data)))


def test_the_noise_of_the_labels_is_reported_in_their_units_whatever_the_weights(known_ace, small_ace, cells):
    sizes = {"E": 0.05, "F": 0.2, "V": 1.5}
    data = with_noise(label(cells * 4, known_ace), sizes, np.random.default_rng(0))
    for weights in (Weights(), Weights(E=3.0, F=0.5, V=20.0)):
        result = fit(small_ace, data, weights=weights, solver=BayesianRidge(separate_noise=True))
        n = {"E": len(data), "F": 3 * data.n_atoms, "V": 6 * len(data)}
        for letter, size in sizes.items():
            assert_allclose(result.noise[letter], size, rtol=4 / np.sqrt(2 * n[letter]))
        assert result.metadata["noise"] == result.noise
        assert result.metadata["solution"]["log_evidence"] == result.solution.details["log_evidence"]
        assert "noise of F" in result.table()


def test_solvers_that_estimate_no_noise_report_none(small_ace, tungsten_data):
    assert fit(small_ace, tungsten_data, solver=Ridge()).noise == {}


def test_predicted_deviations_cover_the_errors_of_predictions(known_ace, small_ace, cells):
    """Squared errors of forces on a new cell, in units of their predicted variances, are one on average."""
    *known, new = label(cells, known_ace).select("bulk")
    exact, rows = Dataset(tuple(known)), small_ace.design(new.atoms).forces
    ratios = []
    for seed in range(12):
        data = with_noise(exact, {"E": 0.0, "F": 0.3, "V": 0.0}, np.random.default_rng(seed))
        result = fit(small_ace, data, "F", solver=BayesianRidge())
        error = rows @ result.potential.coefficients - new.forces.ravel()
        ratios.append(np.mean(error**2 / result.solution.posterior.variance(rows)))
    assert 0.6 < np.mean(ratios) < 1.7


def test_a_saved_potential_keeps_the_record_of_its_fit(small_ace, tungsten_data, tmp_path):
    underdetermined = fit(small_ace, Dataset(tungsten_data.configurations[:2]), "E")
    assert underdetermined.condition == np.inf
    underdetermined.potential.save(tmp_path / "w.json")
    assert LinearACE.load(tmp_path / "w.json").metadata["fit"] == underdetermined.metadata


def test_progress_is_reported_after_every_configuration(small_ace, tungsten_data):
    seen = []
    fit(small_ace, tungsten_data, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, len(tungsten_data)) for k in range(1, len(tungsten_data) + 1)]


def test_virials_pin_the_elastic_constants_that_forces_of_small_cells_leave_open(tungsten):
    """Theory, section 3: folding makes force-only fits on small cells blind to C."""
    data = label(training_cells(tungsten, 1, n_atoms=1000, seed=1), tungsten.potential)
    ace = LinearACE("W", 4.8, order=2, degree=(20, 8))
    weights = Weights(groups={"strained": {"V": 30.0}})
    error = {}
    for observations in ("EF", "EFV"):
        potential = fit(ace, data, observations, weights).potential
        stiffness = Crystal.from_potential(potential, "bcc", "W").stiffness
        error[observations] = np.linalg.norm(stiffness - tungsten.stiffness) / np.linalg.norm(
            tungsten.stiffness
        )
    assert error["EFV"] < 0.05
    assert error["EF"] > 3 * error["EFV"]


def without(dataset, index, name):
    changed = list(dataset)
    changed[index] = replace(changed[index], **{name: None}, source="my.xyz, configuration 3")
    return Dataset(tuple(changed))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "energy",
            r"my.xyz, configuration 3: no energies \(asked for: E; it has: FV\); use observations='FV'",
        ),
        ("forces", r"my.xyz, configuration 3: no forces \(asked for: F; it has: EV\); use observations='EV'"),
        ("virial", r"configuration 3: no virials .*observations='EF' or weights with \{'bulk': \{'V': 0\}\}"),
    ],
)
def test_a_missing_label_is_named_with_the_way_out(small_ace, tungsten_data, name, message):
    data = without(tungsten_data, 2, name)
    with pytest.raises(InputError, match=message):
        fit(small_ace, data)
    letter = name[0].upper()
    result = fit(small_ace, data, weights=Weights(groups={"bulk": {letter: 0.0}}))
    assert np.isfinite(result.potential.coefficients).all()


def test_what_cannot_be_fitted_is_said_before_any_work(small_ace, silicon, tungsten_data):
    foreign = Configuration(silicon.unit_cell(), energy=0.0, source="my.xyz, configuration 9")
    with pytest.raises(
        InputError, match=r"my.xyz, configuration 9: the model has no element Si .*describes: W"
    ):
        fit(small_ace, tungsten_data + Dataset((foreign,)))
    with pytest.raises(InputError, match="holds no configuration"):
        fit(small_ace, Dataset(()))
    with pytest.raises(InputError, match="holds no configuration"):
        evaluate(small_ace, Dataset(()))
    with pytest.raises(UnknownNameError, match="unknown observation 'X'"):
        fit(small_ace, tungsten_data, "EX")
    with pytest.raises(
        UnknownNameError, match=r"unknown group in the weights 'strain'; did you mean strained"
    ):
        fit(small_ace, tungsten_data, weights=Weights(groups={"strain": 2.0}))
    with pytest.raises(InputError, match="E0 lacks W"):
        fit(small_ace, tungsten_data, E0={"Si": 1.0})
    with pytest.raises(InputError, match="E0 of W must be a finite number"):
        fit(small_ace, tungsten_data, E0={"W": np.nan})
    with pytest.raises(UnknownNameError, match="group of configurations 'liquid'"):
        tungsten_data.select("liquid")


def test_atoms_at_one_place_are_refused(small_ace):
    atoms = Atoms("W2", positions=np.zeros((2, 3)), cell=5 * np.eye(3), pbc=True)
    data = Dataset((Configuration(atoms, energy=0.0, source="my.xyz, configuration 1"),))
    with pytest.raises(InputError, match=r"my.xyz, configuration 1: .*atoms .*at the same place"):
        fit(small_ace, data, "E")


def test_fewer_equations_than_functions_need_regularisation(small_ace, tungsten_data):
    few = Dataset(tungsten_data.configurations[:2])
    with pytest.raises(InputError, match="equations cannot determine"):
        fit(small_ace, few, "E", solver=OrdinaryLeastSquares())
    assert np.isfinite(fit(small_ace, few, "E").potential.coefficients).all()


def test_weights_that_leave_nothing_are_refused(small_ace, tungsten_data):
    with pytest.raises(InputError, match="leave nothing to fit"):
        fit(small_ace, tungsten_data, weights=Weights(E=0.0, F=0.0, V=0.0))
    with pytest.raises(InputError, match="leave nothing to fit"):
        fit(small_ace, tungsten_data.with_weights(lambda _: 0.0))


def test_one_energy_tells_nothing_about_noise(small_ace, tungsten_data):
    with pytest.raises(InputError, match="no equation is left to estimate the noise from"):
        fit(small_ace, Dataset(tungsten_data.configurations[:1]), "E")
    assert fit(small_ace, Dataset(tungsten_data.configurations[:1]), "E", solver=Ridge()).n_rows == 1


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ({"energy": np.nan}, "energy holds NaN"),
        ({"forces": np.full((2, 3), np.inf)}, "forces holds NaN"),
        ({"forces": np.zeros((3, 3))}, r"forces has shape \(3, 3\), expected \(2, 3\)"),
        ({"virial": np.full((3, 3), np.nan)}, "virial holds NaN"),
        ({"weight": -1.0}, "config_weight must not be negative"),
    ],
)
def test_labels_that_cannot_be_fitted_are_named(labels, named):
    atoms = Atoms("W2", positions=[[0, 0, 0], [1.5, 1.5, 1.5]], cell=3 * np.eye(3), pbc=True)
    with pytest.raises(InputError, match="configuration 4: " + named):
        Configuration(atoms, source="configuration 4", **labels)


def test_a_calculator_that_returns_nan_is_caught(tungsten):
    class Broken(LennardJones):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["energy"] = self.results["free_energy"] = np.nan

    with pytest.raises(InputError, match="configuration 1 labelled by Broken: energy holds NaN"):
        label([tungsten.unit_cell()], Broken(sigma=2.0, rc=4.0))


@pytest.fixture
def alloy_data():
    """Copper with and without an atom of aluminium."""
    copper, alloy = bulk("Cu", cubic=True), bulk("Cu", cubic=True)
    alloy.symbols[0] = "Al"
    for atoms in (copper, alloy):
        atoms.rattle(0.05, seed=1)
    copper.info["config_type"], alloy.info["config_type"] = "pure", "alloy"
    return label([copper, alloy], EMT())


@pytest.mark.parametrize("observations", ["EF", "F"])
def test_an_element_of_the_model_that_the_data_lack_is_refused_unless_its_energy_is_given(
    alloy_data, observations
):
    """Its E0 once became zero without a word."""
    model, pure = LinearACE(("Al", "Cu"), 5.0, order=1, degree=4), alloy_data.select("pure")
    with pytest.raises(InputError, match=r"the data hold no Al, which the model describes \(found: Cu\)"):
        fit(model, pure, observations)
    potential = fit(model, pure, observations, E0={"Al": -1.5, "Cu": -0.2}).potential
    assert potential.E0 == {"Al": -1.5, "Cu": -0.2}


def test_an_element_whose_energies_have_no_weight_is_refused(alloy_data):
    model, weights = LinearACE(("Al", "Cu"), 5.0, order=1, degree=4), Weights(groups={"alloy": {"E": 0.0}})
    with pytest.raises(InputError, match=r"no energy that is fitted has to do with Al \(found: Cu\)"):
        fit(model, alloy_data, "EF", weights)
    assert set(fit(model, alloy_data, "EF").potential.E0) == {"Al", "Cu"}
