"""A pseudonym depends on name and key only, and reveals neither."""

import re

import pytest

from fmdata.catalog.privacy.pseudonyms import Pseudonyms, redact

KEY, OTHER = Pseudonyms(b"k" * 16), Pseudonyms(b"o" * 16)


def test_the_same_name_and_key_give_the_same_pseudonym() -> None:
    assert KEY.subject("ann") == Pseudonyms(b"k" * 16).subject("ann") == "p850a1fc437d5b8b4"
    assert len({KEY.subject("ann"), KEY.subject("bob"), OTHER.subject("ann")}) == 3


@pytest.mark.parametrize("take", ["ann", "Ann_01", "2024-ann-b", "x.ann", "ann01", "annsmile"])
def test_a_take_with_the_subjects_name_becomes_a_digest(take: str) -> None:
    name = KEY.name("take", take, "ann")
    assert name.startswith("t")
    assert len(name) == 17


@pytest.mark.parametrize(
    ("take", "subject"),
    [
        ("ann_lee_01", "Ann Lee"),
        ("ann_lee2", "Ann Lee"),
        ("AnnLee2", "Ann Lee"),
        ("02-ANN.LEE", "Ann Lee"),
        ("myAnn_Lee", "Ann Lee"),
        ("joann lee", "Ann Lee"),
        ("s_01", "s01"),
        ("s01_02", "s01"),
        ("al-2", "Al"),
        ("Jose\u0301 1", "Jos\u00e9"),  # combining accent, precomposed accent
        ("jos\u00e91", "Jose\u0301"),
        ("jose_1", "Jos\u00e9"),
        ("\uff21\uff4e\uff4e", "ann"),  # full-width letters
        ("STRASSER_1", "Stra\u00dfer"),
        ("204817_smile_01", "204817"),
        ("s204817", "204817"),
        ("20-48-17", "204817"),
        ("204817", "204817"),
        ("smile_07", "07"),
        ("\u263a\u263a 2", "\u263a\u263a"),
    ],
)
def test_the_subjects_name_is_found_in_any_spelling(take: str, subject: str) -> None:
    assert re.fullmatch("t[0-9a-f]{16}", KEY.name("take", take, subject))


@pytest.mark.parametrize(
    ("take", "subject"),
    [
        ("wide", "wi"),
        ("01", "ann"),
        ("07", "07"),
        ("take07", "07"),
        ("01", "s01"),
        ("smile", "s01"),
        ("faces_01", "s01"),
        ("FACES_01", "s01"),
        ("plan_next", "ann"),
        ("12048170", "204817"),
        ("2048", "204817"),
        ("smile_1", "204817"),
        ("lee", "Ann Lee"),
        ("", "ann"),
        ("_", "ann"),
    ],
)
def test_other_takes_keep_their_names(take: str, subject: str) -> None:
    """Two letters are in many words, and a short number may number the take.

    The name's letters across the border of two words are no occurrence, nor are its digits in a
    longer number. Parts of the name are not searched for.
    """
    assert KEY.name("take", take, subject) == take


@pytest.mark.parametrize(
    ("name", "text", "written"),
    [
        ("Ann Lee", "ann_lee2.png and AnnLee3.png", "…2.png and …3.png"),
        ("Jos\u00e9", "Jose\u0301_1.png: no image", "…_1.png: no image"),
        ("ann", "after 17 frames of planning, by ann", "after 17 frames of planning, by …"),
        ("204817", "204817_0001.png has 1204817 bytes", "…_0001.png has 1204817 bytes"),
        ("07", "07_0001.png is number 07 of 1070", "…_0001.png is number 07 of 1070"),
        ("/a/Ann/", "/a/ann/x.png", "…x.png"),
        ("-a-", "-a-a-b", "……b"),
    ],
)
def test_a_name_is_redacted_from_a_text(name: str, text: str, written: str) -> None:
    assert redact(name, text) == written
