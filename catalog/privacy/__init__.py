"""Protection of the people in a dataset.

In reading order:

- ``pseudonyms``: keyed digests in place of names.
- ``forget``: removal of a subject from every file.
- ``without``: one half of a dataset without a subject.
- ``names``: the search for the name in tables, texts and names of files.
- ``traces``: fingerprints of a subject's frames, kept until the search is over.
- ``remnants``: the search of all files for these fingerprints and for the name.
"""
