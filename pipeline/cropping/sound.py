"""From the sound of a recording to the WAV of a clip, cut by time.

Promise: sample 0 is at the time of the clip's first frame, and the last sample at the end of its
last frame. Silence fills what has no sound. Memory does not grow with the length.
"""

from pathlib import Path
from typing import IO

import numpy as np
from av import AudioFrame, FFmpegError
from av.audio.resampler import AudioResampler

from fmdata.catalog.storage.tars.wav import SOUND_RATE, n_samples, wav_header
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.sound.clock import Piece
from fmdata.pipeline.reading.sound.decode import sound_of

_SILENCE = bytes(1 << 16)


def write_sound(recording: Recording, times_s: np.ndarray, fps: float, wav: Path) -> float:
    """Write the sound of a clip as a WAV, mono; one without samples where there is no sound.

    Parameters
    ----------
    recording : Recording
        The recording of the clip.
    times_s : float64 [T]
        Times of the clip's frames, in seconds after the first frame of the file.
    fps : float
        Frames per second of the clip.
    wav : Path
        The file to write.

    Returns
    -------
    float
        Seconds of the clip that have sound; the others are silence.

    Raises
    ------
    RecordingError
        When the recording cannot be opened any more. Damage of the sound is no error.
    """
    first_s, last_s = float(times_s[0]), float(times_s[-1])
    with sound_of(recording) as pieces, wav.open("wb") as file:
        n = 0 if pieces is None else n_samples(first_s, last_s, fps)
        file.write(wav_header(n))
        cut = _Cut(file, first_s, n)
        for piece in pieces or ():
            if piece.start_s >= first_s + n / SOUND_RATE:
                break
            if piece.end_s > first_s:
                cut.add(piece)
        cut.close()
    return cut.n_heard / SOUND_RATE


class _Cut:
    """Resamples pieces of sound, and writes the samples of a clip in order.

    Parameters
    ----------
    file : binary file
        Receives the samples.
    first_s : float
        Time of the first sample.
    n : int
        Number of samples.

    Attributes
    ----------
    n_heard : int
        Samples written so far that are sound, not silence that fills a gap.
    """

    def __init__(self, file: IO[bytes], first_s: float, n: int) -> None:
        self._file, self._first_s, self._n = file, first_s, n
        self._written = self.n_heard = 0
        self._resampler: AudioResampler | None = None
        self._at = 0  # place of the next resampled sample in the clip

    def add(self, piece: Piece) -> None:
        """Add a piece, which begins after all that were added."""
        if self._resampler is None or not piece.joins:
            self._flush()
            self._resampler = AudioResampler("s16", "mono", SOUND_RATE)
            self._at = round((piece.start_s - self._first_s) * SOUND_RATE)
        self._resample(piece.frame)

    def close(self) -> None:
        """Write what is left, and silence up to the end."""
        self._flush()
        self._fill(self._n)

    def _flush(self) -> None:
        self._resample(None)
        self._resampler = None

    def _resample(self, frame: AudioFrame | None) -> None:
        """Write what is resampled after one more frame, or after the last; nothing on an error."""
        if self._resampler is None:
            return
        try:
            frames = self._resampler.resample(frame)
        except (FFmpegError, ValueError):  # a layout or a format that cannot be converted
            self._resampler = None
            return
        for resampled in frames:
            samples = resampled.to_ndarray().reshape(-1)
            self._write(samples[max(self._written - self._at, 0) : max(self._n - self._at, 0)])
            self._at += len(samples)

    def _write(self, samples: np.ndarray) -> None:
        """Write samples that end a run so far, after silence up to their place."""
        if len(samples):
            self._fill(max(self._at, self._written))
            self._file.write(samples.astype("<i2").tobytes())
            self._written += len(samples)
            self.n_heard += len(samples)

    def _fill(self, stop: int) -> None:
        """Write silence up to a place."""
        n_bytes = 2 * (stop - self._written)
        while n_bytes > 0:
            n_bytes -= self._file.write(_SILENCE[:n_bytes])
        self._written = max(stop, self._written)
