"""From a folder of recordings to frames: discovery, tables, pseudonyms, decoding.

The files in the order in which a recording passes them: listing (the files below a folder) and
table (the rows of a CSV file), discover (the recordings, from either), pseudonymous (renames them),
decode (their frames), which reads by video or by images.
"""
