"""Changes of an earlier review: the marks that the page starts from, and words on a clip."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.storage.schema import GIVEN, SPOTTED, TIMES
from fmdata.pipeline.work.outcome import REJECTED
from fmdata.pipeline.work.previous import RECORDED, recorded_key
from fmdata.pipeline.work.review.facts import apex_of
from fmdata.pipeline.work.review.override import COLUMNS

Row = Mapping[str, Any]


def marks_of(dataset: Dataset) -> dict[str, Any]:
    """Return the state from which a review goes on in the page, as JSON values.

    These are the digest of the actions, under which the browser keeps the marks; the columns of the
    table; and the rows that made the dataset as it is, so that a saved table is always a whole one.
    """
    rows = [*_of_clips(dataset), *_of_dropped(dataset)]
    return {"digest": dataset.card.actions.digest, "columns": COLUMNS, "rows": rows}


def times_of(row: Row, names: Sequence[str]) -> list[int] | None:
    """Return onset, apex and offset of a row, or None without a motion."""
    return [row[name] for name in names] if row[names[0]] is not None else None


def given_of(row: Row, intensity: np.ndarray) -> list[int] | None:
    """Return the boundaries that a table gives, or None; an apex that it leaves out is measured.

    `intensity` is that of every frame, float [T].
    """
    onset, apex, offset = (row[name] for name in GIVEN)
    if onset is None:
        return None
    return [onset, apex_of(intensity, onset, offset) if apex is None else apex, offset]


def changes(row: Row) -> str:
    """Return in words what is not as it was recorded and spotted; empty where all is."""
    words = []
    if row["motion_from"] == "given":
        by = " by a table" if row["given_times"] and row["review"] is None else ""
        spotted = times_of(row, SPOTTED)
        before = ", ".join(map(str, spotted)) if spotted else "no motion"
        words.append(f"boundaries given{by} (spotted: {before})")
    if row["recorded_action"] != row["action"]:
        words.append(f"recorded as {row['recorded_action']} {row['recorded_take']}")
    if row["review"]:
        words.append(row["review"])
    return "; ".join(words)


def _of_clips(dataset: Dataset) -> Iterator[dict[str, str]]:
    columns = ["key", *RECORDED, "source_sha256", "action", "motion_from", "review", *TIMES, *GIVEN]
    for row in dataset.actions.rows(columns):
        if row["review"] is None:
            continue
        of_table = given_of(row, dataset.actions[row["key"]].intensity)
        is_given = row["motion_from"] == "given" and times_of(row, TIMES) != of_table
        times = {name: str(row[name]) for name in TIMES} if is_given else {}
        is_marked = row["action"] != row["recorded_action"] or not times
        action = row["action"] if is_marked else ""
        yield _mark(recorded_key(row), row["source_sha256"], **times, action=action,
                    note=row["review"])  # fmt: skip


def _of_dropped(dataset: Dataset) -> Iterator[dict[str, str]]:
    for row in dataset.dropped().to_pylist():
        if row["reason"] == REJECTED:
            names = {f"recorded_{name}": row[name] for name in ("action", "take")}
            key = recorded_key({"subject": row["subject"], **names})
            yield _mark(key, row["source_sha256"] or "", reject="yes", note=row["detail"])


def _mark(key: str, source_sha256: str, **cells: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | {"key": key, "source_sha256": source_sha256} | cells
