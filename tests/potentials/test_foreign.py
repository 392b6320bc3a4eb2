import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from numpy.testing import assert_allclose
from potential_cases import configurations

from genmlip.errors import InputError
from genmlip.potentials import as_potential, load_potential
from genmlip.potentials.foreign import ForeignPotential
from genmlip.potentials.interaction_range import interaction_range

EMT_SPEC = "ase:ase.calculators.emt:EMT"
EMT_CUTOFF = 5.877  # Å, the calculator's rc_list


class OnlyTotals(Calculator):
    """Tungsten without site energies: what a calculator knows that does not tell them."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        result = load_potential("fs:W").evaluate(self.atoms)
        self.results = {"energy": result.energy, "forces": result.forces}


@pytest.fixture
def copper():
    atoms = bulk("Cu", "fcc", a=3.61, cubic=True) * (2, 2, 2)
    atoms.positions += np.random.default_rng(0).normal(scale=0.1, size=(len(atoms), 3))
    return atoms


def test_emt_gives_what_it_gives_in_ase(copper):
    result = load_potential(EMT_SPEC).evaluate(copper)
    copper.calc = EMT()
    assert_allclose(result.energies, copper.get_potential_energies(), atol=1e-12)
    assert_allclose(result.forces, copper.get_forces(), atol=1e-12)
    assert_allclose(-result.virial / copper.get_volume(), copper.get_stress(voigt=False), atol=1e-12)


def test_a_bound_potential_follows_the_positions(copper):
    potential = load_potential(EMT_SPEC)
    evaluate, positions = potential.bind(copper), copper.positions.copy()
    first = evaluate(positions)
    positions[3] += 0.2
    moved = evaluate(positions)
    assert abs(moved.energy - first.energy) > 1e-3
    positions[3] -= 0.2
    assert_allclose(evaluate(positions).energies, first.energies, atol=1e-10)
    assert_allclose(first.forces.sum(axis=0), 0.0, atol=1e-10)


def test_centres_select_site_energies(copper):
    potential, centres = load_potential(EMT_SPEC), np.array([7, 2])
    everything, some = potential.bind(copper), potential.bind(copper, centres)
    assert_allclose(some(copper.positions).energies, everything(copper.positions).energies[centres])


def test_emt_knows_its_elements_and_its_cutoff_is_measured():
    potential = load_potential(EMT_SPEC)
    assert {"Cu", "Al", "Ni", "Ag", "Au"} <= set(potential.symbols)
    assert 0.0 <= potential.cutoff - EMT_CUTOFF < 0.02


@pytest.mark.parametrize("spec", ["fs:W", "sw:Si"])
def test_the_measured_range_is_the_cutoff_as_far_as_it_is_felt(spec):
    potential = load_potential(spec)
    measured = interaction_range(potential, potential.symbols, site_resolved=True)
    assert 0.97 * potential.cutoff < measured < potential.cutoff + 0.05


def test_forces_are_exact_within_two_measured_cutoffs_even_without_site_energies():
    potential = ForeignPotential(OnlyTotals(), symbols=("W",))
    assert not potential.site_resolved
    cell = configurations("fs-W")["strained"]
    many = cell * tuple(int(n) for n in np.ceil(2 * (2 * potential.cutoff + 3.5) / cell.cell.lengths()) + 1)
    many.positions += np.random.default_rng(0).normal(scale=0.05, size=(len(many), 3))
    distance = np.linalg.norm(many.positions - many.positions.mean(axis=0), axis=1)
    inside = distance < 2 * potential.cutoff + 3.5
    cut_out = many[inside]
    cut_out.pbc = False
    free = distance < 3.5
    part = potential.bind(cut_out)(cut_out.positions)
    assert free.sum() > 5
    assert_allclose(part.forces[free[inside]], load_potential("fs:W").evaluate(many).forces[free], atol=1e-10)
    assert part.energies.shape == (1,)
    assert np.isnan(part.virial).all()


def test_a_calculator_without_stress_has_none_in_ase_either():
    atoms = configurations("fs-W")["rattled"]
    atoms.calc = ForeignPotential(OnlyTotals(), symbols=("W",), cutoff=4.4)
    assert np.isfinite(atoms.get_forces()).all()
    assert "stress" not in atoms.calc.results
    assert "energies" not in atoms.calc.results


def test_a_long_ranged_calculator_must_say_its_cutoff():
    calculator = LennardJones(sigma=2.3, epsilon=0.2, rc=14.0)
    with pytest.raises(InputError, match=r"12 Å away .*give the cutoff"):
        _ = ForeignPotential(calculator, symbols=("Cu",)).cutoff
    assert ForeignPotential(calculator, symbols=("Cu",), cutoff=14.0).cutoff == 14.0


def test_site_energies_that_do_not_add_up_are_refused(copper):
    class Wrong(EMT):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["energies"] = 2.0 * self.results["energies"]

    with pytest.raises(InputError, match="its site energies add up to"):
        ForeignPotential(Wrong(), symbols=("Cu",)).evaluate(copper)


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    """A module of the user's, in the directory where genmlip is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])

    def write(text, name="my_potential_of_the_test"):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return write


