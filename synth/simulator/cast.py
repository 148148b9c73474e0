"""Who plays in a simulation: each subject's face, and the actor and camera of each recording.

Everything is drawn from the settings, the subject, the action and the take, so that a recording
can be played again later: :func:`skin_positions` tells where its skin was, exactly.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fmdata.catalog.errors import UsageError
from fmdata.catalog.keys import draw_seed
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.synth.simulator.actor import Actor
from fmdata.synth.simulator.camera import Camera, draw_camera
from fmdata.synth.simulator.expressions import EXPRESSIONS, Expression, personal
from fmdata.synth.simulator.portrait import Portrait, list_portraits, prepare, read_portrait
from fmdata.synth.simulator.script import Script, Truth, subject_names, write_scripts
from fmdata.synth.simulator.settings import SimulateSettings


def portrait_files(settings: SimulateSettings) -> list[Path]:
    """Return the user's portraits in the order of the subjects; none for the built-in one.

    Raises
    ------
    UsageError
        When there are fewer than subjects.
    """
    if settings.portraits is None:
        return []
    pictures = list_portraits(settings.portraits)
    if len(pictures) < settings.subjects:
        raise UsageError(
            f"{len(pictures)} portraits for {settings.subjects} subjects",
            wanted="a portrait for each subject",
            where=f"--portraits {settings.portraits}",
            todo=f"add portraits, or say --subjects {len(pictures)}",
        )
    return pictures[: settings.subjects]


def face_of(
    picture: Path | None, subject: str, landmarker: Landmarker, settings: SimulateSettings
) -> Portrait:
    """Return a subject's face at rest; `picture` None is the built-in portrait."""
    # A real portrait is somebody already; the built-in one becomes many.
    seed = draw_seed(settings.seed, "identity", subject)
    return prepare(
        read_portrait(picture),
        landmarker,
        size=settings.size,
        where=str(picture or "the built-in portrait"),
        identity=None if picture else np.random.default_rng(seed),
    )


def faces(settings: SimulateSettings, landmarker: Landmarker) -> Iterator[tuple[str, Portrait]]:
    """Every subject and its face at rest, one by one."""
    pictures = portrait_files(settings)
    for number, subject in enumerate(subject_names(settings.subjects)):
        picture = pictures[number] if pictures else None
        yield subject, face_of(picture, subject, landmarker, settings)


def cast(script: Script, portrait: Portrait, settings: SimulateSettings) -> tuple[Actor, Camera]:
    """Return who plays a recording, and what films it."""
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
    return Actor(portrait, expression_of(settings.seed, truth.subject, truth.action)), camera


def recording_key(truth: Truth, settings: SimulateSettings) -> tuple[int, str, str, str]:
    """Return what the draws of one recording depend on, besides what they are for."""
    return settings.seed, truth.subject, truth.action, truth.take


def expression_of(seed: int, subject: str, action: str) -> Expression:
    """Return what an action is: the same for all, or the subject's own for ``personal_N``."""
    if action in EXPRESSIONS:
        return EXPRESSIONS[action]
    rng = np.random.default_rng(draw_seed(seed, "personal", subject))
    return personal(rng, int(action.removeprefix("personal_")))


def skin_positions(
    settings: SimulateSettings, points: np.ndarray
) -> Iterator[tuple[Truth, np.ndarray]]:
    """Where points of the skin truly are, in every frame of every recording.

    Parameters
    ----------
    settings : SimulateSettings
        Those the recordings were made with.
    points : int [N]
        Landmarks, as :meth:`fmdata.synth.simulator.actor.Actor.positions` takes them.

    Yields
    ------
    Truth, float64 [T, N, 2]
        Pixels of the video.
    """
    scripts = list(write_scripts(settings))
    for subject, portrait in faces(settings, open_landmarker()):
        for script in scripts:
            if script.truth.subject == subject:
                actor, camera = cast(script, portrait, settings)
                where = [
                    actor.positions(points, t, float(intensity), camera, settings.size)
                    for t, intensity in enumerate(script.intensity)
                ]
                yield script.truth, np.stack(where)
