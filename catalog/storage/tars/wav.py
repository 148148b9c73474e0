"""The WAV of a clip: 16-bit PCM, mono, at one rate, from the first frame to the end of the last.

The length follows from the times of the frames as the table of frames has them, so a file can be
checked against its clip. A clip without sound has a WAV without samples.
"""

import struct

import numpy as np

SOUND_RATE = 16_000  # samples a second
_BYTES = 2  # of a sample
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_BYTES = _HEADER.size
BLOCK_BYTES = SOUND_RATE * _BYTES  # one second
MAX_SAMPLES = (2**32 - 1 - HEADER_BYTES) // _BYTES  # the format counts bytes in 32 bits; 37 hours


def n_samples(first_s: float, last_s: float, fps: float) -> int:
    """Return the number of samples from the first frame to the end of the last.

    Parameters
    ----------
    first_s, last_s : float
        Times of the two frames, rounded to float32 as in the table of frames.
    fps : float
        Frames per second of the clip; the last frame lasts 1 / `fps`.
    """
    span_s = float(np.float32(last_s)) - float(np.float32(first_s)) + 1 / fps
    return min(round(span_s * SOUND_RATE), MAX_SAMPLES)


def wav_header(n: int) -> bytes:
    """Return the bytes before the `n` samples of a WAV."""
    size = n * _BYTES
    return _HEADER.pack(
        *(b"RIFF", HEADER_BYTES - 8 + size, b"WAVE"),
        *(b"fmt ", 16, 1, 1, SOUND_RATE, BLOCK_BYTES, _BYTES, 8 * _BYTES),  # 1, 1: PCM, mono
        *(b"data", size),
    )


def samples_in(size: int) -> int:
    """Return the number of samples in a WAV of `size` bytes.

    Raises
    ------
    ValueError
        When a WAV cannot have that size.
    """
    n, rest = divmod(size - HEADER_BYTES, _BYTES)
    if rest or not 0 <= n <= MAX_SAMPLES:
        raise ValueError(f"a WAV of {size} bytes")
    return n


def wav_array(data: bytes) -> np.ndarray:
    """Return the samples of a WAV, int16 [N].

    Raises
    ------
    ValueError
        When its header is another one than such a file's.
    """
    n = samples_in(len(data))
    if not data.startswith(wav_header(n)):
        raise ValueError(f"not a WAV of {n} samples, {SOUND_RATE} a second")
    return np.frombuffer(data, "<i2", offset=HEADER_BYTES).astype(np.int16)


def wav_blocks(offset: int, size: int) -> np.ndarray:
    """Return the places of the seconds of a WAV at an offset, int64 [N, 2]: offset, size."""
    starts = np.arange(HEADER_BYTES, size, BLOCK_BYTES)
    return np.stack([offset + starts, np.minimum(BLOCK_BYTES, size - starts)], axis=1)
