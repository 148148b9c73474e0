"""Samples, images with landmarks and mini-batches from a dataset."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.pipeline.geometry.points import to_68
from fmdata.train.data import (
    LabelledClip,
    Piece,
    Samples,
    action_samples,
    compound_samples,
    crop_landmarks,
    images_of,
    require_positive_pair,
    spread_frames,
)


def invented(subject: str, label: str, take: int) -> LabelledClip:
    key = f"{subject}-{label}-{take}"
    return LabelledClip(key, subject, label, 0, (Piece(key, 0, 9),), 2, 7)


def test_an_action_has_all_frames_of_its_clip_and_its_motion(drawn_dataset: Path) -> None:
    dataset = Dataset(drawn_dataset)
    samples = action_samples(dataset)
    assert [s.key for s in samples] == dataset.actions.keys
    for sample in samples:
        clip = dataset.actions[sample.key]
        motion = clip.motion
        assert motion is not None
        assert sample.pieces == (Piece(clip.key, 0, clip.n_frames),)
        assert (sample.onset, sample.offset) == (motion.onset, motion.offset)
        assert (sample.subject, sample.label) == (clip.subject, clip.action)


def test_a_compound_has_the_frames_of_its_sources_and_both_motions(drawn_dataset: Path) -> None:
    dataset = Dataset(drawn_dataset)
    for sample in compound_samples(dataset):
        clip = dataset.compounds[sample.key]
        first, second = (dataset.actions[clip.segments[i].source].motion for i in (1, 2))
        assert first is not None
        assert second is not None
        assert sample.n_frames == clip.n_frames
        assert sample.offset - sample.onset == first.n_frames + second.n_frames
        frames = [p.source for p in sample.pieces for _ in range(p.start, p.stop)]
        assert frames[sample.onset] == clip.segments[1].source
        assert frames[sample.offset - 1] == clip.segments[2].source
        assert sample.onset == clip.segments[0].n_frames


def test_landmarks_are_mapped_into_the_crop_by_its_transform(drawn_dataset: Path) -> None:
    """The drawn source frame is twice the crop's size and begins 10 pixels further left."""
    clip = Dataset(drawn_dataset).actions[0]
    pixels = (to_68(clip.landmarks)[..., :2] - [10, 0]) / 2
    np.testing.assert_allclose(crop_landmarks(clip), (pixels + 0.5) / 64, atol=1e-6)


def test_frames_are_spread_evenly_and_at_most_all_are_taken() -> None:
    frames = np.array([3, 4, 5, 9, 10])
    assert spread_frames(frames, 3).tolist() == [3, 5, 10]
    assert spread_frames(frames, 99).tolist() == frames.tolist()
    assert spread_frames(frames[:0], 4).tolist() == []


def test_clips_are_selected_by_subject(drawn_dataset: Path) -> None:
    dataset = Dataset(drawn_dataset)
    samples = action_samples(dataset).of_subjects(["b"])
    of_b = [clip.key for clip in dataset.actions if clip.subject == "b"]
    assert [sample.key for sample in samples] == of_b
    assert {sample.subject for sample in samples} == {"b"}
    assert len(samples) == 9


def test_images_are_pixel_means_with_the_channels_first() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    images = images_of(frames, 4, 3)
    means = frames.reshape(2, 4, 2, 4, 2, 3).astype(float).mean(axis=(2, 4))
    assert np.abs(images - means.transpose(0, 3, 1, 2)).max() <= 0.5
    assert images_of(frames, 16, 1).shape == (2, 1, 16, 16)


def test_samples_without_a_repeated_motion_are_refused() -> None:
    with pytest.raises(DatasetError, match="twice by a subject to train on"):
        require_positive_pair([invented("a", "x", 0), invented("b", "x", 0)], "train on", "here")


def test_samples_are_flat_arrays_that_give_the_clips_back(drawn_dataset: Path) -> None:
    dataset = Dataset(drawn_dataset)
    for samples in (action_samples(dataset), compound_samples(dataset)):
        clips = list(samples)
        assert [samples[i] for i in range(len(samples))] == clips
        assert samples[-1] == clips[-1]
        assert list(samples[1:5]) == clips[1:5]
        assert list(Samples.of(clips)) == clips
        assert list(samples[:2] + samples[3:4]) == [*clips[:2], clips[3]]
        with pytest.raises(IndexError):
            samples[len(samples)]


def test_a_hundred_thousand_compounds_take_few_bytes_each() -> None:
    """As objects, each takes more than a kilobyte."""
    pieces = tuple(Piece(f"subject-smile-{i:03}", i, i + 10) for i in range(4))
    clip = LabelledClip("subject-smile-wink-c0", "subject", "smile wink", 0, pieces, 5, 30)
    samples = Samples(pa.concat_tables([Samples.of([clip])._rows] * 100_000))
    assert samples[99_999] == clip
    assert samples._rows.nbytes / len(samples) < 250
