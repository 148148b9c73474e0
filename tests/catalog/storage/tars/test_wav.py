"""The WAV of a clip is one that other programs read, with a length that follows from its frames."""

import io
import wave

import numpy as np
import pytest

from fmdata.catalog.storage.tars.wav import (
    BLOCK_BYTES,
    MAX_SAMPLES,
    SOUND_RATE,
    n_samples,
    samples_in,
    wav_array,
    wav_blocks,
    wav_header,
)


def test_python_itself_reads_the_same_samples() -> None:
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, 777).astype("<i2")
    data = wav_header(777) + samples.tobytes()
    with wave.open(io.BytesIO(data)) as file:
        form = file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()
        assert form == (1, 2, SOUND_RATE, 777)
        assert file.readframes(777) == samples.tobytes()
    np.testing.assert_array_equal(wav_array(data), samples)
    assert len(wav_array(wav_header(0))) == 0


def test_python_itself_writes_the_same_bytes() -> None:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setparams((1, 2, SOUND_RATE, 0, "NONE", ""))
        file.writeframes(bytes(200))
    assert written.getvalue() == wav_header(100) + bytes(200)


@pytest.mark.parametrize("change", [lambda d: d[:-2], lambda d: d + b"xx", lambda d: d[:-1],
                                    lambda d: b"RIFX" + d[4:], lambda d: d[:40]])  # fmt: skip
def test_anything_else_is_refused(change) -> None:
    with pytest.raises(ValueError, match="WAV"):
        wav_array(change(wav_header(10) + bytes(20)))


def test_the_length_covers_the_last_frame() -> None:
    """Three frames at 25 a second last 0.12 s, wherever they lie in their file."""
    assert n_samples(0, 0.08, 25) == 1920
    assert n_samples(1000.0, 1000.08, 25) == pytest.approx(1920, abs=1)
    assert n_samples(5, 5, 1000) == 16
    assert n_samples(0, 1e9, 25) == MAX_SAMPLES
    assert samples_in(len(wav_header(0)) + 2 * 1920) == 1920


def test_blocks_are_seconds_and_cover_all_samples() -> None:
    size = len(wav_header(40_000)) + 80_000
    blocks = wav_blocks(512, size)
    assert blocks.tolist() == [[556, BLOCK_BYTES], [32_556, BLOCK_BYTES], [64_556, 16_000]]
    assert blocks[-1].sum() == 512 + size
    assert len(wav_blocks(512, len(wav_header(0)))) == 0
