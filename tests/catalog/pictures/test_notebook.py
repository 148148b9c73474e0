"""A notebook shows a clip and a dataset: nothing is fetched, and nothing is revealed or run."""

import base64
import io
import pickle
import re
from pathlib import Path

import pytest
from PIL import Image

from fmdata.catalog import Dataset
from tests.helpers.datasets import change_row, make_up, seal
from tests.report.odd import HOSTILE, odd_dataset

ADDRESS = re.compile(r'(?:src|href|url)\s*[=(]\s*"?([^"\s>]+)')


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(make_up(tmp_path_factory.mktemp("notebook") / "dataset", ["s01", "s02"]))


def shown(dataset: Dataset) -> list[str]:
    """Return the HTML of a dataset, of its last clip, and of its last compound."""
    return [one._repr_html_() for one in (dataset, dataset.actions[-1], dataset.compounds[-1])]


def test_every_picture_is_part_of_the_text(dataset: Dataset) -> None:
    for html in shown(dataset):
        addresses = ADDRESS.findall(html)
        assert addresses
        for address in addresses:
            head, data = address.split(",")
            assert head == "data:image/webp;base64"
            Image.open(io.BytesIO(base64.b64decode(data, validate=True))).load()
        assert len(html) < 400_000


def test_a_clip_shows_its_facts(dataset: Dataset) -> None:
    html = dataset.actions["s01-smile-01"]._repr_html_()
    for fact in ("s01", "smile", "frame 3", "frame 6", "frame 9", "0.100 IOD", "12 frames"):
        assert fact in html
    compound = dataset.compounds[0]
    assert all(segment.source in compound._repr_html_() for segment in compound.segments)


def test_a_dataset_shows_a_face_of_each_action(dataset: Dataset) -> None:
    html = dataset._repr_html_()
    assert "8: 8 clips, 0 dropped" in html
    assert html.count("<img") == 4
    assert repr(dataset.actions[0]).startswith("ActionClip(")


def test_neither_the_folder_nor_its_path_is_shown(dataset: Dataset) -> None:
    """A folder may be named after a person, of whom the dataset holds a pseudonym only."""
    for html in shown(dataset):
        assert str(dataset.path) not in html
        assert dataset.path.parent.name not in html


def test_names_are_escaped(tmp_path: Path) -> None:
    for html in shown(Dataset(odd_dataset(tmp_path / "odd"))):
        assert HOSTILE[:10] not in html
        assert "<script" not in html
        assert "\u202e" not in html


def test_a_clip_without_a_motion_is_shown(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", ["s01"], k=0)
    table = next((path / "actions").glob("shard-?????.parquet"))
    missing = dict.fromkeys(("onset", "apex", "offset", "style", "amplitude", "snr", "lead",
                             "trail", "style_margin", "flash"))  # fmt: skip
    change_row(table, 0, **missing, motions=[])
    seal(path)
    dataset = Dataset(path)
    assert "no motion" in dataset.actions[0]._repr_html_()
    assert dataset._repr_html_().count("<img") == 2


def test_a_compound_sent_to_another_process_is_shown_without_its_sources(dataset: Dataset) -> None:
    """It takes no rows of the actions with it, so it is shown there without its curve."""
    clip = dataset.compounds["s01-smile-wink-c0"]
    assert clip.sources is dataset.actions
    sent = pickle.dumps(clip)
    assert len(sent) < 10_000
    assert "s01-smile-wink-c0" in pickle.loads(sent)._repr_html_()
