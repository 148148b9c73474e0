"""The reasons for which a recording is dropped, in plain words, and what to do about each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """A reason in plain words, and the next step for the user."""

    words: str
    todo: str


_LOOK = "look at the recording; then run `fmdata build --retry-dropped`"
_AGAIN = "record the take again, or leave it out"

REASONS: dict[str, Advice] = {
    "misplaced": Advice(
        "not at <subject>/<action>/<take>", "move the file to that level, or name it in a table"
    ),
    "bad_name": Advice("name not in UTF-8", "rename the file or folder"),
    "same_name": Advice(
        "same subject, action and take as another recording", "rename one of the two"
    ),
    "unreadable": Advice("no video can be opened", "copy the file again from the camera"),
    "too_large": Advice(
        "too many pixels or frames", "cut the recording, or raise `--max-frames` or free the disk"
    ),
    "truncated": Advice(
        "the file ends too early", "copy the file again, or correct `stop` in the table"
    ),
    "no_frames": Advice("no frame in the span", "correct `start` and `stop` in the table"),
    "no_motion": Advice("no motion in the session", "look at the recording, or leave it out"),
    "no_face": Advice("no face in any frame", "check that the face is in the picture, and lit"),
    "face_lost": Advice(
        "a face in too few frames", "cut the recording to the frames with a face, or lower "
        "`--min-detected`",
    ),
    "scene_cut": Advice(
        "two shots in one recording", "give each shot a row of a table, with `start` and `stop`"
    ),
    "unsteady": Advice("the head turns too far", f"raise `--max-pose-range`, or {_AGAIN}"),
    "failed": Advice("a library failed, or the machine was short of memory or files",
                     "run the same build again: it retries"),
    "crashed": Advice("its process crashed three times", _LOOK),
    "rejected": Advice("left out by a review", "nothing; to take it back, remove its row from the "
                       "table of `fmdata build --overrides`"),
    "not_kept": Advice("left out by the expression of `--keep`", "nothing; another `--keep`, or "
                       "none, takes it back without decoding"),
    "timed_out": Advice("slower than the time limit", "raise `--time-limit`, and add "
                        "`--retry-dropped`"),
}  # fmt: skip


def advice_of(reason: str) -> Advice:
    """Return the advice for a reason, also for one that this release does not know."""
    return REASONS.get(reason, Advice(reason, _LOOK))
