"""Compounds spliced from the clips of the actions: by a synthesis, and on read (virtual compounds).

In reading order:

- ``facts``: facts of the frames of many clips.
- ``sources``: the action clips of which compounds are made, and where their frames lie.
- ``splice``: the AVI, the LBP maps and the rows of frames of a compound.
- ``compound``: a compound clip.
- ``clip``: a virtual compound, of which only the plan is stored.
- ``plan``: the file of a plan, ``compounds/shard-….parquet``.
"""
