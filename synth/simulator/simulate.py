"""Simulated recordings: animated portraits whose onset, apex and offset are known exactly.

``raw/<subject>/<action>/<take>.mp4``, and ``raw/truth.csv`` written last. A recording depends on
the settings, its subject, action and take, and on nothing else: another subject or take changes no
other file, and the same settings give the same bytes. A folder that holds anything else is left
alone.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path

import numpy as np

from fmdata.catalog.errors import UsageError
from fmdata.catalog.keys import draw_seed
from fmdata.catalog.storage.files import write_atomically
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.synth.simulator.cast import cast, face_of, faces, portrait_files, recording_key
from fmdata.synth.simulator.portrait import Portrait
from fmdata.synth.simulator.script import Script, Truth, write_scripts
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.video import encode_mp4

__all__ = ["STAMP", "TRUTH", "SimulateSettings", "Truth", "simulate"]

TRUTH = "truth.csv"
STAMP = "simulate.json"
_VERSION = 4  # to be raised by whoever changes what is drawn


def simulate(
    raw: Path,
    settings: SimulateSettings,
    on_recording: Callable[[Truth], None] | None = None,
) -> list[Truth]:
    """Write the recordings and their truth.

    Parameters
    ----------
    raw : Path
        The folder to fill: new, empty, or filled by the same settings before.
    settings : SimulateSettings
        What to simulate.
    on_recording : callable, optional
        Told of every recording when its file is there.

    Raises
    ------
    UsageError
        When `raw` holds other files, or there are fewer portraits than subjects.
    InputError
        For a portrait that cannot be read, or has no face.
    """
    pictures = portrait_files(settings)
    scripts = {script.truth.path: script for script in write_scripts(settings)}
    landmarker = open_landmarker()
    for picture in pictures:  # a bad portrait is told of before anything is drawn
        face_of(picture, "", landmarker, settings)
    _claim(raw, _stamp(settings, pictures), set(scripts))
    for subject, portrait in faces(settings, landmarker):
        own = [script for script in scripts.values() if script.truth.subject == subject]
        for script in own:
            path = raw / script.truth.path
            path.parent.mkdir(parents=True, exist_ok=True)
            frames = draw_frames(script, portrait, settings)
            write_atomically(path, encode_mp4(frames, settings.fps, settings.crf))
            if on_recording is not None:
                on_recording(script.truth)
    truths = [script.truth for script in scripts.values()]
    write_atomically(raw / TRUTH, _csv(truths))
    return truths


def draw_frames(
    script: Script, portrait: Portrait, settings: SimulateSettings
) -> Iterator[np.ndarray]:
    """Draw a recording's frames, uint8 [size, size, 3] RGB, one by one."""
    actor, camera = cast(script, portrait, settings)
    grain = draw_seed("sensor", *recording_key(script.truth, settings))
    sensor = np.random.default_rng(grain)
    for t in range(script.truth.n_frames):
        frame = actor.frame(
            t, float(script.intensity[t]), float(script.blink[t]), camera, settings.size
        )
        yield camera.expose(frame, t, sensor)


def _stamp(settings: SimulateSettings, pictures: list[Path]) -> bytes:
    """Return what the recordings follow from, as a file: settings and the portraits' digests."""
    facts = {"simulator": _VERSION, **asdict(settings)}
    facts["portraits"] = [sha256(picture.read_bytes()).hexdigest() for picture in pictures]
    return (json.dumps(facts, indent=1) + "\n").encode()


def _claim(raw: Path, stamp: bytes, paths: set[str]) -> None:
    """Make `raw` this simulation's folder, or refuse because it is something else's."""
    if raw.exists() and not raw.is_dir():
        _refuse_folder(raw, "a file")
    files = (p for p in raw.rglob("*") if not p.is_dir() and not p.name.startswith("."))
    found = {p.relative_to(raw).as_posix() for p in files}
    marked = raw / STAMP
    if found and STAMP not in found:
        _refuse_folder(raw, f"a folder that already holds files, such as {min(found)}")
    if found and marked.read_bytes() != stamp:
        _refuse_folder(raw, "a folder simulated with other settings or by another version")
    # What an interrupted run left under a temporary name is simply written again.
    strange = {name.removesuffix(".part") for name in found} - paths - {STAMP, TRUTH}
    if strange:
        _refuse_folder(raw, f"a file that is not this simulation's: {min(strange)}")
    raw.mkdir(parents=True, exist_ok=True)
    write_atomically(marked, stamp)


def _csv(truths: list[Truth]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Truth)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(truth) for truth in truths)
    return text.getvalue().encode()


def _refuse_folder(raw: Path, got: str) -> None:
    raise UsageError(
        got,
        wanted="a new or empty folder, or one filled by exactly this command before",
        where=str(raw),
        todo="name another folder, or remove this one yourself",
    )
