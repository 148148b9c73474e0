"""The health of a whole dataset, in one pass over each of its tables; a subject is in memory.

Only the card and the tables are read, no pixels and no frames.
"""

from collections import Counter
from itertools import groupby

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.health import clips, compounds, persons, takes
from fmdata.catalog.health.line import (
    DOUBT,
    DROPPED,
    MAX_KEYS,
    NOTE,
    PROBLEM,
    HealthLine,
    worst_first,
)
from fmdata.catalog.health.reasons import advice_of
from fmdata.catalog.keys import N_FOLDS
from fmdata.catalog.storage.card import Card
from fmdata.catalog.verify.duplicates import n_subjects, same_bytes

_UNEVEN = 1.5  # times the share of a fold if the folds had the same number of clips
_FEW_SUBJECTS = 5  # with which folds hold about a fifth at best


def health(dataset: Dataset) -> list[HealthLine]:
    """Return everything odd about a dataset, worst first; empty where nothing is."""
    lines = [*_dropped(dataset), *_of_clips(dataset), *_same_bytes(dataset), *_folds(dataset.card)]
    if dataset.card.compounds:
        lines += _of_compounds(dataset)
    return worst_first(lines)


def _of_clips(dataset: Dataset) -> list[HealthLine]:
    columns = list(dict.fromkeys(["key", "subject", *clips.COLUMNS, *takes.COLUMNS]))
    of_clips, of_takes = clips.ClipChecks(), takes.TakeChecks()
    for _, rows in groupby(dataset.actions.rows(columns), lambda row: row["subject"]):
        of_subject = list(rows)
        for row in of_subject:
            of_clips.add(row)
        of_takes.add(of_subject)
    of_persons = persons.lines(dataset.actions.tables(persons.COLUMNS))
    return [*of_clips.lines(), *of_takes.lines(), *of_persons]


def _same_bytes(dataset: Dataset) -> list[HealthLine]:
    """Return a line for subjects that share a recording, and one for takes that do."""
    lines, of = [], len(dataset.actions)
    groups = same_bytes(dataset.actions)
    for names, grade in (("subjects", PROBLEM), ("takes", DOUBT)):
        own = [group for group in groups if (n_subjects(group) > 1) == (names == "subjects")]
        keys = tuple(use.name for group in own for use in group)
        if keys:
            text = f"The same recording as several {names}: {len(keys)} of {of} clips"
            todo = f"keep one of each and build again: copies are no further {names}"
            kind = f"same_{names}"
            lines.append(HealthLine(kind, grade, text, todo, len(keys), of, keys[:MAX_KEYS]))
    return lines


def _of_compounds(dataset: Dataset) -> list[HealthLine]:
    part = dataset.compounds.part
    k = part.settings.get("k")
    checks = compounds.CompoundChecks(k if isinstance(k, int) else 1)
    rows = dataset.compounds.rows(compounds.COLUMNS)
    for _, of_subject in groupby(rows, lambda row: row["subject"]):
        checks.add(of_subject)
    lines = checks.lines()
    if dataset.card.stale:
        text = "Compounds are stale: the actions have changed since"
        todo = "run `fmdata synth-compound` again"
        lines.append(HealthLine("stale", PROBLEM, text, todo, part.samples, part.samples))
    return lines


def _dropped(dataset: Dataset) -> list[HealthLine]:
    table = dataset.dropped().select(["reason", "source"])
    reasons = Counter(table["reason"].to_pylist())
    sources: dict[str, list[str]] = {reason: [] for reason in reasons}
    for row in table.to_pylist():
        if len(sources[row["reason"]]) < MAX_KEYS:
            sources[row["reason"]].append(row["source"])
    of = dataset.card.recordings
    lines = []
    for reason, n in sorted(reasons.items()):
        advice = advice_of(reason)
        text = f"Dropped as {reason} ({advice.words}): {n} of {of} recordings"
        kind = f"{DROPPED}{reason}"
        keys = tuple(sources[reason])
        grade = NOTE if reason in ("rejected", "not_kept") else PROBLEM
        lines.append(HealthLine(kind, grade, text, advice.todo, n, of, keys))
    return lines


def _folds(card: Card) -> list[HealthLine]:
    """Return a line if no split can hold out a subject, or one fold holds too many clips."""
    n_clips: Counter[int] = Counter()
    for shard in card.actions.shards:
        n_clips[shard.fold] += shard.samples
    subjects = {subject for shard in card.actions.shards for subject in shard.subjects}
    if not subjects:
        return []
    if len(n_clips) == 1:
        text = f"All subjects ({len(subjects)}) are in one fold: no split holds out a subject"
        todo = "record more subjects, or build with another `--seed`"
        return [HealthLine("folds", DOUBT, text, todo, 1, 1)]
    fold, most = max(n_clips.items(), key=lambda item: (item[1], -item[0]))
    share = most / n_clips.total()
    if share <= max(_UNEVEN / min(len(subjects), N_FOLDS), 1 / _FEW_SUBJECTS):
        return []
    text = (
        f"Folds out of balance: fold {fold} holds {share:.0%} of the clips; "
        f"{len(subjects)} subjects lie in {len(n_clips)} of {N_FOLDS} folds"
    )
    todo = "build with another `--seed`, or split by several folds"
    return [HealthLine("folds", DOUBT, text, todo, 1, len(n_clips))]
