"""Checks of a dataset against its card and the format.

In reading order:

- ``finding``: one finding: place, problem, and next step.
- ``dataset``: the whole check, from the digests of files to rows and frames.
- ``shard``: one shard: its table, its tar, and their agreement.
- ``rows``: all rows together: keys, order, folds, motions, frames at rest.
- ``compounds``: the compounds against the actions: segments, takes, times, seams.
- ``frames``: every frame decoded (``verify --deep``).
"""
