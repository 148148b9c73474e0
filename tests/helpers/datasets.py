"""Datasets of invented subjects, made in a moment without a video: noise for pixels, true facts.

Every clip has 12 frames of 64×64 pixels with onset 3 and apex 6. Take 01 is a ``return`` with
offset 9; take 02 is a ``hold``, so its offset is 12. The face is at rest in all other frames. Each
frame is different noise below a black border of 8 rows, which is equal in all frames of all
subjects. The clips of one subject have about half a megabyte, so two subjects of one fold share a
shard of ``shard_mb`` 1.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.given.labels import Label, Value
from fmdata.catalog.keys import action_key, draw_seed, fold
from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.card import Card, FileFacts, Part
from fmdata.catalog.storage.division import Planned
from fmdata.catalog.storage.jpeg import decode_jpeg
from fmdata.catalog.storage.pack import change, commit, pack, staging
from fmdata.catalog.storage.schema import (
    ACTION_COLUMNS,
    ACTION_FACTS,
    ACTION_FRAME_FACTS,
    DROPPED_COLUMNS,
    GIVEN,
    TIMES,
    frame_rows,
    one_row,
)
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.tars.wav import n_samples, wav_header
from fmdata.pipeline.settings import BuildSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings

N_FRAMES, SIZE, FPS = 12, 64, 25.0
ACTIONS, TAKES = ("smile", "wink"), ("01", "02")


def make_up(
    path: Path,
    subjects: Sequence[str],
    *,
    dropped: Sequence[str] = (),
    k: int = 2,
    sound: bool = False,
    shard_bytes: int = 10**6,
) -> Path:
    """Make a dataset at `path`, and return `path`.

    Parameters
    ----------
    path : Path
        Folder of the dataset.
    subjects : sequence of str
        Subjects with four clips each: two actions, two takes.
    dropped : sequence of str
        Subjects with one dropped recording each.
    k : int
        Copies of each compound; 0 for no compounds at all.
    sound : bool
        Give each clip sound: noise of its own.
    shard_bytes : int
        Size of a shard of actions to aim for.
    """
    names = [(s, a, t) for s in subjects for a in ACTIONS for t in TAKES]
    samples = {made.key: made for made in (make_up_sample(*one, sound=sound) for one in names)}
    rows = [_dropped_row(subject) for subject in sorted(dropped)]
    settings = replace(BuildSettings(), size=SIZE, shard_mb=1, audio=sound)
    planned = [_plan(made) for made in samples.values()]
    with change(path):
        shards = pack(path, "actions", planned, samples.__getitem__, ACTION_COLUMNS, shard_bytes)
        dropped_file = staging(path) / "dropped.parquet"
        pq.write_table(
            pa.Table.from_pylist(rows, DROPPED_COLUMNS), dropped_file, compression="zstd"
        )
        card = Card(
            fmdata="0.1.0",
            tools={},
            seed=0,
            recordings=len(samples) + len(rows),
            dropped=len(rows),
            dropped_file=FileFacts.of(dropped_file),
            actions=Part(settings.to_json(), len(samples), shards),
        )
        commit(path, card)
    if k:
        synth_compounds(path, CompoundSettings(k=k, shard_mb=1))
    return path


def make_up_sample(subject: str, action: str, take: str, *, sound: bool = False) -> Sample:
    """Make one clip of a subject; it depends on the three names only."""
    draw = np.random.default_rng(draw_seed("made up", subject, action, take))
    frames = draw.integers(0, 256, (N_FRAMES, SIZE, SIZE, 3), np.uint8)
    frames[:, :8] = 0
    jpegs = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]
    decoded = [decode_jpeg(jpeg) for jpeg in jpegs]
    change = [0.0] + [float(cv2.absdiff(a, b).mean()) for a, b in pairwise(decoded)]
    avi, maps = io.BytesIO(), io.BytesIO()
    write_avi(avi, jpegs, fps=FPS, size=SIZE)
    np.save(maps, frames[..., 0])
    is_held = take == TAKES[-1]
    default = {"int32": 1, "double": 1.0, "string": "x", "bool": False}
    scalars = {f.name: default[str(f.type)] for f in ACTION_FACTS if str(f.type) in default}
    of_frames = {
        f.name: draw.random((N_FRAMES, *_entry_shape(f.type)), np.float32)
        for f in ACTION_FRAME_FACTS
        if f.name not in ("detected", "intensity")
    }
    motion = {
        "onset": 3, "apex": 6, "offset": N_FRAMES if is_held else 9,
        "style": "hold" if is_held else "return", "amplitude": 0.1, "snr": 10.0, "lead": 3,
        "trail": 0 if is_held else 3, "style_margin": 1.0,
    }  # fmt: skip
    facts = one_row(
        ACTION_FACTS,
        {
            **scalars, "start": None, "stop": None, "face_shape": None,
            "sound_s": N_FRAMES / FPS if sound else None,
            "key": action_key(subject, action, take), "subject": subject, "action": action,
            "take": take, "recorded_action": action, "recorded_take": take, "review": None,
            "motion_from": "spotted", **{f"spotted_{name}": motion[name] for name in TIMES},
            "given_times": None, **dict.fromkeys(GIVEN), "first_frame": 0,
            "fold": fold(subject, 0), "source": f"{subject}/{action}/{take}.mp4",
            "source_sha256": f"{draw_seed('bytes', subject, action, take):064x}",
            "digest": f"{draw_seed(subject, action, take):064x}",
            "fps": FPS, "n_frames": N_FRAMES, "size": SIZE, **motion, "motions": [motion],
        },
    )  # fmt: skip
    of_frames |= {
        "timestamp": np.arange(N_FRAMES, dtype=np.float32) / FPS,
        "intensity": np.float32([0, 0, 0] + [0.1] * 6 + [0.1 if is_held else 0] * 3),
        "detected": np.ones(N_FRAMES, np.bool_),
        "change": np.array(change, np.float32),
    }
    frames = frame_rows(ACTION_FRAME_FACTS, of_frames)
    wav = _noise(subject, action, take) if sound else None
    return Sample(facts, [frames], avi.getvalue(), maps.getvalue(), wav=wav)


def _noise(*names: str) -> bytes:
    """Return the WAV of a made-up clip."""
    n = n_samples(0, (N_FRAMES - 1) / FPS, FPS)
    samples = np.random.default_rng(draw_seed("sound", *names)).integers(-5000, 5000, n)
    return wav_header(n) + samples.astype("<i2").tobytes()


def seal(path: Path, **changed: object) -> None:
    """Write the card of a dataset anew: digests of the files as they are, other entries `changed`.

    Damage done to a file before is then visible in its content only.
    """
    card = Card.read(path)
    actions = _sealed(card.actions, path / "actions")
    compounds = card.compounds and _sealed(card.compounds, path / "compounds")
    replace(
        card,
        dropped_file=FileFacts.of(path / "dropped.parquet"),
        actions=actions,
        compounds=compounds and replace(compounds, made_from=actions.digest),
        **changed,
    ).write(path)


def add_label(
    path: Path, name: str, kind: str, value_of: Callable[[dict[str, Any]], Value | None]
) -> None:
    """Add a label to the table of the actions of a dataset; the JSON in its tars stays as it is.

    `value_of` returns the value for a row.
    """
    label = Label(name, kind)
    for file in sorted((path / "actions").glob("shard-?????.parquet")):
        table = pq.read_table(file)
        values = pa.array(map(value_of, table.to_pylist()), label.field.type)
        pq.write_table(table.append_column(label.field, values), file)
    card = Card.read(path)
    actions = _sealed(card.actions, path / "actions")
    replace(card, actions=actions, labels=card.labels | {name: kind}).write(path)


def add_dropped(path: Path, subject: str, action: str) -> None:
    """Add a recording of an action to the dropped list of a dataset."""
    file = path / "dropped.parquet"
    table = pq.read_table(file)
    rows = [*table.to_pylist(), _dropped_row(subject) | {"action": action}]
    pq.write_table(pa.Table.from_pylist(rows, table.schema), file, compression="zstd")
    seal(path, dropped=len(rows), recordings=Card.read(path).recordings + 1)


def change_row(path: Path, index: int, **values: object) -> None:
    """Change values in one row of a Parquet file."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[index] |= values
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)


