"""Draws the README's picture: frames of one compound, and the intensity of its two motions.

python bench/picture.py demo/dataset docs/compound.png
"""

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from fmdata.catalog import Dataset

COLOURS = {"lead": "#b8c0cc", "first": "#2f6fde", "second": "#e07b28", "tail": "#b8c0cc"}


def main(dataset: Path, picture: Path) -> None:
    """Draw the compound of two different actions with the longest lead and tail."""
    ds = Dataset(dataset)
    returning = [
        clip
        for clip in ds.compounds
        if clip.row["first"] != clip.row["second"]
        and all(ds.actions[s.source].motion.style == "return" for s in clip.segments)
    ]
    clip = max(returning, key=lambda c: min(c.segments[0].n_frames, c.segments[3].n_frames))
    intensity = np.concatenate(
        [ds.actions[s.source].intensity[s.start : s.stop] for s in clip.segments]
    )
    shown = np.linspace(0, clip.n_frames - 1, 10).astype(int)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(10, 3.1), height_ratios=[1, 1.15], layout="constrained"
    )
    above.imshow(np.concatenate(list(clip.frames(list(shown))), axis=1))
    above.axis("off")
    above.set_title(f"{clip.key}: {clip.row['first']}, then {clip.row['second']}", fontsize=10)
    start = 0
    for segment in clip.segments:
        stop = start + segment.n_frames
        below.axvspan(start, stop, color=COLOURS[segment.role], alpha=0.25, lw=0)
        if segment.n_frames:
            source = f"{segment.source} " if segment.role in ("first", "second") else ""
            label = f"{segment.role}\n{source}[{segment.start}, {segment.stop})"
            below.text((start + stop) / 2, intensity.max() * 1.08, label, ha="center", fontsize=7)
        start = stop
    below.plot(intensity, color="#222222", lw=1.5)
    below.plot(shown, intensity[shown], ".", color="#222222")
    below.set(xlim=(0, clip.n_frames), ylim=(0, intensity.max() * 1.35))
    below.set_xlabel("frame", fontsize=8)
    below.set_ylabel("intensity (IOD)", fontsize=8)
    below.tick_params(labelsize=8)
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
