"""The vocabulary of fmdata, and the files of a dataset: ``from fmdata.catalog import Dataset``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fmdata.catalog.dataset import Dataset
    from fmdata.catalog.loading.prefetch import prefetch

__all__ = ["Dataset", "prefetch"]


def __getattr__(name: str) -> Any:
    # Imported at first use: pyarrow takes half a second, which `fmdata --help` does without.
    if name == "Dataset":
        from fmdata.catalog.dataset import Dataset

        return Dataset
    if name == "prefetch":
        from fmdata.catalog.loading.prefetch import prefetch

        return prefetch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