def test_a_function_in_the_working_directory_is_found(user_module, copper):
    name = user_module("from ase.calculators.emt import EMT\ndef make():\n    return EMT()\n")
    potential = load_potential(f"ase:{name}:make?cutoff=5.9&symbols=Cu,Ni")
    assert (potential.cutoff, potential.symbols) == (5.9, ("Cu", "Ni"))
    assert_allclose(potential.evaluate(copper).energy, load_potential(EMT_SPEC).evaluate(copper).energy)
    assert potential.spec == f"ase:{name}:make?cutoff=5.9&symbols=Cu,Ni"


def test_a_function_may_return_a_potential(user_module):
    name = user_module(
        "from genmlip.potentials import load_potential\ndef make():\n    return load_potential('fs:W')\n"
    )
    assert load_potential(f"ase:{name}:make").symbols == ("W",)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere_to_be_found:make", "cannot import nowhere_to_be_found"),
        ("ase.calculators.emt", "expected ase:package.module:callable"),
        ("ase.calculators.emt:EMTT", "has no 'EMTT'; did you mean EMT?"),
        ("ase.calculators.emt:parameters", "cannot be called"),
        ("os.path:join", r"calling join\(\) fails"),
        ("os:getcwd", "returned str, not an ASE calculator"),
        ("ase.calculators.lj:LennardJones", "does not say which elements"),
        ("ase.calculators.lj:LennardJones?symbols=Cu,Foo", "'Foo' is not a chemical element"),
        ("ase.calculators.emt:EMT?cutoff=long", "the cutoff must be a number"),
        ("ase.calculators.emt:EMT?cutoff=-1", "the cutoff must be positive"),
        ("ase.calculators.emt:EMT?skin=1", "unknown option 'skin'"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(target, message):
    with pytest.raises(InputError, match=message) as error:
        load_potential(f"ase:{target}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("import not_installed_here\n", "not_installed_here"), ("1 +\n", "fails: SyntaxError")],
)
def test_a_broken_module_is_named_with_its_fault(user_module, text, message):
    name = user_module(text, name=f"broken_{len(text)}")
    with pytest.raises(InputError, match=f"ase:{name}:make: .*{message}"):
        load_potential(f"ase:{name}:make")


def test_as_potential_takes_a_specification_a_potential_or_a_calculator():
    potential = as_potential("fs:W")
    assert as_potential(potential) is potential
    assert isinstance(as_potential(EMT()), ForeignPotential)


def test_bad_configurations_are_refused(copper):
    potential = load_potential(EMT_SPEC)
    with pytest.raises(InputError, match="has no element U"):
        potential.evaluate(Atoms("U"))
    copper.positions[0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        potential.evaluate(copper)
