"""The cast of heads: people without number, filmed on different days."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fmdata.catalog.errors import InternalError
from fmdata.catalog.keys import draw_seed
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.face.expressions import Expression
from fmdata.synth.simulator.heads.actor import HeadActor, Surfaces
from fmdata.synth.simulator.heads.identity import Person, draw_person
from fmdata.synth.simulator.heads.look.scene import draw_background, draw_lamps
from fmdata.synth.simulator.heads.look.skin import Skin, paint
from fmdata.synth.simulator.heads.look.wardrobe import Body, draw_body, dress
from fmdata.synth.simulator.heads.mesh import head_mesh
from fmdata.synth.simulator.heads.model import Model, build
from fmdata.synth.simulator.heads.parts import SKIN
from fmdata.synth.simulator.heads.render.arrays import POINT
from fmdata.synth.simulator.heads.render.picture import Stage, View, draw, nearest
from fmdata.synth.simulator.heads.units import UNITS, creases
from fmdata.synth.simulator.roles import camera_of, recording_key
from fmdata.synth.simulator.script import Truth
from fmdata.synth.simulator.settings import SimulateSettings

_NOD_SHARE = 0.4  # of the greatest yaw: the greatest pitch
_DISTANCE = (6.0, 11.0)  # of the camera, in decimetres
_BACKEND = "mediapipe"  # its landmarks are those that positions are asked for
_PROBE = 256  # pixels of the picture in which the landmarks are found


class _Someone(NamedTuple):
    """A subject, the same for life."""

    person: Person
    body: Body
    skin: Skin


class HeadCast:
    """Heads in three dimensions.

    Parameters
    ----------
    settings : SimulateSettings
        Settings of the recordings.
    """

    has_units = True

    def __init__(self, settings: SimulateSettings) -> None:
        self._settings = settings
        self._someone = lru_cache(maxsize=1)(self._meet)
        self._model = lru_cache(maxsize=2)(self._dress)
        self._landmarks = lru_cache(maxsize=1)(self._find)

    def check(self) -> None:
        """Do nothing: what heads are made from was checked when the cast was opened."""

    def sources(self) -> Sequence[Path]:
        """Return no files: the heads are the same everywhere."""
        return ()

    def actor(self, truth: Truth, first: Expression, second: Expression) -> HeadActor:
        """Return the subject of a recording, with the expressions that it may show."""
        subject = truth.subject
        model, place = self._model(subject, truth.day), self._place(truth)
        return HeadActor(model, *place, first, second, lambda: self._landmarks(subject))

    def camera(self, truth: Truth, head: str, nod: np.ndarray) -> Camera:
        """Return the camera of a recording; the head is turned by another angle in each."""
        settings = self._settings
        rng = np.random.default_rng(draw_seed("turn", *recording_key(truth, settings)))
        most = np.radians(settings.turn)
        aside, down = rng.uniform(-1, 1, 2) * [most, _NOD_SHARE * most]
        camera = camera_of(truth, head, settings)
        yaw, pitch = camera.yaw + nod[:, 0] + aside, camera.pitch + nod[:, 1] + down
        return replace(camera, yaw=yaw, pitch=pitch)

    def _rng(self, *purpose: str | int) -> np.random.Generator:
        return np.random.default_rng(draw_seed("heads", self._settings.seed, *purpose))

    def _meet(self, subject: str) -> _Someone:
        person = draw_person(self._rng("shape", subject))
        body = draw_body(person, self._rng("body", subject))
        return _Someone(person, body, paint(person, self._rng("skin", subject), 0.8 * body.hair))

    def _dress(self, subject: str, number: int) -> Model:
        person, body, skin = self._someone(subject)
        day = self._rng("dress", subject, number)
        worn = dress(person, body, self._rng("hair", subject), day)
        return build(person, skin, worn, self._rng("eyes", subject), self._settings.size)

    def _place(self, truth: Truth) -> tuple[Stage, float]:
        """Return the light, the background and the distance of a recording."""
        size = self._settings.size
        day = self._rng("light", truth.subject, truth.day)
        key = recording_key(truth, self._settings)
        take = np.random.default_rng(draw_seed("light", *key))
        lamps = draw_lamps(day, take)
        room = self._rng("room", truth.subject, truth.day)
        distance = float(day.uniform(*_DISTANCE))
        return Stage(lamps, draw_background(room, size, lamps)), distance

    def _find(self, subject: str) -> Surfaces:
        """Find MediaPipe's landmarks on a subject's mesh, seen from the front at rest."""
        model = self._model(subject, 1)
        rest, view = np.zeros(len(UNITS)), View(_PROBE)
        lamps = draw_lamps(np.random.default_rng(0), np.random.default_rng(0))
        grey = np.full((_PROBE, _PROBE, 3), 0.2, np.float32)
        vertices = model.vertices(rest, 0, 0, 0)
        stage = Stage(lamps, grey)
        picture = draw(model.surface, vertices, model.textures, creases(rest), stage, view)
        faces = open_landmarker(_BACKEND).detect(picture)
        if not faces:
            raise InternalError(
                f"no face on the head of {subject}",
                wanted="a head that MediaPipe sees as a face",
                where="--cast heads",
            )
        mesh = head_mesh()
        skin = mesh.triangles[mesh.part == SKIN]
        points = view.project(vertices[: len(mesh.points), POINT : POINT + 3])
        return Surfaces(*nearest(points, skin, faces[0].landmarks[:, :2].astype(np.float64)))
