"""Cells: who is free, who is whose neighbour, and that nothing outside matters."""

import numpy as np
import pytest
from elastic_media import medium
from numpy.testing import assert_allclose

from genmlip.dislocations import Dislocation
from genmlip.errors import InputError

COORDINATION = {"bcc": 8, "fcc": 12, "diamond": 4}


def relation(i, j, vector):
    return set(zip(i.tolist(), j.tolist(), *(np.round(vector, 4).T + 0.0).tolist(), strict=True))


@pytest.fixture
def cell(any_dislocation):
    return any_dislocation.cell(30.0)


def test_the_reference_is_the_perfect_lattice_with_one_atom_per_column_and_sublattice(cell):
    dislocation = cell.defect
    n = (cell.reference - dislocation.lattice.basis[cell.sublattice]) @ np.linalg.inv(
        dislocation.lattice.vectors
    )
    assert_allclose(n, np.round(n), atol=1e-9)
    assert cell.reference[:, 2].min() > -1e-8
    assert cell.reference[:, 2].max() < dislocation.line_period - 1e-8
    volume_per_atom = abs(np.linalg.det(dislocation.crystal.primitive_vectors)) / len(
        dislocation.lattice.basis
    )
    inside = (cell.r < 30.0).sum() * volume_per_atom
    assert inside == pytest.approx(np.pi * 30.0**2 * dislocation.line_period, rel=0.02)


def test_atoms_stand_at_reference_plus_predictor_and_repeat_along_the_line_only(cell):
    assert_allclose(cell.atoms.positions, cell.reference + cell.predictor)
    assert cell.atoms.pbc.tolist() == [False, False, True]
    assert cell.atoms.cell[2, 2] == pytest.approx(cell.line_period)


def test_every_site_away_from_the_core_has_all_its_nearest_neighbours(cell):
    complete = COORDINATION[cell.defect.crystal.structure]
    count = np.bincount(cell.bonds.i, minlength=len(cell))
    assert set(count[(cell.r > 1.5 * cell.defect.b) & (cell.r < 30.0)]) == {complete}
    assert count.max() == complete
    if abs(cell.defect.burgers[0]) < 1e-9:  # a screw ends no half-plane
        assert set(count[cell.r < 30.0]) == {complete}


def test_only_the_side_with_the_extra_half_plane_lacks_bonds(cell):
    count = np.bincount(cell.bonds.i, minlength=len(cell))
    lacks = (count < COORDINATION[cell.defect.crystal.structure]) & (cell.r < 20.0)
    assert (cell.reference[lacks, 1] > 0).all()  # b1 ≥ 0 in all systems: the half-plane is above
    assert lacks.any() == (cell.defect.burgers[0] > 1e-9)


@pytest.mark.parametrize("reach", [1.01, 1.7, 2.3])
def test_each_pair_has_its_reverse_and_occurs_once(cell, reach):
    pairs = cell.pairs(reach * cell.defect.crystal.nearest_neighbour_distance)
    forward = relation(pairs.i, pairs.j, pairs.vector)
    assert len(forward) == len(pairs)
    assert forward == relation(pairs.j, pairs.i, -pairs.vector)


@pytest.mark.parametrize("reach", [1.01, 2.3])
def test_deformed_bonds_are_the_perfect_ones_up_to_the_elastic_strain(cell, reach):
    """The relabelling by b across the cut is right: outside the core no bond is off by a lattice vector."""
    pairs = cell.pairs(reach * cell.defect.crystal.nearest_neighbour_distance)
    change = np.linalg.norm(pairs.deformed(cell.positions) - pairs.vector, axis=1)
    length = np.linalg.norm(pairs.vector, axis=1)
    r = np.minimum(cell.r[pairs.i], cell.r[pairs.j])
    far = r > 12.0
    assert (change[far] / length[far] < 0.5 * cell.defect.b / r[far]).all()


def test_no_neighbour_in_space_is_missing_from_the_topology(cell):
    """Against an independent search in the deformed crystal."""
    from matscipy.neighbours import neighbour_list

    nearest = cell.defect.crystal.nearest_neighbour_distance
    box = np.diag([200.0, 200.0, cell.line_period])
    i, j = neighbour_list(
        "ij",
        positions=cell.positions + np.array([100, 100, 0]),
        cell=box,
        pbc=[0, 0, 1],
        cutoff=1.07 * nearest,
    )
    far = (cell.r[i] > 12.0) & (cell.r[i] < 30.0)
    ours = (cell.r[cell.bonds.i] > 12.0) & (cell.r[cell.bonds.i] < 30.0)
    assert sorted(zip(i[far], j[far], strict=True)) == sorted(
        zip(cell.bonds.i[ours], cell.bonds.j[ours], strict=True)
    )


@pytest.mark.parametrize("name", ["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111"])
def test_forces_on_free_atoms_do_not_depend_on_what_lies_beyond_the_cell(tungsten, name):
    """Also after the free atoms moved, and with the energies of the centres only."""
    dislocation = Dislocation(tungsten, name)
    small, large = dislocation.cell(15.0), dislocation.cell(40.0)
    index = {key: k for k, key in enumerate(map(tuple, np.round(large.reference, 5) + 0.0))}
    same = np.array([index[key] for key in map(tuple, np.round(small.reference, 5) + 0.0)])
    move = np.random.default_rng(3).normal(scale=0.08, size=(small.free.sum(), 3))

    def moved(cell, free):
        positions = cell.positions.copy()
        positions[free] += move
        return positions

    here = tungsten.potential.bind(small.atoms, small.centres)
    there = tungsten.potential.bind(large.atoms)
    free = same[small.free]
    a, b = here(moved(small, small.free)), there(moved(large, free))
    assert_allclose(a.forces[small.free], b.forces[free], atol=1e-11)
    before_a, before_b = here(small.positions), there(large.positions)
    assert (a.energies - before_a.energies).sum() == pytest.approx(
        (b.energies - before_b.energies).sum(), abs=1e-10
    )


def test_another_cutoff_widens_the_shells_and_keeps_the_free_atoms(any_dislocation):
    narrow, wide = any_dislocation.cell(20.0), any_dislocation.cell(20.0, cutoff=7.0)
    assert wide.free.sum() == narrow.free.sum()
    assert wide.r.max() > 20.0 + 2 * 7.0 - any_dislocation.b


@pytest.mark.parametrize("radius", [-3.0, 0.0, np.nan, np.inf, 3.0, "20"])
def test_a_radius_that_is_not_a_number_or_too_small_is_refused(radius):
    with pytest.raises(InputError, match=r"radius .*Å"):
        Dislocation(medium("bcc"), "bcc-screw-111").cell(radius)


def test_a_radius_below_the_cutoff_is_refused_with_the_smallest_allowed():
    with pytest.raises(InputError, match=r"radius 6 Å is too small: at least 6.5 Å are needed"):
        Dislocation(medium("bcc", cutoff=6.5), "bcc-screw-111").cell(6)
