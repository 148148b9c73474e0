"""Removal of a subject from a dataset and from a copy of it, and what other copies still hold.

Promise: after a removal at a URL, every file of the dataset there has been read back and has the
SHA-256 of a file in the folder, in all of which the removal has searched for the subject. Files
there that are not the dataset's are named, since nobody has searched them.
"""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from fmdata.catalog.errors import FmdataError, UsageError
from fmdata.catalog.keys import composed
from fmdata.catalog.privacy.forget import Forgotten, forget, has_traces
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.remote.contents import MARK, MAX_MARK, read_card
from fmdata.catalog.remote.copies import copies_of, shown
from fmdata.catalog.remote.push import Pushed, push
from fmdata.catalog.remote.store import Store
from fmdata.catalog.remote.work import require_no_change
from fmdata.catalog.storage.card import DROPPED, Card
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.tables.parquet import read_dropped
from fmdata.catalog.verify.finding import Finding

_VERSIONS = (
    "  a bucket that keeps old versions, or a backup, still has the old files: delete those with "
    "its own tools"
)


@dataclass(frozen=True)
class Withdrawn:
    """The result of a removal; ``str()`` of it is the text for the user.

    Attributes
    ----------
    here : Forgotten or None
        The removal from the folder; None where it had been done before.
    there : Pushed or None
        The copy that was brought up to date.
    copies : list of str
        For each other known copy, what it still holds.
    left : list of Finding
        Remnants in the folder, and unsearched files at the URL.
    """

    here: Forgotten | None
    there: Pushed | None = None
    copies: list[str] = field(default_factory=list)
    left: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [str(self.here) if self.here else "nothing was left in this folder"]
        if self.there:
            lines += [_replaced(self.there), str(self.there), _VERSIONS]
        return "\n".join([*lines, *map(str, self.left[self._n_here :]), *self.copies])

    @property
    def _n_here(self) -> int:
        return len(self.here.left) if self.here else 0


def withdraw(
    dataset: Path, subject: str, at: str | None = None, progress: Progress = SILENT
) -> Withdrawn:
    """Remove a subject from a dataset, and from its copy at a URL.

    Parameters
    ----------
    dataset : Path
        Folder of the dataset.
    subject : str
        Subject, as the dataset names it.
    at : str, optional
        URL of a copy that was pushed from the folder, or pulled into it. Without it no copy is
        changed.
    progress : Progress
        Receives a step for each file.

    Raises
    ------
    UsageError
        When neither the folder nor its copy can have the subject, or `at` is no known copy.
    DatasetError
        When there is no dataset, or the copy cannot be reached.
    """
    subject = composed(subject)
    if at is not None:
        _require_copy(dataset, at)
        store = Store(at)
        require_no_change(store, store.sizes(WORK))
    # Where only the copy has the subject, the folder's removal has ended before.
    is_there = at is not None and not has_traces(dataset, subject) and _may_have(at, subject)
    here = None if is_there else forget(dataset, subject, progress)
    there = push(dataset, at, progress=progress) if at is not None else None
    left = list(here.left) if here else []
    if there:
        todo = "search it, and delete it if the subject is in it"
        problem = "not a file of the dataset, so it was not searched"
        left += [Finding(f"{there.url}/{name}", problem, todo) for name in there.foreign]
    others = [url for url in copies_of(dataset) if at is None or url != shown(at)]
    return Withdrawn(here, there, [_state(url, subject) for url in others], left)


def _may_have(url: str, subject: str) -> bool:
    """Return whether a copy, or what a killed push has left at its place, may have a subject."""
    store = Store(url)
    card = read_card(store)
    return card is None or store.read(MARK, MAX_MARK) is not None or _has(store, card, subject)


def _state(url: str, subject: str) -> str:
    """Return what a copy still holds of a subject, in words. One try: the place may be gone."""
    todo = f"remove {subject} there with the same command and --at {url}"
    try:
        store = Store(url, tries=1)
        card = read_card(store)
        if card is None and store.read(MARK, MAX_MARK) is not None:
            return f"  {url} has an unfinished push, perhaps with {subject}: {todo}"
        if card is None:
            return f"  {url} has no dataset any more"
        if _has(store, card, subject):
            return f"  {url} still has {subject}: {todo}"
    except FmdataError as error:
        return f"  {url} could not be looked at ({error.got}), and may have {subject}: {todo}"
    return f"  {url} has no {subject}"


def _has(store: Store, card: Card, subject: str) -> bool:
    """Return whether a subject has clips, compounds or dropped recordings at a URL."""
    shards = [shard for part in card.parts for shard in part.shards]
    if any(subject in shard.subjects for shard in shards):
        return True
    with TemporaryDirectory() as folder:
        path = Path(folder) / DROPPED
        with path.open("wb") as file:
            file.writelines(store.blocks(DROPPED, card.dropped_file.bytes))
        return subject in read_dropped(path, card.dropped)["subject"].to_pylist()


def _replaced(there: Pushed) -> str:
    names = sorted({name.partition(".")[0] for name in (*there.sent, *there.removed)})
    if not names:
        return f"  {there.url} had no file to change"
    return f"  deleted at {there.url}, or replaced: {', '.join(names)}"


def _require_copy(dataset: Path, at: str) -> None:
    if shown(at) not in copies_of(dataset):
        known = ", ".join(copies_of(dataset)) or "none"
        raise UsageError(
            "not a known copy of this dataset; nothing was changed",
            wanted=f"a URL to which this folder was pushed: {known}",
            where=f"--at {shown(at)}",
            todo="forget the subject without --at, then `fmdata push` the folder there: that "
            "replaces what is there",
        )
