"""Sentences of a dataset's introduction that several files share."""

from fmdata.catalog.cards.facts import Facts, release
from fmdata.catalog.storage.place import INTRODUCTION_MARK

NO_LICENSE = (
    "No license is stated. Without one nobody may use the dataset; its owner states one with "
    "`fmdata card --license`."
)
NO_SOURCE = "Its owner does not state where the recordings are from."
NO_CONSENT = "Its owner does not state what the people in it have consented to."
USES = (
    "Training and evaluation of systems that find, represent and distinguish facial motions.",
    "Not for the identification of people, and not for conclusions on what somebody feels, thinks "
    "or is: a motion of the face is none of these.",
)
LIMITS = (
    "Onset, apex and offset are measured by a program, unless the column `motion_from` is `given`.",
    "Compounds join two motions of one person; nobody has made them in this order, and the frames "
    "at a joint may jump (column `seam`).",
    "Nothing is known about age, sex, skin or health of the people, unless a label says so; so no "
    "balance between groups is claimed.",
)
_ORIGINS = {
    "": "Recordings of faces (whether filmed or simulated is not stated)",
    "filmed": "Filmed recordings of faces",
    "simulated": "Simulated recordings of faces",
    "both": "Filmed and simulated recordings of faces",
}
_LANDMARKS = {"mediapipe": "MediaPipe", "litert": "MediaPipe's networks", "fan": "FAN"}


def marked(facts: Facts) -> str:
    """Return the mark of a file, with the digest of the dataset's card that it describes."""
    return mark(facts.card_sha256)


def mark(card_sha256: str) -> str:
    """Return the mark of a file that was written for a card, by this release."""
    return f"{INTRODUCTION_MARK} Of the card {card_sha256}, by fmdata {release()}."


def collected(facts: Facts) -> str:
    """Return how the dataset was made: filmed or simulated, cut by a program, spliced."""
    settings = facts.card.actions.settings
    landmarks = settings.get("landmarks")
    how = _LANDMARKS.get(landmarks, "a program") if isinstance(landmarks, str) else "a program"
    words = [
        f"{_ORIGINS[facts.stated.origin]}, cut into clips of one facial motion by fmdata "
        f"{facts.card.fmdata}: each frame has landmarks by {how}, a crop that is aligned by points "
        "that expressions do not move, and each clip the onset, apex and offset of its motion."
    ]
    if facts.summary.compounds is not None:
        words.append("Compounds are spliced by a program from two motions of one person.")
    return " ".join(words)


def personal(facts: Facts) -> str:
    """Return what in the dataset can identify a person."""
    if facts.is_pseudonymous:
        names = "subjects have pseudonyms (keyed digests of their names)"
    else:
        names = "subjects have the names that its owner gave them"
    return f"The clips show faces, by which people can be recognised; {names}."


def preprocessing(facts: Facts) -> str:
    """Return what was left out and changed before the clips were stored."""
    reasons = ", ".join(f"{n} {reason}" for reason, n in facts.summary.dropped_reasons.items())
    return (
        f"Of {facts.summary.recordings} recordings {facts.summary.dropped} were dropped"
        + (f" ({reasons})" if reasons else "")
        + f". Frames are aligned crops of {facts.card.size} × {facts.card.size} pixels, as JPEG."
    )
