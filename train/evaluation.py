"""What a model is worth on subjects that it has not seen: numbers, and what pictures need."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class Pairs(NamedTuple):
    """Similarities, float [P], of pairs of clips, and whether both show one motion, bool [P]."""

    similarity: np.ndarray
    positive: np.ndarray


class Embeddings(NamedTuple):
    """Embeddings, float [N, n], and for each whose and which motion it is."""

    vectors: np.ndarray
    subjects: list[str]
    labels: list[str]


class Confusion(NamedTuple):
    """Names of C classes, and how often the row's class was called the column's, int [C, C]."""

    classes: list[str]
    counts: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes
    ----------
    numbers : dict of str to float
        By name, e.g. ``average_precision``, ``accuracy``, ``f1``, ``yaw_error_deg``.
    pairs : Pairs or None
        Of verification; drawn as a precision-recall curve.
    embeddings : Embeddings or None
        Drawn by t-SNE.
    confusion : Confusion or None
        Of classification.
    f1_per_unit : dict of str to float
        F1 of each facial action unit, by its name, e.g. ``AU12``.
    """

    numbers: dict[str, float]
    pairs: Pairs | None = None
    embeddings: Embeddings | None = None
    confusion: Confusion | None = None
    f1_per_unit: dict[str, float] = field(default_factory=dict)
