"""The contents of a folder of recordings: its files, their kinds, and their names.

The files in the order in which a folder passes them: walk (its files), kinds (videos, images and
others), layout (recordings, refused files and notes: found), names (one spelling for one name),
understood (a report of the names). The cells of a table are read by cells.
"""
