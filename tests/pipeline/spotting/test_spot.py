"""Onset, apex and offset are found on tracks of a real face whose motion is known to the frame.

The motion rises and falls as half a cosine; its first and last frames move by a fiftieth of it or
less, so an error of one frame is allowed.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fmdata.catalog.types import Motion, Track
from fmdata.pipeline.geometry.points import STABLE, to_68
from fmdata.pipeline.spotting.head_rotation import head_rotation
from fmdata.pipeline.spotting.spot import Spotting, spot
from tests.helpers.faces import eased, film

FPS = 30.0
TIMING = (20, 30, 45, 57)  # onset, apex, release, offset
HOLD = (20, 30, 70, 70)  # of 70 frames
BLINKS = (5, 33, 62)


def motion_of(track: Track, fps: float = FPS) -> Motion:
    motion = spot(track, fps).motion
    assert motion is not None
    return motion


def assert_near(motion: Motion, timing: tuple[int, int, int, int], onset: int, offset: int) -> None:
    """Onset and offset right to so many frames; the apex inside the plateau, or a frame early."""
    assert abs(motion.onset - timing[0]) <= onset
    assert abs(motion.offset - timing[3]) <= offset
    assert timing[1] - 1 <= motion.apex < timing[2]


@pytest.mark.parametrize("what", ["smile", "jaw", "brows", "wink"])
@pytest.mark.parametrize("head", [0.0, 3.0])
def test_a_motion_that_returns(what: str, head: float) -> None:
    motion = motion_of(film(75, what, TIMING, head=head, blinks=BLINKS))
    assert motion.style == "return"
    # A lid's own share of a wink is small, and its edges are less sharp.
    assert_near(motion, TIMING, onset=1, offset=2 if what == "wink" else 1)


@pytest.mark.parametrize("what", ["smile", "jaw", "brows", "wink"])
def test_a_motion_that_is_held(what: str) -> None:
    motion = motion_of(film(70, what, HOLD, head=3.0, blinks=BLINKS))
    assert motion.style == "hold"
    assert motion.offset == 70
    assert_near(motion, HOLD, onset=1, offset=0)


@pytest.mark.parametrize("seed", range(5))
def test_a_strongly_moving_head_does_not_shift_the_onset(seed: int) -> None:
    motion = motion_of(film(75, "smile", TIMING, head=15.0, blinks=BLINKS, seed=seed))
    assert_near(motion, TIMING, onset=2, offset=2)


@pytest.mark.parametrize("seed", range(5))
def test_a_motion_of_a_quarter_of_the_amplitude(seed: int) -> None:
    motion = motion_of(film(75, "jaw", TIMING, size=0.25, head=3.0, blinks=BLINKS, seed=seed))
    assert_near(motion, TIMING, onset=2, offset=3)


def test_a_motion_is_doubtful_beside_a_large_head_rotation() -> None:
    calm, turning = (
        spot(film(75, "smile", TIMING, size=0.4, head=head), FPS) for head in (0.0, 6.0)
    )
    assert calm.motion is not None
    assert turning.motion is not None
    assert not calm.is_doubtful
    assert turning.is_doubtful


@pytest.mark.parametrize(
    ("what", "is_of_lids"), [("wink", True), ("smile", False), ("brows", False)]
)
def test_a_wink_is_a_motion_of_the_lids(what: str, is_of_lids: bool) -> None:
    spotted = spot(film(75, what, TIMING), FPS)
    assert spotted.motion is not None
    assert not spotted.is_doubtful
    assert spotted.is_of_lids == is_of_lids


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_in_doubt_a_displacement_that_follows_the_head_is_not_a_motion(seed: int) -> None:
    """The head swings by 4 degrees, and the mesh deforms by 0.0025 IOD a degree."""
    track = film(90, head=4.0, seed=seed)
    rotation = head_rotation(track.landmarks, FPS)[:, :1, None]
    artefact = np.random.default_rng(seed).normal(0, 1, (1, 478, 3))
    artefact[:, STABLE] = 0
    bent = replace(track, landmarks=np.float32(track.landmarks + 80 * 0.0025 * rotation * artefact))
    assert spot(bent, FPS).is_doubtful
    assert spot(bent, FPS, in_doubt=True).motion is None
    smile = film(90, "smile", TIMING, head=4.0, seed=seed)
    assert spot(smile, FPS, in_doubt=True).motion is not None


def test_in_doubt_a_face_that_wanders_is_not_a_motion() -> None:
    """The brows wander up and down at random, and are never at rest for long."""
    steps = np.convolve(np.random.default_rng(3).normal(size=75).cumsum(), np.ones(9) / 9, "same")
    course = 0.24 * (steps - steps.mean()) / steps.std()
    base, brows = film(75, jitter=0.0), film(75, "brows", (0, 1, 75, 75), jitter=0.0)
    change = brows.landmarks[50] - base.landmarks[50]
    track = film(75)
    wander = replace(track, landmarks=np.float32(track.landmarks + course[:, None, None] * change))
    assert spot(wander, FPS).motion is not None
    assert spot(wander, FPS, in_doubt=True).motion is None


@pytest.mark.parametrize("what", ["smile", "jaw", "wink"])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_motion_is_found_if_the_head_moves_with_it(what: str, axis: str) -> None:
    """A rotation of 8 degrees has the same course as the motion."""
    track = film(75, what, TIMING)
    course = np.interp(np.arange(75), TIMING, [0, 1, 1, 0])
    turn = Rotation.from_euler(axis, 8 * course[:, None], degrees=True).as_matrix()
    middle = np.array([320, 240, 0])
    mesh = np.einsum("tij,tpj->tpi", turn, track.landmarks - middle) + middle
    nodding = replace(track, landmarks=mesh.astype(np.float32))
    assert not spot(nodding, FPS).is_doubtful
    assert_near(motion_of(nodding), TIMING, onset=2, offset=3)


def on_grid(track: Track) -> Track:
    """Return 68 points like FAN's, on a grid of 3 % of the interocular distance of 80 pixels."""
    points = to_68(track.landmarks)
    points[..., :2] = np.round(points[..., :2] / 2.4) * 2.4
    return replace(track, landmarks=points)


