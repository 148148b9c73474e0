"""The relation matrix of AUs equals counts by hand, and numpy's correlation."""

import numpy as np
import pytest

from fmdata.train.action_units.relations import FORMS, relation_matrix

# Six frames of three AUs. The first is present in four, the second in two of those only, the third
# in the two frames without the first.
LABELS = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]], float)


def test_the_conditional_form_is_counted_by_row() -> None:
    expected = [[1, 0.5, 0], [1, 1, 0], [0, 0, 1]]
    np.testing.assert_allclose(relation_matrix(LABELS), expected)


def test_the_symmetric_form_is_the_mean_of_both_directions() -> None:
    expected = [[1, 0.75, 0], [0.75, 1, 0], [0, 0, 1]]
    np.testing.assert_allclose(relation_matrix(LABELS, "symmetric"), expected)


def test_the_pearson_form_is_numpys_with_negatives_at_zero() -> None:
    scores = np.random.default_rng(0).random((200, 5)) @ np.random.default_rng(1).random((5, 5))
    scores[:, 4] = scores.max() - scores[:, 0]
    scores /= scores.max()
    expected = np.corrcoef(scores.T).clip(0)
    assert expected[0, 4] == 0
    np.testing.assert_allclose(relation_matrix(scores, "pearson"), expected, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_unknown_frames_do_not_count(form: str) -> None:
    unknown = np.array([[np.nan, 1, 1], [np.nan, 0, 1]])
    padded = relation_matrix(np.vstack([LABELS, unknown]), form)
    np.testing.assert_allclose(padded[0], relation_matrix(LABELS, form)[0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_au_that_is_never_present_or_never_known_has_no_relations(
    form: str, value: float
) -> None:
    matrix = relation_matrix(np.column_stack([LABELS, np.full(6, value)]), form)
    np.testing.assert_array_equal(matrix[3], [0, 0, 0, 1])
    np.testing.assert_array_equal(matrix[:, 3], [0, 0, 0, 1])
    np.testing.assert_allclose(matrix[:3, :3], relation_matrix(LABELS, form))


@pytest.mark.parametrize("form", FORMS)
def test_relations_are_between_0_and_1_for_any_order_of_frames(form: str) -> None:
    rng = np.random.default_rng(2)
    labels = (rng.random((300, 12)) < rng.random(12)).astype(float)
    matrix = relation_matrix(labels, form)
    assert matrix.min() >= 0
    assert matrix.max() <= 1
    np.testing.assert_allclose(relation_matrix(rng.permutation(labels), form), matrix)


def test_invalid_forms_and_labels_are_refused() -> None:
    for labels, form, message in (
        (LABELS, "cosine", "form is 'cosine'"),
        (LABELS[0], "pearson", "shape"),
        (LABELS * 5, "pearson", "outside 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            relation_matrix(labels, form)
