"""Verification of a sample's WAV: its header, its length, and the seconds of sound in its row."""

from typing import IO

from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.storage.schema import per_frame
from fmdata.catalog.storage.tars.wav import (
    HEADER_BYTES,
    SOUND_RATE,
    n_samples,
    samples_in,
    wav_header,
)


def problem_of_sound(file: IO[bytes], clip: Clip) -> str | None:
    """Return the problem of the WAV of a sample in an open tar, or None."""
    row = clip.row
    if not isinstance(clip, ActionClip):
        return "sound in a compound" if clip.has_sound else None
    if not clip.has_sound:
        return None if row["sound_s"] is None else f"{row['sound_s']} s of sound without a WAV"
    try:
        n, wanted = samples_in(row["wav_size"]), _n_wanted(clip)
    except ValueError as error:
        return str(error)
    file.seek(row["wav_offset"])
    if file.read(HEADER_BYTES) != wav_header(n):
        return f"not the header of a WAV of {n} samples, {SOUND_RATE} a second"
    if n not in (0, wanted):
        return f"a WAV of {n} samples, wanted {wanted} for its frames, or none"
    if row["sound_s"] is None or not 0 <= row["sound_s"] * SOUND_RATE <= n:
        return f"{row['sound_s']} s of sound in a WAV of {n / SOUND_RATE} s"
    return None


def _n_wanted(clip: Clip) -> int:
    """Return the number of samples that the times of a clip's frames ask for."""
    first_s = last_s = 0.0
    for number, block in enumerate(clip.frame_blocks(["timestamp"])):
        times = per_frame(block["timestamp"])
        first_s = float(times[0]) if number == 0 else first_s
        last_s = float(times[-1])
    return n_samples(first_s, last_s, clip.fps)