@pytest.mark.parametrize("head", [0.0, 1.5, 3.0, 8.0])
@pytest.mark.parametrize("seed", range(2))
def test_points_that_jump_on_a_grid_are_not_a_motion(head: float, seed: int) -> None:
    assert spot(on_grid(film(75, head=head, blinks=BLINKS, seed=seed)), FPS).motion is None


@pytest.mark.parametrize("head", [0.0, 3.0])
def test_a_clear_motion_is_found_on_a_grid(head: float) -> None:
    motion = motion_of(on_grid(film(75, "jaw", TIMING, head=head, blinks=BLINKS)))
    assert_near(motion, TIMING, onset=2, offset=2)


@pytest.mark.parametrize("head", [0.0, 3.0, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_blinks_and_head_rotation_are_not_a_motion(head: float, seed: int) -> None:
    assert spot(film(90, head=head, blinks=(10, 40, 70), seed=seed), FPS).motion is None


@pytest.mark.parametrize("what", ["smile", "wink"])
def test_a_mirrored_face_has_the_same_boundaries(what: str) -> None:
    motion = motion_of(film(75, what, TIMING, head=3.0, blinks=BLINKS))
    mirrored = motion_of(film(75, what, TIMING, head=3.0, blinks=BLINKS, mirror=True))
    assert abs(mirrored.onset - motion.onset) <= 1
    assert abs(mirrored.offset - motion.offset) <= 1
    assert mirrored.style == motion.style


def test_a_flash_keeps_its_edges() -> None:
    # Three frames: half way up, up, half way down.
    motion = motion_of(film(60, "smile", (30, 31, 32, 33)))
    assert (motion.onset, motion.apex, motion.offset) == (30, 31, 33)


def test_a_clip_that_begins_moving() -> None:
    timing = (0, 10, 25, 37)
    motion = motion_of(film(60, "smile", timing))
    assert_near(motion, timing, onset=1, offset=1)


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_boundaries_at_any_frame_rate(fps: float) -> None:
    # The same motion in seconds, a third of a second up and 0.4 s down. At 60 frames a second the
    # first frames move invisibly little.
    timing = tuple(round(fps * s) for s in (0.67, 1.0, 1.5, 1.9))
    motion = motion_of(film(round(2.5 * fps), "smile", timing), fps)
    assert_near(motion, timing, onset=round(fps / 30), offset=round(fps / 30))


def test_speech_that_ends_in_another_pose_is_not_held() -> None:
    # Four syllables; the final pose of the mouth is half a syllable away from its first.
    syllables = [film(90, "jaw", (s, s + 4, s + 5, s + 9), jitter=0.0) for s in (15, 26, 37, 48)]
    still = film(90, jitter=0.0).landmarks
    closed = film(90, "jaw", (48, 58, 90, 90), size=-0.6).landmarks
    speech = sum((t.landmarks - still for t in syllables), closed)
    track = Track(**{**vars(syllables[0]), "landmarks": speech.astype(np.float32)})
    motion = motion_of(track)
    assert motion.style == "return"
    assert abs(motion.onset - 15) <= 3
    assert abs(motion.offset - 58) <= 4


def test_intensity_is_the_displacement_from_neutral() -> None:
    spotting = spot(film(75, "jaw", TIMING), FPS)
    assert spotting.intensity.dtype == np.float32
    assert spotting.intensity.shape == (75,)
    assert spotting.intensity[:15].max() < 0.006
    assert spotting.intensity[35] == pytest.approx(
        motion_of(film(75, "jaw", TIMING)).amplitude_iod, rel=0.1
    )


def test_amplitude_and_snr_grow_with_the_motion() -> None:
    small, large = (motion_of(film(75, "jaw", TIMING, size=size)) for size in (0.5, 1.0))
    assert large.amplitude_iod == pytest.approx(2 * small.amplitude_iod, rel=0.1)
    assert large.snr > 1.5 * small.snr > 10


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 8])
def test_few_frames_without_a_motion(n: int) -> None:
    spotting = spot(film(n), FPS)
    assert spotting.motion is None
    assert spotting.intensity.shape == (n,)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_frames_in_motion(n: int) -> None:
    # Any valid motion will do; Motion checks itself.
    assert isinstance(spot(film(n, "jaw", (0, n - 1, n, n)), FPS), Spotting)


