"""The shards of D1, the dropped list and the card: staged, then put in place all together."""

from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.given.labels import kinds_of
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, FileFacts, Part, Shard
from fmdata.catalog.storage.division import Planned
from fmdata.catalog.storage.files import atomic_file
from fmdata.catalog.storage.made_by.tools import tool_versions
from fmdata.catalog.storage.pack import staging
from fmdata.catalog.storage.schema import ACTION_COLUMNS, DROPPED_COLUMNS, with_labels
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.merge import Contents
from fmdata.pipeline.work.outcome import ReadyClip
from fmdata.pipeline.work.previous import Previous
from fmdata.pipeline.work.site import Site


def publish(site: Site, settings: BuildSettings, contents: Contents, previous: Previous) -> Card:
    """Write the dataset's files, put them in place, and return the new card.

    The compounds stay as they are, and so does every shard in which nothing changes.
    """
    shards = _packed(site, card_file.ACTIONS, contents.clips, settings, previous)
    left_out = None
    before = previous.dataset.card if previous.dataset else None
    if contents.left_out or (before and before.left_out):
        kept_out = _packed(site, card_file.LEFT_OUT, contents.left_out, settings, previous)
        n = len(contents.left_out)
        left_out = Part(settings.to_json(), n, kept_out) if n else None
    rows = [asdict(dropped) | {"digest": digest} for dropped, digest in contents.dropped]
    dropped_file = staging(site.out) / card_file.DROPPED
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
        compounds=before.compounds if before else None,
        left_out=left_out,
        labels=kinds_of(previous.labels),
        stated=before.stated if before else {},
    )
    site.commit(card)
    return card


def _packed(
    site: Site, half: str, clips: Mapping[Planned, ReadyClip], settings: BuildSettings,
    previous: Previous,
) -> list[Shard]:  # fmt: skip
    """Stage the shards of some clips, of which those in which nothing changes are linked."""
    by_key = {plan.key: clip for plan, clip in clips.items()}
    packed = {plan.key for plan, clip in clips.items() if clip.is_packed}
    return site.pack(
        half,
        clips,
        lambda key: by_key[key].load(),
        with_labels(ACTION_COLUMNS, previous.labels),
        settings.shard_mb * 10**6,
        previous.untouched_shards(half, packed),
    )
