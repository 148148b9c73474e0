"""The site of a build of which the recordings or the dataset are at a URL.

The process that builds has folders of its own in which the small things lie: names of recordings,
rows of clips, the card. Recordings, clips and shards are on the disks of workers only, while they
are in work, and at the URL.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import FmdataError, UsageError
from fmdata.catalog.remote.copies import shown
from fmdata.catalog.remote.lease import Lease, held
from fmdata.catalog.remote.store import store_at
from fmdata.catalog.remote.work import RECORD, SHARDS, clear, require_place
from fmdata.catalog.storage.card import ACTIONS, DROPPED, LEFT_OUT, NAME, Card, Shard
from fmdata.catalog.storage.division import Planned, plan_shards
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.place import STAGED, is_url
from fmdata.catalog.storage.schema import Columns
from fmdata.catalog.storage.shards import FILES, Sample, shard_name
from fmdata.pipeline.engine.remote.dataset import KnownRemote, RemoteDataset
from fmdata.pipeline.engine.remote.hands import Hands, Threads
from fmdata.pipeline.engine.remote.outlined import RemoteUnits
from fmdata.pipeline.engine.remote.raw import RemoteRaw
from fmdata.pipeline.engine.remote.scratch import scratch
from fmdata.pipeline.engine.remote.shard import NAME as SHARD
from fmdata.pipeline.engine.remote.shard import (
    MadeShard,
    Recipe,
    bytes_of,
    make_shard,
    piece_of,
    reduced,
)
from fmdata.pipeline.engine.shared import place_in
from fmdata.pipeline.engine.workers import workers_of
from fmdata.pipeline.settings import RunSettings
from fmdata.pipeline.work.known.files import KnownFiles
from fmdata.pipeline.work.site import Ends, Site, Units


@contextmanager
def site_of(raw: Path | str, out: Path | str, how: RunSettings) -> Iterator[Site]:
    """Yield the site of a build.

    Raises
    ------
    UsageError
        When a URL has a user name, a password or a token in it.
    """
    if not is_url(raw) and not is_url(out):
        yield Site(Path(raw), Path(out))
        return
    require_no_secret(raw, out)
    with scratch() as folder, renamed({folder / "raw": raw, folder / "out": out}):
        yield RemoteSite(raw, out, folder, how)


def require_no_secret(*places: Path | str) -> None:
    """Raise UsageError for a URL with a user name, a password or a token in it."""
    for place in places:
        if is_url(place) and shown(str(place)) != str(place).rstrip("/"):
            raise UsageError(
                "a URL with a user name, a password or a token",
                wanted="a URL alone: it is sent to the workers, and shown in Dask's logs",
                where=shown(str(place)),
                todo="put credentials into the environment or into fsspec's configuration, on this "
                "machine and on each worker",
            )


@contextmanager
def renamed(places: Mapping[Path, Path | str]) -> Iterator[None]:
    """Have errors name the URLs instead of this process's own folders for them."""
    try:
        yield
    except FmdataError as error:
        for folder, place in places.items():
            for part in ("got", "wanted", "where", "todo"):
                text = getattr(error, part).replace(str(folder), str(place))
                setattr(error, part, text)
        raise


