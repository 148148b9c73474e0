"""Takes of another person are those whose faces at rest are far from the most."""

import numpy as np
import pyarrow as pa

from fmdata.catalog.health.persons import MAX_APART_IOD, apart_from_the_most, lines

SIZE = 120


def shapes(*offsets: float) -> np.ndarray:
    """Make faces that are moved as a whole, along x, by so many interocular distances."""
    face = np.random.default_rng(0).normal(size=(40, 3))
    return np.array([(face + np.array([offset, 0, 0])).ravel() for offset in offsets])


def test_one_person_over_several_days_is_no_other() -> None:
    """Each take is near the next, the first and the last are far from one another."""
    chain = shapes(*np.arange(6) * 0.8 * MAX_APART_IOD)
    assert apart_from_the_most(chain) == [0.0] * 6


def test_a_stranger_among_the_takes_is_found_with_the_distance() -> None:
    far = 3 * MAX_APART_IOD
    found = apart_from_the_most(shapes(0, 0.001, far, 0.002))
    assert found[:2] == [0.0, 0.0]
    assert found[3] == 0
    np.testing.assert_allclose(found[2], far - 0.002)


def test_of_two_takes_of_two_people_one_is_reported_and_none_without_a_second() -> None:
    far = 2 * MAX_APART_IOD
    assert [bool(one) for one in apart_from_the_most(shapes(0, far))] == [False, True]
    assert apart_from_the_most(shapes(0)) == [0.0]
    assert apart_from_the_most(np.zeros((0, SIZE))) == []


def rows(subject: str, *faces: list[float] | None) -> pa.Table:
    """Make the clips of a subject, named a, b and so on, by the shapes of their faces."""
    keys = [f"{subject}-{'abcdef'[i]}" for i in range(len(faces))]
    shapes = pa.array(faces, pa.list_(pa.float32(), SIZE))
    return pa.table({"key": keys, "subject": [subject] * len(faces), "face_shape": shapes})


def test_subjects_are_compared_one_by_one_and_clips_without_a_mesh_are_passed_over() -> None:
    one, other = shapes(0, 1).tolist()
    alike = [
        rows("ann", one, None),
        pa.concat_tables([rows("bob", other, other), rows("eve", one)]),
    ]
    assert lines(alike) == []
    (line,) = lines([*alike, rows("eve", other, one)])
    assert (line.count, line.of, line.keys) == (1, 7, ("eve-a",))