def test_the_result_is_deterministic() -> None:
    first, second = (spot(film(75, "smile", TIMING, head=3.0), FPS) for _ in range(2))
    assert first.motion == second.motion
    np.testing.assert_array_equal(first.intensity, second.intensity)


def together(*tracks: Track) -> Track:
    """Return the sum of the tracks' motions; the first frame of each is neutral."""
    base = tracks[0].landmarks[0]
    moves = sum((t.landmarks - base for t in tracks[1:]), tracks[0].landmarks)
    return replace(tracks[0], landmarks=np.float32(moves))


@pytest.mark.parametrize(
    "phases",
    [
        (("brows", 1.8), ("jaw", 0.5)),  # one part of the face, then another
        (("smile", 1.0), ("smile", -0.9)),  # one way, then the other
    ],
)
def test_two_phases_are_one_motion(phases: tuple[tuple[str, float], ...]) -> None:
    """The first phase rises at 20; the second rises while the first falls, and ends at 75.

    The boundaries of a motion of several phases are its crossings of 0.4 of its height.
    """
    timings = (20, 30, 40, 52), (46, 56, 64, 75)
    tracks = [
        film(100, what, timing, size=size, jitter=0.0)
        for (what, size), timing in zip(phases, timings, strict=True)
    ]
    noise = np.random.default_rng(0).normal(0, 0.1, tracks[0].landmarks.shape)
    both = together(*tracks)
    motion = motion_of(replace(both, landmarks=np.float32(both.landmarks + noise)))
    assert motion.style == "return"
    assert 20 <= motion.onset <= 25
    assert 68 <= motion.offset <= 75


def with_scores(track: Track, *changes: tuple[int, np.ndarray]) -> Track:
    """Return the track with expression scores: each of some channels has a course, 0 to 1."""
    scores = np.random.default_rng(0).normal(0.1, 0.005, (track.n_frames, 52))
    for channel, course in changes:
        scores[:, channel] += course
    return replace(track, blendshapes=np.float32(scores))


BROW_DOWN, BLINK_LEFT, JAW_OPEN, SMILE = [1, 2], 9, 25, [44, 45]


def test_scores_show_a_motion_that_a_turning_head_hides() -> None:
    """The head turns by 30 degrees and the mesh deforms with it; the brows go down meanwhile."""
    track = film(90, head=15.0)
    course = eased(90, 30, 40, 90, 90)
    bent = track.landmarks + 80 * 0.03 * course[:, None, None] * np.sin(np.arange(478))[:, None]
    frown = with_scores(
        replace(track, landmarks=np.float32(bent)), *((c, 0.6 * course) for c in BROW_DOWN)
    )
    motion = motion_of(frown)
    assert motion.style == "hold"
    assert abs(motion.onset - 30) <= 2


def test_a_blink_just_before_a_motion_is_not_its_beginning() -> None:
    """The eyes open as the smile begins, and the scores respond to the blink too."""
    blink = eased(75, 11, 14, 16, 20)
    track = film(75, "smile", TIMING, blinks=(12,))
    responses = [(channel, -0.1 * blink) for channel in SMILE] + [(19, 0.5 * blink)]
    smile = [(channel, 0.5 * eased(75, *TIMING)) for channel in SMILE]
    assert_near(motion_of(with_scores(track, *responses, *smile)), TIMING, onset=2, offset=1)


