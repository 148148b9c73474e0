"""A compound clip: two actions of one subject, one after the other."""

from fmdata.catalog.clip import Clip
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.schema import COMPOUND_COLUMNS
from fmdata.catalog.types import Segment


class CompoundClip(Clip):
    """A clip of D2: two actions of one subject, one after the other."""

    COLUMNS = COMPOUND_COLUMNS

    @property
    def segments(self) -> list[Segment]:
        """Lead, first, second and tail, in order; lead and tail may be empty."""
        return [Segment(**segment) for segment in self.row["segments"]]

    def _no_sound(self) -> DatasetError:
        return DatasetError(
            f"no sound for {self.key}: compounds carry none",
            wanted="an action clip of a dataset with sound",
            where=str(self.shard.folder),
            todo=f"take the sound of its takes, {' and '.join(self.takes)}",
        )

    @property
    def takes(self) -> tuple[str, str]:
        """Keys of the two action clips; two compounds that share one show the same pixels."""
        return str(self.row["first_take"]), str(self.row["second_take"])
