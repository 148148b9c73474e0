"""What a recipe can be told, as plain values that go to JSON and come back."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from fmdata.catalog.errors import UsageError

CLIPS = ("actions", "compounds")
WHERE, WHERE_LANDMARKS = "the encoder's settings", "the encoder's settings, in `landmarks`"
OPTIONS = ("seed", "epochs")  # of the command line, that are ranges
MOST = 2**32 - 1


@dataclass(frozen=True)
class LandmarkSettings:
    """How the spatial feature extractor (SFE-L) is made.

    Attributes
    ----------
    size, channels : int
        Side of the images it sees, in pixels; 1 for grey, 3 for RGB.
    width : float
        Of its layers; 1 is the published MobileFaceNet.
    frames : int
        Frames of a clip to learn from; neighbouring frames teach little.
    epochs, steps, batch : int
        Number of epochs, mini-batches in an epoch, images in a mini-batch.
    rate, weight_decay : float
        AdamW's highest learning rate and weight decay.
    """

    size: int = 56
    channels: int = 1
    width: float = 0.25
    frames: int = 16
    epochs: int = 5
    steps: int = 16
    batch: int = 64
    rate: float = 3e-3
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        _check_ranges(
            self,
            WHERE_LANDMARKS,
            size=(16, 1024), channels=(1, 3), width=(0.01, 4), frames=(1, MOST), epochs=(1, MOST),
            steps=(1, MOST), batch=(2, MOST), rate=(0, 1), weight_decay=(0, 1),
        )  # fmt: skip
        if self.channels == 2:
            raise _refused("channels 2", "1 for grey or 3 for RGB", WHERE_LANDMARKS)


@dataclass(frozen=True)
class EncoderSettings:
    """How the 2022 encoder is made. The paper gives none of these numbers.

    Attributes
    ----------
    on : str
        The clips to learn motion from, ``actions`` or ``compounds``; landmarks are always learnt
        from the actions.
    seed : int
        Of everything that is drawn.
    landmarks : LandmarkSettings
        Of the spatial feature extractor.
    embedding : int
        n, the length of the embedding.
    layers, heads, feedforward : int
        Of the transformer, whose width is the number of features of a frame.
    dropout : float
        In the transformer.
    neutral_frames : int
        Frames at a clip's start whose mean features are subtracted from the clip's, so that what
        is left is motion and not identity. With the paper's 59 subjects the encoder can learn as
        much by itself; with two or three it cannot. 0 leaves the features as the paper has them.
    epochs, steps : int
        Number of epochs, mini-batches in an epoch.
    subjects, motions, takes : int
        Subjects in a mini-batch, motions of each (P), clips of each motion (K).
    rate, weight_decay : float
        AdamW's highest learning rate and weight decay.
    margin : float
        m_c of Eq. 1.
    trimming : bool
        Whether neutral frames are trimmed at random.
    """

    on: str = "actions"
    seed: int = 0
    landmarks: LandmarkSettings = field(default_factory=LandmarkSettings)
    embedding: int = 64
    layers: int = 2
    heads: int = 4
    feedforward: int = 256
    dropout: float = 0.1
    neutral_frames: int = 3
    epochs: int = 4
    steps: int = 15
    subjects: int = 2
    motions: int = 4
    takes: int = 4
    rate: float = 5e-4
    weight_decay: float = 0.01
    margin: float = 0.2
    trimming: bool = True

    def __post_init__(self) -> None:
        if self.on not in CLIPS:
            raise _refused(f"no clips called {self.on!r}", " or ".join(CLIPS), "--on")
        _check_ranges(
            self,
            WHERE,
            seed=(0, MOST), embedding=(1, MOST), layers=(1, MOST), heads=(1, MOST),
            feedforward=(1, MOST), dropout=(0, 0.99), neutral_frames=(0, MOST), epochs=(1, MOST),
            steps=(1, MOST), subjects=(1, MOST), motions=(1, MOST), takes=(1, MOST), rate=(0, 1),
            weight_decay=(0, 1), margin=(-1, 1),
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Plain values, nested as the settings are."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "EncoderSettings":
        """Read what :meth:`to_json` gave; what is left out keeps its default.

        Raises
        ------
        UsageError
            When a setting is unknown or out of its range.
        """
        inner = dict(values.get("landmarks", {}))
        _check_names(LandmarkSettings, inner, WHERE_LANDMARKS)
        _check_names(cls, values, WHERE)
        return cls(**{**values, "landmarks": LandmarkSettings(**inner)})


def _check_ranges(settings: object, where: str, **ranges: tuple[float, float]) -> None:
    for name, (low, high) in ranges.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            option = where == WHERE and name in OPTIONS
            raise _refused(
                f"{'--' if option else ''}{name} {value}",
                f"a number from {low} to {high}",
                f"--{name}" if option else where,
            )


def _refused(got: str, wanted: str, where: str) -> UsageError:
    return UsageError(got, wanted=wanted, where=where, todo="correct it, or leave it out")


def _check_names(of: type, values: dict[str, Any], where: str) -> None:
    known = [f.name for f in fields(of)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(
            f"unknown settings: {', '.join(unknown)}",
            wanted=", ".join(known),
            where=where,
            todo="correct the name, or leave the setting out",
        )
