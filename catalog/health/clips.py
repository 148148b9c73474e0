"""Checks of single clips: each is a rule on one row of the actions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fmdata.catalog.given import agreement
from fmdata.catalog.given.overlap import FOUND_IOU
from fmdata.catalog.health.line import DOUBT, NOTE, PROBLEM, HealthLine, Worst
from fmdata.catalog.storage.schema import MOTION

Row = Mapping[str, Any]

DOUBTFUL_IOD = 0.5  # amplitude times signal-to-noise ratio; as in spotting
MIN_MARGIN = 0.1
MIN_LEAD = 3  # frames
MAX_TURN_DEG = 20.0
MIN_BRIGHTNESS, MAX_BRIGHTNESS = 50.0, 220.0  # grey levels
# Variance of the Laplacian of a face blurred by 0.02 interocular distances, which a crop of 112
# pixels shows. It falls with the size of the face, down to that of rounded grey levels.
MIN_SHARPNESS, ROUNDED_SHARPNESS = 15.0, 2.0
SHARPNESS_PX = 90.0  # interocular distance up to which `MIN_SHARPNESS` holds
MIN_FACE_PX = 40.0
MIN_DETECTED = 0.97
MAX_SILENCE_S = 0.25
# Transfer functions of standard range, as FFmpeg names them; any other was converted.
STANDARD = ("unknown", "bt709", "smpte170m", "bt470m", "bt470bg", "iec61966-2-1", "bt2020-10")


@dataclass(frozen=True)
class Check:
    """A rule on one row; `badness` returns None where the clip keeps it, else how far it is off.

    `text` begins the sentence that goes on with the number of clips.
    """

    kind: str
    grade: str
    text: str
    todo: str
    badness: Callable[[Row], float | None]

    def line(self, worst: Worst, of: int) -> HealthLine:
        """Return the line for the clips that were found."""
        text = f"{self.text} in {worst.count} of {of} clips"
        return HealthLine(self.kind, self.grade, text, self.todo, worst.count, of, worst.keys())


def has_motion(row: Row) -> bool:
    """Return whether a row has all facts of a motion that it was asked for."""
    return all(row[name] is not None for name in MOTION if name in row)


def _below(column: str, limit: float) -> Callable[[Row], float | None]:
    """Return a rule: the value is at least `limit`."""
    return lambda row: limit - row[column] if row[column] < limit else None


def _above(column: str, limit: float) -> Callable[[Row], float | None]:
    """Return a rule: the value is at most `limit`."""
    return lambda row: row[column] - limit if row[column] > limit else None


def _where(is_odd: Callable[[Row], bool]) -> Callable[[Row], float | None]:
    return lambda row: 1.0 if is_odd(row) else None


def _of_motion(rule: Callable[[Row], float | None]) -> Callable[[Row], float | None]:
    """Return a rule that clips without a motion keep."""
    return lambda row: rule(row) if has_motion(row) else None


def _of_spotted(rule: Callable[[Row], float | None]) -> Callable[[Row], float | None]:
    """Return a rule that clips keep whose motion is given by a person."""
    return lambda row: rule(row) if row["motion_from"] == "spotted" else None


def _doubtful(row: Row) -> float | None:
    certainty = row["amplitude"] * row["snr"]
    return DOUBTFUL_IOD - certainty if certainty < DOUBTFUL_IOD else None


def min_sharpness(face_px: float) -> float:
    """Return the least sharpness of a face of so many pixels between the eyes that is not blurred.

    Eleven recordings blurred by 0, 0.01 … 0.08 interocular distances: faces of 66 to 98 pixels have
    a sharpness of 9 to 21 at 0.02, those of 138 to 241 pixels one of 2.2 to 4.3.
    """
    share = min(1.0, (SHARPNESS_PX / max(face_px, 1e-6)) ** 3)
    return ROUNDED_SHARPNESS + (MIN_SHARPNESS - ROUNDED_SHARPNESS) * share


def _blurred(row: Row) -> float | None:
    lacking = 1 - row["sharpness"] / min_sharpness(row["face_px"])
    return lacking if lacking > 0 else None


def _without_sound(row: Row) -> float | None:
    """Return the seconds of a clip without sound, if they are many; None in a dataset without."""
    if row["sound_s"] is None:
        return None
    silent_s: float = row["n_frames"] / row["fps"] - row["sound_s"]
    return silent_s if silent_s > MAX_SILENCE_S else None


def _disagreeing(row: Row) -> float | None:
    iou = agreement.iou_of(row)
    return None if iou is None or iou >= FOUND_IOU else 1 - iou


CHECKS = (
    Check("no_motion", PROBLEM, "No motion",
          "look whether the take shows the action; the clip makes no compounds",
          _where(lambda row: not has_motion(row))),
    Check("motions", PROBLEM, "More than one motion",
          "look which is meant; cut the recording by `start` and `stop` in a table",
          _of_spotted(lambda r: len(r["motions"]) - 1.0 if len(r["motions"]) > 1 else None)),
    Check("doubtful", DOUBT, "Weak or doubtful motion",
          "look at onset and offset, or leave the clip out", _of_spotted(_of_motion(_doubtful))),
    Check("style", DOUBT, "Return or hold uncertain",
          "look at the end of the clip", _of_motion(_below("style_margin", MIN_MARGIN))),
    Check("flash", DOUBT, "Flash motion (under 30 % of the frames)",
          "look whether it is the whole action", _of_motion(_where(lambda row: row["flash"]))),
    Check("lead", DOUBT, f"Fewer than {MIN_LEAD} frames at rest before the onset",
          "begin recordings with a neutral face", _of_motion(_below("lead", MIN_LEAD))),
    Check("faces", DOUBT, "More than one face",
          "look whether the clip follows the right person",
          _where(lambda row: row["faces"] > 1 and row["person"] == "largest")),
    Check("lost", DOUBT, f"Face missing in more than {1 - MIN_DETECTED:.0%} of the frames",
          "look what hides the face", _below("detected_share", MIN_DETECTED)),
    Check("unsteady", DOUBT, f"Unsteady head (turns by more than {MAX_TURN_DEG:.0f}°)",
          "look at the clip, or build with `--max-pose-range`",
          _above("pose_range", MAX_TURN_DEG)),
    Check("dark", DOUBT, f"Dark face (mean grey level below {MIN_BRIGHTNESS:.0f})",
          "add light for the next takes", _below("brightness", MIN_BRIGHTNESS)),
    Check("bright", DOUBT, f"Overexposed face (mean grey level above {MAX_BRIGHTNESS:.0f})",
          "lower the exposure for the next takes", _above("brightness", MAX_BRIGHTNESS)),
    Check("blurred", DOUBT, f"Blurred face (sharpness below {MIN_SHARPNESS:.0f}, of a large face "
          "below less)", "check the focus for the next takes", _blurred),
    Check("small", DOUBT, f"Small face (under {MIN_FACE_PX:.0f} pixels between the eyes)",
          "record from nearer, or with more pixels", _below("face_px", MIN_FACE_PX)),
    Check("uneven", DOUBT, "Uneven frame rate (intervals off by more than a fifth)",
          "record at a constant rate; `timestamp` has the true times",
          _above("uneven_share", 0.0)),
    Check("sound", DOUBT, f"No sound for more than {MAX_SILENCE_S:g} s",
          "look whether the file's sound is damaged, missing, or at another rate than `fps` says",
          _without_sound),
    Check("disagreeing", DOUBT, "Given and spotted motion hardly overlap (IoU below 0.5)",
          "look whether the table counts frames as fmdata does, or which of the two is wrong",
          _disagreeing),
    Check("reviewed", NOTE, "Changed by a review",
          "nothing; the table of `fmdata build --overrides` decides",
          _where(lambda row: row["review"] is not None)),
    Check("transfer", NOTE, "Colours converted from another transfer function (HLG, PQ)",
          "nothing, if the crops look right",
          _where(lambda row: row["transfer"] not in STANDARD)),
    Check("interlaced", NOTE, "Interlaced frames, deinterlaced",
          "record progressive frames if you can", _where(lambda row: row["interlaced"])),
    Check("turned", NOTE, "Face turned upright",
          "nothing, if the crops look right", _where(lambda row: row["turned"] != 0)),
    Check("pixels", NOTE, "Pixels that are not square, made square",
          "nothing, if the crops look right",
          _where(lambda row: abs(row["sample_aspect_ratio"] - 1) > 0.01)),
)  # fmt: skip
COLUMNS = (
    "onset", "amplitude", "snr", "motions", "style_margin", "flash", "lead", "faces", "person",
    "detected_share", "pose_range", "brightness", "sharpness", "face_px", "transfer", "interlaced",
    "turned", "sample_aspect_ratio", "uneven_share", "motion_from", "review",
    "sound_s", "n_frames", "fps", *agreement.COLUMNS,
)  # fmt: skip


class ClipChecks:
    """All checks of single clips, in one pass over the rows."""

    def __init__(self) -> None:
        self.clips = 0
        self._found = {check: Worst() for check in CHECKS}

    def add(self, row: Row) -> None:
        """Check the row of a clip."""
        self.clips += 1
        for check, worst in self._found.items():
            badness = check.badness(row)
            if badness is not None:
                worst.add(row["key"], badness)

    def lines(self) -> list[HealthLine]:
        """Return a line for each check that some clips do not pass."""
        return [c.line(worst, self.clips) for c, worst in self._found.items() if worst.count]
