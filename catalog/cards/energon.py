"""The folder .nv-meta, by which Megatron-Energon finds the shards and their splits.

Split parts are the folds and, for training, all but one fold, of each half in tars. Energon reads
tars by indices of its own (``shard-….tar.idx``), which its command ``energon prepare`` makes.
"""

from collections.abc import Iterable

import yaml

from fmdata.catalog.cards.facts import Facts, Half
from fmdata.catalog.cards.words import marked


def nv_meta(facts: Facts) -> dict[str, str]:
    """Return the content of each file, by its name."""
    stored = list(facts.stored)
    counts = {
        f"{half.name}/{shard.name}.tar": shard.samples
        for half in stored
        for shard in half.part.shards
    }
    parts: dict[str, list[str]] = {}
    for half in stored:
        for fold, names in half.folds.items():
            parts[f"{half.name}_fold_{fold}"] = _patterns(half, names)
        for fold in half.folds if len(half.folds) > 1 else ():
            rest = [shard.name for shard in half.part.shards if shard.fold != fold]
            parts[f"{half.name}_without_fold_{fold}"] = _patterns(half, rest)
    kind = {"__module__": "megatron.energon", "__class__": "CrudeWebdataset"}
    content = {
        "dataset.yaml": kind,
        "split.yaml": {"split_parts": parts, "exclude": []},
        ".info.yaml": {"shard_counts": counts},
    }
    return {
        name: f"# {marked(facts)}\n{yaml.safe_dump(value, sort_keys=False, width=10**6)}"
        for name, value in content.items()
    }


def _patterns(half: Half, names: Iterable[str]) -> list[str]:
    """Return shards as patterns with braces, one for each run of numbers in a row."""
    runs: list[list[str]] = []
    for name in names:
        last = runs[-1][-1] if runs else ""
        if len(last) == len(name) and _number(name) == _number(last) + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return [f"{half.name}/{_pattern(run)}.tar" for run in runs]


def _pattern(run: list[str]) -> str:
    if len(run) == 1:
        return run[0]
    first, last = (name.removeprefix("shard-") for name in (run[0], run[-1]))
    return f"shard-{{{first}..{last}}}"


def _number(name: str) -> int:
    return int(name.removeprefix("shard-"))
