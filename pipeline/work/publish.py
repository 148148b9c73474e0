"""The shards of D1, the dropped list and the card: staged, then put in place all together."""

from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, FileFacts, Part, tool_versions
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.pack import commit, pack, staging
from fmdata.catalog.storage.schema import ACTION_COLUMNS, DROPPED_COLUMNS
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.merge import Contents
from fmdata.pipeline.work.previous import Previous


def publish(out: Path, settings: BuildSettings, contents: Contents, previous: Previous) -> Card:
    """Write the dataset's files, put them in place, and return the new card.

    The compounds stay as they are, and so does every shard in which nothing changes.
    """
    clips = {plan.key: clip for plan, clip in contents.clips.items()}
    shards = pack(
        out,
        card_file.ACTIONS,
        contents.clips,
        lambda key: clips[key].load(),
        ACTION_COLUMNS,
        settings.shard_mb * 10**6,
        previous.untouched_shards(contents.packed),
    )
    rows = [asdict(dropped) | {"digest": digest} for dropped, digest in contents.dropped]
    dropped_file = staging(out) / card_file.DROPPED
    with atomic_file(dropped_file) as file:
        pq.write_table(pa.Table.from_pylist(rows, DROPPED_COLUMNS), file, compression="zstd")
    card = Card(
        fmdata=metadata.version("fmdata"),
        tools=tool_versions(settings.landmarks),
        seed=settings.seed,
        recordings=contents.n_recordings,
        dropped=len(rows),
        dropped_file=FileFacts.of(dropped_file),
        actions=Part(settings.to_json(), len(contents.clips), shards),
        compounds=previous.dataset.card.compounds if previous.dataset else None,
    )
    commit(out, card)
    return card
