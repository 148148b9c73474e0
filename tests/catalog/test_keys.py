"""Keys, folds and seeds depend on names and a seed only."""

from collections import Counter

from fmdata.catalog.keys import N_FOLDS, action_key, compound_key, draw_seed, fold


def test_keys_have_no_character_that_a_tar_reader_splits_at() -> None:
    assert action_key("Ann Lee", "wink.left", "03-b") == "Ann_Lee-wink_left-03_b"
    assert compound_key("s01", "smile", "wink-left", 4) == "s01-smile-wink_left-c4"


def test_folds_are_fixed_depend_on_the_seed_and_are_nearly_even() -> None:
    # Golden values: other values would move subjects between training and validation.
    assert [fold(f"s{i:02d}", 0) for i in range(1, 7)] == [5, 4, 8, 5, 0, 9]
    counts = Counter(fold(f"subject {i}", 0) for i in range(5000))
    assert set(counts) == set(range(N_FOLDS))
    assert max(counts.values()) < 1.2 * min(counts.values())
    assert any(fold(f"s{i}", 0) != fold(f"s{i}", 1) for i in range(10))


def test_a_seed_depends_on_each_part_and_on_the_borders_between_parts() -> None:
    seeds = {
        draw_seed("x", 0, "ab", "c"),
        draw_seed("x", 0, "a", "bc"),
        draw_seed("x", 1, "a", "b"),
    }
    assert len(seeds) == 3
