"""Layouts of known data sets: from their folders and tables to a table of recordings.

:mod:`contents` lists the recordings and the other files of a folder; a layout (one file a set in
``sets/``) makes rows of them (:mod:`row`), where the set has a table by :mod:`coded` and
:mod:`sheet`; :mod:`table` writes the rows as ``recordings.csv``. :mod:`registry` knows all layouts,
by name and by their look.
"""
