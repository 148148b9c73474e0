"""The files of a dataset, written and read.

In reading order:

- ``schema``: the columns of every Parquet file.
- ``avi``: Motion JPEG in AVI, and the position of each JPEG in it.
- ``tables``: the Parquet files, written and read in pieces.
- ``npy``: arrays in npy files, row by row.
- ``shards``: one shard, a tar (pixels) and two Parquet files (facts of clips, and of frames).
- ``card``: ``fmdata.json``, the description of a dataset, with a digest of each file.
- ``pack``: samples divided among shards, and new files put in place of old ones.
- ``work``: the layout of unfinished work.
- ``files``: atomic writing of files and folders.
- ``place``: the dataset's folder, in which nothing that is not ours is touched.
- ``lock``: one writing command at a time, or several that read.
"""
