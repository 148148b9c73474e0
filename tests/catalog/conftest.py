"""Datasets of made-up subjects, in a moment and without a video: noise for pixels, true facts.

Every clip has 12 frames of 64×64 pixels with an onset at 3, an apex at 6 and an offset at 9; takes
are ``return``, but the last of each action is ``hold`` and held to the end. Every frame is noise of
its own but for a black border, which is the same in all frames of all subjects. A subject's clips
come to about half a megabyte, so two subjects of one fold share a shard of ``shard_mb`` 1.
"""

import io
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.keys import action_key, draw_seed, fold
from fmdata.catalog.storage.avi import decode_jpeg, write_avi
from fmdata.catalog.storage.card import Card, FileFacts, Part
from fmdata.catalog.storage.pack import Planned, change, commit, pack, staging
from fmdata.catalog.storage.schema import ACTION_FACTS, DROPPED, one_row
from fmdata.catalog.storage.shards import Sample
from fmdata.pipeline.settings import BuildSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings

N_FRAMES, SIZE, FPS = 12, 64, 25.0
ACTIONS, TAKES = ("smile", "wink"), ("01", "02")

MakeUp = Callable[..., Path]


def sample(subject: str, action: str, take: str) -> Sample:
    """One clip of a subject, drawn from its names alone."""
    draw = np.random.default_rng(draw_seed("made up", subject, action, take))
    frames = draw.integers(0, 256, (N_FRAMES, SIZE, SIZE, 3), np.uint8)
    frames[:, :8] = 0
    jpegs = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]
    shown = [decode_jpeg(jpeg) for jpeg in jpegs]
    change = [0.0] + [float(cv2.absdiff(a, b).mean()) for a, b in pairwise(shown)]
    avi, maps = io.BytesIO(), io.BytesIO()
    write_avi(avi, jpegs, fps=FPS, size=SIZE)
    np.save(maps, frames[..., 0])
    held = take == TAKES[-1]
    plain = {"int32": 1, "double": 1.0, "string": "x", "bool": False}
    scalars = {f.name: plain[str(f.type)] for f in ACTION_FACTS if str(f.type) in plain}
    per_frame = {
        f.name: draw.random((N_FRAMES, *_width(f.type.value_type)), np.float32)
        for f in ACTION_FACTS
        if pa.types.is_list(f.type) and f.name != "detected"
    }
    facts = one_row(
        ACTION_FACTS,
        {
            **scalars, **per_frame,
            "key": action_key(subject, action, take), "subject": subject, "action": action,
            "take": take, "fold": fold(subject, 0), "source": f"{subject}/{action}/{take}.mp4",
            "digest": f"{draw_seed(subject, action, take):064x}",
            "fps": FPS, "n_frames": N_FRAMES, "size": SIZE, "onset": 3, "apex": 6,
            "offset": N_FRAMES if held else 9, "style": "hold" if held else "return",
            "detected": np.ones(N_FRAMES, np.bool_), "change": np.array(change, np.float32),
        },
    )  # fmt: skip
    return Sample(facts, avi.getvalue(), maps.getvalue())


def _width(entry: pa.DataType) -> tuple[int, ...]:
    """Numbers an entry of a per-frame column holds, as a shape."""
    if pa.types.is_fixed_size_list(entry):
        return (entry.list_size,)
    return (478 * 3,) if pa.types.is_list(entry) else ()


def make_up(path: Path, subjects: list[str], dropped: tuple[str, ...] = (), k: int = 2) -> Path:
    """Make a dataset of these subjects' clips and compounds; `dropped` lose a recording each."""
    samples = {
        made.key: made
        for made in (sample(s, a, t) for s in subjects for a in ACTIONS for t in TAKES)
    }
    planned = []
    for made in samples.values():
        row = made.facts.to_pylist()[0]
        n_bytes = len(made.avi) + len(made.lbp)
        planned.append(Planned(row["fold"], row["subject"], row["key"], n_bytes))
    rows = [
        {
            "source": f"{subject}/frown/01.mp4", "subject": subject, "action": "frown",
            "take": "01", "stage": "decode", "reason": "unreadable", "detail": "no video",
            "attempts": 1, "digest": "1" * 64,
        }
        for subject in sorted(dropped)
    ]  # fmt: skip
    settings = replace(BuildSettings(), size=SIZE, shard_mb=1)
    with change(path):
        shards = pack(path, "actions", planned, samples.__getitem__, ACTION_FACTS, 10**6)
        left_out = staging(path) / "dropped.parquet"
        pq.write_table(pa.Table.from_pylist(rows, DROPPED), left_out, compression="zstd")
        commit(
            path,
            Card(
                fmdata="0.1.0",
                tools={},
                seed=0,
                recordings=len(samples) + len(rows),
                dropped=len(rows),
                dropped_file=FileFacts.of(left_out),
                actions=Part(settings.to_json(), len(samples), shards),
            ),
        )
    if k:
        synth_compounds(path, CompoundSettings(k=k, shard_mb=1))
    return path


@pytest.fixture(scope="session")
def made_up() -> MakeUp:
    """Return :func:`make_up`; tests cannot import one another's helpers."""
    return make_up


@pytest.fixture(scope="session")
def of_one_fold() -> list[str]:
    """Names of four subjects that are all in fold 3."""
    names = (f"s{i:02d}" for i in range(1000))
    return [name for name in names if fold(name, 0) == 3][:4]
