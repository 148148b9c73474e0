"""Tables of a dataset, in pieces that fit the memory.

In reading order:

- ``frames``: the table of a shard's frames, written and read block by block.
- ``opened``: the dataset as it was opened, and the check of each read.
- ``rows``: the frames of one clip.
- ``index``: positions of names, in a few bytes each.
"""
