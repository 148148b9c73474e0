"""Tables of a dataset, in pieces that fit the memory.

In reading order:

- ``frames``: the table of a shard's frames, written and read block by block.
- ``reading``: errors of reading with advice, and the frames of one clip.
- ``index``: positions of names, in a few bytes each.
"""
