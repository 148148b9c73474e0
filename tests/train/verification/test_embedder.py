"""A raw video becomes the vector of its clip in the dataset."""

import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import InputError, ModelError
from fmdata.train.model_file import load
from fmdata.train.networks.sequence import SequenceShape
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.recipes.landmarks import ExtractorSettings, LandmarkSettings
from fmdata.train.recipes.motion import MotionEncoder
from fmdata.train.run import train
from fmdata.train.verification.embedder import Embedder, Enrolled
from fmdata.train.verification.operating import Operating
from tests.helpers.documents import ROOT, python_blocks
from tests.train.verification.test_operating import normal, training

TINY = EncoderSettings(
    landmarks=ExtractorSettings(size=32, width=0.125, frames=4, epochs=1, steps=4, batch=16),
    sequence=SequenceShape(embedding=8, layers=1, heads=2, feedforward=16),
    epochs=1,
    steps=4,
)


@pytest.fixture(scope="module")
def run(dataset_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "encoder"
    train("encoder", dataset_path, out, TINY)
    return out


@pytest.fixture(scope="module")
def embedder(run: Path) -> Embedder:
    return Embedder(run)


def test_the_vector_of_a_video_is_that_of_its_clip(
    embedder: Embedder, run: Path, raw_path: Path, dataset_path: Path
) -> None:
    """Bit for bit on one machine; the tolerance is for another one's arithmetic."""
    recipe: object = load(run)
    assert isinstance(recipe, MotionEncoder)
    for key in ("s01", "s03"):
        clip = next(Dataset(dataset_path).actions.of_subject(key))
        video = raw_path / clip.row["source"]
        assert (embedder.crops(video) == clip.frames()).all()
        vector = embedder(video)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(vector, recipe.embed([clip.frames()])[0], atol=1e-6, rtol=0)


def test_enrolled_motions_are_matched(embedder: Embedder, raw_path: Path) -> None:
    """A video is identical to itself, and an enrolment of one and the same has its vector."""
    video = next(raw_path.glob("s01/*/*.mp4"))
    vector, enrolled = embedder(video), embedder.enrol([video, video])
    assert enrolled.n_clips == 2
    np.testing.assert_allclose(enrolled.vector, vector, atol=1e-6)
    match, other = embedder.match(enrolled, vector), embedder.match(enrolled, -vector)
    assert match.similarity == pytest.approx(1, abs=1e-5)
    assert other.similarity == pytest.approx(-1, abs=1e-5)
    assert match.probability is not None
    assert other.probability is not None
    assert 0 <= other.probability <= match.probability <= 1


def test_a_match_is_accepted_at_the_threshold_of_the_training_subjects(
    embedder: Embedder,
) -> None:
    """Two training subjects with three motions of four takes: 96 impostors, so no threshold.

    With a threshold chosen for one clip, more enrolled clips take it too.
    """
    probe = np.float32([1, 0])
    assert embedder.match(Enrolled(probe, 1), probe).accepted is None

    chosen = Operating.choose({(1, "mean"): training(normal(50, 0.8), normal(500, 0.2))})
    known = Embedder.__new__(Embedder)
    known.__dict__.update(embedder.__dict__ | {"_operating": chosen})
    for n, similarity, accepted in ((1, 0.99, True), (4, 0.99, True), (1, 0.3, False)):
        match = known.match(Enrolled(np.float32([similarity, 0]), n), probe)
        assert match.accepted is accepted


def test_a_recording_that_a_build_would_drop_is_an_error(
    embedder: Embedder, tmp_path: Path
) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("empty.mp4", "text.mp4", "missing.mp4"):
        with pytest.raises(InputError, match=r"cannot be used, at the stage(.|\n)*record it again"):
            embedder(tmp_path / name)


def test_a_run_of_another_recipe_embeds_nothing(dataset_path: Path, tmp_path: Path) -> None:
    landmarks = LandmarkSettings(size=32, width=0.125, frames=2, epochs=1, steps=1, batch=4)
    train("landmarks", dataset_path, tmp_path / "run", replace(landmarks, seed=1))
    with pytest.raises(ModelError, match=r"embeds no motions(.|\n)*fmdata train encoder"):
        Embedder(tmp_path / "run")


def test_the_example_of_the_page_runs(
    run: Path, raw_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its videos are takes of one action of the first subject."""
    (example,) = [b for b in python_blocks(ROOT / "docs/verification.md") if ">>>" in b]
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/encoder").symlink_to(run)
    takes = sorted(next(raw_path.glob("s01/*")).glob("*.mp4"))
    for name, take in zip(("1", "2", "3", "today"), takes, strict=True):
        (tmp_path / f"smile-{name}.mp4").symlink_to(take)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    test = doctest.DocTestParser().get_doctest(example, names, "verification.md", None, None)
    assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
    assert -1 <= test.globs["match"].similarity <= 1.00001
