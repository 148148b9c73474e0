"""Simulated recordings: animated faces whose onset, apex and offset are known exactly.

Writes ``raw/<subject>/<action>/<take>.mp4``, for heads ``raw/truth.frames.parquet``, and
``raw/truth.csv`` last. A recording depends on the
settings, its subject, action and take, and on nothing else: another subject or take changes no
other file, and the same settings give the same bytes. A folder with any other file is refused.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path

import numpy as np

from fmdata.catalog.errors import UsageError
from fmdata.catalog.keys import draw_seed
from fmdata.catalog.printable import printable
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage.files import write_atomically
from fmdata.drawing.video import encode_mp4
from fmdata.synth.simulator.actor import Actor, Cast
from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.cast import act, open_cast
from fmdata.synth.simulator.frames import FRAMES, write_frames
from fmdata.synth.simulator.roles import recording_key
from fmdata.synth.simulator.script import Script, Truth, write_scripts
from fmdata.synth.simulator.session.draw import play_session
from fmdata.synth.simulator.session.script import Session, write_sessions
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.timing.moment import Moment

__all__ = ["STAMP", "TRUTH", "SimulateSettings", "Simulated", "Truth", "simulate"]

TRUTH = "truth.csv"
STAMP = "simulate.json"
_VERSION = 5  # raise it with every change of the rendered bytes


@dataclass(frozen=True)
class Simulated:
    """Result of a simulation; prints as the number of recordings and their place.

    Attributes
    ----------
    raw : Path
        Folder of the recordings.
    truths : list of Truth
        Ground truth of every recording, sorted by subject, action and take; of every motion of
        sessions, in the order of time.
    """

    raw: Path
    truths: list[Truth]

    def __str__(self) -> str:
        raw, truth = printable(str(self.raw)), printable(str(self.raw / TRUTH))
        n = len({truth.path for truth in self.truths})
        sessions = "" if n == len(self.truths) else f" of {len(self.truths)} motions"
        return f"{n} recordings{sessions} in {raw}, ground truth in {truth}"


def simulate(raw: Path, settings: SimulateSettings, progress: Progress = SILENT) -> Simulated:
    """Write the recordings and their ground truth.

    Parameters
    ----------
    raw : Path
        Folder to fill: new, empty, or filled with the same settings before.
    settings : SimulateSettings
        Number, content and quality of the recordings.
    progress : Progress
        Receives one step per recording.

    Raises
    ------
    UsageError
        When `raw` holds other files, or there are fewer portraits than subjects.
    InputError
        For a portrait that cannot be read, or has no face.
    ModelError
        When the extra ``heads`` is needed and missing.
    """
    cast = open_cast(settings)
    scripts: list[Script] | list[Session] = (
        list(write_sessions(settings)) if settings.session_s else list(write_scripts(settings))
    )
    cast.check()
    _claim(raw, _stamp(settings, cast), {script.path for script in scripts})
    progress.start("simulate", len(scripts), "recordings")
    _film(raw, scripts, cast, settings, progress)
    truths = [truth for script in scripts for truth in script.truths]
    write_atomically(raw / TRUTH, _csv(truths))
    return Simulated(raw, truths)


def _film(
    raw: Path,
    scripts: Iterable[Script | Session],
    cast: Cast,
    settings: SimulateSettings,
    progress: Progress,
) -> None:
    """Write the recordings subject by subject, and the truth of their frames."""
    with write_frames(raw / FRAMES, cast) as frames:
        for script in scripts:
            plays, camera = _played(script, cast, settings)
            path = raw / script.path
            path.parent.mkdir(parents=True, exist_ok=True)
            pictures = draw_frames(script.recording, plays, camera, settings)
            write_atomically(path, encode_mp4(pictures, settings.fps, settings.crf))
            frames.add(script.path, camera, plays)
            progress.step()


def _played(
    script: Script | Session, cast: Cast, settings: SimulateSettings
) -> tuple[list[tuple[Actor, Moment]], Camera]:
    """Return the actor and the state of the face in every frame, and the camera."""
    if isinstance(script, Session):
        return play_session(script, cast, settings)
    actor, camera = act(cast, script, settings)
    return [(actor, script.moment(t)) for t in range(script.truth.n_frames)], camera


def draw_frames(
    recording: Truth,
    plays: Iterable[tuple[Actor, Moment]],
    camera: Camera,
    settings: SimulateSettings,
) -> Iterator[np.ndarray]:
    """Draw the frames of a recording in order, uint8 [size, size, 3] RGB."""
    sensor = np.random.default_rng(draw_seed("sensor", *recording_key(recording, settings)))
    for t, (actor, moment) in enumerate(plays):
        yield camera.expose(actor.frame(t, moment, camera, settings.size), t, sensor)


def _stamp(settings: SimulateSettings, cast: Cast) -> bytes:
    """Return the content of the stamp: version, settings and digests of the portraits."""
    facts = {"simulator": _VERSION, **asdict(settings)}
    facts["portraits"] = [sha256(path.read_bytes()).hexdigest() for path in cast.sources()]
    return (json.dumps(facts, indent=1) + "\n").encode()


def _claim(raw: Path, stamp: bytes, paths: set[str]) -> None:
    """Write the stamp into `raw`, or refuse a folder that holds anything else."""
    if raw.exists() and not raw.is_dir():
        _refuse_folder(raw, "a file")
    files = (p for p in raw.rglob("*") if not p.is_dir() and not p.name.startswith("."))
    found = {p.relative_to(raw).as_posix() for p in files}
    stamped = raw / STAMP
    if found and STAMP not in found:
        _refuse_folder(raw, f"a folder that already holds files, such as {min(found)}")
    if found and stamped.read_bytes() != stamp:
        _refuse_folder(raw, "a folder simulated with other settings or by another version")
    # Temporary files of an interrupted run are overwritten.
    foreign = {name.removesuffix(".part") for name in found} - paths - {STAMP, TRUTH, FRAMES}
    if foreign:
        _refuse_folder(raw, f"a file that is not part of this simulation: {min(foreign)}")
    raw.mkdir(parents=True, exist_ok=True)
    write_atomically(stamped, stamp)


def _csv(truths: list[Truth]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Truth)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(truth) for truth in truths)
    return text.getvalue().encode()


def _refuse_folder(raw: Path, got: str) -> None:
    raise UsageError(
        got,
        wanted="a new or empty folder, or one filled by the same command before",
        where=str(raw),
        todo="name another folder, or remove this one",
    )
