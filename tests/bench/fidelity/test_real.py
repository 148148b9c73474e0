"""The marked motions of real people, and the reading of their table."""

from pathlib import Path

import pytest

from bench.fidelity.real import marked, read_marks
from bench.fidelity.targets import checks_of_marked
from fmdata.catalog.types import Motion

TABLE = """\
path,subject,action,take,start,stop,onset,rise,offset,onset_raters,offset_raters
man.mp4,man,open_mouth,01,1.6583,3.65,57.5,61,101.5,58|57,102|101
man.mp4,man,grin,01,0,2,16.0,17,,16|16,
"""


def test_marks_are_read_in_frames_of_the_clip(tmp_path: Path) -> None:
    """At 30 frames per second the first clip begins with frame 50 of its source.

    Its onset is right from the earlier mark to the main rise; its offset is the mean of two marks.
    The second motion is held to the end of its clip.
    """
    table = tmp_path / "recordings.csv"
    table.write_text(TABLE)
    opened, grin = read_marks(table)

    def found(onset: int, offset: int) -> tuple[float | None, float | None]:
        motion = Motion(onset, onset, offset, "return", 0.05, 20.0, 5, 1.0)
        case = opened.case(motion, 30.0, 60)
        return case.error("onset"), case.error("offset")

    assert opened.truth(30.0, 60).style == "return"
    assert found(7, 51) == (0, -0.5)
    assert found(11, 52) == (0, 0.5)
    assert found(5, 60) == (-2, 8.5)
    assert found(14, 53) == (3, 1.5)
    truth = grin.truth(30.0, 60)
    assert (truth.onset, truth.rise, truth.offset, truth.style) == (16, 17, 60, "hold")
    assert opened.case(None, 30.0, 60).error("onset") is None


@pytest.mark.slow
def test_the_marked_motions_meet_their_targets(shared_data: Path, tmp_path: Path) -> None:
    """None is missed, and the plain methods are behind in every column."""
    cases = marked(shared_data, tmp_path)
    assert [len(some) for some in cases.values()] == [11, 11, 11]
    assert [c for c in checks_of_marked(cases) if not c.met] == []


@pytest.mark.parametrize("column", ["onset_raters", "rise"])
def test_a_table_without_marks_is_refused(tmp_path: Path, column: str) -> None:
    table = tmp_path / "recordings.csv"
    table.write_text(TABLE.replace(f",{column}", ",other"))
    with pytest.raises(KeyError, match=column):
        read_marks(table)
