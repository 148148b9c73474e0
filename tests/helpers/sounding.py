"""Videos with sound: the picture turns from dark to bright when a tone begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

FPS, SIDE = 25, 64
VIDEO = {".webm": "libvpx", ".avi": "mpeg4", ".mpg": "mpeg1video"}
AUDIO = {".webm": "libopus", ".avi": "pcm_s16le", ".mpg": "mp2"}
LEVEL = 0.5  # of full scale
TONE_HZ = 1000


@dataclass(frozen=True)
class Sound:
    """One stream of sound: silence from `begin_s` on, then a tone from `tone_s` to `end_s`.

    `gap_s` bounds a time for which the file has no sound at all. A stream that is `default` is
    marked so.
    """

    tone_s: float = 1.0
    begin_s: float = 0.0
    end_s: float = 3.0
    gap_s: tuple[float, float] | None = None
    rate: int = 48_000
    default: bool = True

    def samples(self, begin_s: float, end_s: float) -> np.ndarray:
        """Return the samples of a time, int16 [N]."""
        times = np.arange(round(begin_s * self.rate), round(end_s * self.rate)) / self.rate
        wave = LEVEL * np.sin(2 * np.pi * TONE_HZ * (times - self.tone_s))
        return np.where(times >= self.tone_s, wave * 32767, 0).astype(np.int16)

    @property
    def parts_s(self) -> list[tuple[float, float]]:
        """Begin and end of the parts that the file has."""
        if self.gap_s is None:
            return [(self.begin_s, self.end_s)]
        return [(self.begin_s, self.gap_s[0]), (self.gap_s[1], self.end_s)]


def write_sounding_video(
    path: Path,
    *sounds: Sound,
    flash_s: float = 1.0,
    length_s: float = 3.0,
    first_s: float = 0.0,
    codec: str = "",
) -> Path:
    """Write a video of 64 × 64 pixels at 25 frames/s that is bright from `flash_s` on.

    All times are on one clock, on which the picture begins at `first_s`. The suffix of `path`
    chooses the container and codecs; `codec` names another one for the sound.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream(VIDEO.get(path.suffix, "libx264"), rate=FPS)
        video.width = video.height = SIDE
        video.pix_fmt = "yuv420p"
        streams = [_stream(container, codec or AUDIO.get(path.suffix, "aac"), s) for s in sounds]
        packets = [_pictures(video, flash_s, first_s, length_s)]
        packets += [_sound(stream, sound) for stream, sound in zip(streams, sounds, strict=True)]
        for packet in sorted((p for of in packets for p in of), key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    return path


def _stream(container: Any, codec: str, sound: Sound) -> Any:
    stream = container.add_stream(codec, rate=sound.rate)
    stream.layout = "mono"
    stream.disposition = av.stream.Disposition.default if sound.default else 0
    return stream


def _pictures(stream: Any, flash_s: float, first_s: float, length_s: float) -> list[Any]:
    packets = []
    for n in range(round(first_s * FPS), round(length_s * FPS)):
        level = 230 if n / FPS >= flash_s else 20
        rgb = np.full((SIDE, SIDE, 3), level, np.uint8)
        frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
        frame.pts, frame.time_base = n, Fraction(1, FPS)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _sound(stream: Any, sound: Sound) -> list[Any]:
    context = stream.codec_context
    packets = []
    for begin_s, end_s in sound.parts_s:
        samples = sound.samples(begin_s, end_s)
        size = context.frame_size or 1024
        for at in range(0, len(samples), size):
            part = samples[at : at + size]
            part = np.pad(part, (0, size - len(part))) if context.frame_size else part
            packets += stream.encode(_frame(part, context, round(begin_s * sound.rate) + at))
    return packets + stream.encode(None)


def _frame(samples: np.ndarray, context: Any, pts: int) -> Any:
    frame = av.AudioFrame.from_ndarray(_as(samples, context.format.name), context.format.name,
                                       layout="mono")  # fmt: skip
    frame.sample_rate, frame.pts = context.sample_rate, pts
    frame.time_base = Fraction(1, context.sample_rate)
    return frame


def _as(samples: np.ndarray, form: str) -> np.ndarray:
    if form.startswith("flt"):
        return (samples.astype(np.float32) / 32768)[None]
    return samples[None]


def onset_s(samples: np.ndarray, rate: int) -> float:
    """Return the time of the first sample that is a tenth of the tone's amplitude, in seconds."""
    return float(np.argmax(np.abs(samples.astype(int)) > LEVEL * 3276)) / rate


def add_sound(source: Path, target: Path, sound: Sound) -> Path:
    """Copy the packets of a video, and add a stream of sound."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        video = new.add_stream_from_template(old.streams.video[0])
        stream = _stream(new, "aac", sound)
        packets = [packet for packet in old.demux(video=0) if packet.size]
        for packet in packets:
            packet.stream = video
        for packet in sorted([*packets, *_sound(stream, sound)], key=lambda p: p.dts * p.time_base):
            new.mux(packet)
    return target


def write_with_damaged_sound(source: Path, target: Path, changed: Sequence[int]) -> Path:
    """Copy a file's packets; those of its packets of sound with some numbers are made noise."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
        n = 0
        for packet in old.demux():
            if not packet.size:  # the end of a stream
                continue
            stream = streams[packet.stream_index]
            if packet.stream.type == "audio":
                packet = _noise(packet, n) if n in changed else packet
                n += 1
            packet.stream = stream
            new.mux(packet)
    return target


def _noise(packet: Any, seed: int) -> Any:
    noise = av.Packet(np.random.default_rng(seed).bytes(packet.size))
    noise.pts, noise.dts, noise.duration = packet.pts, packet.dts, packet.duration
    noise.time_base = packet.time_base
    return noise
