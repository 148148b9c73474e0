"""The score of intervals, against a second implementation: the definition, word by word.

An interval is a set of frames. A found one is right where the frames in both are at least half of
those in either; each interval is used once; of all ways to pair them the one with the most pairs,
and then the largest sum of IoU, counts.
"""

import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.errors import UsageError
from fmdata.pipeline.reading.intervals.interval import (
    MACRO,
    MICRO,
    Interval,
    megc_table,
    read_intervals,
    type_of,
)
from fmdata.pipeline.reading.intervals.score import compare, score_tables


def literal_iou(one: Interval, other: Interval) -> Fraction:
    """Return the IoU of two sets of frames, exactly."""
    a, b = (set(range(i.onset, i.offset)) for i in (one, other))
    return Fraction(len(a & b), len(a | b))


def literal_pairs(found: list[Interval], true: list[Interval]) -> tuple[int, Fraction]:
    """Return the number of pairs and their sum of IoU, by trying every pairing."""
    total, overlap = 0, Fraction(0)
    for name in {one.name for one in (*found, *true)}:
        some, others = ([o for o in side if o.name == name] for side in (found, true))
        if len(some) > len(others):
            some, others = others, some
        best = (0, Fraction(0))
        for partners in itertools.permutations(others, len(some)):
            ious = [literal_iou(a, b) for a, b in zip(some, partners, strict=True)]
            right = [iou for iou in ious if iou >= Fraction(1, 2)]
            best = max(best, (len(right), sum(right, Fraction(0))))
        total, overlap = total + best[0], overlap + best[1]
    return total, overlap


def random_intervals(rng: np.random.Generator) -> list[Interval]:
    """Return a few intervals of two recordings, which may overlap."""
    made = []
    for _ in range(rng.integers(0, 8)):
        onset = int(rng.integers(0, 25))
        length = int(rng.integers(1, 18))
        kind = (MICRO, MACRO)[rng.integers(2)]
        made.append(Interval(f"r{rng.integers(2)}", onset, onset + length, onset, kind))
    return made


def literal_f1(matched: int, found: int, true: int) -> Fraction:
    """Return the harmonic mean of precision and recall, from their definitions."""
    if matched == 0:
        return Fraction(0)
    precision, recall = Fraction(matched, found), Fraction(matched, true)
    return 2 * precision * recall / (precision + recall)


def test_scores_are_those_of_the_definition() -> None:
    """300 random pairs of tables: matched pairs, mean IoU and F1, together and by type."""
    rng = np.random.default_rng(0)
    n_matched = 0
    for _ in range(300):
        found, true = random_intervals(rng), random_intervals(rng)
        score = compare(found, true)
        matched, overlap = literal_pairs(found, true)
        assert score.everything.matched == matched
        assert score.everything.f1 == pytest.approx(
            float(literal_f1(matched, len(found), len(true)))
        )
        if matched:
            assert score.iou == pytest.approx(float(overlap / matched))
        for kind in (MICRO, MACRO):
            some, others = ([o for o in side if o.type == kind] for side in (found, true))
            assert score.types[kind].matched == literal_pairs(some, others)[0]
        n_matched += matched
    assert n_matched > 200  # the draws do overlap


def test_half_of_the_frames_are_enough_and_count_once() -> None:
    """Frames 0 to 9 and 5 to 9: IoU 5/10 is right; a second find of the same motion is wrong."""
    true = [Interval("a", 0, 10)]
    assert compare([Interval("a", 5, 10)], true).everything.matched == 1
    assert compare([Interval("a", 6, 10)], true).everything.matched == 0
    twice = compare([Interval("a", 0, 9), Interval("a", 1, 10)], true).everything
    assert (twice.matched, twice.precision, twice.recall) == (1, 0.5, 1.0)
    assert compare([Interval("b", 0, 10)], true).everything.matched == 0