def test_a_motion_that_begins_with_a_wink_begins_with_the_lid() -> None:
    """The left eye closes at frame 12 and stays closed; the mouth moves from frame 20 on."""
    lid, smile = eased(75, 12, 15, 45, 57), eased(75, *TIMING)
    track = with_scores(
        film(75, "smile", TIMING),
        (BLINK_LEFT, 0.4 * lid),
        *((channel, 0.5 * smile) for channel in SMILE),
    )
    assert abs(motion_of(track).onset - 12) <= 2
    without = with_scores(film(75, "smile", TIMING), *((c, 0.5 * smile) for c in SMILE))
    assert abs(motion_of(without).onset - 20) <= 1


def test_a_partial_release_does_not_divide_a_motion() -> None:
    """The smile falls back to 0.4 of its height and rises again."""
    first, second = eased(100, 20, 28, 40, 52), eased(100, 46, 56, 64, 76)
    course = np.maximum(first, second)
    course[40:56] = np.maximum(course[40:56], 0.4)
    base, moved = film(100, jitter=0.0), film(100, "smile", (0, 1, 100, 100), jitter=0.0)
    mesh = base.landmarks + course[:, None, None] * (moved.landmarks[50] - base.landmarks[50])
    mesh += np.random.default_rng(0).normal(0, 0.1, mesh.shape)
    motion = motion_of(replace(base, landmarks=np.float32(mesh)))
    assert abs(motion.onset - 20) <= 1
    assert abs(motion.offset - 76) <= 2


def test_a_faint_first_phase_long_before_a_large_one_begins_the_motion() -> None:
    """The brows rise at frame 15 and are half released when the jaw drops, far further, at 48."""
    raised, timing = eased(110, 15, 23, 70, 85), (48, 58, 78, 93)
    raised[35:] = np.minimum(raised[35:], np.maximum(0.55, eased(110, 0, 1, 35, 45)[35:]))
    base, brows = film(110, jitter=0.0), film(110, "brows", (0, 1, 110, 110), size=0.6, jitter=0.0)
    jaw = film(110, "jaw", timing, jitter=0.004)
    change = brows.landmarks[50] - base.landmarks[50]
    both = replace(jaw, landmarks=np.float32(jaw.landmarks + raised[:, None, None] * change))
    both = with_scores(both, (JAW_OPEN, 0.6 * eased(110, *timing)))
    assert len(spot(both, FPS).motions) == 1
    assert abs(motion_of(both).onset - 15) <= 2


def test_every_motion_of_a_recording_is_listed() -> None:
    """Brows, jaw and smile, a second apart; the jaw moves furthest and is the clip's motion."""
    timings = (20, 28, 36, 46), (76, 86, 96, 108), (138, 146, 154, 164)
    tracks = [
        film(180, what, timing, jitter=0.0)
        for what, timing in zip(("brows", "jaw", "smile"), timings, strict=True)
    ]
    noise = np.random.default_rng(0).normal(0, 0.1, tracks[0].landmarks.shape)
    both = together(*tracks)
    spotting = spot(replace(both, landmarks=np.float32(both.landmarks + noise)), FPS)
    spans = [(motion.onset, motion.offset) for motion in spotting.motions]
    assert np.abs(np.subtract(spans, [(t[0], t[3]) for t in timings])).max() <= 2
    assert spotting.motion == spotting.motions[1]
    for onset, offset in spans:
        assert spotting.intensity[(onset + offset) // 2] > 0.02
    assert spotting.intensity[112:134].max() < 0.01


def test_a_rotation_that_deforms_the_mesh_is_not_a_motion() -> None:
    """The head swings by ten degrees, which deforms the mesh by 0.01 IOD."""
    track = film(90, head=10.0)
    rotation = head_rotation(track.landmarks, FPS)[:, :1, None]
    artefact = np.random.default_rng(0).normal(0, 1, (1, 478, 3))
    artefact[:, STABLE] = 0
    bent = track.landmarks + 80 * 0.001 * rotation * artefact
    assert spot(replace(track, landmarks=np.float32(bent)), FPS).motion is None


def test_the_lead_counts_the_frames_at_rest_before_the_motion() -> None:
    assert abs(motion_of(film(75, "smile", TIMING)).lead - 20) <= 2
    assert motion_of(film(55, "smile", (0, 10, 25, 37))).lead <= 2


def test_the_style_margin_is_small_for_a_motion_half_way_back() -> None:
    back, held = motion_of(film(75, "smile", TIMING)), motion_of(film(70, "smile", HOLD))
    assert min(back.style_margin, held.style_margin) > 0.8
    assert motion_of(film(60, "smile", (20, 30, 45, 76))).style_margin < 0.5
