"""Faces of the subjects; actor and camera of each recording.

All draws follow from the settings, the subject, the action and the take. So a recording can be
reproduced later: :func:`skin_positions` returns the exact positions of its skin.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fmdata.catalog.errors import UsageError
from fmdata.catalog.keys import draw_seed
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.synth.simulator.camera import Camera, draw_camera
from fmdata.synth.simulator.face.actor import Actor
from fmdata.synth.simulator.face.expressions import EXPRESSIONS, Expression, personal
from fmdata.synth.simulator.face.portrait import Portrait, list_portraits, prepare, read_portrait
from fmdata.synth.simulator.script import Script, Truth, subject_names, write_scripts
from fmdata.synth.simulator.settings import SimulateSettings

BACKEND = "mediapipe"  # its blendshapes measure the smile of a portrait


def portrait_files(settings: SimulateSettings) -> list[Path]:
    """Return the user's portraits in the order of the subjects; empty for the built-in one.

    Raises
    ------
    UsageError
        When there are fewer portraits than subjects.
    """
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


def face_of(
    picture: Path | None, subject: str, landmarker: Landmarker, settings: SimulateSettings
) -> Portrait:
    """Return a subject's face at rest; `picture` None is the built-in portrait."""
    # Every user's portrait is another person; the built-in one is varied to give several.
    seed = draw_seed(settings.seed, "identity", subject)
    return prepare(
        read_portrait(picture),
        landmarker,
        size=settings.size,
        where=str(picture or "the built-in portrait"),
        identity=None if picture else np.random.default_rng(seed),
    )


def faces(settings: SimulateSettings, landmarker: Landmarker) -> Iterator[tuple[str, Portrait]]:
    """Yield every subject and its face at rest."""
    pictures = portrait_files(settings)
    for number, subject in enumerate(subject_names(settings.subjects)):
        picture = pictures[number] if pictures else None
        yield subject, face_of(picture, subject, landmarker, settings)


def cast(script: Script, portrait: Portrait, settings: SimulateSettings) -> tuple[Actor, Camera]:
    """Return the actor and the camera of a recording."""
    truth = script.truth
    camera = draw_camera(
        np.random.default_rng(draw_seed("camera", *recording_key(truth, settings))),
        truth.n_frames,
        settings.fps,
        head=script.head,
        size=settings.size,
        blur=settings.blur,
        noise=settings.noise,
    )
    expression = expression_of(settings.seed, truth.subject, truth.action)
    second = EXPRESSIONS.get(script.second, Expression())
    return Actor(portrait, expression, second), camera.nodding(script.beside.nod, settings.size)


def recording_key(truth: Truth, settings: SimulateSettings) -> tuple[int, str, str, str]:
    """Return the seed and names that all draws of a recording depend on."""
    return settings.seed, truth.subject, truth.action, truth.take


def expression_of(seed: int, subject: str, action: str) -> Expression:
    """Return the expression of an action: a common one, or the subject's own for ``personal_N``."""
    if action in EXPRESSIONS:
        return EXPRESSIONS[action]
    rng = np.random.default_rng(draw_seed(seed, "personal", subject))
    return personal(rng, int(action.removeprefix("personal_")))


def skin_positions(
    settings: SimulateSettings, points: np.ndarray
) -> Iterator[tuple[Truth, np.ndarray]]:
    """Yield the true positions of skin points in every frame of every recording.

    Parameters
    ----------
    settings : SimulateSettings
        Settings of the recordings.
    points : int [N]
        Landmarks, as in :meth:`fmdata.synth.simulator.face.actor.Actor.positions`.

    Yields
    ------
    Truth, float64 [T, N, 2]
        The recording, and positions in pixels of the video.
    """
    scripts = list(write_scripts(settings))
    for subject, portrait in faces(settings, open_landmarker(BACKEND)):
        for script in scripts:
            if script.truth.subject == subject:
                actor, camera = cast(script, portrait, settings)
                positions = [
                    actor.positions(points, t, script.moment(t), camera, settings.size)
                    for t in range(script.truth.n_frames)
                ]
                yield script.truth, np.stack(positions)
