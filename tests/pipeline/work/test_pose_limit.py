"""`--max-pose-range`: steady clips alone, and another limit does not decode what is there again."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.types import Recording
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import Built, build
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import identify
from fmdata.pipeline.work.outcome import Outcome
from fmdata.pipeline.work.pose_limit import too_unsteady
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.simulate import SimulateSettings, simulate


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four takes of one action, with the head moving a lot."""
    path = tmp_path_factory.mktemp("steady") / "raw"
    simulate(path, SimulateSettings(1, 1, 4, head="strong", size=256, lead=False))
    return path


@pytest.fixture(scope="module")
def built(raw: Path) -> Path:
    """All of them, with compounds. Not to be changed."""
    path = raw.parent / "dataset"
    build(raw, path, BuildSettings(), workers=0)
    synth_compounds(path, CompoundSettings(k=2))
    return path


@pytest.fixture(scope="module")
def limits(built: Path) -> tuple[float, float]:
    """Limits that keep one clip, and three, of the four."""
    ranges = sorted(clip.row["pose_range"] for clip in Dataset(built).actions)
    assert ranges[1] - ranges[0] > 0.2
    assert ranges[3] - ranges[2] > 0.2
    return (ranges[0] + ranges[1]) / 2, (ranges[2] + ranges[3]) / 2


class Counter:
    """Counts the recordings that were worked on."""

    def __init__(self) -> None:
        self.worked = 0

    def read(self, done: int, recordings: int) -> None:
        pass

    def started(self, recordings: int, done: int) -> None:
        pass

    def outcome(self, outcome: Outcome) -> None:
        self.worked += 1


def limited(raw: Path, path: Path, limit: float | None) -> tuple[Built, int]:
    """Build with a limit; what came of it, and how many recordings were worked on."""
    counter = Counter()
    settings = BuildSettings(max_pose_range=limit)
    return build(raw, path, settings, workers=0, progress=counter), counter.worked


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_limit_is_tightened_and_widened_with_no_more_work_than_need_be(
    raw: Path, built: Path, limits: tuple[float, float], tmp_path: Path
) -> None:
    narrow, wide = limits
    path = tmp_path / "dataset"
    shutil.copytree(built, path)
    result, worked = limited(raw, path, wide)
    assert (result.card.actions.samples, len(result.dropped), result.gone, worked) == (3, 1, 1, 0)
    result, worked = limited(raw, path, narrow)
    assert (result.card.actions.samples, len(result.dropped), result.gone, worked) == (1, 3, 2, 0)
    assert result.card.recordings == 4
    assert [f.what for f in verify(path)] == [
        "stale: the actions have changed since the compounds were made"
    ]
    # A fresh build with this limit has the same actions and the same list of what was dropped.
    result, worked = limited(raw, tmp_path / "fresh", narrow)
    assert (result.card.actions.samples, worked) == (1, 4)
    fresh, there = files(tmp_path / "fresh"), files(path)
    assert {name: there[name] for name in fresh if name != "fmdata.json"} == {
        name: data for name, data in fresh.items() if name != "fmdata.json"
    }
    # The same again changes nothing.
    assert limited(raw, path, narrow)[1] == 0
    assert files(path) == there
    # Widened, only the two that come back are made again; the one still too unsteady is not.
    result, worked = limited(raw, path, wide)
    assert (result.card.actions.samples, worked) == (3, 2)
    assert limited(raw, path, None)[1] == 1
    assert files(path) == files(built)  # the compounds, too, are again those of these actions


def test_what_is_left_out_is_listed_with_its_reason(
    raw: Path, built: Path, limits: tuple[float, float], tmp_path: Path
) -> None:
    path = tmp_path / "dataset"
    shutil.copytree(built, path)
    limited(raw, path, limits[1])
    (row,) = pq.read_table(path / "dropped.parquet").to_pylist()
    (clip,) = (c for c in Dataset(built).actions if c.row["pose_range"] > limits[1])
    assert (row["stage"], row["reason"], row["take"]) == ("landmarks", "unsteady", clip.take)
    assert (row["pose_range"], row["digest"]) == (clip.row["pose_range"], clip.row["digest"])
    assert f"{clip.row['pose_range']:.1f} degrees, wanted at most" in row["detail"]
    assert "--max-pose-range" in row["detail"]


def test_an_interrupted_build_goes_on_with_another_limit(
    raw: Path, built: Path, tmp_path: Path
) -> None:
    class Interrupted(Counter):
        def outcome(self, outcome: Outcome) -> None:
            super().outcome(outcome)
            if self.worked == 3:
                raise KeyboardInterrupt

    path = tmp_path / "dataset"
    with pytest.raises(KeyboardInterrupt):
        build(raw, path, BuildSettings(max_pose_range=0), workers=0, progress=Interrupted())
    result, worked = limited(raw, path, None)
    assert (result.card.actions.samples, result.reused, worked) == (4, 3, 1)
    assert files(path / "actions") == files(built / "actions")


def test_the_limit_is_no_part_of_a_recordings_identity() -> None:
    recording = Recording(Path("raw/a.mp4"), "a.mp4", "s01", "smile", "01")
    one, other = BuildSettings(), BuildSettings(max_pose_range=15.0)
    assert identify(recording, "content", "", one) == identify(recording, "content", "", other)
    assert BuildSettings(**other.to_json()) == other != one


@pytest.mark.parametrize(
    ("pose_range", "limit", "kept"),
    [(20.0, None, True), (20.0, 20.0, True), (20.1, 20.0, False), (float("nan"), 20.0, False)],
)
def test_the_limit_itself_is_kept_and_an_unknown_pose_is_not(
    pose_range: float, limit: float | None, kept: bool
) -> None:
    recording = Recording(Path("raw/a.mp4"), "a.mp4", "s01", "smile", "01")
    assert (too_unsteady(recording, pose_range, limit) is None) == kept


def test_a_limit_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(UsageError, match="--max-pose-range -1"):
        BuildSettings(max_pose_range=-1)
