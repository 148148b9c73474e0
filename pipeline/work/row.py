"""The rows of one clip and of its frames: everything that the stages found."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from fmdata.catalog.keys import fold
from fmdata.catalog.storage.made_by.processor import processor_features
from fmdata.catalog.storage.schema import (
    ACTION_FACTS,
    GIVEN,
    MOTION,
    SPOTTED,
    frame_rows,
    one_row,
)
from fmdata.catalog.storage.work import UNIT_FRAME_FACTS
from fmdata.catalog.types import Motion, Recording, Track
from fmdata.pipeline.geometry.points import layout_of, pick
from fmdata.pipeline.geometry.shape import face_shape
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.spotting.spot import Spotting
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import key_of

# The 2022 paper calls a motion a flash when more than 70 % of the frames are neutral.
FLASH_SHARE = 0.3
UNEVEN = 0.2  # of the median interval; containers round times to a millisecond


class ActionRows(NamedTuple):
    """One row of ``ACTION_FACTS``, and the rows of the clip's frames, ``UNIT_FRAME_FACTS``."""

    clip: pa.Table
    frames: pa.Table


def action_rows(
    recording: Recording,
    identity: Identity,
    settings: BuildSettings,
    *,
    fps: float,
    track: Track,
    spotting: Spotting,
    transforms: np.ndarray,
    change: np.ndarray,
    sound_s: float | None,
) -> ActionRows:
    """Return the rows of a clip and of its frames; the landmarks have a file of their own.

    A new column is a field of ``ACTION_FACTS`` or ``ACTION_FRAME_FACTS`` in
    ``catalog/storage/schema.py`` and a value here.
    """
    face_px = _face_px(track)
    values: dict[str, Any] = {
        **_names(recording),
        "review": None,
        "fold": fold(recording.subject, settings.seed),
        **_source(recording, identity, track),
        "processor": processor_features(),
        "fps": fps,
        "n_frames": track.n_frames,
        "size": settings.side,
        **_motion(spotting, track.n_frames),
        **_quality(track, face_px),
        **_person(recording, settings, track, spotting),
        **asdict(track.picture),
        "uneven_share": uneven_share(track.timestamps_s),
        "sound_s": sound_s,
    }
    frames = _of_frames(track, spotting) | {
        "face_px": face_px, "change": change, "transform": transforms
    }  # fmt: skip
    return ActionRows(one_row(ACTION_FACTS, values), frame_rows(UNIT_FRAME_FACTS, frames))


def _names(recording: Recording) -> dict[str, Any]:
    return {
        "key": key_of(recording),
        "subject": recording.subject,
        "action": recording.action,
        "take": recording.take,
        "recorded_action": recording.action,
        "recorded_take": recording.take,
    }


def _source(recording: Recording, identity: Identity, track: Track) -> dict[str, Any]:
    return {
        "source": recording.source,
        "source_sha256": identity.source_sha256,
        "start": recording.start_s,
        "stop": recording.stop_s,
        "first_frame": track.first_frame,
        "digest": identity.digest,
    }


def _of_frames(track: Track, spotting: Spotting) -> dict[str, Any]:
    """Return the facts of every frame that are in its track or were spotted."""
    return {
        "timestamp": track.timestamps_s.astype(np.float32),
        "detected": track.detected,
        "intensity": spotting.intensity,
        "sharpness": track.sharpness,
        "brightness": track.brightness,
        "pose": track.pose,
        "blendshapes": track.blendshapes,
    }


def _face_px(track: Track) -> np.ndarray:
    """Return the interocular distance in every frame, float [T], in pixels."""
    eyes = pick(track.landmarks, layout_of(track.landmarks).iod)
    face_px: np.ndarray = np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=-1)
    return face_px


def _quality(track: Track, face_px: np.ndarray) -> dict[str, Any]:
    """Return the quality of a clip, over the frames that show the face."""
    seen = track.detected
    return {
        "pose_range": float(np.ptp(track.pose[seen], axis=0).max()),
        "detected_share": float(seen.mean()),
        "faces": track.faces,
        "face_px": float(np.median(face_px[seen])),
        "sharpness": float(np.median(track.sharpness[seen])),
        "brightness": float(np.median(track.brightness[seen])),
    }


def _person(
    recording: Recording, settings: BuildSettings, track: Track, spotting: Spotting
) -> dict[str, Any]:
    """Return which person was asked for, where the face is, and its shape at rest."""
    rest = track.detected.copy()
    for motion in spotting.motions:
        rest[motion.onset : motion.offset] = False
    seen = rest if rest.any() else track.detected
    shape = face_shape(track.landmarks, seen)
    middle = np.median(_middles(track)[track.detected], axis=0)
    return {
        "person": recording.person or settings.person,
        "face_x": float(middle[0]),
        "face_y": float(middle[1]),
        "face_shape": None if shape is None else shape.ravel(),
    }


def _middles(track: Track) -> np.ndarray:
    """Return the middle between the outer corners of the eyes in every frame, float [T, 2]."""
    eyes = pick(track.landmarks, layout_of(track.landmarks).iod)
    middles: np.ndarray = eyes[..., :2].mean(axis=1)
    return middles


def uneven_share(times_s: np.ndarray) -> float:
    """Return the share of the intervals between frames that are off the median by over a fifth."""
    intervals = np.diff(times_s)
    if not len(intervals):
        return 0.0
    median = np.median(intervals)
    return float((np.abs(intervals - median) > UNEVEN * median).mean())


def _motion(spotting: Spotting, n_frames: int) -> dict[str, Any]:
    """Return the columns of the motion, and the list of motions, as they were spotted."""
    motions = [motion_facts(one) for one in spotting.motions]
    return {**columns_of(spotting.motion, n_frames), "motions": motions,
            **spotted_columns(spotting.motion), **given_columns()}  # fmt: skip


def columns_of(motion: Motion | None, n_frames: int) -> dict[str, Any]:
    """Return the columns of a clip's motion, all of them null without one."""
    if motion is None:
        return dict.fromkeys(MOTION)
    return {**motion_facts(motion), "flash": motion.n_frames < FLASH_SHARE * n_frames}


def spotted_columns(motion: Motion | None) -> dict[str, Any]:
    """Return the columns that say which motion was spotted, and that it is the clip's."""
    times = (motion.onset, motion.apex, motion.offset) if motion else (None, None, None)
    return {"motion_from": "spotted", **dict(zip(SPOTTED, times, strict=True))}


def given_columns(spelt: str | None = None, times: Sequence[int | None] = ()) -> dict[str, Any]:
    """Return the columns of boundaries that a table gives; all null without any."""
    return {"given_times": spelt, **dict(zip(GIVEN, times or (None,) * len(GIVEN), strict=True))}


def motion_facts(motion: Motion) -> dict[str, Any]:
    """Return a motion as one of the column `motions`."""
    return {
        "onset": motion.onset,
        "apex": motion.apex,
        "offset": motion.offset,
        "style": motion.style,
        "amplitude": motion.amplitude_iod,
        "snr": motion.snr,
        "lead": motion.lead,
        "trail": motion.trail,
        "style_margin": motion.style_margin,
    }
