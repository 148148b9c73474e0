"""The cast of portraits: the built-in one, changed into a face for each subject, or the user's."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from fmdata.catalog.errors import UsageError
from fmdata.catalog.keys import draw_seed
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.face.actor import PortraitActor
from fmdata.synth.simulator.face.expressions import Expression
from fmdata.synth.simulator.face.portrait import Portrait, list_portraits, prepare, read_portrait
from fmdata.synth.simulator.roles import camera_of
from fmdata.synth.simulator.script import Truth, subject_names
from fmdata.synth.simulator.settings import SimulateSettings

BACKEND = "mediapipe"  # its blendshapes measure the smile of a portrait


class PortraitCast:
    """Portraits that are warped: a face in two dimensions.

    Parameters
    ----------
    settings : SimulateSettings
        Settings of the recordings.

    Raises
    ------
    UsageError
        When there are fewer portraits than subjects.
    """

    has_units = False

    def __init__(self, settings: SimulateSettings) -> None:
        self._settings = settings
        self._pictures = _portrait_files(settings)
        self._landmarker = open_landmarker(BACKEND)
        self._face = lru_cache(maxsize=1)(self._prepare)

    def check(self) -> None:
        """Raise InputError for a portrait that cannot be read, or has no face."""
        for number in range(len(self._pictures)):
            self._face(subject_names(number + 1)[-1])

    def sources(self) -> Sequence[Path]:
        """Return the user's portraits in the order of the subjects; none for the built-in one."""
        return self._pictures

    def actor(self, truth: Truth, first: Expression, second: Expression) -> PortraitActor:
        """Return the subject of a recording, with the expressions that it may show."""
        return PortraitActor(self._face(truth.subject), first, second)

    def camera(self, truth: Truth, head: str, nod: np.ndarray) -> Camera:
        """Return the camera of a recording."""
        return camera_of(truth, head, self._settings).nodding(nod, self._settings.size)

    def _prepare(self, subject: str) -> Portrait:
        """Return a subject's face at rest."""
        number = subject_names(self._settings.subjects).index(subject)
        picture = self._pictures[number] if self._pictures else None
        # Every user's portrait is another person; the built-in one is varied to give several.
        seed = draw_seed(self._settings.seed, "identity", subject)
        return prepare(
            read_portrait(picture),
            self._landmarker,
            size=self._settings.size,
            where=str(picture or "the built-in portrait"),
            identity=None if picture else np.random.default_rng(seed),
        )


def _portrait_files(settings: SimulateSettings) -> list[Path]:
    if settings.portraits is None:
        return []
    pictures = list_portraits(settings.portraits)
    if len(pictures) < settings.subjects:
        raise UsageError(
            f"{len(pictures)} portraits for {settings.subjects} subjects",
            wanted="a portrait for each subject",
            where=f"--portraits {settings.portraits}",
            todo=f"add portraits, or use --subjects {len(pictures)}",
        )
    return pictures[: settings.subjects]
