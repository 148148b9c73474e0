"""Figures of a training and of an evaluation: PNG files, drawn without a display."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from sklearn.manifold import TSNE
from sklearn.metrics import precision_recall_curve

from fmdata.train.checkpoint import Epoch
from fmdata.train.metrics import Confusion, Embeddings, Evaluation, ScoredPairs
from fmdata.train.verification.figures import (
    draw_calibration,
    draw_det,
    draw_enrolment,
    draw_roc,
)
from fmdata.train.verification.measure import Verification

T = TypeVar("T")
MAX_POINTS = 2000  # of a t-SNE, whose run time grows with them
MAX_COLOURS = 20


def draw_curves(history: Sequence[Epoch], path: Path) -> None:
    """Draw each number of each phase over its epochs, in a panel of its own."""
    phases: dict[str, list[Epoch]] = {}
    for epoch in history:
        phases.setdefault(epoch["phase"], []).append(epoch)
    panels = [
        (phase, name, [epoch[name] for epoch in epochs])
        for phase, epochs in phases.items()
        for name in epochs[-1]
        if name not in ("phase", "epoch", "chance", "n_pairs", "n_positive", "n_left_out")
    ]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(3.6 * columns, 2.4 * rows), layout="constrained", squeeze=False
    )
    for ax, (phase, name, values) in zip(axes.flat, panels, strict=False):
        ax.plot(range(1, len(values) + 1), values, marker="." if len(values) < 30 else "")
        ax.set_title(f"{phase}: {name.replace('_', ' ')}", fontsize=9)
        ax.set_xlabel("epoch", fontsize=8)
        ax.grid(alpha=0.3)
    for ax in axes.flat[len(panels) :]:
        ax.axis("off")
    _save(figure, path)


def draw_evaluation(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Draw an evaluation into PNG files of a folder; return their paths."""
    written = []
    if evaluation.pairs is not None:
        written.append(_one(folder / "precision_recall.png", _precision_recall, evaluation.pairs))
    if evaluation.embeddings is not None and len(evaluation.embeddings.vectors) > 3:
        written.append(_one(folder / "tsne.png", _tsne, evaluation.embeddings))
    if evaluation.confusion is not None:
        written.append(_one(folder / "confusion.png", _confusion, evaluation.confusion))
    if evaluation.f1_per_unit:
        written.append(_one(folder / "action_units.png", _units, evaluation.f1_per_unit))
    if evaluation.verification is not None:
        written += _draw_verification(evaluation.verification, folder)
    return written


def _draw_verification(verification: Verification, folder: Path) -> list[Path]:
    written = []
    if verification.groups:
        written.append(_one(folder / "roc.png", draw_roc, verification))
        written.append(_one(folder / "det.png", draw_det, verification))
    if verification.operated:
        written.append(_one(folder / "enrolment.png", draw_enrolment, verification))
    if verification.calibrated is not None:
        written.append(_one(folder / "calibration.png", draw_calibration, verification.calibrated))
    return written


def _precision_recall(ax: Axes, pairs: ScoredPairs) -> None:
    precision, recall, _ = precision_recall_curve(pairs.positive, pairs.similarity)
    ax.step(recall, precision, where="post")
    ax.axhline(pairs.positive.mean(), color="grey", linestyle=":", label="chance")
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    ax.set_title(f"{len(pairs.positive)} pairs of held-out subjects", fontsize=9)
    ax.legend(fontsize=8)


def _tsne(ax: Axes, embeddings: Embeddings) -> None:
    chosen = np.linspace(0, len(embeddings.vectors) - 1, MAX_POINTS).round().astype(int)
    chosen = np.unique(chosen)
    perplexity = min(30, (len(chosen) - 1) / 3)
    places = TSNE(perplexity=perplexity, random_state=0, init="pca").fit_transform(
        embeddings.vectors[chosen]
    )
    names = [f"{embeddings.subjects[i]} {embeddings.labels[i]}" for i in chosen]
    shared = sorted({embeddings.labels[i] for i in chosen})
    # The colour shows the motion, the letter the subject.
    colours = {name: plt.cm.tab20(k % MAX_COLOURS) for k, name in enumerate(sorted(set(names)))}
    letters = {name: k for k, name in enumerate(sorted(set(embeddings.subjects)))}
    for (x, y), i, name in zip(places, chosen, names, strict=True):
        mark = f"${chr(65 + letters[embeddings.subjects[i]] % 26)}$"
        ax.scatter(x, y, color=colours[name], marker=mark, s=28)
    ax.set(xticks=[], yticks=[])
    ax.set_title(
        f"t-SNE: {len(chosen)} clips, {len(letters)} subjects (letters), {len(shared)} labels",
        fontsize=9,
    )


def _confusion(ax: Axes, confusion: Confusion) -> None:
    shares = confusion.counts / np.maximum(confusion.counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(confusion.classes))
    ax.set_xticks(ticks, confusion.classes, rotation=60, ha="right", fontsize=8)
    ax.set_yticks(ticks, confusion.classes, fontsize=8)
    for i, row in enumerate(confusion.counts):
        for j, count in enumerate(row):
            if count:
                light = "white" if shares[i, j] > 0.5 else "black"
                ax.text(j, i, str(count), ha="center", va="center", color=light, fontsize=7)
    ax.set(xlabel="predicted", ylabel="true")


def _units(ax: Axes, f1: dict[str, float]) -> None:
    ax.bar(list(f1), list(f1.values()))
    ax.set(ylabel="F1", ylim=(0, 1))
    ax.tick_params(axis="x", labelrotation=60)


def _one(path: Path, draw: Callable[[Axes, T], None], data: T) -> Path:
    figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
    draw(ax, data)
    _save(figure, path)
    return path


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