class RemoteSite(Site):
    """The site of a build of which the recordings or the dataset, or both, are at a URL.

    Parameters
    ----------
    raw, out : Path or str
        The two places, of which one at least is a URL.
    folder : Path
        This process's own folder.
    how : RunSettings
        Settings of the build.
    """

    def __init__(self, raw: Path | str, out: Path | str, folder: Path, how: RunSettings) -> None:
        self._raw_url = str(raw).rstrip("/") if is_url(raw) else None
        self._out_url = str(out).rstrip("/") if is_url(out) else None
        outline = folder / "raw" if self._raw_url else Path(raw)
        super().__init__(outline, folder / "out" if self._out_url else Path(out))
        self._how = how
        self._source: RemoteRaw | None = None
        self._dataset: RemoteDataset | None = None
        self._lease: Lease | None = None
        self._moves: dict[str, str] = {}
        if self._raw_url:
            outline.mkdir()
            self._source = RemoteRaw(self._raw_url, outline, self._hands)

    @property
    def units(self) -> Units:
        """The units of the build."""
        owner = self._lease.owner if self._lease else ""
        outline = self.raw if self._raw_url else None
        ends = Ends(self._raw_url, self._out_url, outline, owner)
        if self._dataset is None:
            return Units(self.out / WORK, ends, self._source)
        return RemoteUnits(self.out / WORK, ends, self._source, self._dataset.sizes)

    @contextmanager
    def change(self) -> Iterator[None]:
        """Lock the dataset for a change."""
        if self._out_url is None:
            with super().change():
                yield
            return
        store = store_at(self._out_url)
        require_place(store, store.listing())
        with held(store) as self._lease:
            self._dataset = RemoteDataset(self._out_url, self.out, self._lease)
            yield
            self._lease.require()  # else it is the work of another command
            clear(store)

    def known(self, *, rehash: bool) -> KnownFiles:
        """Return the files that need not be read again."""
        if self._out_url is None or self._dataset is None:
            return super().known(rehash=rehash)
        return KnownRemote(self._out_url, self._dataset, rehash=rehash)

    def opened(self, halves: Iterable[Clips[ActionClip]]) -> None:
        """Have the frames of the clips of the old dataset read from where they are."""
        if self._dataset:
            self._dataset.read_frames(halves)

    def keep_dataset(self, known: KnownFiles, card: Card) -> None:
        """Keep the digests of the files that the build has written; none at a URL."""
        if self._dataset is None:
            super().keep_dataset(known, card)

    def pack(
        self, half: str, planned: Iterable[Planned], load: Callable[[str], Sample],
        columns: Columns, limit: int, reusable: Mapping[tuple[str, ...], Shard],
    ) -> list[Shard]:  # fmt: skip
        """Make the shards of one half, each by a worker where the dataset is at a URL."""
        if self._dataset is None:
            return super().pack(half, planned, load, columns, limit, reusable)
        plans = {shard_name(i): plan for i, plan in enumerate(plan_shards(planned, limit))}
        kept = {name: old for name, plan in plans.items()
                if (old := reusable.get(tuple(one.key for one in plan)))}  # fmt: skip
        made = {name: self._renamed(half, old, name) for name, old in kept.items()}
        todo = {name: plan for name, plan in plans.items() if name not in kept}
        recipes = (self._recipe(name, plan, load, columns) for name, plan in todo.items())
        with self._hands() if todo else nullcontext(Threads(1)) as hands:
            for one in hands.each(make_shard, recipes):
                made[one.name] = self._taken(half, one, todo[one.name])
        return [made[name] for name in plans]

    def _recipe(
        self, name: str, plan: Sequence[Planned], load: Callable[[str], Sample], columns: Columns
    ) -> Recipe:
        assert self._dataset is not None
        assert self._lease is not None
        samples = [load(one.key) for one in plan]
        pieces = [piece_of(sample, self._record(sample)) for sample in samples]
        card = Card.read(self.out) if (self.out / NAME).exists() else None
        old = reduced(card, samples) if card else None
        rows = bytes_of(pa.concat_tables([sample.facts for sample in samples]))
        return Recipe(self._out_url or "", self._lease.owner, name, pieces, rows, old, columns)

    def _record(self, sample: Sample) -> bytes:
        """Return the record of a sample's unit; nothing where an old shard holds it."""
        return (sample.avi.parent / RECORD).read_bytes() if isinstance(sample.avi, Path) else b""

    def _taken(self, half: str, made: MadeShard, plan: Sequence[Planned]) -> Shard:
        """Return the entry of a shard that a worker has made, and note where its files go."""
        for suffix, place in made.moves.items():
            self._moves[place] = f"{half}/{made.name}{suffix}"
        tar, parquet, frames = (made.record.files[f"{SHARD}{suffix}"] for suffix in FILES)
        subjects = list(dict.fromkeys(one.subject for one in plan))
        return Shard(
            made.name, plan[0].fold, subjects, len(plan), tar, parquet, frames, made.processors
        )  # fmt: skip

    def _renamed(self, half: str, old: Shard, name: str) -> Shard:
        """Return a shard that stays, under a name that another one may have had."""
        assert self._dataset is not None
        if old.name != name:
            for suffix in FILES:
                copy = f"{SHARDS}/{half}-{name}/{SHARD}{suffix}"
                self._dataset.store.copy(f"{half}/{old.name}{suffix}", copy)
                self._moves[copy] = f"{half}/{name}{suffix}"
        return replace(old, name=name)

    def commit(self, card: Card) -> None:
        """Replace the dataset's files by those that were made."""
        if self._dataset is None:
            super().commit(card)
            return
        self._dataset.commit(card, self._moves, self.out / STAGED / DROPPED)
        self._dataset.outline((ACTIONS, LEFT_OUT))

    @contextmanager
    def _hands(self) -> Iterator[Hands]:
        """Yield the workers that read recordings and make shards."""
        work = f"{self._out_url}/{WORK}" if self._out_url else str((self.out / WORK).absolute())
        with hands_at(work, self._how.scheduler, self._how.workers) as hands:
            yield hands


@contextmanager
def hands_at(work: str, scheduler: str | None, workers: int | None) -> Iterator[Hands]:
    """Yield the workers of a scheduler, or threads; `work` is where workers show what they see."""
    if scheduler is None:
        yield Threads(workers)
        return
    with place_in(work) as place:
        needed = f"which reach {work} with credentials of their own"
        with workers_of(scheduler, place, needed) as found:
            yield found