def test_errors_are_found_minus_true() -> None:
    score = compare([Interval("a", 12, 40, 20)], [Interval("a", 10, 43, 20)])
    assert score.errors() == {"onset": [2], "apex": [0], "offset": [-3]}


def test_half_a_second_is_the_longest_micro_expression() -> None:
    assert (type_of(0.5), type_of(0.52)) == (MICRO, MACRO)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Write a table of fmdata: half-open offsets, a column more, and paths with extensions."""
    table = tmp_path / "motions.csv"
    table.write_text(
        "path,subject,onset,apex,offset,type\nann/1.mp4,ann,10,14,20,me\nann/1.mp4,ann,50,60,90,mae\n"
    )
    return table


def test_the_two_kinds_of_table_mean_the_same_frames(ours: Path, tmp_path: Path) -> None:
    """MEGC's offset is the last frame of the motion, ours the first after it."""
    intervals = read_intervals(ours, "FOUND").intervals
    theirs = tmp_path / "pred.csv"
    theirs.write_text(megc_table(intervals))
    lines = theirs.read_text().splitlines()
    assert lines == ["vid,pred_onset,pred_offset,type", "ann/1,10,19,me", "ann/1,50,89,mae"]
    score = score_tables(theirs, ours)
    assert score.iou == 1.0
    assert {kind: c.f1 for kind, c in score.types.items()} == {MICRO: 1.0, MACRO: 1.0}
    assert json.loads(json.dumps(score.to_json()))["all"]["f1"] == 1.0
    theirs.write_text("vid,onset,offset\nann/1,10,19\nann/1,50,89\n")
    score = score_tables(theirs, ours)
    assert (score.iou, score.types) == (1.0, {})  # neither table has the types of all


def test_a_rate_gives_the_type(tmp_path: Path) -> None:
    """At 25 a second 12 frames are a micro-expression, 13 none; a still face has no interval."""
    table = tmp_path / "truth.csv"
    table.write_text("path,onset,offset,fps\na.mp4,0,12,25\na.mp4,20,33,25\nb.mp4,,,25\n")
    read = read_intervals(table, "TRUTH")
    assert [one.type for one in read.typed(read.rates)] == [MICRO, MACRO]
    assert set(read.rates) == {"a", "b"}


def test_recordings_of_one_table_alone_are_named(ours: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("path,onset,offset\nann/1.avi,10,20\nbob/1.mp4,3,9\n")
    report = str(score_tables(ours, truth))
    assert "without a row in motions.csv: bob/1" in report
    truth.write_text("path,onset,offset\nbob/1.mp4,3,9\n")
    with pytest.raises(UsageError, match=r"no recording in both: ann/1 in motions\.csv, bob/1 in"):
        score_tables(ours, truth)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("path,onset,offset\na.mp4,5,5\n", "line 2: offset '5' is not after onset '5'"),
        ("path,onset,offset\na.mp4,5,\n", "line 2: offset '' is not after onset '5'"),
        ("path,onset,offset\na.mp4,1.5,9\n", "line 2: onset is '1.5', not a whole number"),
        ("path,onset,offset\na.mp4,x,9\n", "line 2: onset is 'x', not a number of frames"),
        ("path,onset,offset,type\na.mp4,1,9,big\n", "line 2: type is 'big'"),
        ("vid,pred_onset,pred_offset\na,9,8\n", "line 2: pred_offset '8' is not after"),
        ("path,onset\na.mp4,1\n", "no column offset"),
        ("", "no column path, onset, offset"),
        ("path,onset,offset\n", "a truth without a motion"),
    ],
)
def test_a_bad_table_is_named_with_its_lines(rows: str, words: str, tmp_path: Path) -> None:
    table = tmp_path / "truth.csv"
    table.write_text(rows)
    with pytest.raises(UsageError) as error:
        score_tables(table, table)
    assert words in str(error.value)
    assert str(table) in str(error.value)
