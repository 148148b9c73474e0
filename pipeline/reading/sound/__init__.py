"""Sound of a recording.

In reading order:

- ``clock``: times of pieces of sound, and the places where they do not join.
- ``decode``: from a file to its pieces of sound.
"""
