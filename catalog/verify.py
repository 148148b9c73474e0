"""Is a dataset what its card says it is? Every file's digest, and what digests cannot know.

A finding names the file, says what is wrong with it, and what to run to mend it. No findings means
that every byte is the one that was written, and that the rows keep the promises of the format.
"""

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog import card as card_file
from fmdata.catalog.avi import jpeg_spans
from fmdata.catalog.card import Card, FileFacts, Part, Shard
from fmdata.catalog.keys import fold
from fmdata.catalog.lock import WORK
from fmdata.catalog.schema import ACTIONS, COMPOUNDS, POSITIONS, is_scalar
from fmdata.catalog.types import ROLES, STYLES

REBUILD = "run the `fmdata build` that made it again"
RESYNTH = "run `fmdata synth-compound` again"
SUFFIXES = {"avi": ".avi", "lbp": ".lbp.npy", "json": ".json"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, what, and how to mend it."""

    where: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  to do: {self.mend}"


def verify(path: Path) -> list[Finding]:
    """Check a dataset against its card.

    Raises
    ------
    DatasetError
        When there is no card to check against.
    """
    return list(_findings(path, Card.read(path)))


def _findings(path: Path, card: Card) -> Iterator[Finding]:
    parts = [(card_file.ACTIONS, card.actions, ACTIONS, REBUILD)]
    if card.compounds is not None:
        parts.append((card_file.COMPOUNDS, card.compounds, COMPOUNDS, RESYNTH))
    damage = [
        finding
        for name, part, _, mend in parts
        for shard in part.shards
        for finding in _files(path / name, shard, mend)
    ]
    yield from damage
    yield from _file(path / card_file.DROPPED, card.dropped_file, REBUILD)
    yield from _strays(path, parts)
    if card.recordings != card.actions.samples + card.dropped:
        yield Finding(
            str(path / card_file.NAME),
            f"{card.recordings} recordings, but {card.actions.samples} clips "
            f"and {card.dropped} dropped",
            REBUILD,
        )
    if card.stale:
        yield Finding(
            str(path / card_file.COMPOUNDS),
            "stale: the actions have changed since the compounds were made",
            RESYNTH,
        )
    if not damage:
        # The bytes are as they were written; now, was the right thing written?
        yield from _content(path, card, parts)


def _content(
    path: Path, card: Card, parts: list[tuple[str, Part, pa.Schema, str]]
) -> Iterator[Finding]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, part, schema, mend in parts:
        rows[name] = []
        for shard in part.shards:
            table = pq.read_table(path / name / f"{shard.name}.parquet")
            yield from _shard(path / name, shard, table, schema, mend)
            rows[name] += _light_rows(table)
        yield from _counts(path / name, part, rows[name], card.seed, mend)
    yield from _motions(path / card_file.ACTIONS, rows[card_file.ACTIONS])
    if card.compounds is not None and not card.stale:
        actions = {row["key"]: row for row in rows[card_file.ACTIONS]}
        yield from _segments(path / card_file.COMPOUNDS, rows[card_file.COMPOUNDS], actions)


def _file(path: Path, facts: FileFacts, mend: str) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding(str(path), "missing", mend)
        return
    found = FileFacts.of(path)
    if found.bytes != facts.bytes:
        yield Finding(str(path), f"{found.bytes} bytes, wanted {facts.bytes}", mend)
    elif found.sha256 != facts.sha256:
        yield Finding(str(path), f"SHA-256 {found.sha256}, wanted {facts.sha256}", mend)


def _files(folder: Path, shard: Shard, mend: str) -> Iterator[Finding]:
    yield from _file(folder / f"{shard.name}.tar", shard.tar, mend)
    yield from _file(folder / f"{shard.name}.parquet", shard.parquet, mend)


def _strays(path: Path, parts: list[tuple[str, Part, pa.Schema, str]]) -> Iterator[Finding]:
    known = {path / card_file.NAME, path / card_file.DROPPED}
    for name, part, _, _ in parts:
        known.add(path / name)
        known |= {path / name / f"{s.name}.{e}" for s in part.shards for e in ("tar", "parquet")}
    for found in sorted(path.rglob("*")):
        if found not in known:
            unfinished = WORK in found.relative_to(path).parts
            if unfinished and found != path / WORK:
                continue
            yield Finding(
                str(found),
                "left by a run that did not end" if unfinished else "not a file of this dataset",
                "run that command again" if unfinished else "move it elsewhere, or delete it",
            )


def _shard(
    folder: Path, shard: Shard, table: pa.Table, schema: pa.Schema, mend: str
) -> Iterator[Finding]:
    """Check a shard's rows, and that its tar holds what they say, where they say it."""
    where = str(folder / f"{shard.name}.parquet")
    if not table.schema.equals(schema):
        yield Finding(where, "other columns than the format's", mend)
        return
    rows = _light_rows(table)
    folds = {row["fold"] for row in rows}
    if folds != {shard.fold}:
        yield Finding(where, f"folds {sorted(folds)}, wanted {shard.fold} alone", mend)
    if len(rows) != shard.samples or sorted({r["subject"] for r in rows}) != sorted(shard.subjects):
        yield Finding(where, "other samples or subjects than the card says", mend)
    tar_path = folder / f"{shard.name}.tar"
    with tarfile.open(tar_path, "r:") as tar, tar_path.open("rb") as file:
        members = {m.name: (m.offset_data, m.size) for m in tar}
        wanted = {}
        for row in rows:
            for kind, suffix in SUFFIXES.items():
                if row[f"{kind}_offset"] is not None:
                    position = (row[f"{kind}_offset"], row[f"{kind}_size"])
                    wanted[row["key"] + suffix] = position
        if members != wanted:
            odd = sorted(set(members.items()) ^ set(wanted.items()))[0][0]
            yield Finding(str(tar_path), f"{odd} is not where the Parquet file says", mend)
            return
        places = {field.name for field in POSITIONS}
        scalars = [f.name for f in schema if is_scalar(f) and f.name not in places]
        for row in rows:
            file.seek(row["avi_offset"])
            spans = [
                (row["avi_offset"] + s.offset, s.size) for s in jpeg_spans(file, row["avi_size"])
            ]
            if spans != list(zip(row["frame_offset"], row["frame_size"], strict=True)):
                yield Finding(str(tar_path), f"the frames of {row['key']} lie elsewhere", mend)
            if len(spans) != row["n_frames"]:
                yield Finding(
                    where, f"{row['key']} has {len(spans)} frames, wanted {row['n_frames']}", mend
                )
            file.seek(row["json_offset"])
            document = json.loads(file.read(row["json_size"]))
            if document != {name: row[name] for name in scalars}:
                yield Finding(str(tar_path), f"{row['key']}.json differs from its row", mend)


def _counts(
    folder: Path, part: Part, rows: list[dict[str, Any]], seed: int, mend: str
) -> Iterator[Finding]:
    if part.samples != sum(shard.samples for shard in part.shards):
        yield Finding(str(folder), f"the card counts {part.samples} clips, not its shards'", mend)
    for key, count in Counter(row["key"] for row in rows).items():
        if count > 1:
            yield Finding(str(folder), f"{count} samples with the key {key}", mend)
    for subject, found in sorted({(row["subject"], row["fold"]) for row in rows}):
        if found != fold(subject, seed):
            what = f"subject {subject} in fold {found}, wanted {fold(subject, seed)}"
            yield Finding(str(folder), what, mend)


def _motions(folder: Path, rows: list[dict[str, Any]]) -> Iterator[Finding]:
    for row in rows:
        onset, apex, offset, style = (row[n] for n in ("onset", "apex", "offset", "style"))
        if onset is None and apex is None and offset is None and style is None:
            continue
        ordered = None not in (onset, apex, offset) and (
            0 <= onset <= apex < offset <= row["n_frames"]
        )
        if not ordered or style not in STYLES:
            what = f"{row['key']} has onset {onset}, apex {apex}, offset {offset}, style {style}"
            yield Finding(str(folder), what, REBUILD)


def _segments(
    folder: Path, rows: list[dict[str, Any]], actions: dict[str, dict[str, Any]]
) -> Iterator[Finding]:
    """Check every compound against the clips that it names."""
    for row in rows:
        what = _wrong_segments(row, actions)
        if what:
            yield Finding(str(folder), f"{row['key']}: {what}", RESYNTH)


def _wrong_segments(row: dict[str, Any], actions: dict[str, dict[str, Any]]) -> str | None:
    """Say what is wrong with a compound's segments, if anything is."""
    segments = row["segments"]
    if tuple(segment["role"] for segment in segments) != ROLES:
        return "not lead, first, second, tail"
    sizes: list[int] = []
    for segment in segments:
        source = actions.get(segment["source"])
        if source is None:
            return f"a segment of {segment['source']}, which is not there"
        if source["subject"] != row["subject"]:
            return f"a segment of {segment['source']}, of another subject"
        if not 0 <= segment["start"] <= segment["stop"] <= source["n_frames"]:
            return f"a segment outside {segment['source']}"
        sizes += source["frame_size"][segment["start"] : segment["stop"]]
    if sizes != row["frame_size"]:
        return "other frames than its segments'"
    lead, first, second, tail = segments
    for segment, action in ((first, row["first"]), (second, row["second"])):
        source = actions[segment["source"]]
        motion = (action, source["onset"], source["offset"])
        if (source["action"], segment["start"], segment["stop"]) != motion:
            return f"its {segment['role']} is not the motion of {segment['source']}"
    if (lead["source"], lead["stop"]) != (first["source"], first["start"]):
        return "its lead does not end at the onset"
    held = actions[tail["source"]]["style"] == "hold"
    edge = (tail["stop"], second["stop"]) if held else (tail["start"], second["stop"])
    if tail["source"] != second["source"] or edge[0] != edge[1]:
        return "its tail does not follow its second motion"
    return None


def _light_rows(table: pa.Table) -> list[dict[str, Any]]:
    wanted = ("frame_offset", "frame_size", "segments")
    names = [f.name for f in table.schema if is_scalar(f) or f.name in wanted]
    rows: list[dict[str, Any]] = table.select(names).to_pylist()
    return rows
