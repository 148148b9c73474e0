"""All comparisons, by paper."""

from collections.abc import Mapping
from pathlib import Path

from bench.papers import encoder, pcl, rrl, smate, subclips
from bench.papers.job import Table

PAPERS = ("encoder", "subclips", "smate", "rrl", "pcl")


def tables(paper: str, extractors: Mapping[str, Path], scale: float) -> list[Table]:
    """Return a paper's tables.

    Parameters
    ----------
    paper : str
        One of `PAPERS`.
    extractors : mapping of str to Path
        Folders of finished runs of the extractors that 2022 and 2023 share.
    scale : float
        Share of the steps to train; 1 for the figures of the page.
    """
    if paper == "encoder":
        return encoder.tables(extractors, scale)
    if paper == "subclips":
        return subclips.tables(extractors, scale)
    return {"smate": smate, "rrl": rrl, "pcl": pcl}[paper].tables(scale)
