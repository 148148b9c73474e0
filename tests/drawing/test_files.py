"""Saved pictures hold the right frames at the right times, and the same bytes each time."""

import io

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from fmdata.drawing.files import KINDS, picture
from fmdata.drawing.strip import Look
from tests.helpers.scenes import N_FRAMES, grey_scene, level

WIDTH = 240
CENTRE = (WIDTH // 2, 100)  # in the crop of an animation


def frames_of(data: bytes) -> list[Image.Image]:
    with Image.open(io.BytesIO(data)) as animation:
        return [frame.convert("RGB") for frame in ImageSequence.Iterator(animation)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_scene_gives_the_same_bytes(kind: str) -> None:
    once, twice = (picture(grey_scene(), kind, WIDTH, 6, Look()) for _ in range(2))
    assert once == twice


def test_a_gif_shows_every_frame_in_order_for_ever() -> None:
    """All frames share 256 colours, so a level may be a few off."""
    data = picture(grey_scene(), ".gif", WIDTH, N_FRAMES, Look())
    shown = [frame.getpixel(CENTRE)[1] for frame in frames_of(data)]
    assert np.abs(np.subtract(shown, [level(i) for i in range(N_FRAMES)])).max() <= 8
    with Image.open(io.BytesIO(data)) as animation:
        assert animation.info["loop"] == 0
        assert animation.getpixel((1, 1)) == animation.convert("P").getpixel((1, 1))
        assert animation.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_the_times_of_a_gif_are_those_of_the_clip() -> None:
    """A GIF counts hundredths of a second: twelve frames at 30 a second still last 0.4 seconds."""
    durations = []
    with Image.open(io.BytesIO(picture(grey_scene(30), ".gif", WIDTH, 6, Look()))) as animation:
        for _ in ImageSequence.Iterator(animation):
            durations.append(animation.info["duration"])
    assert sum(durations) == 400
    assert set(durations) == {30, 40}


def test_a_video_shows_every_frame_at_its_time() -> None:
    """The intervals of a clip of varying rate are kept."""
    times = [0, 0.04, 0.08, 0.2, 0.24, 0.28, 0.32, 0.36, 0.4, 0.5, 0.54, 0.58]
    data = picture(grey_scene(times=times), ".mp4", WIDTH, 6, Look())
    with av.open(io.BytesIO(data)) as container:
        shown = [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    assert [time for time, _ in shown] == pytest.approx(times, abs=1e-4)
    levels = [int(pixels[CENTRE[1], CENTRE[0], 1]) for _, pixels in shown]
    assert np.abs(np.subtract(levels, [level(i) for i in range(N_FRAMES)])).max() <= 3


def test_a_strip_shows_the_marked_frames() -> None:
    """Four of twelve frames, side by side: those with a mark, and the first."""
    with Image.open(io.BytesIO(picture(grey_scene(), ".png", 400, 4, Look()))) as strip:
        row = np.asarray(strip.convert("L"))[80]
    for frame in (0, 3, 6, 9):
        assert (row == level(frame)).sum() > 60
    assert (row == level(5)).sum() == 0
