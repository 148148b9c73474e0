"""Checks of a dataset against its card and the format.

In reading order:

- ``finding``: one finding: place, problem, and next step.
- ``dataset``: the whole check, from the digests of files to their content.
- ``content``: the content of files that match their digests, shard by shard.
- ``shard``: one shard: its tables, its tar, and their agreement.
- ``rows``: keys, order and folds of all clips, and the motion of each.
- ``compounds``: the compounds against the actions: segments, takes, times, seams.
- ``frames``: every frame decoded (``verify --deep``).
"""
