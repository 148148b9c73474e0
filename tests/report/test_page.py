"""The page is one small file, the same bytes for the same dataset, and shows what it promises."""

import json
import re
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.health.line import DOUBT, HealthLine
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.summary import summarise
from fmdata.drawing.spread import spread
from fmdata.report.charts import N_BARS, chart
from fmdata.report.page import write_report
from fmdata.report.settings import ReportSettings
from fmdata.report.sheets import PAGE_BYTES, SheetSize, sheet
from fmdata.report.shown import chosen
from tests.helpers.command import assert_refused, fmdata
from tests.helpers.datasets import make_up
from tests.report.odd import HOSTILE, odd_dataset


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd_dataset(tmp_path_factory.mktemp("odd") / "dataset")


def test_the_same_dataset_gives_the_same_bytes_in_any_folder(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "another"):
        path = make_up(tmp_path / name, ["s01", "s02"], dropped=["s01"])
        pages.append(write_report(path, ReportSettings()).path.read_bytes())
    assert pages[0] == pages[1]
    assert str(tmp_path).encode() not in pages[0]


def test_all_that_is_odd_is_on_the_page(odd: Path, tmp_path: Path) -> None:
    page = write_report(odd, ReportSettings(), tmp_path / "page.html").path.read_text()
    for line in summarise(Dataset(odd)).health:
        assert f"<strong>{line.text}</strong>".replace(">=", "&gt;=") in page


def test_names_are_escaped_everywhere(odd: Path, tmp_path: Path) -> None:
    page = write_report(odd, ReportSettings(), tmp_path / "page.html").path.read_text()
    assert HOSTILE[:10] not in page
    assert "&lt;img src=x" in page
    assert "\\u003cimg src=x" in page
    assert "\u202e" not in page
    assert page.count("</script>") == page.count("<script")


def test_the_page_forbids_every_connection(odd: Path, tmp_path: Path) -> None:
    page = write_report(odd, ReportSettings(), tmp_path / "page.html").path.read_text()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    assert not re.search(r'(src|href)="(?!#)', page)


def test_all_clips_have_facts_curves_and_sheets(odd: Path, tmp_path: Path) -> None:
    page = write_report(odd, ReportSettings(), tmp_path / "page.html").path.read_text()
    blocks = [json.loads(one) for one in re.findall(r'class="data">(.*?)</script>', page)]
    clips = [clip for block in blocks for one in block["actions"] for clip in one["clips"]]
    assert [clip["id"] for clip in clips] == list(range(12))
    dataset = Dataset(odd)
    for clip in clips:
        row = dataset.actions[clip["key"]].row
        assert clip["motion"] == [row["onset"], row["apex"], row["offset"]]
        assert [clip["frames"][at] for at in clip["marks"]] == [1, 3, 6, min(row["offset"], 11)]
        assert len(clip["curve"]) == 12
        assert clip["sheet"]
    assert any("flash" in clip["odd"] for clip in clips)
    assert sum(len(block["cells"]) for block in blocks) == 12
    assert all(cell["parts"] for block in blocks for cell in block["cells"])


def line_of(*keys: str, kind: str = "dark") -> HealthLine:
    return HealthLine(kind, DOUBT, "", "", len(keys), 12, keys)


def test_of_many_clips_the_odd_ones_and_a_sample_are_shown(odd: Path) -> None:
    dataset = Dataset(odd)
    keys = set(dataset.actions.keys)
    assert chosen(dataset, []) == keys
    some = sorted(keys)[:3]
    lines = [line_of("x-y-c0", kind="seams"), line_of(*some[:2]), line_of(some[1], some[2])]
    shown = chosen(dataset, lines, 5)
    assert len(shown) == 5
    assert set(some) < shown < keys
    assert chosen(dataset, lines, 5) == shown
    assert chosen(dataset, lines, 2) == set(some[:2])


def test_the_page_says_how_many_clips_it_shows(
    odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmdata.report import page

    monkeypatch.setattr(page, "chosen", lambda dataset, lines: chosen(dataset, lines, 5))
    report = write_report(odd, ReportSettings(), tmp_path / "page.html")
    assert (report.shown, report.clips) == (5, 12)
    assert "shows 5 of 12 clips" in report.path.read_text()


def test_sheets_keep_their_share_of_the_page(odd: Path) -> None:
    """Also of noise, which compresses worst; two thousand stay below the limit of a page."""
    clip = Dataset(odd).actions[0]
    for n_clips in (10, 800, 2000):
        size = SheetSize.for_clips(n_clips)
        assert size.max_bytes * n_clips <= PAGE_BYTES
        frames = spread(clip.n_frames, [1, 3, 6, 9], size.frames)
        assert len(sheet(clip, frames, size)) * 3 / 4 <= size.max_bytes


def test_a_bar_leads_to_the_clip_furthest_out() -> None:
    values = [0.0, 1.0, 1.1, 1.2, 9.9, 10.0]
    drawn = chart("clip", "t", "", [*values, float("nan")], [(v, i) for i, v in enumerate(values)])
    assert drawn
    assert sum(bar.count for bar in drawn.bars) == 6
    assert len(drawn.bars) <= N_BARS
    assert drawn.bars[0].look_at == 0
    assert drawn.bars[-1].look_at == 5
    assert (drawn.low[0], drawn.high[0]) == (0, 5)
    assert chart("clip", "t", "", [], []) is None


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", ["s01"], k=0)
    run = fmdata("report", path, "--no-faces", cwd=tmp_path)
    assert "report in" in run.stdout, run.stderr
    assert (path / "report.html").is_file()
    assert fmdata("verify", path, cwd=tmp_path).returncode == 0
    run = fmdata("synth-compound", path, "--report", cwd=tmp_path)
    assert "report in" in run.stdout, run.stderr
    assert "Compounds of s01" in (path / "report.html").read_text()


def test_a_page_is_removed_with_what_it_shows(tmp_path: Path) -> None:
    """A subject that is forgotten is not left in a picture; a file of someone else is untouched."""
    path = make_up(tmp_path / "dataset", ["s01", "s02"], k=0)
    page = write_report(path, ReportSettings()).path
    forget(path, "s01")
    assert not page.exists()
    page.write_text("my own thesis")
    run = fmdata("report", path, cwd=tmp_path)
    assert_refused(run, 2, "is not a report")
    forget(path, "s02")
    assert page.read_text() == "my own thesis"
