"""How near the motions of a dataset are to a table of true ones.

``python bench/spotting.py demo/raw/truth.csv demo/dataset``

The table has a row a recording: subject, action, take, onset, offset (frames of the source video,
offset the first after the motion), and where known apex and style. A recording cut from its source
has a ``start`` in seconds.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from fmdata.catalog import Dataset
from fmdata.catalog.keys import action_key


def main(table: Path, dataset: Path) -> None:
    """Print errors in frames, and intersection over union."""
    clips = Dataset(dataset).actions
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["onset"]]
    errors: dict[str, list[float]] = {"onset": [], "apex": [], "offset": []}
    overlaps, styles, none = [], [], 0
    for row in rows:
        clip = clips[action_key(row["subject"], row["action"], row["take"])]
        motion = clip.motion
        if motion is None:
            none += 1
            continue
        cut = round(float(row.get("start") or 0) * clip.fps)
        onset, offset = int(row["onset"]) - cut, int(row["offset"]) - cut
        errors["onset"].append(motion.onset - onset)
        errors["offset"].append(motion.offset - offset)
        if row.get("apex"):
            errors["apex"].append(motion.apex - (int(row["apex"]) - cut))
        if row.get("style"):
            styles.append(motion.style == row["style"])
        both = min(motion.offset, offset) - max(motion.onset, onset)
        overlaps.append(both / (max(motion.offset, offset) - min(motion.onset, onset)))
    print(f"{len(rows)} recordings, no motion found in {none}")
    print(f"{'frames':8}{'bias':>8}{'MAE':>8}{'worst':>8}")
    for name, values in errors.items():
        if values:
            size = np.abs(values)
            print(f"{name:8}{np.mean(values):8.2f}{size.mean():8.2f}{size.max():8.0f}")
    iou = np.array(overlaps)
    print(f"IoU: mean {iou.mean():.3f}, least {iou.min():.3f}, >= 0.8 in {np.mean(iou >= 0.8):.0%}")
    if styles:
        print(f"style right in {np.mean(styles):.0%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
