"""Pictures of one clip or compound, found by its key."""

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.pictures.scenes import scene_of
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage.files import write_atomically
from fmdata.drawing.files import KINDS, MAX_ANIMATED, picture
from fmdata.drawing.scene import Scene
from fmdata.drawing.strip import Look
from fmdata.report.settings import ShowSettings

_N_NEAR, _MIN_LIKENESS = 5, 0.5  # keys that a message about a wrong one names


@dataclass(frozen=True)
class Saved:
    """A picture that was written; ``str()`` of it is the text for the user."""

    path: Path
    key: str
    bytes: int

    def __str__(self) -> str:
        return f"{self.key} in {self.path}, {self.bytes / 1e6:.1f} MB"


def find_scene(dataset: Dataset, key: str) -> Scene:
    """Return the scene of a clip of either half of a dataset.

    Raises
    ------
    UsageError
        When no clip has the key; the message names those that are near.
    """
    for half in dataset.halves:
        if key in half:
            return scene_of(half[key])
    keys = list(chain.from_iterable(
        table["key"].to_pylist() for half in dataset.halves for table in half.tables(["key"])
    ))  # fmt: skip
    near = get_close_matches(key, keys, _N_NEAR, _MIN_LIKENESS) or keys[:_N_NEAR]
    raise UsageError(
        f"no clip {key}",
        wanted=f"one of {len(keys)} keys, such as {', '.join(near)}" if near else "a key",
        where=str(dataset.path),
        todo="give one of these keys; `fmdata report` shows all clips",
    )


def save(scene: Scene, path: Path, settings: ShowSettings, progress: Progress = SILENT) -> Saved:
    """Write a clip as a picture; the file's extension names its kind.

    Raises
    ------
    UsageError
        When the extension is another than png, gif and mp4, or the clip is too long for the kind.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UsageError(
            f"--save {path}",
            wanted=f"a name that ends in {', '.join(KINDS)}",
            where="--save",
            todo="choose .png for a strip of frames, .gif or .mp4 for a moving picture",
        )
    if kind != ".png" and scene.n_frames > MAX_ANIMATED:
        raise UsageError(
            f"{scene.title} has {scene.n_frames} frames",
            wanted=f"at most {MAX_ANIMATED} for a moving picture",
            where="--save",
            todo="save a strip, with a name that ends in .png",
        )
    look = Look(settings.landmarks, settings.lbp)
    progress.start("show", 1 if kind == ".png" else scene.n_frames, "frames")
    data = picture(scene, kind, settings.width, settings.frames, look, progress.step)
    write_atomically(path, data)
    return Saved(path, scene.title, len(data))
