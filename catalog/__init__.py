"""The vocabulary of fmdata, and what lies on disk."""

from fmdata.catalog.dataset import Dataset

__all__ = ["Dataset"]
