"""A pseudonym depends on name and key alone, and tells neither."""

import pytest

from fmdata.catalog.pseudonyms import Pseudonyms

KEY, OTHER = Pseudonyms(b"k" * 16), Pseudonyms(b"o" * 16)


def test_the_same_name_and_key_give_the_same_pseudonym() -> None:
    assert KEY.subject("ann") == Pseudonyms(b"k" * 16).subject("ann") == "p850a1fc437d5b8b4"
    assert len({KEY.subject("ann"), KEY.subject("bob"), OTHER.subject("ann")}) == 3


@pytest.mark.parametrize("take", ["ann", "Ann_01", "2024-ann-b", "x.ann", "ann01", "annsmile"])
def test_a_take_that_holds_the_subjects_name_is_a_digest_too(take: str) -> None:
    name = KEY.name("take", take, "ann")
    assert name.startswith("t")
    assert len(name) == 17


@pytest.mark.parametrize(("take", "subject"), [("wide", "wi"), ("01", "ann"), ("07", "07")])
def test_other_takes_keep_their_names(take: str, subject: str) -> None:
    """Two letters are in many words, and a number may as well be the take's own."""
    assert KEY.name("take", take, subject) == take
