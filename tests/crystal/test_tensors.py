import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matscipy.elasticity import full_3x3x3x3_to_Voigt_6x6, rotate_elastic_constants
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from genmlip.crystal.tensors import THIRD_ORDER_CLASSES, cubic_third_order, from_voigt, rotate, to_voigt

CONSTANTS = dict(zip(THIRD_ORDER_CLASSES, np.random.default_rng(0).standard_normal(6), strict=True))
SEEDS = st.integers(0, 1000)


def frame(seed):
    return Rotation.random(rng=np.random.default_rng(seed)).as_matrix()


@given(SEEDS)
def test_rotations_compose(seed):
    P, Q = frame(seed), frame(seed + 1)
    T = cubic_third_order(CONSTANTS)
    assert_allclose(rotate(rotate(T, P), Q), rotate(T, Q @ P), atol=1e-12)


def test_rotation_of_a_stiffness_agrees_with_matscipy(tungsten):
    Q = frame(3)
    theirs = rotate_elastic_constants(full_3x3x3x3_to_Voigt_6x6(tungsten.stiffness), Q)
    assert_allclose(to_voigt(rotate(tungsten.stiffness, Q)), theirs, atol=1e-12)


def test_a_vector_turns_into_the_components_along_the_axes():
    Q = frame(1)
    assert_allclose(rotate(Q[1], Q), [0, 1, 0], atol=1e-15)


def test_the_cubic_tensor_is_invariant_under_the_cubic_group():
    T = cubic_third_order(CONSTANTS)
    for Q in Rotation.create_group("O").as_matrix():
        for sign in (1, -1):
            assert_allclose(rotate(T, sign * Q), T, atol=1e-14)


def test_the_cubic_tensor_is_symmetric_in_its_pairs_and_their_order():
    T = cubic_third_order(CONSTANTS)
    for axes in ((1, 0, 2, 3, 4, 5), (2, 3, 0, 1, 4, 5), (0, 1, 4, 5, 2, 3)):
        assert_allclose(T, T.transpose(axes), atol=0)


def test_the_cubic_tensors_form_the_whole_invariant_space():
    """Averaging any fully symmetric tensor over the group gives one with six constants and nothing else."""
    random = np.random.default_rng(5).standard_normal((6, 6, 6))
    symmetric = sum(
        random.transpose(p) for p in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    )
    index = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
    i, j, k = (
        index[:, :, None, None, None, None],
        index[None, None, :, :, None, None],
        index[None, None, None, None],
    )
    mean = np.mean([rotate(symmetric[i, j, k], Q) for Q in Rotation.create_group("O").as_matrix()], axis=0)
    voigt = to_voigt(mean)
    constants = {name: voigt[members[0]] for name, members in THIRD_ORDER_CLASSES.items()}
    assert_allclose(cubic_third_order(constants), mean, atol=1e-13)


def test_voigt_and_back(tungsten):
    stiffness = rotate(tungsten.stiffness, frame(5))
    assert_allclose(from_voigt(to_voigt(stiffness)), stiffness, atol=1e-12)
