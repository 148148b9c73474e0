"""Small datasets of drawn faces, written as a build writes them, without a simulator.

Every subject raises its brows, opens its mouth and smiles, three takes of each. A clip begins with
`onset` neutral frames; then the motion rises and falls until `offset`; then the face is neutral.
"""

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.card import Card, FileFacts, Part, Shard
from fmdata.catalog.storage.schema import (
    ACTION_COLUMNS,
    COMPOUND_COLUMNS,
    GIVEN,
    TIMES,
    Columns,
    frame_rows,
    one_row,
)
from fmdata.catalog.storage.shards import FILES, Sample, shard_name, write_shard
from fmdata.pipeline.cropping.lbp import grey, lbp
from fmdata.pipeline.geometry.points import MAP_68
from fmdata.train.action_units.stand_ins import BLENDSHAPES

SIZE, FPS = 64, 25.0
ACTIONS = ("brows", "mouth", "smile")
TAKES = 3
# Blendshapes that rise and fall with each action: AU 1 and 2; AU 1, 26 and so 25; AU 12.
SHOWN = {
    "brows": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "mouth": ("browInnerUp", "jawOpen"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
}


def face(rng: np.random.Generator) -> np.ndarray:
    """Draw the 68 points of an invented neutral face, float [68, 2] in pixels of the crop."""
    angle = np.linspace(0.05, np.pi - 0.05, 17)
    jaw = np.stack([32 - 24 * np.cos(angle), 30 + 28 * np.sin(angle)], 1)
    arch = -3 * np.sin(np.linspace(0, np.pi, 5))
    brows = [np.stack([x + np.linspace(0, 14, 5), 20 + arch], 1) for x in (12, 38)]
    nose = np.stack([np.full(4, 32.0), np.linspace(26, 36, 4)], 1)
    wings = np.stack([np.linspace(27, 37, 5), 39 - np.abs(np.linspace(-1, 1, 5))], 1)
    turn = np.linspace(0, 2 * np.pi, 7)[:6] + np.pi
    eyes = [np.stack([x + 5 * np.cos(turn), 27 + 2 * np.sin(turn)], 1) for x in (19, 45)]
    turn = np.linspace(0, 2 * np.pi, 13)[:12] + np.pi
    outer = np.stack([32 + 9 * np.cos(turn), 47 + 3 * np.sin(turn)], 1)
    turn = np.linspace(0, 2 * np.pi, 9)[:8] + np.pi
    inner = np.stack([32 + 6 * np.cos(turn), 47 + 1 * np.sin(turn)], 1)
    points = np.concatenate([jaw, *brows, nose, wings, *eyes, outer, inner])
    return (points - 32) * rng.uniform(0.93, 1.07, 2) + 32 + rng.uniform(-0.5, 0.5, (68, 2))


def shown(points: np.ndarray, action: str, intensity: float) -> np.ndarray:
    """Return the points of a face that shows an action at some intensity, 0 to 1."""
    points = points.copy()
    if action == "brows":
        points[17:27, 1] -= 6 * intensity
    elif action == "mouth":
        points[54:60, 1] += 8 * intensity
        points[64:68, 1] += 8 * intensity
        points[4:13, 1] += 4 * intensity
    else:
        points[[48, 60], 0] -= 6 * intensity
        points[[54, 64], 0] += 6 * intensity
        points[[48, 54, 60, 64], 1] -= 5 * intensity
    return points


def picture(points: np.ndarray, tone: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a face, uint8 [S, S, 3]."""
    image = np.full((SIZE, SIZE, 3), 60, np.uint8)
    at = (points * 8).round().astype(np.int32)
    cv2.fillPoly(
        image, [np.concatenate([at[:17], at[26:16:-1]])], (tone, tone - 20, tone - 30), 8, 3
    )
    for part in (at[17:22], at[22:27], at[27:31], at[31:36]):
        cv2.polylines(image, [part], False, (40, 30, 30), 2, cv2.LINE_AA, 3)
    for part, colour in ((at[36:42], 250), (at[42:48], 250), (at[48:60], 90), (at[60:68], 10)):
        cv2.fillPoly(image, [part], (colour, colour // 2, colour // 2), cv2.LINE_AA, 3)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def action_sample(subject: str, fold: int, action: str, take: int) -> Sample:
    """Draw one clip of a subject's action, with every column of a row."""
    who = np.random.default_rng([ord(c) for c in subject])
    neutral, tone = face(who), int(who.integers(150, 220))
    rng = np.random.default_rng([fold, ACTIONS.index(action), take])
    lead, length, tail = rng.integers(4, 9), rng.integers(8, 14), rng.integers(3, 8)
    n = int(lead + length + tail)
    curve = np.zeros(n)
    curve[lead : lead + length] = np.sin(np.pi * (np.arange(length) + 0.5) / length)
    points = np.stack([shown(neutral, action, rng.uniform(0.8, 1) * x) for x in curve])
    pictures = [picture(p, tone, rng) for p in points]
    jpegs = [cv2.imencode(".jpg", one[..., ::-1])[1].tobytes() for one in pictures]
    # The source frame is twice as large as the crop and begins 10 pixels to the left of it.
    landmarks = np.zeros((n, 478, 3), np.float32)
    landmarks[:, MAP_68, :2] = points * 2 + [10, 0]
    blendshapes = np.zeros((n, 52), np.float32)
    blendshapes[:, [BLENDSHAPES.index(name) for name in SHOWN[action]]] = curve[:, None]
    transform = np.tile(np.float32([[0.5, 0, -5], [0, 0.5, 0]]), (n, 1, 1))
    motion: dict[str, object] = {
        "onset": int(lead), "apex": int(lead + length // 2), "offset": int(lead + length),
        "style": "return", "amplitude": 0.1, "snr": 10.0, "lead": int(lead),
        "trail": int(tail), "style_margin": 1.0,
    }  # fmt: skip
    facts: dict[str, object] = {
        **motion, "motions": [motion], "motion_from": "spotted", "review": None,
        **{f"spotted_{name}": motion[name] for name in TIMES},
        "given_times": None, **dict.fromkeys(GIVEN), "first_frame": 0,
        "recorded_action": action, "recorded_take": str(take),
        "key": f"{subject}-{action}-{take}", "subject": subject, "action": action,
        "take": str(take), "fold": fold, "source": "x",
        "source_sha256": f"{subject}-{action}-{take}", "start": None, "stop": None, "digest": "x",
        "processor": "x", "fps": FPS, "n_frames": n, "size": SIZE,
        "flash": False, "pose_range": 0.0, "detected_share": 1.0,
        "faces": 1, "face_px": 60.0, "sharpness": 1.0, "brightness": 100.0,
        "transfer": "bt709", "primaries": "bt709", "interlaced": False,
        "sample_aspect_ratio": 1.0, "turned": 0, "uneven_share": 0.0,
        "person": "largest", "face_x": 60.0, "face_y": 50.0, "face_shape": None, "sound_s": None,
    }  # fmt: skip
    of_frames = {
        "timestamp": np.float32(np.arange(n) / FPS), "detected": np.ones(n, bool),
        "intensity": np.float32(curve), "face_px": np.full(n, 60, np.float32),
        "sharpness": np.ones(n, np.float32), "brightness": np.full(n, 100, np.float32),
        "change": np.zeros(n, np.float32), "pose": np.zeros((n, 3), np.float32),
        "landmarks": landmarks, "blendshapes": blendshapes, "transform": transform,
    }  # fmt: skip
    frames = frame_rows(ACTION_COLUMNS.frame_facts, of_frames)
    return Sample(one_row(ACTION_COLUMNS.facts, facts), [frames], avi(jpegs), texture(pictures))


def compound_sample(first: Sample, second: Sample, copy: int) -> Sample:
    """Splice the motions of two clips, with a part of the lead and of the tail."""
    a, b = first.facts.to_pylist()[0], second.facts.to_pylist()[0]
    segments = [
        {"source": a["key"], "start": 2, "stop": a["onset"], "role": "lead"},
        {"source": a["key"], "start": a["onset"], "stop": a["offset"], "role": "first"},
        {"source": b["key"], "start": b["onset"], "stop": b["offset"], "role": "second"},
        {"source": b["key"], "start": b["offset"], "stop": b["n_frames"] - 1, "role": "tail"},
    ]
    n = sum(s["stop"] - s["start"] for s in segments)
    facts = {
        "key": f"{a['subject']}-{a['action']}-{b['action']}-c{copy}", "subject": a["subject"],
        "first": a["action"], "second": b["action"], "copy": copy, "label": 0, "fold": a["fold"],
        "fps": FPS, "n_frames": n, "first_take": a["key"], "second_take": b["key"],
        "segments": segments, "seam": 1.0, "seams": [1.0, 1.0, 1.0],
    }  # fmt: skip
    shown = [(s["source"], i) for s in segments for i in range(s["start"], s["stop"])]
    of_frames = {
        "timestamp": np.float32(np.arange(n) / FPS),
        "source": [source for source, _ in shown],
        "source_index": [index for _, index in shown],
    }
    frames = frame_rows(COMPOUND_COLUMNS.frame_facts, of_frames)
    blank = cv2.imencode(".jpg", np.zeros((SIZE, SIZE, 3), np.uint8))[1].tobytes()
    row = one_row(COMPOUND_COLUMNS.facts, facts)
    return Sample(row, [frames], avi([blank] * n), None)


def avi(jpegs: list[bytes]) -> bytes:
    """Write a Motion JPEG file."""
    file = io.BytesIO()
    write_avi(file, jpegs, fps=FPS, size=SIZE)
    return file.getvalue()


def texture(pictures: list[np.ndarray]) -> bytes:
    """Return the LBP maps of some pictures as an npy file."""
    file = io.BytesIO()
    np.save(file, np.stack([lbp(grey(one)) for one in pictures]))
    return file.getvalue()


def write_dataset(folder: Path, folds: dict[str, int]) -> Path:
    """Write a finished dataset with actions and compounds of the subjects, a shard for each.

    Parameters
    ----------
    folder : Path
        Folder to create.
    folds : dict of str to int
        Fold of each subject.
    """
    actions = {
        subject: [action_sample(subject, fold, a, t) for a in ACTIONS for t in range(TAKES)]
        for subject, fold in folds.items()
    }
    compounds = {
        subject: [
            compound_sample(clips[TAKES * i + copy], clips[TAKES * j + 1 - copy], copy)
            for i in range(2)
            for j in range(2)
            for copy in range(2)
        ]
        for subject, clips in actions.items()
    }
    none = FileFacts(0, "")
    one, other = (
        Part(
            {"size": SIZE},
            sum(map(len, part.values())),
            list(shards(folder / name, part, columns, folds)),
        )
        for name, part, columns in (
            ("actions", actions, ACTION_COLUMNS),
            ("compounds", compounds, COMPOUND_COLUMNS),
        )
    )
    other = replace(other, made_from=one.digest)
    Card("0", {}, 0, len(actions), 0, none, one, other).write(folder)
    return folder


def shards(
    folder: Path, part: dict[str, list[Sample]], columns: Columns, folds: dict[str, int]
) -> Iterable[Shard]:
    """Write one shard per subject."""
    folder.mkdir(parents=True)
    for i, (subject, samples) in enumerate(part.items()):
        write_shard(folder, shard_name(i), samples, columns)
        paths = [folder / f"{shard_name(i)}{end}" for end in FILES]
        yield Shard(
            shard_name(i), folds[subject], [subject], len(samples), *map(FileFacts.of, paths)
        )