def change_frames(path: Path, key: str, column: str, values: object) -> None:
    """Change a column of one clip's rows in a table of frames."""
    table = pq.read_table(path)
    places = np.flatnonzero(np.array(table["key"].to_pylist()) == key)
    assert len(places) == len(values)
    column_values = table[column].to_pylist()
    for place, value in zip(places, values, strict=True):
        column_values[place] = value
    at, field = table.column_names.index(column), table.field(column)
    pq.write_table(table.set_column(at, field, pa.array(column_values, field.type)), path)


def frames_of(path: Path, key: str, column: str) -> list[object]:
    """Return a column of one clip's rows in a table of frames."""
    table = pq.read_table(path, columns=["key", column])
    return [v for k, v in zip(*(c.to_pylist() for c in table.columns), strict=True) if k == key]


def _sealed(part: Part, folder: Path) -> Part:
    shards = [
        replace(
            shard,
            tar=shard.tar and FileFacts.of(folder / f"{shard.name}.tar"),
            parquet=FileFacts.of(folder / f"{shard.name}.parquet"),
            frames=shard.frames and FileFacts.of(folder / f"{shard.name}.frames.parquet"),
        )
        for shard in part.shards
    ]
    return replace(part, shards=shards)


def _plan(sample: Sample) -> Planned:
    assert isinstance(sample.avi, bytes)
    assert isinstance(sample.lbp, bytes)
    row, wav = sample.facts.to_pylist()[0], sample.wav or b""
    assert isinstance(wav, bytes)
    n_bytes = len(sample.avi) + len(sample.lbp) + len(wav)
    return Planned(row["fold"], row["subject"], row["key"], n_bytes)


def _dropped_row(subject: str) -> dict[str, object]:
    return {
        "source": f"{subject}/frown/01.mp4", "subject": subject, "action": "frown",
        "take": "01", "stage": "decode", "reason": "unreadable", "detail": "no video",
        "attempts": 1, "digest": "1" * 64,
    }  # fmt: skip


def _entry_shape(entry: pa.DataType) -> tuple[int, ...]:
    """Return the shape of one frame's value in a column."""
    if pa.types.is_fixed_size_list(entry):
        return (entry.list_size,)
    return (478 * 3,) if pa.types.is_list(entry) else ()
