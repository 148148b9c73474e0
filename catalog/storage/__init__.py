"""The files of a dataset, written and read.

In reading order:

- ``schema``: the columns of every Parquet file.
- ``avi``: Motion JPEG in AVI, and the position of each JPEG in it.
- ``shards``: one shard, a tar (pixels) and a Parquet file (facts).
- ``card``: ``fmdata.json``, the description of a dataset, with a digest of each file.
- ``pack``: samples divided among shards, and new files put in place of old ones.
- ``work``: the layout of unfinished work.
- ``files``: atomic writing of files and folders.
- ``lock``: one writing command at a time.
"""
