"""The shards of D1, the list of what was left out, and the card: staged, then put in place."""

from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, FileFacts, Part, tool_versions
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.pack import commit, pack, staging
from fmdata.catalog.storage.schema import ACTION_FACTS, DROPPED
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.merge import Gathered
from fmdata.pipeline.work.previous import untouched_shards


def publish(out: Path, settings: BuildSettings, gathered: Gathered, before: Dataset | None) -> Card:
    """Write the dataset's files and put them in place.

    Of the dataset `before`, the compounds stay as they are, and so do the shards in which nothing
    changes.
    """
    there = untouched_shards(before, gathered.packed) if before else {}
    loaders = {plan.key: load for plan, load in gathered.clips.items()}
    shards = pack(
        out,
        card_file.ACTIONS,
        gathered.clips,
        lambda key: loaders[key](),
        ACTION_FACTS,
        settings.shard_mb * 10**6,
        there,
    )
    rows = [asdict(left_out) | {"digest": digest} for left_out, digest in gathered.dropped]
    dropped_file = staging(out) / card_file.DROPPED
    with atomic_file(dropped_file) as file:
        pq.write_table(pa.Table.from_pylist(rows, DROPPED), file, compression="zstd")
    card = Card(
        fmdata=metadata.version("fmdata"),
        tools=tool_versions(settings.landmarks),
        seed=settings.seed,
        recordings=len(gathered.clips) + len(gathered.dropped),
        dropped=len(gathered.dropped),
        dropped_file=FileFacts.of(dropped_file),
        actions=Part(settings.to_json(), len(gathered.clips), shards),
        compounds=before.card.compounds if before else None,
    )
    commit(out, card)
    return card
